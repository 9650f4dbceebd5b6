"""Sends each script call to the primary of its slot, with one batcher for each primary."""

import asyncio
import random
from collections.abc import Iterable, Sequence

from hubbub.core.clock import ClockOffset
from hubbub.core.limits import REDIRECTIONS_MAX, SLOT_MOVING_PAUSE_SECONDS, STORE_BUDGET_SECONDS
from hubbub.loop import now
from hubbub.store.client.address import Node
from hubbub.store.client.batcher import Batcher
from hubbub.store.client.errors import RedirectedError, SlotMovingError
from hubbub.store.client.script_client import THE_SHARD, Argument
from hubbub.store.client.topology import Topology
from hubbub.store.health import StoreHealth, StoreState
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.replies import Reply
from hubbub.store.scripts import Script


class ClusterHealth:
    """The health of each primary. `overall` is connected if all are, and disconnected if one is."""

    def __init__(self, overall: StoreHealth) -> None:
        self.overall = overall
        self._parts: dict[Node, StoreHealth] = {}
        self._primaries: frozenset[Node] = frozenset()

    def for_node(self, node: Node) -> StoreHealth:
        """Return the health of a node. A node that is not a primary does not count for `overall`."""
        if node not in self._parts:
            part = self._parts[node] = StoreHealth()
            part.on_change(self._merge)
        return self._parts[node]

    def retain(self, nodes: Iterable[Node]) -> None:
        """Set the primaries and forget all other nodes."""
        self._primaries = frozenset(nodes)
        self._parts = {node: self.for_node(node) for node in self._primaries}
        self._merge(None, None)

    def _merge(self, _: StoreState | None, failure: StoreFailure | None) -> None:
        states = {part.state for node, part in self._parts.items() if node in self._primaries}
        if StoreState.DISCONNECTED in states:
            self.overall.failed(failure or StoreFailure.UNREACHABLE)
        elif states == {StoreState.CONNECTED}:
            self.overall.answered()


class ClusterScriptClient:
    """The `ScriptClient` of a cluster.

    A node that redirects a call has done nothing, so the call goes to the other node, within its deadline. Nothing
    else is sent twice. An unreachable node fails its own calls only. For `replicas` see `Batcher`.
    """

    def __init__(self, topology: Topology, health: ClusterHealth, replicas: int = 0) -> None:
        self._topology = topology
        self._health = health
        self._replicas = replicas
        self._batchers: dict[Node, Batcher] = {}
        self._closing: set[asyncio.Task[None]] = set()
        topology.on_change(self._drop_old_primaries)

    @property
    def last_clock(self) -> ClockOffset | None:
        """See `ScriptClient.last_clock`."""
        return next((batcher.last_clock for batcher in self._batchers.values() if batcher.last_clock), None)

    async def call(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        deadline: float,
        *,
        probing: bool = False,
    ) -> Reply:
        """See `ScriptClient.call`."""
        node, hops = await self._primary_of(keys[0], deadline), 0
        answer = self._batcher(node).call(script, keys, args, deadline, probing=probing)
        while True:
            try:
                return await answer
            except RedirectedError as elsewhere:
                hops += 1
                if hops > REDIRECTIONS_MAX:
                    await _pause(elsewhere, deadline)
                node = Node(elsewhere.node.host or node.host, elsewhere.node.port)
                if elsewhere.for_good:
                    self._topology.set_slot_owner(elsewhere.slot, node)
                    answer = self._batcher(node).call(script, keys, args, deadline, probing=probing)
                else:
                    answer = self._batcher(node).call_redirected(script, keys, args, deadline)
            except SlotMovingError as moving:
                await _pause(moving, deadline)
                node = await self._primary_of(keys[0], deadline)
                answer = self._batcher(node).call(script, keys, args, deadline, probing=probing)
            except StoreUnavailableError:
                self._topology.refresh()
                raise

    def shards(self) -> tuple[str, ...]:
        """See `ScriptClient.shards`. While none is known, return one, so that a call finds them."""
        return tuple(map(self._topology.tag_of, self._topology.primaries())) or (THE_SHARD,)

    def shard_of(self, key: str) -> str:
        """See `ScriptClient.shard_of`."""
        primary = self._topology.primary_of(key)
        return THE_SHARD if primary is None else self._topology.tag_of(primary)

    async def aclose(self) -> None:
        """Fail every call that is still open and close the connections."""
        for closing in self._closing:
            closing.cancel()
        await asyncio.gather(*self._closing, *(batcher.aclose() for batcher in self._batchers.values()))

    async def _primary_of(self, key: str, deadline: float) -> Node:
        try:
            await self._topology.wait_known(deadline)
        except StoreUnavailableError as unavailable:
            self._health.overall.failed(unavailable.failure)
            raise
        if (primary := self._topology.primary_of(key)) is None:
            self._topology.refresh()
            raise StoreUnavailableError(StoreFailure.CLUSTER_DOWN, "no server of the cluster has the slot")
        return primary

    def _batcher(self, node: Node) -> Batcher:
        if node not in self._batchers:
            pool = self._topology.new_pool(node)
            self._batchers[node] = Batcher(pool, self._health.for_node(node), self._replicas)
        return self._batchers[node]

    def _drop_old_primaries(self) -> None:
        """Close the batchers of nodes that are not primaries any more."""
        primaries = self._topology.primaries()
        self._health.retain(primaries)
        for node in self._batchers.keys() - set(primaries):
            closing = asyncio.get_running_loop().create_task(
                _close_later(self._batchers.pop(node)), name="cluster close primary"
            )
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


async def _close_later(batcher: Batcher) -> None:
    """Close a batcher after the deadlines of all its calls."""
    try:
        await asyncio.sleep(STORE_BUDGET_SECONDS)
    except asyncio.CancelledError:
        pass  # the instance stops
    finally:
        await batcher.aclose()


async def _pause(reason: StoreUnavailableError, deadline: float) -> None:
    """Wait a moment for a slot to arrive, or raise `reason` if the deadline is too near."""
    seconds = SLOT_MOVING_PAUSE_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311 - only spreads calls
    if now() + seconds >= deadline:
        raise reason
    await asyncio.sleep(seconds)
