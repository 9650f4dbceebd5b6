"""Backups of parties on an instance, from which a store that lost data is restored.

The store sends a backup with the reply to a lease renewal, so a backup is at most one renewal old. Later events are in
the instance's replica: `merge_room_state` adds them. A backup includes the hashes of tokens.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from hubbub.core.position import ProvenPosition
from hubbub.core.protocol import Snapshot
from hubbub.core.seats import KICKED, Lease, SeatRecord, decode_seat


class RestoreRequest(msgspec.Struct, frozen=True):
    """Everything that an instance has of a party, to restore it in a store that lost data.

    `known` is the position that its clients know. `epoch` is random and makes the next epoch's name unique.
    `expires_at` is the last known expiry, ms of the store's clock. `own` has this instance's leases, each with its
    member's name, empty if unknown. `kicked` has the leases of this instance that the host has kicked.
    """

    code: str
    copy: "PartyBackup | None"
    known: ProvenPosition | None
    epoch: str
    expires_at: int
    own: Sequence[tuple[Lease, str]] = ()
    kicked: Sequence[Lease] = ()


class Tombstone(msgspec.Struct, frozen=True):
    """A party that ended. The store keeps this until `until_ms` of its clock.

    `host_token_hash` is empty if this instance never had a backup of the party.
    """

    code: str
    party_id: str
    host_token_hash: str
    until_ms: int


class PartyBackup(msgspec.Struct, frozen=True):
    """Everything that the store has of a party: its document, and its other keys as the flat arrays of Redis replies.

    Before the first connection, all fields but the document are empty.
    """

    document: bytes
    state: tuple[bytes, ...] = ()
    seats: tuple[bytes, ...] = ()
    tokens: tuple[bytes, ...] = ()
    roster: tuple[bytes, ...] = ()
    leases: tuple[bytes, ...] = ()
    messages: tuple[bytes, ...] = ()

    @property
    def party_id(self) -> str:
        """The random id, which distinguishes parties that had the same code."""
        return _decode_document(self.document).id

    @property
    def host_token_hash(self) -> str:
        """The hash of the token that owns the first host's seat."""
        return _decode_document(self.document).host_token

    def encoded(self) -> bytes:
        """Return the backup as the JSON object that `restore_party.lua` reads."""
        return msgspec.json.encode({name: _text(getattr(self, name)) for name in self.__struct_fields__})


class _Document(msgspec.Struct, rename="camel"):
    id: str
    created_at: int
    host_id: str
    host_name: str
    host_token: str


_decode_document = msgspec.json.Decoder(_Document).decode


def merge_room_state(
    copy: PartyBackup, room: Snapshot, version: int, kicked: Collection[str], own: Iterable[Lease]
) -> PartyBackup:
    """Return the backup updated to `room`, the replica's snapshot at `version`, with the `kicked` seats removed.

    Only this instance's `own` connections keep their seats: other seats may have new holders.
    """
    copy = copy if copy.state else _seed_host_seat(copy)
    seats = {seat: _read_seat(record) for seat, record in _pairs(copy.seats)}
    tokens = dict(_pairs(copy.tokens))
    leases = dict(_pairs(copy.leases))
    host = _host(copy, room, seats)
    listed = [member.id.encode() for member in room.members]
    roster = tuple(seat for seat in dict.fromkeys([*listed, host]) if seat in seats)
    for seat in set(copy.roster) - set(roster):
        _remove_seat(seat, seats, tokens, leases, was_kicked=seat.decode() in kicked)
    _update_names(seats, room)
    _assign_holders(seats, own)
    return PartyBackup(
        document=_document(copy.document, room, host, seats, leases),
        state=_flat({**dict(_pairs(copy.state)), **_numbers(room, version)}),
        seats=_flat({seat: KICKED if record is None else record.encoded() for seat, record in seats.items()}),
        tokens=_flat(tokens),
        roster=roster,
        leases=tuple(word for member, score in leases.items() for word in (score, member)),
        messages=tuple(map(msgspec.json.encode, room.messages)),
    )


_Seats = dict[bytes, SeatRecord | None]
"""Seats by id; None for one whose token is banned."""


def _read_seat(record: bytes) -> SeatRecord | None:
    return None if record == KICKED else decode_seat(record)


def _seed_host_seat(copy: PartyBackup) -> PartyBackup:
    """Return the backup with the host's seat, as the store creates it for the first connection."""
    party = _decode_document(copy.document)
    host, token = party.host_id.encode(), party.host_token.encode()
    return PartyBackup(
        document=copy.document,
        state=(b"touchedAt", str(party.created_at).encode(), b"stoodStill", b"0"),
        seats=(host, SeatRecord(party.host_name, "", 0, True, party.host_token).encoded()),
        tokens=(token, host),
        roster=(host,),
    )


def _host(copy: PartyBackup, room: Snapshot, seats: _Seats) -> bytes:
    """Return the host's seat. If the backup does not have it, return the previous host's: a party must have one."""
    host = room.host_id.encode()
    return host if host in seats else _decode_document(copy.document).host_id.encode()


def _remove_seat(
    seat: bytes, seats: _Seats, tokens: dict[bytes, bytes], leases: dict[bytes, bytes], *, was_kicked: bool
) -> None:
    record = seats.get(seat)
    leases.pop(b"on:" + seat, None)
    leases.pop(b"held:" + seat, None)
    if was_kicked:
        seats[seat] = None
        return
    seats.pop(seat, None)
    if record is not None:
        tokens.pop(record.token.encode(), None)


def _update_names(seats: _Seats, room: Snapshot) -> None:
    for member in room.members:
        record = seats.get(member.id.encode())
        if record is not None:
            record.name, record.listed = member.name, True


def _assign_holders(seats: _Seats, own: Iterable[Lease]) -> None:
    """Set the holders of this instance's seats. The last holder of any other seat becomes its previous holder."""
    holders = {lease.member_id.encode(): lease.holder for lease in own}
    for seat, record in seats.items():
        if record is None:
            continue
        last_holder = record.holder or record.previous_holder
        record.holder = holders.get(seat, "")
        record.previous_holder = "" if record.holder else last_holder


def _document(document: bytes, room: Snapshot, host: bytes, seats: _Seats, leases: Collection[bytes]) -> bytes:
    party: dict[str, Any] = msgspec.json.decode(document)
    seat = seats[host]
    assert seat is not None
    on_host = b"on:" + host
    party |= {
        "hostId": host.decode(),
        "hostName": seat.name,
        "chatMode": room.chat_mode,
        "locked": room.locked,
        "hostConnected": on_host in leases,
        "guestCount": sum(entry.startswith(b"on:") and entry != on_host for entry in leases),
        "seats": sum(record is not None for record in seats.values()),
    }
    return msgspec.json.encode(party)


def _numbers(room: Snapshot, version: int) -> dict[bytes, bytes]:
    playback = room.playback
    numbers = {b"version": str(version).encode(), b"nextTrack": msgspec.json.encode(playback.next_track)}
    if playback.track is not None:
        numbers |= {
            b"track": msgspec.json.encode(playback.track),
            b"playing": str(playback.state).encode(),
            b"position": format(playback.position, ".3f").encode(),
            b"at": str(playback.at).encode(),
        }
    return numbers


def _pairs(words: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(words[::2], words[1::2], strict=True)


def _flat(words: dict[bytes, bytes]) -> tuple[bytes, ...]:
    return tuple(word for pair in words.items() for word in pair)


def _text(words: bytes | tuple[bytes, ...]) -> str | list[str]:
    return words.decode() if isinstance(words, bytes) else [word.decode() for word in words]
