"""Apply events to a snapshot of their party."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from hubbub.core.limits import SNAPSHOT_MESSAGES_MAX
from hubbub.core.protocol import (
    ChatMessage,
    ChatModeSet,
    Event,
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
    Snapshot,
    TrackChanged,
    TrackSelected,
)


def apply_event(party: Snapshot, event: Event) -> Snapshot:
    """Return the party after an event. Members stay in the order in which they joined."""
    return replace(party, **_changes(party, event))


def _changes(party: Snapshot, event: Event) -> dict[str, Any]:
    """Return the fields that the event changes, with their new values."""
    match event:
        case MemberJoined() | MemberLeft() | MemberUpdated() | HostChanged():
            return {"guest_count": event.guest_count, **_changes_of_members(party, event)}
        case GuestCount(guest_count=guest_count):
            changes: dict[str, Any] = {"guest_count": guest_count}
        case ChatModeSet(mode=mode):
            changes = {"chat_mode": mode}
        case LockSet(locked=locked):
            changes = {"locked": locked}
        case MessageEvent():
            said = ChatMessage(event.id, event.member_id, event.name, event.text, event.at)
            changes = {"messages": [*party.messages, said][-SNAPSHOT_MESSAGES_MAX:]}
        case PartyEnded():
            changes = {}
        case _:
            changes = {"playback": replace(party.playback, **_changes_of_playback(event))}
    return changes


def _changes_of_members(
    party: Snapshot, event: MemberJoined | MemberLeft | MemberUpdated | HostChanged
) -> dict[str, Any]:
    match event:
        case MemberJoined(member=member):
            return {"members": [*party.members, member]}
        case MemberLeft(member_id=gone):
            return {"members": [other for other in party.members if other.id != gone]}
        case MemberUpdated(member=member):
            host = {"host_connected": member.connected} if member.is_host else {}
            return {"members": _with(party.members, member), **host}
        case HostChanged(member=host):
            guests = [replace(other, is_host=False) if other.is_host else other for other in party.members]
            return {"host_id": host.id, "host_connected": host.connected, "members": _with(guests, host)}


def _with(members: Sequence[Member], member: Member) -> list[Member]:
    """Return the members with `member` in its old position, or at the end if it is new."""
    changed = [member if other.id == member.id else other for other in members]
    return changed if member in changed else [*changed, member]


def _changes_of_playback(event: PlayEvent | Paused | TrackSelected | NextTrackQueued | TrackChanged) -> dict[str, Any]:
    match event:
        case PlayEvent(position=position, at=at):
            return {"state": "playing", "position": position, "at": at}
        case Paused(position=position, at=at):
            return {"state": "paused", "position": position, "at": at}
        case TrackSelected(filename=track, at=at):
            return {"state": "stopped", "track": track, "position": 0.0, "at": at}
        case NextTrackQueued(filename=following):
            return {"next_track": following}
        case TrackChanged(filename=track, next_filename=following, at=at):
            return {"track": track, "next_track": following, "position": 0.0, "at": at}
