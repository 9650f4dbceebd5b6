"""What the store can answer. Not answering is no outcome: it is `store.StoreUnavailable`, an exception.

An outcome that refuses something carries the `Reason` under which `errors.REFUSALS` has its words.
"""

from typing import ClassVar

import msgspec

from hubbub.core.errors import Reason
from hubbub.core.party import PartyDocument


class Created(msgspec.Struct, frozen=True):
    """The store has the party. `expires_at` is ms of the store's clock.

    `repeated` tells that an earlier try with the same host's token had made it.
    """

    party: PartyDocument
    expires_at: int
    repeated: bool


class CodeTaken(msgspec.Struct, frozen=True):
    """The code belongs to another party, or to one that ended not long ago: draw another."""


class Late(msgspec.Struct, frozen=True):
    """The command reached the store after its `not_after`: surely nothing was done."""


class Found(msgspec.Struct, frozen=True):
    """The party lives."""

    party: PartyDocument


class Joinable(msgspec.Struct, frozen=True):
    """The party lives and would give a newcomer a seat."""


class Missing(msgspec.Struct, frozen=True):
    """The store itself said that there is no such party: a replica's word does not count."""

    reason: ClassVar[Reason] = Reason.PARTY_NOT_FOUND


class Ended(msgspec.Struct, frozen=True):
    """The party is known to have ended."""

    reason: ClassVar[Reason] = Reason.PARTY_ENDED


class Locked(msgspec.Struct, frozen=True):
    """The host lets nobody new in."""

    reason: ClassVar[Reason] = Reason.PARTY_LOCKED


class Full(msgspec.Struct, frozen=True):
    """Every seat is taken."""

    reason: ClassVar[Reason] = Reason.PARTY_FULL


class Deleted(msgspec.Struct, frozen=True):
    """The party was there and is gone now."""


CreateOutcome = Created | CodeTaken | Ended | Late
ReadOutcome = Found | Missing | Ended
JoinCheckOutcome = Joinable | Missing | Ended | Locked | Full
DeleteOutcome = Deleted | Missing | Late
