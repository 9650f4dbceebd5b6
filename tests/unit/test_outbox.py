"""Encode what clients of a room are sent: snapshots, replays, and frames of new events."""

import json
from typing import Any

from hubbub.core.limits import LOG_BYTES_MAX, LOG_EVENTS_MAX, REPLAY_BYTES_MAX
from hubbub.core.outbox import join_frame
from hubbub.core.protocol import Position, Reaction, encode
from hubbub.core.replica import Published, Replica
from tests.support.fakes import FakeParty, count_event, message_event
from tests.support.rooms import sent_messages, synced_replica


def versions(messages: list[dict[str, Any]]) -> list[int]:
    return [message["version"] for message in messages]


def reaction(emoji: str = "👍") -> bytes:
    return encode(Reaction(member_id="ann", name="Ann", emoji=emoji))


# What a client is sent that comes or comes back.


def test_snapshot_is_encoded_once_per_version(party: FakeParty, room: Replica) -> None:
    prepared = room.encoded_snapshot()
    assert room.encoded_snapshot() is prepared
    assert json.loads(prepared) == {
        "t": "ROOM",
        "epoch": party.epoch,
        "version": 5,
        "snapshot": json.loads(encode(party.snapshot)),
    }
    room.receive(party.happen(message_event("a")))
    assert json.loads(room.encoded_snapshot())["version"] == 6


def test_snapshot_after_unknown_event_has_its_version(party: FakeParty, room: Replica) -> None:
    before = json.loads(room.encoded_snapshot())
    room.receive(Published(party.epoch, 6, [b'{"t":"FROM_THE_FUTURE","version":6}']))
    assert json.loads(room.encoded_snapshot()) == {**before, "version": 6}


def test_unversioned_state_is_in_next_snapshot(room: Replica) -> None:
    before = room.encoded_snapshot()
    room.set_watcher_count(3)
    room.set_expiry(99)
    snapshot = json.loads(room.encoded_snapshot())["snapshot"]
    assert (snapshot["watchers"], snapshot["expiresAt"]) == (3, 99)
    assert before != room.encoded_snapshot()
    assert not room.outbox.has_pending()


def test_unversioned_state_without_snapshot_is_ignored() -> None:
    room = Replica()
    room.set_watcher_count(3)
    room.set_expiry(99)
    assert room.party is None


def test_missed_events_are_replayed_exactly(party: FakeParty, room: Replica) -> None:
    room.receive(party.happen(message_event("a"), message_event("b"), message_event("c")))
    replay = room.replay(Position(party.epoch, 6))
    assert replay == list(party.log[1:])
    assert room.replay(Position(party.epoch, 8)) == []
    assert room.replay(Position(party.epoch, 5)) == list(party.log)


def test_unusable_position_gets_snapshot(party: FakeParty, room: Replica) -> None:
    room.receive(party.happen(message_event("a")))
    for position in (
        Position(party.epoch, 4),
        Position(party.epoch, 7),
        Position(party.epoch, 2**53 - 1),
        Position("another", 6),
        Position("", 0),
    ):
        assert room.replay(position) is None


def test_fetched_log_can_be_replayed(party: FakeParty) -> None:
    party.happen(message_event("a"), message_event("b"))
    room = synced_replica(party)
    assert room.replay(Position(party.epoch, 5)) == party.log
    assert room.replay(Position(party.epoch, 4)) is None


def test_replay_reaches_256_events_back(party: FakeParty, room: Replica) -> None:
    for _ in range(LOG_EVENTS_MAX + 10):
        room.receive(party.happen(count_event(1)))
    replay = room.replay(Position(party.epoch, party.version - LOG_EVENTS_MAX))
    assert replay is not None
    assert len(replay) == LOG_EVENTS_MAX
    assert room.replay(Position(party.epoch, party.version - LOG_EVENTS_MAX - 1)) is None


def test_replay_above_32_kib_is_snapshot(party: FakeParty, room: Replica) -> None:
    size = len(party.happen(message_event("x" * 400)).events[0])
    room = synced_replica(party)
    fits = REPLAY_BYTES_MAX // size
    for _ in range(fits + 1):
        room.receive(party.happen(message_event("x" * 400)))
    replay = room.replay(Position(party.epoch, party.version - fits))
    assert replay is not None
    assert len(replay) == fits
    assert room.replay(Position(party.epoch, party.version - fits - 1)) is None


def test_replay_log_keeps_at_most_64_kib(party: FakeParty, room: Replica) -> None:
    for _ in range(LOG_EVENTS_MAX):
        room.receive(party.happen(message_event("x" * 400)))
    kept = sum(map(len, room._log))
    assert LOG_BYTES_MAX - 1000 < kept == room._log_bytes <= LOG_BYTES_MAX


# Frames.


def test_frame_is_object_or_array_of_several() -> None:
    assert join_frame([]) is None
    assert join_frame([b'{"t":"A"}']) == b'{"t":"A"}'
    assert join_frame([b'{"t":"A"}', b'{"t":"B"}']) == b'[{"t":"A"},{"t":"B"}]'


def test_adjacent_counts_are_merged_with_versions(party: FakeParty, room: Replica) -> None:
    for event in (
        count_event(1),
        count_event(2),
        count_event(3),
        message_event("a"),
        count_event(4),
        message_event("b"),
        count_event(5),
        count_event(6),
    ):
        room.receive(party.happen(event))
    messages = sent_messages(room)
    assert [message["t"] for message in messages] == [
        "GUEST_COUNT",
        "MESSAGE",
        "GUEST_COUNT",
        "MESSAGE",
        "GUEST_COUNT",
    ]
    assert messages[0] == {"t": "GUEST_COUNT", "version": 8, "guestCount": 3, "from": 6}
    assert messages[2] == {"t": "GUEST_COUNT", "version": 10, "guestCount": 4}
    assert messages[4] == {"t": "GUEST_COUNT", "version": 13, "guestCount": 6, "from": 12}


def test_client_entered_in_window_gets_newer_events_only(party: FakeParty, room: Replica) -> None:
    for event in (count_event(1), count_event(2), message_event("a"), count_event(3), count_event(4), count_event(5)):
        room.receive(party.happen(event))
    assert versions(sent_messages(room, after=5)) == versions(sent_messages(room)) == [7, 8, 11]
    assert sent_messages(room, after=6)[0] == {"t": "GUEST_COUNT", "version": 7, "guestCount": 2}
    assert sent_messages(room, after=9) == [{"t": "GUEST_COUNT", "version": 11, "guestCount": 5, "from": 10}]
    assert sent_messages(room, after=10) == [{"t": "GUEST_COUNT", "version": 11, "guestCount": 5}]
    assert room.outbox.batch(after=11) is None


def test_many_reactions_are_merged_to_counts(room: Replica) -> None:
    for _ in range(8):
        room.outbox.add_reaction(reaction())
    assert [message["t"] for message in sent_messages(room)] == ["REACTION"] * 8
    room.outbox.add_reaction(reaction("❤"))
    assert sent_messages(room) == [{"t": "REACTIONS", "counts": {"👍": 8, "❤": 1}}]
    room.outbox.mark_sent()
    assert not room.outbox.has_pending()


def test_reactions_follow_events_without_version(party: FakeParty, room: Replica) -> None:
    room.outbox.add_reaction(reaction())
    room.receive(party.happen(message_event("a")))
    assert [message.get("version") for message in sent_messages(room)] == [6, None]
