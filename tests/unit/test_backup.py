"""Merge the state of a room into a backup: the result is consistent and as new as the room."""

from typing import Any, Final

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hubbub.core.apply import apply_event
from hubbub.core.backup import PartyBackup, merge_room_state
from hubbub.core.party import ChatMode
from hubbub.core.protocol import (
    ChatMessage,
    ChatModeSet,
    Event,
    HostChanged,
    LockSet,
    Member,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    NextTrackQueued,
    Playback,
    PlayEvent,
    Snapshot,
    TrackChanged,
    TrackSelected,
)
from hubbub.core.seats import KICKED, Lease
from tests.support.fakes import CODE, DOCUMENT, joined_event, left_event, member, message_event, new_snapshot

BIRTH: Final = PartyBackup(msgspec.json.encode(DOCUMENT))
LISTED: Final = ("ann", "ben", "eve")
UNLISTED: Final = "zoe"


def flat(words: dict[str, Any]) -> tuple[bytes, ...]:
    return tuple(word if isinstance(word, bytes) else str(word).encode() for pair in words.items() for word in pair)


def pairs(words: tuple[bytes, ...]) -> dict[str, str]:
    texts = [word.decode() for word in words]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def record(name: str, number: int, *, listed: bool = True) -> bytes:
    return msgspec.json.encode([name, f"holder of {name}", number, listed, f"token of {name}"])


def made() -> PartyBackup:
    """A copy of Ann's party with Ben, Eve, whose connection dropped, and Zoe, who is not listed; Kim was kicked."""
    document = msgspec.json.encode(replace(DOCUMENT, host_connected=True, guest_count=2, seats=4))
    return PartyBackup(
        document=document,
        state=flat({"version": 9, "touchedAt": 1_000_000, "stoodStill": 0, "guests": 4, "epoch": "old", "logBytes": 7}),
        seats=flat({
            "ann": record("Ann", 0), "ben": record("Ben", 1), "eve": record("Eve", 2),
            "kim": KICKED, "zoe": record("Zoe", 4, listed=False),
        }),
        tokens=flat({f"token of {name}": name.lower() for name in ("Ann", "Ben", "Eve", "Kim", "Zoe")}),
        roster=tuple(seat.encode() for seat in LISTED),
        leases=tuple(word.encode() for word in ("on:ann", "20", "on:ben", "21", "on:zoe", "22", "held:eve", "90")),
    )  # fmt: skip


def room(**changes: Any) -> Snapshot:
    """What everybody knows when that copy is made."""
    members = [member("Ann", is_host=True), member("Ben"), member("Eve", connected=False)]
    return replace(new_snapshot(members=members, guest_count=2), **changes)


def brought(copy: PartyBackup, seen: Snapshot, *kicked: str, own: tuple[str, ...] = ()) -> PartyBackup:
    leases = [Lease(CODE, seat, f"{seat} now") for seat in own]
    return merge_room_state(copy, seen, 12, kicked, leases)


def document_of(copy: PartyBackup) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(copy.document)
    return document


def seats_of(copy: PartyBackup) -> dict[str, Any]:
    seats = pairs(copy.seats)
    return {seat: kept if kept == KICKED.decode() else msgspec.json.decode(kept) for seat, kept in seats.items()}


def assert_of_one_piece(copy: PartyBackup) -> None:
    """Document, seats, tokens, roster and leases agree."""
    document, seats, leases = document_of(copy), seats_of(copy), pairs(copy.leases[::-1])
    taken = {seat: kept for seat, kept in seats.items() if kept != KICKED.decode()}
    assert document["hostId"] in taken
    assert document["hostName"] == taken[document["hostId"]][0]
    assert document["seats"] == len(taken)
    assert sorted(pairs(copy.tokens).values()) == sorted(seats)
    assert {kept[4]: seat for seat, kept in taken.items()}.items() <= pairs(copy.tokens).items()
    assert {seat.decode() for seat in copy.roster} == {seat for seat, kept in taken.items() if kept[3]}
    connected = {entry.removeprefix("on:") for entry in leases if entry.startswith("on:")}
    assert connected | {entry.removeprefix("held:") for entry in leases if entry.startswith("held:")} <= set(taken)
    assert document["hostConnected"] == (document["hostId"] in connected)
    assert document["guestCount"] == len(connected - {document["hostId"]})


def test_merge_with_current_backup_only_drops_holders() -> None:
    copy = brought(made(), room(), own=("ann",))
    assert_of_one_piece(copy)
    assert [(kept[1], *kept[5:]) for kept in seats_of(copy).values() if kept != "kicked"] == [
        ("ann now",), ("", "holder of Ben"), ("", "holder of Eve"), ("", "holder of Zoe"),
    ]  # fmt: skip
    again = brought(copy, room(), own=("ben",))
    assert [(kept[1], *kept[5:]) for kept in seats_of(again).values() if kept != "kicked"] == [
        ("", "ann now"), ("ben now",), ("", "holder of Eve"), ("", "holder of Zoe"),
    ]  # fmt: skip
    assert {seat: kept[0] for seat, kept in seats_of(copy).items() if kept != "kicked"} == {
        "ann": "Ann", "ben": "Ben", "eve": "Eve", "zoe": "Zoe",
    }  # fmt: skip
    assert (copy.tokens, copy.roster) == (made().tokens, made().roster)
    # The store returns each entry before its score, and takes it after.
    assert pairs(copy.leases[::-1]) == pairs(made().leases)
    assert document_of(copy) == document_of(made())
    assert pairs(copy.state)["version"] == "12"
    assert pairs(copy.state)["guests"] == "4"


