"""Every message of the WebSocket, as tagged unions.

`commands` has what a client sends, `answers` what the server sends to one client, `state` and `events` what it sends to
all clients of a party, `ephemeral` what has no version. `fields` has the types and bounds of their fields.

A frame is one JSON object or a non-empty array of them; each has `t`, its type. Times are ms of the store's clock.
`docs/protocol.md`, the JSON Schema and `/asyncapi.json` are generated from these classes.
"""

import msgspec

from hubbub.core.protocol.answers import CreatedAnswer, ErrorAnswer, JoinedAnswer, Ok, Pong, WatchingAnswer, Welcome
from hubbub.core.protocol.commands import (
    ChangeTrack,
    Command,
    Create,
    Join,
    Kick,
    Leave,
    MemberCommand,
    Pause,
    Ping,
    Play,
    Position,
    Promote,
    QueueTrack,
    Rename,
    SelectTrack,
    SendMessage,
    SendReaction,
    SetChatMode,
    SetLock,
    Watch,
)
from hubbub.core.protocol.ephemeral import KickedMessage, Reaction, Reactions, Status
from hubbub.core.protocol.events import (
    ChatModeSet,
    Event,
    GuestCount,
    HostChanged,
    LockSet,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    MessageEvent,
    NextTrackQueued,
    PartyEnded,
    Paused,
    PlayEvent,
    Recap,
    TrackChanged,
    TrackSelected,
)
from hubbub.core.protocol.fields import (
    PROTOCOL_VERSION,
    ConnectedGuests,
    ExpiresAt,
    Filename,
    RequestId,
    Seconds,
    StoreMs,
    Token,
    TypedCode,
    TypedName,
)
from hubbub.core.protocol.state import ChatMessage, Member, Playback, RoomMessage, Snapshot

Answer = Welcome | CreatedAnswer | JoinedAnswer | WatchingAnswer | Ok | Pong | ErrorAnswer
ServerMessage = Answer | RoomMessage | Event | Reaction | Reactions | Status | KickedMessage

encode = msgspec.json.Encoder().encode

__all__ = [
    "PROTOCOL_VERSION",
    "Answer",
    "ChangeTrack",
    "ChatMessage",
    "ChatModeSet",
    "Command",
    "ConnectedGuests",
    "Create",
    "CreatedAnswer",
    "ErrorAnswer",
    "Event",
    "ExpiresAt",
    "Filename",
    "GuestCount",
    "HostChanged",
    "Join",
    "JoinedAnswer",
    "Kick",
    "KickedMessage",
    "Leave",
    "LockSet",
    "Member",
    "MemberCommand",
    "MemberJoined",
    "MemberLeft",
    "MemberUpdated",
    "MessageEvent",
    "NextTrackQueued",
    "Ok",
    "PartyEnded",
    "Pause",
    "Paused",
    "Ping",
    "Play",
    "PlayEvent",
    "Playback",
    "Pong",
    "Position",
    "Promote",
    "QueueTrack",
    "Reaction",
    "Reactions",
    "Recap",
    "Rename",
    "RequestId",
    "RoomMessage",
    "Seconds",
    "SelectTrack",
    "SendMessage",
    "SendReaction",
    "ServerMessage",
    "SetChatMode",
    "SetLock",
    "Snapshot",
    "Status",
    "StoreMs",
    "Token",
    "TrackChanged",
    "TrackSelected",
    "TypedCode",
    "TypedName",
    "Watch",
    "WatchingAnswer",
    "Welcome",
    "encode",
]
