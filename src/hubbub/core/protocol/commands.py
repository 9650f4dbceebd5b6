"""The commands that a client sends."""

from typing import Annotated

from msgspec import Meta, Struct

from hubbub.core.limits import MESSAGE_CHARS_MAX, SOCKET_REQUEST_ID_CHARS_MAX
from hubbub.core.party import ChatMode
from hubbub.core.protocol.fields import SAFE_INTEGER_MAX, Filename, RequestId, Seconds, Token, TypedCode, TypedName


class _Command(Struct, frozen=True, rename="camel", tag_field="t", kw_only=True):
    """`requestId`, if given, comes back with the answer; it correlates and does not deduplicate."""

    request_id: Annotated[RequestId | None, Meta(description="comes back with the answer")] = None


class Position(Struct, frozen=True):
    """The position that a client has seen: `version` of the epoch `epoch`."""

    epoch: Annotated[str, Meta(max_length=SOCKET_REQUEST_ID_CHARS_MAX)]
    version: Annotated[int, Meta(ge=0, le=SAFE_INTEGER_MAX)]


class Create(_Command, frozen=True, tag="CREATE"):
    """Create a party and take its host's seat. Repeated with the same own token within 10 minutes: the same party."""

    name: TypedName | None = None
    token: Token | None = None


class Join(_Command, frozen=True, tag="JOIN"):
    """Take a seat, the token's own or a new one; `name` names either. `since` asks for what was missed only."""

    code: TypedCode
    name: TypedName | None = None
    token: Token | None = None
    since: Annotated[Position | None, Meta(description="what this client has seen, if anything")] = None


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
    """Host: lock the party for new guests, or unlock it."""

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
    """Host: play, from `position` in seconds or from the current position."""

    position: Seconds | None = None


class Pause(_Command, frozen=True, tag="HOST_PAUSE"):
    """Host: pause, at `position` in seconds or at the current position."""

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
"""The commands of a member in a party. The answer is `OK`, and all clients get an event."""

Command = Create | Join | Watch | Leave | MemberCommand | Ping