def test_merge_removes_kicked_guest_for_good() -> None:
    copy = brought(made(), room(members=[member("Ann", is_host=True), member("Eve", connected=False)]), "ben")
    assert_of_one_piece(copy)
    assert (seats_of(copy)["ben"], pairs(copy.tokens)["token of Ben"]) == ("kicked", "ben")
    assert seats_of(copy)["kim"] == "kicked"


def test_merge_with_unknown_host_keeps_backup_host() -> None:
    members = [member("Ann"), member("New", is_host=True)]
    copy = brought(made(), room(host_id="new", members=members))
    assert_of_one_piece(copy)
    assert document_of(copy)["hostId"] == "ann"


def test_merge_takes_messages_mode_and_lock_of_room() -> None:
    said = [ChatMessage("m", "ann", "Ann", 'a "quoted" 🎉\n\\', 1)]
    copy = brought(made(), room(messages=said, chat_mode=ChatMode.LOCKED, locked=True))
    assert [msgspec.json.decode(message, type=ChatMessage) for message in copy.messages] == said
    assert (document_of(copy)["chatMode"], document_of(copy)["locked"]) == ("LOCKED", True)


def test_merge_takes_playback_of_room() -> None:
    playing = Playback(state="playing", track='a "b" ü', next_track=None, position=3.25, at=1_000_900)
    state = pairs(brought(made(), room(playback=playing)).state)
    assert (state["track"], state["nextTrack"]) == ('"a \\"b\\" ü"', "null")
    assert (state["playing"], state["position"], state["at"]) == ("playing", "3.250", "1000900")


def test_merge_with_create_takes_host_seat_of_document() -> None:
    copy = brought(BIRTH, new_snapshot(), own=("ann",))
    assert_of_one_piece(copy)
    assert seats_of(copy) == {"ann": ["Ann", "ann now", 0, True, "token of Ann"]}
    assert pairs(copy.state)["touchedAt"] == "1000000"


def test_encoded_backup_is_text() -> None:
    decoded = msgspec.json.decode(made().encoded())
    assert decoded["document"] == made().document.decode()
    assert decoded["roster"] == ["ann", "ben", "eve"]
    assert decoded["messages"] == []
    assert set(decoded) == set(PartyBackup.__struct_fields__)


def test_backup_names_party_and_first_host_token() -> None:
    assert (made().party_id, made().host_token_hash) == ("party", "token of Ann")


# Any sequence of events.

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.sampled_from(LISTED).map(lambda seat: left_event(seat, "left")),
    st.sampled_from([*LISTED, "new"]).map(lambda seat: left_event(seat, "kicked")),
    st.sampled_from(["New", "Ben"]).map(joined_event),
    st.tuples(st.sampled_from(LISTED), st.text(max_size=5), st.booleans(), st.booleans()).map(
        lambda some: MemberUpdated(
            version=0, guest_count=0, member=Member(some[0], some[1], is_host=some[2], connected=some[3])
        )
    ),
    st.sampled_from(["Ben", "Eve", "Zoe", "New"]).map(
        lambda name: HostChanged(version=0, guest_count=0, host_id=name.lower(), member=member(name, is_host=True))
    ),
    st.sampled_from(list(ChatMode)).map(lambda mode: ChatModeSet(version=0, mode=mode)),
    st.booleans().map(lambda locked: LockSet(version=0, locked=locked)),
    st.text(max_size=9).map(message_event),
    st.sampled_from(["a", 'ü"']).map(lambda track: TrackSelected(version=0, filename=track, at=6)),
    st.sampled_from(["b", None]).map(lambda track: NextTrackQueued(version=0, filename=track)),
    st.sampled_from(["c", None]).map(lambda track: TrackChanged(version=0, filename="d", next_filename=track, at=7)),
    st.floats(0, 99).map(lambda position: PlayEvent(version=0, position=position, at=8)),
)


def is_possible(party: Snapshot, event: Event, kicked: set[str]) -> bool:
    """Return whether a store could emit that next."""
    there = {seat.id for seat in party.members}
    match event:
        case MemberLeft(member_id=seat):
            return seat in there - {party.host_id}
        case MemberJoined(member=joined):
            return joined.id not in there | kicked
        case MemberUpdated(member=updated):
            return updated.id in there and updated.is_host == (updated.id == party.host_id)
        case HostChanged(host_id=seat):
            return seat != party.host_id and seat in there | {UNLISTED}
    return True


@settings(deadline=None, max_examples=300)
@given(st.lists(EVENTS, max_size=12), st.sampled_from([made(), BIRTH]), st.sets(st.sampled_from([*LISTED, "zoe"])))
def test_merge_is_consistent_and_as_new_as_room(told: list[Event], copy: PartyBackup, own: set[str]) -> None:
    seen, kicked = room() if copy.state else new_snapshot(), set[str]()
    for event in told:
        if is_possible(seen, event, kicked):
            seen = apply_event(seen, event)
            if isinstance(event, MemberLeft) and event.cause == "kicked":
                kicked.add(event.member_id)
    brought_copy = brought(copy, seen, *kicked, own=tuple(own))
    assert_of_one_piece(brought_copy)
    seats = seats_of(brought_copy)
    known = {seat.id: seat for seat in seen.members if seat.id in seats}
    host = document_of(brought_copy)["hostId"]
    assert [seat.decode() for seat in brought_copy.roster] == [*known, *{host} - set(known)]
    assert {seat: kept[0] for seat, kept in seats.items() if seat in known} == {
        seat: kept.name for seat, kept in known.items()
    }
    assert all(seats.get(seat, "kicked") == "kicked" for seat in kicked - set(known) - {host})
    assert host == seen.host_id or seen.host_id not in seats
