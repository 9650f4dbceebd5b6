"""Check that the tests' own view of a party finds gaps and duplicates."""

import copy
from typing import Any

import pytest

from tests.support.party_view import Message, PartyView

HOST = {"id": "h", "name": "Ann", "isHost": True, "connected": True}
GUEST = {"id": "g", "name": "Bob", "isHost": False, "connected": True}
JOINED = {"t": "JOINED", "code": "BCDFGH", "epoch": "e", "version": 4}
PLAYBACK = {"state": "stopped", "track": None, "nextTrack": None, "position": 0, "at": 1}
SNAPSHOT = {
    "code": "BCDFGH", "createdAt": 1, "expiresAt": 2, "hostId": "h", "hostConnected": True, "guestCount": 1,
    "watchers": 0, "capacity": 500, "chatMode": "OPEN", "locked": False, "playback": PLAYBACK,
    "members": [HOST, GUEST], "messages": [],
}  # fmt: skip


def room(version: int = 4, epoch: str = "e", **changes: Any) -> Message:
    return copy.deepcopy({"t": "ROOM", "epoch": epoch, "version": version, "snapshot": {**SNAPSHOT, **changes}})


def event(version: int, kind: str = "LOCK_SET", **fields: Any) -> Message:
    return {"t": kind, "version": version, **({"locked": True} if kind == "LOCK_SET" else {}), **fields}


@pytest.fixture
def view() -> PartyView:
    view = PartyView()
    view.take(JOINED)
    view.take(room())
    return view


def test_view_applies_events_in_order(view: PartyView) -> None:
    view.take(event(5))
    view.take(event(6, "MEMBER_LEFT", memberId="g", cause="left", guestCount=0))
    view.take({"t": "PONG", "id": None, "serverTime": 1})
    view.take(event(9, "GUEST_COUNT", **{"from": 7}, guestCount=3))
    view.take(event(10, "GUEST_COUNT", guestCount=4))
    assert (view.version, view.room["locked"], view.room["guestCount"], list(view.members)) == (10, True, 4, ["h"])
    view.take(room(2, epoch="another life"))
    view.take(event(3))
    assert view.position == {"epoch": "another life", "version": 3}


@pytest.mark.parametrize(
    "message",
    [
        event(6),
        event(4),
        event(5, epoch="another life"),
        event(7, "GUEST_COUNT", **{"from": 6}, guestCount=1),
        event(5, "GUEST_COUNT", **{"from": 6}, guestCount=1),
        event(5, "MEMBER_JOINED", member=GUEST, guestCount=1),
        event(5, "MEMBER_JOINED", member={**GUEST, "id": "x"}),
        event(5, "MEMBER_LEFT", memberId="x", cause="left", guestCount=1),
        event(5, "MEMBER_LEFT", memberId="g", cause="left"),
        event(5, "MEMBER_UPDATED", member={**GUEST, "id": "x"}),
        event(5, "MEMBER_UPDATED", member={**GUEST, "connected": False}, guestCount=1),
        event(5, "MEMBER_UPDATED", member={**GUEST, "isHost": True}),
        event(5, "UNHEARD_OF"),
        {"t": "REACTION", "emoji": "🎉", "version": 5},
        room(3),
        room(5, members=[HOST, GUEST, GUEST]),
        room(5, guestCount=2),
    ],
)
def test_view_refuses_version_gap(view: PartyView, message: Message) -> None:
    with pytest.raises(AssertionError):
        view.take(message)


def test_view_refuses_event_before_room_or_promised_version() -> None:
    for message in (event(5), room(3), room(4, epoch="another life")):
        view = PartyView()
        view.take(JOINED)
        with pytest.raises(AssertionError):
            view.take(message)
    with pytest.raises(AssertionError):
        PartyView().take(room())


def test_view_after_reconnect_expects_missed_events_only(view: PartyView) -> None:
    view.take({**JOINED, "version": 6})
    assert not view.is_caught_up
    view.take(event(5))
    view.take(event(6))
    assert view.is_caught_up


def test_view_refuses_event_after_end(view: PartyView) -> None:
    recap = {"seconds": 1, "guests": 1, "messages": 0, "reactions": 0}
    view.take(event(5, "ENDED", cause="host_left", recap=recap))
    with pytest.raises(AssertionError):
        view.take(event(6))
