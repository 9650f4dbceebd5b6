"""Resync a stale replica after events were interrupted and the store may have lost some."""

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.core.position import ProvenPosition, event_digest
from hubbub.core.protocol import Event
from hubbub.core.replica import Replica
from hubbub.core.results import EventsSince
from tests.support.fakes import FakeParty, ended_event, joined_event, left_event, message_event
from tests.support.rooms import sent_messages, synced_replica


def test_stale_replica_applies_nothing_before_fetch(party: FakeParty, room: Replica) -> None:
    room.mark_stale()
    assert not room.receive(party.happen(message_event("a")))
    assert room.version == 5
    since = room.start_sync()
    assert room.receive(party.happen(message_event("b")))
    assert room.version == 5
    assert room.apply_sync(party.since(since))
    assert [message["text"] for message in sent_messages(room)] == ["a", "b"]
    assert room.receive(party.happen(message_event("c")))
    assert room.version == 8


def test_unanswered_fetch_keeps_replica_stale(party: FakeParty, room: Replica) -> None:
    room.mark_stale()
    room.start_sync()
    room.receive(party.happen(message_event("a")))
    room.abort_sync()
    assert not room.receive(party.happen(message_event("b")))
    assert room.version == 5
    assert room.apply_sync(party.since(room.start_sync()))
    assert [message["text"] for message in sent_messages(room)] == ["a", "b"]


def test_stale_replica_sends_events_before_end(party: FakeParty, room: Replica) -> None:
    room.mark_stale()
    room.receive(party.happen(message_event("a"), ended_event()))
    room.start_sync()
    room.abort_sync(is_over=True)
    assert [message["t"] for message in sent_messages(room)] == ["MESSAGE", "ENDED"]


def test_answer_before_stale_mark_does_not_clear_it(party: FakeParty, room: Replica) -> None:
    since = room.start_sync()
    answer = party.since(since)
    room.mark_stale()
    # The store has lost what the answer did not have yet and gives its version out again.
    room.receive(party.happen(message_event("in doubt")))
    assert not room.apply_sync(answer)
    assert room.version == 5
    assert not room.receive(party.happen(message_event("in doubt too")))
    assert room.apply_sync(party.since(room.start_sync()))
    assert [message["text"] for message in sent_messages(room)] == ["in doubt", "in doubt too"]


def test_reset_replica_is_stale_until_snapshot(party: FakeParty, room: Replica) -> None:
    room.force_full_sync()
    other = FakeParty(epoch="epoch-2", version=5)
    assert room.start_sync() is None
    room.abort_sync()
    assert not room.receive(party.happen(message_event("of the old life")))
    assert room.start_sync() is None
    assert room.apply_sync(other.whole())
    assert (room.epoch, room.party) == ("epoch-2", other.snapshot)
    known = room.start_sync()
    assert known is not None
    assert known.epoch == "epoch-2"


def test_earlier_answer_does_not_hide_invalidation(party: FakeParty, room: Replica) -> None:
    answer = party.since(room.start_sync())
    room.force_full_sync()
    room.apply_sync(answer)
    assert room.start_sync() is None


def test_position_is_proven_by_last_event(party: FakeParty, room: Replica) -> None:
    assert room.position == ProvenPosition("epoch-1", 5, "")
    room.receive(party.happen(message_event("a"), message_event("b")))
    assert room.position == ProvenPosition("epoch-1", 7, event_digest(party.log[-1]))
    # However the room came to know it.
    assert synced_replica(party).position == room.position
    late = synced_replica(FakeParty(version=5))
    late.start_sync()
    assert late.apply_sync(EventsSince(7, tuple(party.log)))
    assert late.position == room.position


def test_kicked_guest_is_remembered_and_left_one_is_not(party: FakeParty, room: Replica) -> None:
    room.receive(party.happen(joined_event("Ben"), joined_event("Eve")))
    room.receive(party.happen(left_event("ben", "left"), left_event("eve", "kicked")))
    assert room.kicked == {"eve"}
    room.start_sync()
    assert room.apply_sync(FakeParty(epoch="epoch-2", version=3).whole())
    assert room.kicked == {"eve"}


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_replica_syncs_after_any_data_loss(seed: int, changes: int) -> None:
    dice = random.Random(seed)
    party = FakeParty(version=3)
    room = synced_replica(party)
    for number in range(changes):
        if dice.random() < 0.2:
            # The connection broke; the store fell back, and gives the same versions out again.
            party = fallen_back(party, dice.randint(0, len(party.log)))
            room.mark_stale()
        published = party.happen(message_event(f"{number}"))
        if dice.random() < 0.3:
            continue
        if not room.receive(published) and dice.random() < 0.6:
            ask(room, party)
    ask(room, party)
    assert (room.version, room.party) == (party.version, party.snapshot)


def ask(room: Replica, party: FakeParty) -> None:
    """Ask a store until the room is level; where it has lost what the room knows, it begins a new life."""
    complete = False
    while not complete:
        known = room.start_sync()
        if known is not None and not proved(known, party):
            room.abort_sync()
            if party.epoch == known.epoch:
                party.epoch += "+"
            room.force_full_sync()
            continue
        complete = room.apply_sync(party.since(known))


def proved(known: ProvenPosition, party: FakeParty) -> bool:
    """Whether the position is of the party's past."""
    behind = party.version - known.version
    if known.epoch != party.epoch or behind < 0:
        return False
    return behind >= len(party.log) or known.digest in {"", event_digest(party.log[-1 - behind])}


def fallen_back(party: FakeParty, events: int) -> FakeParty:
    """The party without its last events."""
    kept = len(party.log) - events
    before = FakeParty(epoch=party.epoch, version=3)
    for encoded in party.log[:kept]:
        before.happen(msgspec.json.decode(encoded, type=Event))
    return before
