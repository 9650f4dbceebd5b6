"""The primaries of a cluster, found and kept up to date by asking its servers."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from hubbub.core.limits import CLUSTER_ASK_SECONDS, CLUSTER_LOOK_AGAIN_SECONDS, CLUSTER_LOOK_INTERVAL_SECONDS
from hubbub.store.client.address import Node
from hubbub.store.client.batcher import failure_of
from hubbub.store.client.slots import SlotMap, slot_of
from hubbub.store.port import StoreFailure, StoreUnavailableError

_COMMAND = ("CLUSTER", "SLOTS")


class Topology:
    """The `PrimaryDirectory` of the cluster that some of `seeds` belong to.

    It is asked for at the first call, whenever somebody doubts it, and now and then: by a task that ends with the
    look. Who asks is spread in time, and whom, by chance.
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
        """See `PrimaryDirectory`, as for the others."""
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
        if _now() - self._refreshed_at > CLUSTER_LOOK_INTERVAL_SECONDS:
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
            self._refreshing = asyncio.get_running_loop().create_task(self._refresh(), name="cluster look")

    def on_change(self, listener: Callable[[], None]) -> None:
        """See `PrimaryDirectory`."""
        self._listeners.append(listener)

    async def aclose(self) -> None:
        """End a look that is under way."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])

    async def _refresh(self) -> None:
        while self._is_outdated:
            if self._refreshed_at:
                # Not all instances at once, and none all the time.
                await asyncio.sleep(CLUSTER_LOOK_AGAIN_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only spreads
            self._is_outdated = False
            self._refreshed_at = _now()
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
        """Whom to ask, in which order: the seeds only where nobody else answers, since some may have left."""
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


def _shuffled(nodes: frozenset[Node]) -> list[Node]:
    return random.sample(sorted(nodes), len(nodes))


def _now() -> float:
    return asyncio.get_running_loop().time()
