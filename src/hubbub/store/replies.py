"""Convert the replies of scripts to typed outcomes.

The header of each Lua file lists its replies, in the order in which they are unpacked here.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from hubbub.core.backup import PartyBackup
from hubbub.core.errors import Reason
from hubbub.core.party import PartyDocument
from hubbub.core.protocol import ChatMessage, Member, Playback, Snapshot
from hubbub.core.results import (
    Accepted,
    CatchUpOutcome,
    CommandResult,
    DifferentParty,
    Ended,
    EventsSince,
    Found,
    Full,
    FullState,
    HistoryLost,
    Joinable,
    JoinCheckOutcome,
    Joined,
    JoinOutcome,
    Kicked,
    LeaseLoss,
    Locked,
    Missing,
    ReadOutcome,
    Rejected,
    Renewed,
    RenewOutcome,
    Restored,
    RestoreOutcome,
    TooManyWatchers,
    Watching,
    WatchOutcome,
)
from hubbub.core.seats import decode_seat
from hubbub.store.port import StoreFailure, StoreUnavailableError

Reply = list[Any]
"""A script's reply: the store's time in ms, a status, and the values that go with the status."""

ABSENCES: Final[dict[bytes, Missing | Ended]] = {b"missing": Missing(), b"ended": Ended()}
JOIN_CHECKS: Final[dict[bytes, JoinCheckOutcome]] = {
    **ABSENCES,
    b"joinable": Joinable(),
    b"locked": Locked(),
    b"full": Full(),
}
_JOIN_REFUSALS: Final[dict[bytes, JoinOutcome]] = {
    **ABSENCES,
    b"kicked": Kicked(),
    b"locked": Locked(),
    b"full": Full(),
}
_WATCH_REFUSALS: Final[dict[bytes, WatchOutcome]] = {**ABSENCES, b"locked": Locked(), b"crowded": TooManyWatchers()}

_RESTORE_OUTCOMES: Final[dict[bytes, RestoreOutcome]] = {
    **ABSENCES,
    b"restored": Restored(),
    b"other_party": DifferentParty(),
}
_HISTORY_LOST: Final = frozenset({b"other_epoch", b"truncated", b"diverged"})

_decode_document = msgspec.json.Decoder(PartyDocument).decode
_decode_message = msgspec.json.Decoder(ChatMessage).decode
_decode_text = msgspec.json.Decoder(str | None).decode


def read_document(document: bytes, key: str) -> PartyDocument:
    """Decode a party document; raises `StoreUnavailableError` if the key holds something else."""
    try:
        return _decode_document(document)
    except msgspec.DecodeError as error:
        raise StoreUnavailableError(StoreFailure.REFUSED, f"{key} holds no party document: {error}") from None


def read_found(reply: Reply, key: str) -> ReadOutcome:
    """Convert the reply of `queries/read.lua`, which counts unexpired leases only."""
    if (absence := ABSENCES.get(reply[1])) is not None:
        return absence
    _, _, document, host_connected, guests = reply
    party = read_document(document, key)
    return Found(replace(party, host_connected=host_connected == 1, guest_count=guests))


def read_joined(reply: Reply) -> JoinOutcome:
    """Convert the reply of `commands/join.lua`."""
    status = reply[1]
    if status == b"no_memory":
        raise StoreUnavailableError(StoreFailure.OUT_OF_MEMORY, "there is no room for a new seat")
    if (refusal := _JOIN_REFUSALS.get(status)) is not None:
        return refusal
    _, _, epoch, version, member_id, is_host, resumed, expires_at = reply
    return Joined(member_id.decode(), is_host == 1, resumed == 1, epoch.decode(), version, expires_at)


def read_watching(reply: Reply) -> WatchOutcome:
    """Convert the reply of `commands/watch.lua`."""
    if (refusal := _WATCH_REFUSALS.get(reply[1])) is not None:
        return refusal
    _, _, epoch, version, watchers, expires_at = reply
    return Watching(epoch.decode(), version, expires_at, watchers)


def read_executed(reply: Reply) -> CommandResult:
    """Convert the reply of a member's command."""
    status = reply[1]
    if status == b"done":
        return Accepted()
    return ABSENCES.get(status) or Rejected(Reason(status.decode()))


