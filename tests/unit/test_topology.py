"""The slot map of a cluster, built from its nodes' replies."""

from redis.crc import key_slot

from hubbub.store.client.address import Node
from hubbub.store.client.topology import SlotMap, slot_of

ASKED = Node("10.0.0.9", 7000)
A, B, C = Node("10.0.0.1", 7000), Node("10.0.0.2", 7000), Node("10.0.0.3", 7000)
REPLY = [
    [0, 5460, [b"10.0.0.1", 7000, b"id-a", []], [b"10.0.0.3", 7000, b"id-c", []]],
    [5461, 16383, [b"10.0.0.2", 7000, b"id-b", []]],
]


def test_slot_map_has_primaries_and_replicas() -> None:
    slots = SlotMap.from_reply(REPLY, ASKED)
    assert (slots.owners[0], slots.owners[5460], slots.owners[5461], slots.owners[16383]) == (A, A, B, B)
    assert slots.nodes == {A, B, C}


def test_server_without_address_is_where_it_was_asked() -> None:
    for unknown in (None, b"", b"?"):
        assert SlotMap.from_reply([[0, 16383, [unknown, 7005, b"id"]]], ASKED).owners[1] == Node("10.0.0.9", 7005)


def test_unassigned_slot_has_no_owner() -> None:
    slots = SlotMap.from_reply([[1, 1, [b"10.0.0.1", 7000, b"id"]]], ASKED)
    assert slots.owners[0] is None
    assert slots.tags.keys() == {A}


def test_shard_tag_is_smallest_number_of_shard() -> None:
    slots = SlotMap.from_reply(REPLY, ASKED)
    assert slots.tags.keys() == {A, B}
    for primary, tag in slots.tags.items():
        assert slots.owners[slot_of(f"hubbub:{{{tag}}}:life")] == primary
        assert all(slots.owners[key_slot(str(smaller).encode())] != primary for smaller in range(int(tag)))


def test_moved_slot_belongs_to_new_owner() -> None:
    slots = SlotMap.from_reply(REPLY, ASKED).with_owner(7, Node("10.0.0.4", 7000))
    assert slots.owners[7] == Node("10.0.0.4", 7000)
    assert slots.owners[8] == A
    assert len(slots.tags) == 3


def test_party_keys_and_channel_share_slot() -> None:
    assert len({slot_of(name) for name in ("party:BCDFGH", "{party:BCDFGH}:state", "{party:BCDFGH}:events")}) == 1
