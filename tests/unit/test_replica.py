"""Follow one party on one instance: each event is applied once and in order."""

import json

from hubbub.core.replica import Published, Replica
from hubbub.core.results import EventsSince
from tests.support.fakes import FakeParty, ended_event, joined_event, message_event
from tests.support.rooms import sent_messages

# Order.


def test_events_of_one_change_keep_order(party: FakeParty, room: Replica) -> None:
    assert room.receive(party.happen(message_event("a"), joined_event("Ben"), message_event("b")))
    assert [message["t"] for message in sent_messages(room)] == ["MESSAGE", "MEMBER_JOINED", "MESSAGE"]
    assert [message["version"] for message in sent_messages(room)] == [6, 7, 8]


def test_published_bytes_are_sent_unchanged(party: FakeParty, room: Replica) -> None:
    published = party.happen(message_event("a"))
    spaced = published.events[0].replace(b',"at"', b' , "at"')
    room.receive(Published(published.epoch, published.first, [spaced]))
    assert room.outbox.batch() == spaced


def test_overlapping_events_apply_new_part_only(party: FakeParty, room: Replica) -> None:
    first, second = party.happen(message_event("a"), message_event("b")), party.happen(message_event("c"))
    room.receive(first)
    room.outbox.mark_sent()
    overlapping = Published(party.epoch, first.first, [*first.events, *second.events])
    assert room.receive(overlapping)
    assert [message["text"] for message in sent_messages(room)] == ["c"]


def test_gap_requires_fetch_and_applies_nothing(party: FakeParty, room: Replica) -> None:
    party.happen(message_event("lost"))
    assert not room.receive(party.happen(message_event("b")))
    assert room.version == 5
    assert not room.outbox.has_pending()


def test_answer_before_held_event_leaves_gap(party: FakeParty, room: Replica) -> None:
    since = room.start_sync()
    answer = party.since(since)
    party.happen(message_event("lost"))
    room.receive(party.happen(message_event("b")))
    assert not room.apply_sync(answer)
    since = room.start_sync()
    assert room.apply_sync(party.since(since))
    assert [message["text"] for message in sent_messages(room)] == ["lost", "b"]


def test_held_duplicates_are_sent_once_in_order(party: FakeParty, room: Replica) -> None:
    room.start_sync()
    a, b, c = (party.happen(message_event(text)) for text in "abc")
    for published in (b, a, a, c):
        room.receive(published)
    while not room.apply_sync(EventsSince(room.version, ())):
        room.start_sync()
    assert [message["text"] for message in sent_messages(room)] == ["a", "b", "c"]


def test_unanswered_fetch_still_applies_next_event(party: FakeParty, room: Replica) -> None:
    room.start_sync()
    room.receive(party.happen(message_event("a")))
    assert not room.outbox.has_pending()
    room.abort_sync()
    assert [message["text"] for message in sent_messages(room)] == ["a"]


def test_answer_with_known_events_sends_nothing(party: FakeParty, room: Replica) -> None:
    published = party.happen(message_event("a"))
    room.receive(published)
    room.start_sync()
    assert room.apply_sync(EventsSince(party.version, tuple(published.events)))
    assert [message["version"] for message in sent_messages(room)] == [6]


def test_events_before_snapshot_are_held(party: FakeParty) -> None:
    room = Replica()
    assert not room.receive(party.happen(message_event("a")))
    assert room.party is None
    assert room.start_sync() is None
    whole = party.whole()
    room.receive(party.happen(message_event("b")))
    assert room.apply_sync(whole)
    assert room.version == party.version
    assert room.party == party.snapshot


def test_ending_event_is_sent_and_recorded(party: FakeParty, room: Replica) -> None:
    room.receive(party.happen(message_event("bye"), ended_event()))
    assert room.ended
    assert [message["t"] for message in sent_messages(room)] == ["MESSAGE", "ENDED"]


# Another life of the party.


def test_snapshot_voids_unsent_events(party: FakeParty, room: Replica) -> None:
    room.receive(party.happen(message_event("untold")))
    other = FakeParty(epoch="epoch-2", version=2)
    room.start_sync()
    assert room.apply_sync(other.whole())
    assert room.outbox.clients_need_snapshot
    assert room.outbox.has_pending()
    assert room.outbox.batch() is None
    assert (room.epoch, room.version, room.party) == ("epoch-2", 2, other.snapshot)
    room.outbox.mark_sent()
    assert not room.outbox.has_pending()


def test_event_of_other_epoch_requires_fetch(room: Replica) -> None:
    other = FakeParty(epoch="epoch-2", version=5)
    assert not room.receive(other.happen(message_event("a")))
    assert (room.epoch, room.version) == ("epoch-1", 5)
    since = room.start_sync()
    assert room.apply_sync(other.since(since))
    assert (room.epoch, room.version, room.party) == ("epoch-2", 6, other.snapshot)


def test_held_events_of_old_epoch_are_dropped(party: FakeParty, room: Replica) -> None:
    room.start_sync()
    room.receive(party.happen(message_event("of the old life")))
    assert room.apply_sync(FakeParty(epoch="epoch-2", version=3).whole())


def test_late_event_of_old_epoch_is_fetched_once(party: FakeParty, room: Replica) -> None:
    assert not room.receive(FakeParty(epoch="epoch-0", version=70).happen(message_event("straggler")))
    assert room.apply_sync(party.since(room.start_sync()))


# Whatever comes, in whatever order.


def test_held_events_before_data_loss_are_void(party: FakeParty, room: Replica) -> None:
    party.happen(message_event("missing here"))
    lost = party.happen(message_event("told, then lost by the store"))
    assert not room.receive(lost)
    room.start_sync()
    assert room.apply_sync(EventsSince(room.version, ()))
    room.start_sync()
    assert room.apply_sync(EventsSince(room.version, ()))


def test_end_is_sent_even_if_snapshot_is_needed(party: FakeParty, room: Replica) -> None:
    room.start_sync()
    whole = party.whole()
    room.receive(party.happen(ended_event()))
    assert room.apply_sync(whole)
    assert room.outbox.clients_need_snapshot
    version = json.loads(room.encoded_snapshot())["version"]
    room.outbox.mark_sent()
    (ended,) = sent_messages(room)
    assert ended["t"] == "ENDED"
    assert ended["version"] == version + 1
    room.outbox.mark_sent()
    assert not room.outbox.has_pending()


def test_prepared_snapshot_is_kept_until_change(room: Replica) -> None:
    prepared = room.encoded_snapshot()
    assert room.party is not None
    room.set_watcher_count(room.party.watchers)
    room.set_expiry(room.party.expires_at + 999)
    assert room.encoded_snapshot() is prepared
    room.set_expiry(room.party.expires_at + 1000)
    assert room.encoded_snapshot() != prepared