def read_renewed(reply: Reply) -> RenewOutcome:
    """Convert the reply of `commands/renew.lua`."""
    if (absence := ABSENCES.get(reply[1])) is not None:
        return absence
    if reply[1] in _HISTORY_LOST:
        return HistoryLost()
    _, _, epoch, version, watchers, expires_at, due_ms, backup, *losses = reply
    triples = zip(*[iter(losses)] * 3, strict=True)
    return Renewed(
        epoch=epoch.decode(),
        version=version,
        expires_at=expires_at,
        watchers=watchers,
        due_ms=due_ms if due_ms >= 0 else None,
        verdicts=tuple(
            LeaseLoss(seat.decode(), holder.decode(), Reason(reason.decode())) for seat, holder, reason in triples
        ),
        copy=None if backup is None else _read_backup(*backup),
    )


def _read_backup(document: bytes, *keys: list[bytes]) -> PartyBackup:
    """Convert a backup: the document, then the other keys in the order of the fields of `PartyBackup`."""
    return PartyBackup(document, *map(tuple, keys))


def read_restored(reply: Reply) -> RestoreOutcome:
    """Convert the reply of `recovery/restore_party.lua`."""
    return _RESTORE_OUTCOMES[reply[1]]


def read_caught_up(reply: Reply, code: str, key: str) -> CatchUpOutcome:
    """Convert the reply of `queries/catch_up.lua`."""
    if (absence := ABSENCES.get(reply[1])) is not None:
        return absence
    if reply[1] in _HISTORY_LOST:
        return HistoryLost()
    if reply[1] == b"events":
        return EventsSince(reply[2], tuple(reply[3:]))
    try:
        return _read_full_state(reply, code, key)
    except (msgspec.DecodeError, TypeError) as error:
        raise StoreUnavailableError(StoreFailure.REFUSED, f"the keys of {key} hold no party: {error}") from None


def _read_full_state(reply: Reply, code: str, key: str) -> FullState:
    _, _, epoch, version, document, expires_at, listed, messages, events, watchers, playback = reply
    party = read_document(document, key)
    snapshot = Snapshot(
        code=code,
        created_at=party.created_at,
        expires_at=expires_at,
        host_id=party.host_id,
        host_connected=party.host_connected,
        guest_count=party.guest_count,
        watchers=int(watchers),
        capacity=party.terms.capacity,
        chat_mode=party.chat_mode,
        locked=party.locked,
        playback=_read_playback(playback, party.created_at),
        members=_read_members(listed, party),
        messages=[_decode_message(message) for message in messages],
    )
    return FullState(epoch.decode(), version, snapshot, tuple(events))


def _read_members(listed: Sequence[Any], party: PartyDocument) -> list[Member]:
    if not listed:
        # No connection has entered yet, so the store has no seats, not even the host's.
        return [Member(party.host_id, party.host_name, is_host=True, connected=False)]
    members: list[Member] = []
    for seat_id, record, connected in zip(*[iter(listed)] * 3, strict=True):
        name = decode_seat(record).name
        member_id = seat_id.decode()
        members.append(Member(member_id, name, is_host=member_id == party.host_id, connected=connected == 1))
    return members


def _read_playback(fields: Sequence[bytes | None], created_at: int) -> Playback:
    track, next_track, state, position, at = fields
    return Playback(
        state=msgspec.convert((state or b"stopped").decode(), Playback.__annotations__["state"]),
        track=_decode_text(track or b"null"),
        next_track=_decode_text(next_track or b"null"),
        position=float(position or 0),
        at=int(at or created_at),
    )
