"""Every message of the WebSocket, as tagged unions: what a client may send and what it may hear.

A frame is one JSON object or a non-empty array of them; each has `t`, its type. Times are ms of the store's clock.
`docs/protocol.md`, the JSON Schema and `/asyncapi.json` are made from these classes.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from hubbub.core.errors import Reason
from hubbub.core.limits import (
    FILENAME_CHARS_MAX,
    LISTED_MAX,
    MESSAGE_CHARS_MAX,
    NAME_CHARS_MAX,
    POSITION_SECONDS_MAX,
    SNAPSHOT_MESSAGES_MAX,
    SOCKET_REQUEST_ID_CHARS_MAX,
    TOKEN_CHARS_MAX,
    TOKEN_CHARS_MIN,
)
from hubbub.core.party import ChatMode

PROTOCOL_VERSION: Final = 1

_SAFE_INTEGER: Final = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""

RequestId = (
    Annotated[str, Meta(max_length=SOCKET_REQUEST_ID_CHARS_MAX)]
    | Annotated[int, Meta(ge=-_SAFE_INTEGER, le=_SAFE_INTEGER)]
)
Token = Annotated[
    str,
    Meta(
        min_length=TOKEN_CHARS_MIN,
        max_length=TOKEN_CHARS_MAX,
        pattern=r"^[A-Za-z0-9_-]*$(?!\n)",  # Python's $ alone lets a last line break pass
        description="the secret that owns the seat; where there is none, the server makes one",
    ),
]
Filename = Annotated[str, Meta(min_length=1, max_length=FILENAME_CHARS_MAX)]
Seconds = Annotated[float, Meta(ge=0, le=POSITION_SECONDS_MAX, description="seconds from the track's beginning")]
StoreMs = Annotated[int, Meta(description="ms of the store's clock")]

# These only say what is meant, for the documents.
TypedCode = Annotated[str, Meta(description="as people type it; case, spaces and hyphens do not matter")]
TypedName = Annotated[str, Meta(description=f"control characters go, {NAME_CHARS_MAX} characters stay")]
ExpiresAt = Annotated[int, Meta(description="ms of the store's clock; every sign of life puts it off")]
ConnectedGuests = Annotated[int, Meta(description="the connected guests")]


# What a client sends.


class _Command(Struct, frozen=True, rename="camel", tag_field="t", kw_only=True):
    """`requestId`, if given, comes back with the answer; it correlates and does not deduplicate."""

    request_id: Annotated[RequestId | None, Meta(description="comes back with the answer")] = None


class Position(Struct, frozen=True):
    """What a client has seen: `version` of the party's life `epoch`."""

    epoch: Annotated[str, Meta(max_length=SOCKET_REQUEST_ID_CHARS_MAX)]
    version: Annotated[int, Meta(ge=0, le=_SAFE_INTEGER)]


class Create(_Command, frozen=True, tag="CREATE"):
    """Create a party and take its host's seat. Repeated with the same own token within 10 minutes: the same party."""

    name: TypedName | None = None
    token: Token | None = None


class Join(_Command, frozen=True, tag="JOIN"):
    """Take a seat, the token's own or a new one; `name` names either. `since` asks for what was missed only."""

    code: TypedCode
    name: TypedName | None = None
    token: Token | None = None
    since: Annotated[Position | None, Meta(description="what this client has seen, where it has")] = None


class Watch(_Command, frozen=True, tag="WATCH"):
    """See everything without a seat; refused while the party is locked."""

    code: TypedCode


class Leave(_Command, frozen=True, tag="LEAVE"):
    """Give up the seat; from the host it ends the party."""


class Rename(_Command, frozen=True, tag="RENAME"):
    """Take another name; an empty one becomes "Host" or "Guest N"."""

    name: TypedName


class SendMessage(_Command, frozen=True, tag="SEND_MESSAGE"):
    """Say something; guests in chat mode `OPEN` only."""

    text: Annotated[str, Meta(min_length=1, max_length=MESSAGE_CHARS_MAX)]


class SendReaction(_Command, frozen=True, tag="SEND_REACTION"):
    """React with one emoji; guests in `OPEN` and `EMOJI_ONLY`."""

    emoji: Annotated[str, Meta(description="exactly one of Unicode's emoji")]


class Kick(_Command, frozen=True, tag="KICK"):
    """Host: remove a guest, whose token cannot take a seat here again."""

    target_id: Annotated[str, Meta(description="a guest's member id")]


class Promote(_Command, frozen=True, tag="PROMOTE"):
    """Host: make a connected guest the host, and become a guest."""

    target_id: Annotated[str, Meta(description="a guest's member id")]


class SetChatMode(_Command, frozen=True, tag="CHAT_MODE_SET"):
    """Host: set who may speak. The host always may."""

    mode: ChatMode


