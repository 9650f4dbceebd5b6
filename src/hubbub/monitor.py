"""`hubbub watch`: print a party's events as lines in a terminal."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from typing import Final
from unicodedata import category

import aiohttp
import msgspec

from hubbub.core.errors import FINAL_CLOSE_CODES, CloseCode
from hubbub.core.limits import (
    HEARTBEAT_SECONDS,
    WATCH_CONNECT_SECONDS_MAX,
    WATCH_RETRY_SECONDS_MAX,
    WATCH_RETRY_SECONDS_MIN,
)
from hubbub.core.names import DIRECTION_CONTROLS
from hubbub.core.protocol import (
    ChatModeSet,
    ErrorAnswer,
    GuestCount,
    HostChanged,
    LockSet,
    Member,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    MessageEvent,
    NextTrackQueued,
    PartyEnded,
    Paused,
    PlayEvent,
    Reaction,
    Reactions,
    RoomMessage,
    ServerMessage,
    Status,
    TrackChanged,
    TrackSelected,
    Watch,
    WatchingAnswer,
    Welcome,
    encode,
)

_CONTROL_CATEGORIES: Final = {"Cc", "Cs", "Zl", "Zp"}
_decode = msgspec.json.Decoder(ServerMessage).decode


class WatchError(Exception):
    """The instance refuses to let this program watch the party."""


async def watch(code: str, server: str, write: Callable[[str], None]) -> None:
    """Pass each line to `write` until the party ends; reconnect if the connection breaks.

    `server` is the address of any instance. Raises `WatchError` if the instance refuses for good.
    """
    address = server.rstrip("/") + "/ws"
    last_line = ""
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                if await _watch_once(session, address, code, write):
                    return
                last_line = ""
            except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
                if (line := f"No connection to {server} ({str(trouble) or type(trouble).__name__}).") != last_line:
                    last_line = line
                    write(f"{line} Trying again ...")
            await asyncio.sleep(random.uniform(WATCH_RETRY_SECONDS_MIN, WATCH_RETRY_SECONDS_MAX))  # noqa: S311 - only spreads reconnects


async def _watch_once(session: aiohttp.ClientSession, address: str, code: str, write: Callable[[str], None]) -> bool:
    """Watch over one connection; return True if the party or the watching ended for good."""
    async with asyncio.timeout(WATCH_CONNECT_SECONDS_MAX):
        socket = await session.ws_connect(address, heartbeat=HEARTBEAT_SECONDS, max_msg_size=0)
    async with socket:
        await socket.send_str(encode(Watch(code=code)).decode())
        names: dict[str, str] = {}
        async for message in _messages(socket):
            if isinstance(message, ErrorAnswer):
                if not message.retryable:
                    raise WatchError(f"{message.error} ({message.reason}).")
                write(f"{message.error}. Trying again ...")
                return False
            if (line := format_line(message, names)) is not None:
                write(f"{datetime.now().astimezone():%H:%M:%S}  {line}")
            if isinstance(message, PartyEnded):
                return True
        final = socket.close_code in FINAL_CLOSE_CODES
        write(
            f"The connection was closed ({_named(socket.close_code)}). {'' if final else 'Trying again ...'}".rstrip()
        )
        return final


async def _messages(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[ServerMessage]:
    async for frame in socket:
        if frame.type is not aiohttp.WSMsgType.TEXT:
            return
        for message in _split(frame.data):
            # A newer instance may send messages that this program does not know.
            with suppress(msgspec.ValidationError):
                yield _decode(message)


def _split(frame: str) -> list[msgspec.Raw]:
    """Split a frame into its messages, each still encoded."""
    return msgspec.json.decode(frame, type=list[msgspec.Raw]) if frame.startswith("[") else [msgspec.Raw(frame)]


def _named(code: int | None) -> str:
    return CloseCode(code).name.lower().replace("_", " ") if code in set(CloseCode) else str(code)


def format_line(message: ServerMessage, names: dict[str, str]) -> str | None:
    """Format a message as a line, or None if it needs none; `names` maps member ids to names."""
    match message:
        case Welcome() | WatchingAnswer():
            return None
        case RoomMessage():
            line = _format_room(message, names)
        case MemberJoined() | MemberLeft() | MemberUpdated() | HostChanged() | GuestCount():
            line = f"#{message.version} {_format_member_event(message, names)} ({_guests(message.guest_count)})"
        case ChatModeSet() | LockSet() | MessageEvent() | PartyEnded():
            line = f"#{message.version} {_format_party_event(message)}"
        case PlayEvent() | Paused() | TrackSelected() | NextTrackQueued() | TrackChanged():
            line = f"#{message.version} {_format_playback_event(message)}"
        case _:
            line = _format_other(message)
    # Guests' texts must neither control the terminal nor change the direction of its lines.
    return "".join(
        " " if category(char) in _CONTROL_CATEGORIES or char in DIRECTION_CONTROLS else char for char in line
    )


def _format_other(message: ServerMessage) -> str:
    match message:
        case Reaction(name=name, emoji=emoji):
            return f"{name} reacted {emoji}"
        case Reactions(counts=counts):
            return "Reactions: " + ", ".join(f"{emoji} x {count}" for emoji, count in counts.items())
        case Status(store=store):
            return f"The server's store is {store}"
        case _:
            return encode(message).decode()


def _format_room(room: RoomMessage, names: dict[str, str]) -> str:
    party = room.snapshot
    names.update({member.id: member.name for member in party.members})
    track = f", {party.playback.state}: {party.playback.track}" if party.playback.track else ""
    lock = ", locked" if party.locked else ""
    host = _named_member(party.host_id, names) + ("" if party.host_connected else " (away)")
    return (
        f"#{room.version} {party.code}: hosted by {host}, {_guests(party.guest_count)},"
        f" chat {party.chat_mode}{lock}{track}"
    )


def _format_member_event(
    event: MemberJoined | MemberLeft | MemberUpdated | HostChanged | GuestCount, names: dict[str, str]
) -> str:
    match event:
        case GuestCount():
            return "Guests came or went"
        case MemberLeft(member_id=member_id, cause=cause):
            return f"{_named_member(member_id, names)} is gone: {cause}"
        case MemberJoined(member=member):
            names[member.id] = member.name
            return f"{member.name} joined"
        case HostChanged(member=member):
            return f"{member.name} is the host now"
        case MemberUpdated(member=member):
            return _format_update(member, names)


def _format_update(member: Member, names: dict[str, str]) -> str:
    before, names[member.id] = names.get(member.id), member.name
    renamed = f"{before} is now called {member.name}, " if before not in {None, member.name} else f"{member.name} is "
    return renamed + ("connected" if member.connected else "away")


def _format_party_event(event: ChatModeSet | LockSet | MessageEvent | PartyEnded) -> str:
    match event:
        case ChatModeSet(mode=mode):
            return f"Chat is {mode}"
        case LockSet(locked=locked):
            return "The party is locked" if locked else "The party is open"
        case MessageEvent(name=name, text=text):
            return f"{name}: {text}"
        case PartyEnded(cause=cause, recap=recap):
            return (
                f"The party ended ({cause}) after {recap.seconds} s: {recap.guests} guests,"
                f" {recap.messages} messages, {recap.reactions} reactions"
            )


def _format_playback_event(event: PlayEvent | Paused | TrackSelected | NextTrackQueued | TrackChanged) -> str:
    match event:
        case PlayEvent(position=position):
            return f"Playing from {position:.0f} s"
        case Paused(position=position):
            return f"Paused at {position:.0f} s"
        case TrackSelected(filename=filename):
            return f"Selected {filename}"
        case NextTrackQueued(filename=filename):
            return f"Next is {filename}" if filename is not None else "Nothing is next"
        case TrackChanged(filename=filename):
            return f"Now it is {filename}"


def _named_member(member_id: str, names: dict[str, str]) -> str:
    return names.get(member_id, "somebody")


def _guests(count: int) -> str:
    return f"{count} guest{'' if count == 1 else 's'}"
