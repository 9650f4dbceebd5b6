"""One party as seen from one instance: events are taken once and in order, whatever comes."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.core.protocol import Event
from hubbub.core.replica import Published, Room
from hubbub.core.results import Missed
from tests.support.fakes import FakeParty, came, counted, over, said
from tests.support.rooms import level, told


@pytest.fixture
def party() -> FakeParty:
    """A party at version 5."""
    return FakeParty(version=5)


@pytest.fixture
def room(party: FakeParty) -> Room:
    return level(party)


# Order.


def test_next_event_is_applied_and_sent(party: FakeParty, room: Room) -> None:
    assert room.receive(party.happen(said("a")))
    assert room.version == 6
    assert room.party == party.snapshot
    assert [message["text"] for message in told(room)] == ["a"]


def test_events_of_one_change_keep_order(party: FakeParty, room: Room) -> None:
    assert room.receive(party.happen(said("a"), came("Ben"), said("b")))
    assert [message["t"] for message in told(room)] == ["MESSAGE", "MEMBER_JOINED", "MESSAGE"]
    assert [message["version"] for message in told(room)] == [6, 7, 8]


def test_published_bytes_are_sent_unchanged(party: FakeParty, room: Room) -> None:
    published = party.happen(said("a"))
    spaced = published.events[0].replace(b',"at"', b' , "at"')
    room.receive(Published(published.epoch, published.first, [spaced]))
    assert room.batch() == spaced


def test_known_event_changes_nothing(party: FakeParty, room: Room) -> None:
    published = party.happen(said("a"))
    assert room.receive(published)
    room.sent()
    assert room.receive(published)
    assert not room.has_news()


def test_overlapping_events_apply_new_part_only(party: FakeParty, room: Room) -> None:
    first, second = party.happen(said("a"), said("b")), party.happen(said("c"))
    room.receive(first)
    room.sent()
    overlapping = Published(party.epoch, first.first, [*first.events, *second.events])
    assert room.receive(overlapping)
    assert [message["text"] for message in told(room)] == ["c"]


def test_gap_requires_fetch_and_applies_nothing(party: FakeParty, room: Room) -> None:
    party.happen(said("lost"))
    assert not room.receive(party.happen(said("b")))
    assert room.version == 5
    assert not room.has_news()


def test_held_events_follow_answer(party: FakeParty, room: Room) -> None:
    party.happen(said("lost"))
    room.receive(party.happen(said("b")))
    since = room.ask()
    assert since is not None
    assert (since.epoch, since.version) == (party.epoch, 5)
    assert room.receive(party.happen(said("c")))
    assert room.version == 5
    assert room.answered(party.since(since))
    assert [message["text"] for message in told(room)] == ["lost", "b", "c"]


def test_answer_before_held_event_leaves_gap(party: FakeParty, room: Room) -> None:
    since = room.ask()
    answer = party.since(since)
    party.happen(said("lost"))
    room.receive(party.happen(said("b")))
    assert not room.answered(answer)
    since = room.ask()
    assert room.answered(party.since(since))
    assert [message["text"] for message in told(room)] == ["lost", "b"]


def test_held_duplicates_are_sent_once_in_order(party: FakeParty, room: Room) -> None:
    room.ask()
    a, b, c = (party.happen(said(text)) for text in "abc")
    for published in (b, a, a, c):
        room.receive(published)
    while not room.answered(Missed(room.version, ())):
        room.ask()
    assert [message["text"] for message in told(room)] == ["a", "b", "c"]


def test_unanswered_fetch_keeps_held_events(party: FakeParty, room: Room) -> None:
    party.happen(said("lost"))
    room.receive(party.happen(said("b")))
    room.ask()
    room.receive(party.happen(said("c")))
    room.unanswered()
    assert not room.receive(party.happen(said("d")))
    since = room.ask()
    assert room.answered(party.since(since))
    assert [message["text"] for message in told(room)] == ["lost", "b", "c", "d"]


def test_unanswered_fetch_still_applies_next_event(party: FakeParty, room: Room) -> None:
    room.ask()
    room.receive(party.happen(said("a")))
    assert not room.has_news()
    room.unanswered()
    assert [message["text"] for message in told(room)] == ["a"]


def test_answer_with_known_events_sends_nothing(party: FakeParty, room: Room) -> None:
    published = party.happen(said("a"))
    room.receive(published)
    room.ask()
    assert room.answered(Missed(party.version, tuple(published.events)))
    assert [message["version"] for message in told(room)] == [6]


def test_events_before_snapshot_are_held(party: FakeParty) -> None:
    room = Room()
    assert not room.receive(party.happen(said("a")))
    assert room.party is None
    assert room.ask() is None
    whole = party.whole()
    room.receive(party.happen(said("b")))
    assert room.answered(whole)
    assert room.version == party.version
    assert room.party == party.snapshot


def test_ending_event_is_sent_and_recorded(party: FakeParty, room: Room) -> None:
    room.receive(party.happen(said("bye"), over()))
    assert room.ended
    assert [message["t"] for message in told(room)] == ["MESSAGE", "ENDED"]


# Another life of the party.


def test_snapshot_voids_unsent_events(party: FakeParty, room: Room) -> None:
    room.receive(party.happen(said("untold")))
    other = FakeParty(epoch="epoch-2", version=2)
    room.ask()
    assert room.answered(other.whole())
    assert room.void
    assert room.has_news()
    assert room.batch() is None
    assert (room.epoch, room.version, room.party) == ("epoch-2", 2, other.snapshot)
    room.sent()
    assert not room.has_news()


def test_event_of_other_epoch_requires_fetch(room: Room) -> None:
    other = FakeParty(epoch="epoch-2", version=5)
    assert not room.receive(other.happen(said("a")))
    assert (room.epoch, room.version) == ("epoch-1", 5)
    since = room.ask()
    assert room.answered(other.since(since))
    assert (room.epoch, room.version, room.party) == ("epoch-2", 6, other.snapshot)


def test_held_events_of_old_epoch_are_dropped(party: FakeParty, room: Room) -> None:
    room.ask()
    room.receive(party.happen(said("of the old life")))
    assert room.answered(FakeParty(epoch="epoch-2", version=3).whole())


def test_late_event_of_old_epoch_is_fetched_once(party: FakeParty, room: Room) -> None:
    assert not room.receive(FakeParty(epoch="epoch-0", version=70).happen(said("straggler")))
    assert room.answered(party.since(room.ask()))


# Whatever comes, in whatever order.


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([0.0, 0.2, 0.8]))
def test_disordered_events_are_sent_once_in_order(seed: int, changes: int, loss: float) -> None:
    dice = random.Random(seed)
    party = FakeParty(version=3)
    room = level(party)
    heard: list[int] = []
    waiting: list[Published] = []

    def tell() -> None:
        for message in told(room):
            heard.extend(range(message.get("from", message["version"]), message["version"] + 1))
        assert not room.void
        room.sent()

    for number in range(changes):
        possible: list[Event] = [said(f"{number}"), counted(number), came(f"G{number}")]
        waiting.append(party.happen(*dice.choices(possible, k=dice.randint(1, 3))))
        dice.shuffle(waiting)
        while waiting and dice.random() < 0.6:
            published = waiting.pop()
            if dice.random() < loss:
                continue
            if dice.random() < 0.2:
                waiting.append(published)
            if not room.receive(published):
                since = room.ask()
                if dice.random() < 0.2:
                    room.unanswered()
                else:
                    room.answered(party.since(since))
            tell()
    since = room.ask()
    assert room.answered(party.since(since))
    tell()
    assert (room.version, room.party) == (party.version, party.snapshot)
    assert heard == list(range(4, party.version + 1))


def test_held_events_before_data_loss_are_void(party: FakeParty, room: Room) -> None:
    party.happen(said("missing here"))
    lost = party.happen(said("told, then lost by the store"))
    assert not room.receive(lost)
    room.ask()
    assert room.answered(Missed(room.version, ()))
    room.ask()
    assert room.answered(Missed(room.version, ()))


def test_end_is_sent_even_if_snapshot_is_needed(party: FakeParty, room: Room) -> None:
    room.ask()
    whole = party.whole()
    room.receive(party.happen(over()))
    assert room.answered(whole)
    assert room.void
    version = json.loads(room.prepared())["version"]
    room.sent()
    (ended,) = told(room)
    assert ended["t"] == "ENDED"
    assert ended["version"] == version + 1
    room.sent()
    assert not room.has_news()


def test_prepared_snapshot_is_kept_until_change(room: Room) -> None:
    prepared = room.prepared()
    assert room.party is not None
    room.watched_by(room.party.watchers)
    room.lives_until(room.party.expires_at + 999)
    assert room.prepared() is prepared
    room.lives_until(room.party.expires_at + 1000)
    assert room.prepared() != prepared
