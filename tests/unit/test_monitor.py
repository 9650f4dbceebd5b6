"""Format what `hubbub watch` prints."""

import pytest
from aiohttp import ServerTimeoutError, WSMessage, WSMsgType

from hubbub.core import protocol
from hubbub.core.party import ChatMode
from hubbub.monitor import _messages, format_line

ANN = protocol.Member(id="a", name="Ann", is_host=True, connected=True)
BOB = protocol.Member(id="b", name="Bob", is_host=False, connected=True)


def room(*, host_connected: bool = True, track: str | None = None, locked: bool = False) -> protocol.RoomMessage:
    return protocol.RoomMessage(
        epoch="e",
        version=3,
        snapshot=protocol.Snapshot(
            code="BCDFGH",
            created_at=0,
            expires_at=1,
            host_id="a",
            host_connected=host_connected,
            guest_count=1,
            watchers=1,
            capacity=500,
            chat_mode=ChatMode.OPEN,
            locked=locked,
            playback=protocol.Playback(state="playing", track=track, next_track=None, position=0.0, at=0),
            members=[ANN, BOB],
            messages=[],
        ),
    )


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (protocol.Welcome("c", "i", "1", 20), None),
        (room(), "#3 BCDFGH: hosted by Ann, 1 guest, chat OPEN"),
        (
            room(host_connected=False, track="x.mp3", locked=True),
            "#3 BCDFGH: hosted by Ann (away), 1 guest, chat OPEN, locked, playing: x.mp3",
        ),
        (protocol.MemberJoined(version=4, guest_count=2, member=BOB), "#4 Bob joined (2 guests)"),
        (
            protocol.MemberLeft(version=4, guest_count=0, member_id="b", cause="kicked"),
            "#4 Bob is gone: kicked (0 guests)",
        ),
        (
            protocol.MemberLeft(version=4, guest_count=0, member_id="z", cause="left"),
            "#4 somebody is gone: left (0 guests)",
        ),
        (protocol.HostChanged(version=4, guest_count=1, host_id="b", member=BOB), "#4 Bob is the host now (1 guest)"),
        (protocol.GuestCount(version=9, guest_count=201), "#9 Guests came or went (201 guests)"),
        (protocol.ChatModeSet(version=4, mode=ChatMode.LOCKED), "#4 Chat is LOCKED"),
        (protocol.LockSet(version=4, locked=True), "#4 The party is locked"),
        (protocol.PlayEvent(version=4, position=12.4, at=0), "#4 Playing from 12 s"),
        (protocol.NextTrackQueued(version=4, filename=None), "#4 Nothing is next"),
        (protocol.Reaction("b", "Bob", "🎉"), "Bob reacted 🎉"),
        (protocol.Reactions({"🎉": 9}), "Reactions: 🎉 x 9"),
        (protocol.Status("disconnected"), "The server's store is disconnected"),
        (
            protocol.PartyEnded(version=4, cause="host_left", recap=protocol.Recap(60, 3, 2, 1)),
            "#4 The party ended (host_left) after 60 s: 3 guests, 2 messages, 1 reactions",
        ),
    ],
)
def test_every_message_has_own_line(message: protocol.ServerMessage, line: str | None) -> None:
    assert format_line(message, {"a": "Ann", "b": "Bob"}) == line


def test_member_update_line_shows_change() -> None:
    names = {"b": "Bob"}
    renamed = protocol.Member(id="b", name="Bo", is_host=False, connected=True)
    away = protocol.Member(id="b", name="Bo", is_host=False, connected=False)
    first = format_line(protocol.MemberUpdated(version=4, guest_count=1, member=renamed), names)
    second = format_line(protocol.MemberUpdated(version=5, guest_count=0, member=away), names)
    assert first == "#4 Bob is now called Bo, connected (1 guest)"
    assert second == "#5 Bo is away (0 guests)"


def test_guest_text_cannot_control_terminal() -> None:
    said = protocol.MessageEvent(version=4, id="m", member_id="b", name="Bob", text="a\x1b[2Jb\nc\x9bd", at=0)
    line = format_line(said, {})
    assert line == "#4 Bob: a [2Jb c d"


class FakeSocket:
    """Frames that come one after the other."""

    def __init__(self, *frames: WSMessage) -> None:
        self._frames = iter(frames)

    def __aiter__(self) -> "FakeSocket":
        return self

    async def __anext__(self) -> WSMessage:
        frame = next(self._frames, None)
        if frame is None:
            raise StopAsyncIteration
        return frame


async def heard(*frames: WSMessage) -> list[protocol.ServerMessage]:
    return [message async for message in _messages(FakeSocket(*frames))]  # type: ignore[arg-type]


async def test_unknown_message_is_skipped() -> None:
    batch = '[{"t":"POLL_OPENED","version":4},{"t":"LOCK_SET","locked":true,"version":5}]'
    assert await heard(WSMessage(WSMsgType.TEXT, batch, None)) == [protocol.LockSet(version=5, locked=True)]


async def test_unanswered_pings_end_connection_and_not_program() -> None:
    no_pong = WSMessage(WSMsgType.ERROR, ServerTimeoutError("no pong"), None)
    assert await heard(no_pong, WSMessage(WSMsgType.TEXT, '{"t":"KICKED"}', None)) == []
