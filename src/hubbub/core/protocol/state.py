"""The state of a party as clients see it."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hubbub.core.limits import LISTED_MAX, SNAPSHOT_MESSAGES_MAX
from hubbub.core.party import ChatMode
from hubbub.core.protocol.fields import ConnectedGuests, ExpiresAt, StoreMs


class Member(Struct, frozen=True, rename="camel"):
    """A listed seat. `connected` is false while the seat is held for a member whose connection dropped."""

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
    """The playback: at `at` the track was at `position` seconds."""

    state: Literal["stopped", "playing", "paused"]
    track: str | None
    next_track: str | None
    position: float
    at: StoreMs


class Snapshot(Struct, frozen=True, rename="camel"):
    """The public state of a party. `guestCount` counts connected guests."""

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