class SetLock(_Command, frozen=True, tag="LOCK_SET"):
    """Host: let nobody new in, or open the party again."""

    locked: bool


class SelectTrack(_Command, frozen=True, tag="HOST_TRACK_SELECTED"):
    """Host: select a track, stopped at 0; the next one stays."""

    filename: Filename


class QueueTrack(_Command, frozen=True, tag="HOST_NEXT_TRACK_QUEUED"):
    """Host: queue the next track, or none."""

    filename: Filename | None


class ChangeTrack(_Command, frozen=True, tag="HOST_TRACK_CHANGED"):
    """Host: go on to another track from its beginning, playing if it was playing."""

    filename: Filename
    next_filename: Filename | None = None


class Play(_Command, frozen=True, tag="HOST_PLAY"):
    """Host: play, from `position` in seconds or from where it is."""

    position: Seconds | None = None


class Pause(_Command, frozen=True, tag="HOST_PAUSE"):
    """Host: pause, at `position` in seconds or where it is."""

    position: Seconds | None = None


class Ping(_Command, frozen=True, tag="PING"):
    """Ask for a `PONG`: whether the server lives, and what its store's clock says."""

    id: Annotated[RequestId | None, Meta(description="comes back in `PONG`")] = None


MemberCommand = (
    Rename
    | SendMessage
    | SendReaction
    | Kick
    | Promote
    | SetChatMode
    | SetLock
    | SelectTrack
    | QueueTrack
    | ChangeTrack
    | Play
    | Pause
)
"""What a member does in a party, answered by `OK` and an event."""

Command = Create | Join | Watch | Leave | MemberCommand | Ping


# What a client hears: answers.


class _Answer(Struct, frozen=True, rename="camel", tag_field="t", kw_only=True):
    request_id: RequestId | UnsetType = UNSET


class Welcome(Struct, frozen=True, rename="camel", tag_field="t", tag="WELCOME"):
    """The first message. A client that sends a `PING` every `heartbeatSeconds` finds a dead server."""

    client_id: Annotated[str, Meta(description="names this connection in the server's log")]
    instance_id: str
    version: Annotated[str, Meta(description="the server's")]
    heartbeat_seconds: int
    protocol: Annotated[int, Meta(description="the version of what is described here")] = PROTOCOL_VERSION


class CreatedAnswer(_Answer, frozen=True, tag="CREATED"):
    """The store has the party; a `ROOM` follows. `token` owns the host's seat."""

    code: str
    member_id: Annotated[str, Meta(description="your id in the party")]
    token: Annotated[str, Meta(description="keep it, since it is how you come back")]
    expires_at: ExpiresAt
    epoch: str
    version: int


class JoinedAnswer(_Answer, frozen=True, tag="JOINED"):
    """The seat is taken; a `ROOM` of this version follows, or the missed events up to it."""

    code: str
    member_id: Annotated[str, Meta(description="your id in the party")]
    token: Annotated[str, Meta(description="keep it, since it is how you come back")]
    is_host: bool
    resumed: Annotated[bool, Meta(description="whether the token had owned the seat before")]
    epoch: str
    version: int


class WatchingAnswer(_Answer, frozen=True, tag="WATCHING"):
    """The party is watched; a `ROOM` follows."""

    code: str
    epoch: str
    version: int


class Ok(_Answer, frozen=True, tag="OK"):
    """The command with that `requestId` was done."""


class Pong(_Answer, frozen=True, tag="PONG"):
    """The answer to `PING`."""

    server_time: StoreMs
    id: RequestId | UnsetType = UNSET


class ErrorAnswer(_Answer, frozen=True, tag="ERROR"):
    """What was refused and why: `reason` for programs, `error` for people."""

    reason: Reason
    error: str
    retryable: bool
    in_doubt: Annotated[
        bool | UnsetType,
        Meta(description="there where the command may have been carried out all the same; the party's events tell"),
    ] = UNSET


# What a client hears: the party.


class Member(Struct, frozen=True, rename="camel"):
    """A listed seat. `connected` is false while it is held for somebody who dropped."""

    id: str
    name: str
    is_host: bool
    connected: bool


class ChatMessage(Struct, frozen=True, rename="camel"):
    """Something said; `name` is what its speaker was called then."""

    id: str
    member_id: str
    name: str
    text: str
    at: StoreMs


class Playback(Struct, frozen=True, rename="camel"):
    """What plays: at `at` the track stood at `position` seconds."""

    state: Literal["stopped", "playing", "paused"]
    track: str | None
    next_track: str | None
    position: float
    at: StoreMs


