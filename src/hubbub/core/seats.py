"""Seats: how the store holds one, how a connection takes one, and the lease that keeps it."""

from typing import Final

import msgspec

KICKED: Final = b"kicked"
"""The stored value of a seat whose token is banned."""


class SeatRecord(msgspec.Struct, array_like=True):
    """A seat as the store holds it: one JSON array, in the order of these fields.

    `lib/seat_record.lua` has the same order. `holder` is the connection that has the seat or had it last, empty if
    there was none. `number` is the N of "Guest N", 0 for the first host. `token` is a hash. If a take-over may have
    been lost, `holder` is empty and `previous_holder` is the last one known; else the array ends before it.
    """

    name: str
    holder: str
    number: int
    listed: bool
    token: str
    previous_holder: str = ""

    def encoded(self) -> bytes:
        """Return the JSON array, as `lib/seat_record.lua` writes it."""
        fields = [self.name, self.holder, self.number, self.listed, self.token]
        return msgspec.json.encode([*fields, self.previous_holder] if self.previous_holder else fields)


decode_seat: Final = msgspec.json.Decoder(SeatRecord).decode


class Lease(msgspec.Struct, frozen=True):
    """A connection's lease of a seat, or of a watcher's place if `member_id` is empty.

    `holder` is random and new for every attempt to enter. By it the store distinguishes two attempts with one token.
    `token_hash` is that of the seat's token, from which a lost seat is restored.
    """

    code: str
    member_id: str
    holder: str
    token_hash: str = ""


class JoinAttempt(msgspec.Struct, frozen=True):
    """A connection's request for a seat: the one that its token owns, or else a new one with the id `new_id`.

    If `name` is empty, the party chooses one.
    """

    code: str
    holder: str
    token_hash: str
    new_id: str
    name: str
