"""A cluster's slots: which primary has which, as its servers tell it."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final, Self

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from hubbub.core.limits import CODES_CACHED
from hubbub.store.client.address import Node

_SLOTS: Final = REDIS_CLUSTER_HASH_SLOTS
_UNKNOWN_HOSTS: Final = frozenset({"", "?"})


@lru_cache(CODES_CACHED)
def slot_of(name: str) -> int:
    """The slot of a key or channel."""
    return key_slot(name.encode())


class SlotMap:
    """Who has which slot. The tags of the primaries are the smallest numbers whose slots they have."""

    def __init__(self, owners: Sequence[Node | None], nodes: frozenset[Node]) -> None:
        self.owners = tuple(owners)
        self.nodes = nodes
        """All servers, those that are replicas included."""
        self.tags = _tags(self.owners)

    @classmethod
    def from_reply(cls, reply: Any, asked: Node) -> Self:
        """The map in a reply to `CLUSTER SLOTS`; a server that does not know its own address is `asked`."""
        owners: list[Node | None] = [None] * _SLOTS
        nodes: set[Node] = set()
        for first, last, *servers in reply:
            told = [_node(server, asked) for server in servers]
            nodes.update(told)
            owners[first : last + 1] = [told[0]] * (last + 1 - first)
        return cls(owners, frozenset(nodes))

    def with_owner(self, slot: int, node: Node) -> Self:
        """The same, but for one slot."""
        owners = list(self.owners)
        owners[slot] = node
        return type(self)(owners, self.nodes | {node})


def _node(server: Sequence[Any], asked: Node) -> Node:
    host = (server[0] or b"").decode()
    return Node(asked.host if host in _UNKNOWN_HOSTS else host, int(server[1]))


def _tags(owners: Sequence[Node | None]) -> dict[Node, str]:
    """The tag of each primary, those of the smallest numbers first."""
    untagged = {owner for owner in owners if owner is not None}
    tags: dict[Node, str] = {}
    for number in count():
        if not untagged:
            return tags
        owner = owners[key_slot(str(number).encode())]
        if owner in untagged:
            untagged.remove(owner)
            tags[owner] = str(number)
    raise AssertionError  # numbers do not end
