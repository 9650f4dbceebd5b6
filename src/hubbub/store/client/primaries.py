"""Which servers a store has that take writes, and which of them has a key or a channel."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from redis.asyncio import ConnectionPool

from hubbub.store.client.address import Node
from hubbub.store.client.script_client import THE_SHARD

THE_SERVER: Final = Node("store", 0)
"""Stands for the one server of a store that is not a cluster, wherever it is."""


class PrimaryDirectory(Protocol):
    """The primaries of a store, as far as they are known; which they are may change."""

    async def wait_known(self, deadline: float) -> None:
        """Return once the primaries are known; raise `StoreUnavailableError` where nobody tells by `deadline`."""

    def primaries(self) -> Sequence[Node]:
        """All of them; none before the first was found."""

    def name_of(self, primary: Node) -> str:
        """What people call it."""

    def tag_of(self, primary: Node) -> str:
        """The tag of the shard of `primary`, one of `primaries()`."""

    def primary_of(self, name: str) -> Node | None:
        """Who has the key or channel of that name; None where nobody is known to have it."""

    def new_pool(self, primary: Node) -> ConnectionPool:
        """Connections to a server."""

    def set_slot_owner(self, slot: int, node: Node) -> None:
        """Take note that `node` has the slot, as another server told."""

    def refresh(self) -> None:
        """Look again soon: something is not where it was believed to be."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Tell `listener` each time that something is elsewhere from now on."""


class SinglePrimary:
    """The `PrimaryDirectory` of a store that has one at a time, reached by what `new_pool` makes."""

    def __init__(self, name: str, new_pool: Callable[[], ConnectionPool]) -> None:
        self._name = name
        self._new_pool = new_pool

    async def wait_known(self, deadline: float) -> None:
        """See `PrimaryDirectory`, as for the others: it is as known as it will ever be."""

    def primaries(self) -> tuple[Node, ...]:
        """See `PrimaryDirectory`."""
        return (THE_SERVER,)

    def name_of(self, primary: Node) -> str:  # noqa: ARG002 - there is one
        """See `PrimaryDirectory`."""
        return self._name

    def tag_of(self, primary: Node) -> str:  # noqa: ARG002 - there is one
        """See `PrimaryDirectory`."""
        return THE_SHARD

    def primary_of(self, name: str) -> Node:  # noqa: ARG002 - it has everything
        """See `PrimaryDirectory`."""
        return THE_SERVER

    def new_pool(self, primary: Node = THE_SERVER) -> ConnectionPool:  # noqa: ARG002 - there is one
        """See `PrimaryDirectory`."""
        return self._new_pool()

    def set_slot_owner(self, slot: int, node: Node) -> None:
        """See `PrimaryDirectory`: nothing is anywhere else."""

    def refresh(self) -> None:
        """See `PrimaryDirectory`: there is nowhere to look."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """See `PrimaryDirectory`: nothing changes."""
