"""What the server sends to one client: the greeting, and answers to its commands."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from hubbub.core.errors import Reason
from hubbub.core.protocol.fields import PROTOCOL_VERSION, ExpiresAt, RequestId, StoreMs


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
    """The command was refused: `reason` for programs, `error` for people."""

    reason: Reason
    error: str
    retryable: bool
    in_doubt: Annotated[
        bool | UnsetType,
        Meta(description="present if the command may have been carried out nevertheless; the party's events show it"),
    ] = UNSET
    retry_after_ms: Annotated[
        int | UnsetType, Meta(description="present if it is known how long to wait before the next attempt")
    ] = UNSET
