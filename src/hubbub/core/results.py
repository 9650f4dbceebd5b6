"""What the store can answer. Not answering is no outcome: it is `store.StoreUnavailableError`, an exception.

An outcome that refuses something carries the `Reason` under which `errors.REFUSALS` has its words.
"""

from typing import ClassVar

import msgspec

from hubbub.core.backup import PartyBackup
from hubbub.core.errors import Reason
from hubbub.core.party import PartyDocument
from hubbub.core.protocol import Snapshot


class Created(msgspec.Struct, frozen=True):
    """The store has the party. `expires_at` is ms of the store's clock.

    `repeated` tells that an earlier try with the same host's token had made it.
    """

    party: PartyDocument
    expires_at: int
    repeated: bool


class CodeTaken(msgspec.Struct, frozen=True):
    """The code belongs to another party, or to one that ended not long ago: draw another."""


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


class Kicked(msgspec.Struct, frozen=True):
    """The token's seat was taken away by the host."""

    reason: ClassVar[Reason] = Reason.KICKED


class TooManyWatchers(msgspec.Struct, frozen=True):
    """The party has as many watchers as it may have."""

    reason: ClassVar[Reason] = Reason.TOO_MANY_WATCHERS


class Joined(msgspec.Struct, frozen=True):
    """The seat `member_id` is this connection's; `resumed` tells that the token had owned it before.

    The join is in what happened up to `version` of `epoch`. `expires_at` is ms of the store's clock.
    """

    member_id: str
    is_host: bool
    resumed: bool
    epoch: str
    version: int
    expires_at: int


class Watching(msgspec.Struct, frozen=True):
    """The connection watches, one of `watchers`; the position and `expires_at` are as in `Joined`."""

    epoch: str
    version: int
    expires_at: int
    watchers: int


class Accepted(msgspec.Struct, frozen=True):
    """It was done."""


class Rejected(msgspec.Struct, frozen=True):
    """It was not done, for a rule of the party's."""

    reason: Reason


class LeaseLoss(msgspec.Struct, frozen=True):
    """A connection that could not be renewed, and why: `kicked`, `timed_out` or `taken_over`."""

    member_id: str
    holder: str
    reason: Reason


class Renewed(msgspec.Struct, frozen=True):
    """The leases are renewed but for those with a verdict.

    `epoch` and `version` are the party's position, `watchers` so many watch it; `due_ms` is the time until something
    else runs out, if anything. `copy` is all that the store has of the party, unless the caller has that already.
    """

    epoch: str
    version: int
    expires_at: int
    watchers: int
    due_ms: int | None
    verdicts: tuple[LeaseLoss, ...]
    copy: PartyBackup | None = None


class HistoryLost(msgspec.Struct, frozen=True):
    """The position that the instance knows is not of the party's past: the store has lost something."""


class Healed(msgspec.Struct, frozen=True):
    """The party is there, with all that the instance had of it."""


class DifferentParty(msgspec.Struct, frozen=True):
    """The code is another party's by now."""


class EventsSince(msgspec.Struct, frozen=True):
    """The encoded events since a position, up to `version`."""

    version: int
    events: tuple[bytes, ...]


class FullState(msgspec.Struct, frozen=True):
    """All that everybody may know of a party at `version`, and its last events, encoded."""

    epoch: str
    version: int
    snapshot: Snapshot
    events: tuple[bytes, ...]


class Deleted(msgspec.Struct, frozen=True):
    """The party was there and is gone now."""


CreateOutcome = Created | CodeTaken | Ended
ReadOutcome = Found | Missing | Ended
JoinCheckOutcome = Joinable | Missing | Ended | Locked | Full
WithdrawOutcome = Deleted | Missing
JoinOutcome = Joined | Missing | Ended | Locked | Full | Kicked
WatchOutcome = Watching | Missing | Ended | Locked | TooManyWatchers
CommandResult = Accepted | Rejected | Missing | Ended
RenewOutcome = Renewed | HistoryLost | Missing | Ended
HealOutcome = Healed | DifferentParty | Missing | Ended
CatchUpOutcome = EventsSince | FullState | HistoryLost | Missing | Ended
