"""The primaries of a store, and which of them has a key or a channel."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from redis.asyncio import ConnectionPool

from hubbub.store.client.address import Node
from hubbub.store.client.script_client import THE_SHARD

THE_SERVER: Final = Node("store", 0)
"""Stands for the single primary of a store that is not a cluster."""


class PrimaryDirectory(Protocol):
    """Knows the primaries of a store, which may change."""

    async def wait_known(self, deadline: float) -> None:
        """Return when the primaries are known; raise `StoreUnavailableError` if they are not by `deadline`."""

    def primaries(self) -> Sequence[Node]:
        """Return all primaries; none before the first answer of a node."""

    def name_of(self, primary: Node) -> str:
        """Return its name for the log."""

    def tag_of(self, primary: Node) -> str:
        """Return the tag of the shard of `primary`, one of `primaries()`."""

    def primary_of(self, name: str) -> Node | None:
        """Return the primary of a key or channel, None if it is not known."""

    def new_pool(self, primary: Node) -> ConnectionPool:
        """Return a new pool of connections to a primary."""

    def set_slot_owner(self, slot: int, node: Node) -> None:
        """Record that `node` has the slot, as a redirection said."""

    def refresh(self) -> None:
        """Query the cluster again soon, since the map may be outdated."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change of the map."""


class SinglePrimary:
    """The `PrimaryDirectory` of a store with one primary at a time. `new_pool` makes the connections to it."""

    def __init__(self, name: str, new_pool: Callable[[], ConnectionPool]) -> None:
        self._name = name
        self._new_pool = new_pool

    async def wait_known(self, deadline: float) -> None:
        """See `PrimaryDirectory`. The single primary is always known."""

    def primaries(self) -> tuple[Node, ...]:
        """See `PrimaryDirectory`."""
        return (THE_SERVER,)

    def name_of(self, primary: Node) -> str:  # noqa: ARG002 - there is one
        """See `PrimaryDirectory`."""
        return self._name

    def tag_of(self, primary: Node) -> str:  # noqa: ARG002 - there is one
        """See `PrimaryDirectory`."""
        return THE_SHARD

    def primary_of(self, name: str) -> Node:  # noqa: ARG002 - it has every key
        """See `PrimaryDirectory`."""
        return THE_SERVER

    def new_pool(self, primary: Node = THE_SERVER) -> ConnectionPool:  # noqa: ARG002 - there is one
        """See `PrimaryDirectory`."""
        return self._new_pool()

    def set_slot_owner(self, slot: int, node: Node) -> None:
        """See `PrimaryDirectory`. There is no other primary."""

    def refresh(self) -> None:
        """See `PrimaryDirectory`. There is no map."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """See `PrimaryDirectory`. Nothing changes."""
