"""Versioned events: every change of a party that its clients must not miss."""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from hubbub.core.party import ChatMode
from hubbub.core.protocol.fields import ConnectedGuests, StoreMs
from hubbub.core.protocol.state import Member


class _Event(Struct, frozen=True, rename="camel", tag_field="t", kw_only=True):
    """One change of the party, numbered: one more than the event before it."""

    version: int


class _Counted(_Event, frozen=True):
    guest_count: ConnectedGuests


class MemberJoined(_Counted, frozen=True, tag="MEMBER_JOINED"):
    """A guest took a new, listed seat."""

    member: Member


class MemberLeft(_Counted, frozen=True, tag="MEMBER_LEFT"):
    """A listed seat is free."""

    member_id: str
    cause: Literal["left", "kicked", "timeout"]


class MemberUpdated(_Counted, frozen=True, tag="MEMBER_UPDATED"):
    """A member was renamed, disconnected or reconnected."""

    member: Member


class HostChanged(_Counted, frozen=True, tag="HOST_CHANGED"):
    """A guest, not listed so far perhaps, is the host now, and the host a guest."""

    host_id: str
    member: Member


class GuestCount(_Event, frozen=True, tag="GUEST_COUNT"):
    """Seats that are not listed have changed. Stands for the events `from`..`version`, or for one."""

    guest_count: ConnectedGuests
    since: int | UnsetType = msgspec.field(default=UNSET, name="from")


class ChatModeSet(_Event, frozen=True, tag="CHAT_MODE_SET"):
    """The chat mode has changed."""

    mode: ChatMode


class LockSet(_Event, frozen=True, tag="LOCK_SET"):
    """The party was locked or unlocked."""

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
    """The next track has changed, perhaps to none."""

    filename: str | None


class TrackChanged(_Event, frozen=True, tag="TRACK_CHANGED"):
    """Another track at position 0, playing if it was playing."""

    filename: str
    next_filename: str | None
    at: StoreMs


class MessageEvent(_Event, frozen=True, tag="MESSAGE"):
    """A member sent a message."""

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
