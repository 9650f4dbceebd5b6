"""A cluster's slot map: which primary has which slot, queried from the nodes and kept up to date."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import Any, Final, Self

from redis.asyncio import ConnectionPool
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError

from hubbub.core.limits import (
    CLUSTER_ASK_SECONDS,
    CLUSTER_LOOK_AGAIN_SECONDS,
    CLUSTER_LOOK_INTERVAL_SECONDS,
    CODES_CACHED,
)
from hubbub.loop import now, spread
from hubbub.store.client.address import Node
from hubbub.store.client.errors import failure_of
from hubbub.store.port import StoreFailure, StoreUnavailableError

_COMMAND: Final = ("CLUSTER", "SLOTS")
_SLOTS: Final = REDIS_CLUSTER_HASH_SLOTS
_UNKNOWN_HOSTS: Final = frozenset({"", "?"})


@lru_cache(CODES_CACHED)
def slot_of(name: str) -> int:
    """Return the slot of a key or channel."""
    return key_slot(name.encode())


class SlotMap:
    """Which primary has which slot. The tag of a primary is the smallest number whose slot it has."""

    def __init__(self, owners: Sequence[Node | None], nodes: frozenset[Node]) -> None:
        self.owners = tuple(owners)
        self.nodes = nodes
        """All servers, with the replicas."""
        self.tags = _tags(self.owners)

    @classmethod
    def from_reply(cls, reply: Any, asked: Node) -> Self:
        """Build the map from a reply to `CLUSTER SLOTS`. A server without an address in it is `asked`."""
        owners: list[Node | None] = [None] * _SLOTS
        nodes: set[Node] = set()
        for first, last, *servers in reply:
            named = [_node(server, asked) for server in servers]
            nodes.update(named)
            owners[first : last + 1] = [named[0]] * (last + 1 - first)
        return cls(owners, frozenset(nodes))

    def with_owner(self, slot: int, node: Node) -> Self:
        """Return a copy with another owner of one slot."""
        owners = list(self.owners)
        owners[slot] = node
        return type(self)(owners, self.nodes | {node})


class Topology:
    """The `PrimaryDirectory` of the cluster that the `seeds` belong to.

    A task queries the slot map at the first call, on each `refresh`, and at intervals. Instances refresh at random
    times and query a random node, so that their queries spread over the cluster.
    """

    def __init__(self, seeds: Sequence[Node], dial: Callable[[Node], ConnectionPool]) -> None:
        self._seeds = frozenset(seeds)
        self._dial = dial
        self._listeners: list[Callable[[], None]] = []
        self._map: SlotMap | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._refreshed_at = 0.0
        self._is_outdated = False
        self._error = StoreUnavailableError(StoreFailure.UNREACHABLE, "no server of the cluster was found")

    async def wait_known(self, deadline: float) -> None:
        """See `PrimaryDirectory`."""
        if self._map is not None:
            return
        self.refresh()
        assert self._refreshing is not None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await asyncio.wait([self._refreshing])
        if self._map is None:
            raise StoreUnavailableError(self._error.failure, self._error.detail)

    def primaries(self) -> tuple[Node, ...]:
        """See `PrimaryDirectory`."""
        return () if self._map is None else tuple(self._map.tags)

    def name_of(self, primary: Node) -> str:
        """See `PrimaryDirectory`."""
        return str(primary)

    def tag_of(self, primary: Node) -> str:
        """See `PrimaryDirectory`."""
        assert self._map is not None
        return self._map.tags[primary]

    def primary_of(self, name: str) -> Node | None:
        """See `PrimaryDirectory`."""
        if now() - self._refreshed_at > CLUSTER_LOOK_INTERVAL_SECONDS:
            self.refresh()
        return None if self._map is None else self._map.owners[slot_of(name)]

    def new_pool(self, primary: Node) -> ConnectionPool:
        """See `PrimaryDirectory`."""
        return self._dial(primary)

    def set_slot_owner(self, slot: int, node: Node) -> None:
        """See `PrimaryDirectory`."""
        if self._map is not None and self._map.owners[slot] != node:
            self._replace_map(self._map.with_owner(slot, node))
        self.refresh()

    def refresh(self) -> None:
        """See `PrimaryDirectory`."""
        self._is_outdated = True
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.get_running_loop().create_task(self._refresh(), name="cluster refresh")

    def on_change(self, listener: Callable[[], None]) -> None:
        """See `PrimaryDirectory`."""
        self._listeners.append(listener)

    async def aclose(self) -> None:
        """Cancel a refresh in progress."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])

    async def _refresh(self) -> None:
        while self._is_outdated:
            if self._refreshed_at:
                # Without the pause, all instances would query the cluster at once and without end.
                await asyncio.sleep(spread(CLUSTER_LOOK_AGAIN_SECONDS, at_least=0.5))
            self._is_outdated = False
            self._refreshed_at = now()
            if (found := await self._query_nodes()) is not None:
                self._replace_map(found)

    async def _query_nodes(self) -> SlotMap | None:
        for node in self._query_order():
            try:
                async with asyncio.timeout(CLUSTER_ASK_SECONDS):
                    found = await self._query(node)
            except TimeoutError:
                self._error = StoreUnavailableError(StoreFailure.TIMEOUT, f"{node} did not answer")
            except (RedisError, OSError) as error:
                self._error = StoreUnavailableError(failure_of(error), f"{node}: {error}")
            else:
                if found.tags:
                    return found
                self._error = StoreUnavailableError(StoreFailure.CLUSTER_DOWN, f"{node} knows of no slots")
        return None

    def _query_order(self) -> list[Node]:
        """Return known nodes first and then the seeds, some of which may have left the cluster."""
        known = frozenset() if self._map is None else self._map.nodes
        return [*_shuffled(known), *_shuffled(self._seeds - known)]

    async def _query(self, node: Node) -> SlotMap:
        pool = self._dial(node)
        try:
            connection = await pool.get_connection()  # type: ignore[no-untyped-call]
            await connection.send_packed_command(connection.pack_command(*_COMMAND), check_health=False)
            return SlotMap.from_reply(await connection.read_response(), node)
        finally:
            await pool.disconnect()

    def _replace_map(self, found: SlotMap) -> None:
        known, self._map = self._map, found
        if known is None or known.owners != found.owners:
            for listener in self._listeners:
                listener()


def _node(server: Sequence[Any], asked: Node) -> Node:
    host = (server[0] or b"").decode()
    return Node(asked.host if host in _UNKNOWN_HOSTS else host, int(server[1]))


def _tags(owners: Sequence[Node | None]) -> dict[Node, str]:
    """Return the tag of each primary, smallest numbers first."""
    untagged = {owner for owner in owners if owner is not None}
    tags: dict[Node, str] = {}
    for number in count():
        if not untagged:
            return tags
        owner = owners[key_slot(str(number).encode())]
        if owner in untagged:
            untagged.remove(owner)
            tags[owner] = str(number)
    raise AssertionError  # count() does not end


def _shuffled(nodes: frozenset[Node]) -> list[Node]:
    return random.sample(sorted(nodes), len(nodes))