class Snapshot(Struct, frozen=True, rename="camel"):
    """A party as everybody may see it. `guestCount` counts connected guests."""

    code: str
    created_at: StoreMs
    expires_at: ExpiresAt
    host_id: str
    host_connected: bool
    guest_count: ConnectedGuests
    watchers: int
    capacity: Annotated[int, Meta(description="the most seats, the host's and held ones included")]
    chat_mode: ChatMode
    locked: bool
    playback: Playback
    members: Annotated[
        Sequence[Member], Meta(description=f"the listed seats, {LISTED_MAX} at most, in the order of their coming")
    ]
    messages: Annotated[Sequence[ChatMessage], Meta(description=f"the last {SNAPSHOT_MESSAGES_MAX}")]


class RoomMessage(Struct, frozen=True, tag_field="t", tag="ROOM"):
    """The whole party, at a version: what was known of it before is void."""

    epoch: str
    version: int
    snapshot: Snapshot


class _Event(Struct, frozen=True, rename="camel", tag_field="t", kw_only=True):
    """One change of the party, numbered: one more than the event before it."""

    version: int


class _Counted(_Event, frozen=True):
    guest_count: ConnectedGuests


class MemberJoined(_Counted, frozen=True, tag="MEMBER_JOINED"):
    """Somebody took a new, listed seat."""

    member: Member


class MemberLeft(_Counted, frozen=True, tag="MEMBER_LEFT"):
    """A listed seat is free."""

    member_id: str
    cause: Literal["left", "kicked", "timeout"]


class MemberUpdated(_Counted, frozen=True, tag="MEMBER_UPDATED"):
    """Somebody was renamed, dropped or came back."""

    member: Member


class HostChanged(_Counted, frozen=True, tag="HOST_CHANGED"):
    """A guest, not listed so far perhaps, is the host now, and the host a guest."""

    host_id: str
    member: Member


class GuestCount(_Event, frozen=True, tag="GUEST_COUNT"):
    """What happened to seats that are not listed; stands for the events `from`..`version`, or for one."""

    guest_count: ConnectedGuests
    since: int | UnsetType = msgspec.field(default=UNSET, name="from")


class ChatModeSet(_Event, frozen=True, tag="CHAT_MODE_SET"):
    """Who may speak from now on."""

    mode: ChatMode


class LockSet(_Event, frozen=True, tag="LOCK_SET"):
    """Whether newcomers get in from now on."""

    locked: bool


class PlayEvent(_Event, frozen=True, tag="PLAY"):
    """The track plays: at `at` it stood at `position` seconds."""

    position: float
    at: StoreMs


class Paused(_Event, frozen=True, tag="PAUSE"):
    """The track is paused at `position` seconds."""

    position: float
    at: StoreMs


class TrackSelected(_Event, frozen=True, tag="TRACK_SELECTED"):
    """Another track, stopped at 0; the next one stays."""

    filename: str
    at: StoreMs


class NextTrackQueued(_Event, frozen=True, tag="NEXT_TRACK_QUEUED"):
    """What comes next, or nothing."""

    filename: str | None


class TrackChanged(_Event, frozen=True, tag="TRACK_CHANGED"):
    """Another track at position 0, playing if it was playing."""

    filename: str
    next_filename: str | None
    at: StoreMs


class MessageEvent(_Event, frozen=True, tag="MESSAGE"):
    """Somebody said something."""

    id: str
    member_id: str
    name: str
    text: str
    at: StoreMs


class Recap(Struct, frozen=True):
    """A party in figures: how long it was, how many guests ever came, what they said and how often they reacted."""

    seconds: int
    guests: int
    messages: int
    reactions: int


class PartyEnded(_Event, frozen=True, tag="ENDED"):
    """The party is over."""

    cause: Literal["host_left", "host_timeout"]
    recap: Recap


Event = (
    MemberJoined
    | MemberLeft
    | MemberUpdated
    | HostChanged
    | GuestCount
    | ChatModeSet
    | LockSet
    | PlayEvent
    | Paused
    | TrackSelected
    | NextTrackQueued
    | TrackChanged
    | MessageEvent
    | PartyEnded
)


# What a client hears: without a version, not kept, not replayed.


class Reaction(Struct, frozen=True, rename="camel", tag_field="t", tag="REACTION"):
    """Somebody in the party reacted."""

    member_id: str
    name: str
    emoji: str


class Reactions(Struct, frozen=True, tag_field="t", tag="REACTIONS"):
    """Many reacted at about the same time: their reactions, counted."""

    counts: Annotated[Mapping[str, int], Meta(description="how often each emoji was sent")]


class Status(Struct, frozen=True, tag_field="t", tag="STATUS"):
    """How the server's link to its store is, so that a page can say what is true."""

    store: Literal["connected", "disconnected", "recovering"]


class KickedMessage(Struct, frozen=True, tag_field="t", tag="KICKED"):
    """The host has removed you; the connection is closed next."""


Answer = Welcome | CreatedAnswer | JoinedAnswer | WatchingAnswer | Ok | Pong | ErrorAnswer
ServerMessage = Answer | RoomMessage | Event | Reaction | Reactions | Status | KickedMessage

encode = msgspec.json.Encoder().encode
