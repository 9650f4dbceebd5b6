"""Results of store operations. If the store does not answer, `StoreUnavailableError` is raised instead.

A result that refuses something has the `Reason` by which `errors.REFUSALS` has its sentence.
"""

from typing import ClassVar

import msgspec

from hubbub.core.backup import PartyBackup
from hubbub.core.errors import Reason
from hubbub.core.party import PartyDocument
from hubbub.core.protocol import Snapshot


class Created(msgspec.Struct, frozen=True):
    """The store has the party. `expires_at` is ms of the store's clock.

    `repeated` says that an earlier attempt with the same host's token created it.
    """

    party: PartyDocument
    expires_at: int
    repeated: bool


class CodeTaken(msgspec.Struct, frozen=True):
    """Another party has the code, or had it until recently: draw another code."""


class Found(msgspec.Struct, frozen=True):
    """The party exists."""

    party: PartyDocument


class Joinable(msgspec.Struct, frozen=True):
    """The party exists and has a seat for a new guest."""


class Missing(msgspec.Struct, frozen=True):
    """A primary said that there is no such party; a store replica's answer does not prove that."""

    reason: ClassVar[Reason] = Reason.PARTY_NOT_FOUND


class Ended(msgspec.Struct, frozen=True):
    """The party is known to have ended."""

    reason: ClassVar[Reason] = Reason.PARTY_ENDED


class Locked(msgspec.Struct, frozen=True):
    """The host has locked the party: it admits no new guests."""

    reason: ClassVar[Reason] = Reason.PARTY_LOCKED


class Full(msgspec.Struct, frozen=True):
    """Every seat is taken."""

    reason: ClassVar[Reason] = Reason.PARTY_FULL


class Kicked(msgspec.Struct, frozen=True):
    """The host has kicked the token's seat."""

    reason: ClassVar[Reason] = Reason.KICKED


class TooManyWatchers(msgspec.Struct, frozen=True):
    """The party has the maximum number of watchers."""

    reason: ClassVar[Reason] = Reason.TOO_MANY_WATCHERS


class Joined(msgspec.Struct, frozen=True):
    """The connection has the seat `member_id`; `resumed` says that its token owned the seat before.

    The join is one of the events up to `version` of `epoch`. `expires_at` is ms of the store's clock.
    """

    member_id: str
    is_host: bool
    resumed: bool
    epoch: str
    version: int
    expires_at: int


class Watching(msgspec.Struct, frozen=True):
    """The connection is one of `watchers`; the position and `expires_at` are as in `Joined`."""

    epoch: str
    version: int
    expires_at: int
    watchers: int


class Accepted(msgspec.Struct, frozen=True):
    """The store carried out the command."""


class Rejected(msgspec.Struct, frozen=True):
    """A rule of the party forbids the command; `retry_after_ms` is set if it allows the command later."""

    reason: Reason
    retry_after_ms: int | None = None


class LeaseLoss(msgspec.Struct, frozen=True):
    """A lease that was not renewed, and why: `kicked`, `timed_out` or `taken_over`."""

    member_id: str
    holder: str
    reason: Reason


class Renewed(msgspec.Struct, frozen=True):
    """The leases are renewed except those in `verdicts`.

    `epoch` and `version` are the party's position, `watchers` is the number of watchers. `due_ms` is the time until the
    next expiry of another lease or hold, None if there is none. `copy` is a backup, unless the caller's is current.
    """

    epoch: str
    version: int
    expires_at: int
    watchers: int
    due_ms: int | None
    verdicts: tuple[LeaseLoss, ...]
    copy: PartyBackup | None = None


class HistoryLost(msgspec.Struct, frozen=True):
    """The instance's position is not in the party's history: the store has lost data."""


class Restored(msgspec.Struct, frozen=True):
    """The store has the party again, with everything that the instance had of it."""


class DifferentParty(msgspec.Struct, frozen=True):
    """Another party has the code now."""


class EventsSince(msgspec.Struct, frozen=True):
    """The encoded events since a position, up to `version`."""

    version: int
    events: tuple[bytes, ...]


class FullState(msgspec.Struct, frozen=True):
    """The public state of a party at `version`, and its last events, encoded."""

    epoch: str
    version: int
    snapshot: Snapshot
    events: tuple[bytes, ...]


class Deleted(msgspec.Struct, frozen=True):
    """The store had the party and has deleted it."""


CreateOutcome = Created | CodeTaken | Ended
ReadOutcome = Found | Missing | Ended
JoinCheckOutcome = Joinable | Missing | Ended | Locked | Full
RollbackOutcome = Deleted | Missing
JoinOutcome = Joined | Missing | Ended | Locked | Full | Kicked
WatchOutcome = Watching | Missing | Ended | Locked | TooManyWatchers
CommandResult = Accepted | Rejected | Missing | Ended
RenewOutcome = Renewed | HistoryLost | Missing | Ended
RestoreOutcome = Restored | DifferentParty | Missing | Ended
CatchUpOutcome = EventsSince | FullState | HistoryLost | Missing | Ended
