"""The shared truth: the port that every store keeps, and the one way it may fail.

The contract, for whoever writes a second store or relies on this one:

Atomicity
    Each method is one step: it happens whole or not at all, and no other call sees half of it. Two creates
    of one code, from any two instances, make one party.
Order
    A call sees the effects of every call that was answered before it was made, on any instance. Calls that
    are under way together take effect in some order, the same for everyone.
Truth
    `Missing` and `Ended` are said only when the store itself, in a state in which it would accept a write,
    said so, and has lost nothing that somebody may still write back: then it is `StoreUnavailableError` with
    `StoreFailure.RECOVERING`. A store that is away, loading, or a read-only copy makes the
    method raise `StoreUnavailableError`.
    Absent and unreachable are different types: nothing in Hubbub may turn the second into the first.
Deadlines
    Every method takes a `deadline` on this instance's monotonic clock (seconds) and has answered by then. A
    change carries it to the store, which refuses to begin one that comes too late. So a change that raised
    either took effect before its deadline or never will.
Doubt
    `StoreUnavailableError.in_doubt` is False where the change certainly did not happen, and True where the
    answer was lost and it may have. Nothing is retried behind the caller's back.
Expiry
    A party lives its `ttl_seconds` after its last sign of life on the store's own clock: its creation, an accepted
    command, a renewed lease. Reading does not prolong it. Where nobody is connected and its host, who has been
    there, is missed, it lives no longer than the host's grace. An expired party is `Missing`.
Events
    Every change of a live party is numbered: the party's version grows by one, and the event with that version is
    kept in the party's log and published in the same step. A refused command may still tell of what had run out.
Leases
    A connection that has entered is counted as connected until its lease runs out or is released. Then its seat is
    held, and after the hold it is free; where it is the host's, the party waits and then ends. Every change looks
    first whether something has run out. A party's clock stands still while nobody touches the party for longer than
    two thirds of a lease, so that an outage takes nobody's seat. `lease_seconds` should be the same everywhere.
Loss
    A store may lose what it had answered for: it comes back empty, or older. If a caller's position shows that, it
    gets `HistoryLost`; then `restore_party` and `restore_tombstone` write back what instances have kept. A restored
    party goes on under a new epoch.
Cancellation
    A cancelled call leaves nothing behind: no reply that a later call could mistake for its own. Its change
    is in doubt.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from hubbub.core.backup import Healing, Tombstone
from hubbub.core.errors import Reason
from hubbub.core.party import JoinAttempt, Lease, PartyDraft, ProvenPosition
from hubbub.core.protocol import Act, Leave
from hubbub.core.results import (
    CatchUpOutcome,
    CommandResult,
    CreateOutcome,
    HealOutcome,
    JoinCheckOutcome,
    JoinOutcome,
    ReadOutcome,
    RenewOutcome,
    WatchOutcome,
    WithdrawOutcome,
)

__all__ = [
    "Claimed",
    "DeadlineExceededError",
    "Store",
    "StoreFailure",
    "StoreUnavailableError",
    "store_recovering_error",
]


class StoreFailure(StrEnum):
    """Why the store did not do what it was asked."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    LOADING = "loading"
    READ_ONLY = "read_only"
    OUT_OF_MEMORY = "out_of_memory"
    NOT_PERMITTED = "not_permitted"
    NOT_REPLICATED = "not_replicated"
    RECOVERING = "recovering"
    CLUSTER_DOWN = "cluster_down"
    MOVING = "moving"
    REFUSED = "refused"


class StoreUnavailableError(Exception):
    """The store did not do what it was asked, or did not say that it did.

    `in_doubt` is True where the change may have happened all the same.
    """

    def __init__(self, trouble: StoreFailure, detail: str, *, in_doubt: bool = False) -> None:
        super().__init__(f"{trouble}: {detail}")
        self.trouble = trouble
        self.detail = detail
        self.in_doubt = in_doubt

    @property
    def reason(self) -> Reason:
        """The name under which callers hear of it."""
        return Reason.RECOVERING if self.trouble is StoreFailure.RECOVERING else Reason.STORE_UNAVAILABLE


class DeadlineExceededError(StoreUnavailableError):
    """The change came to the store after its deadline: surely nothing was done."""

    def __init__(self) -> None:
        super().__init__(StoreFailure.TIMEOUT, "the store got to it too late")


def store_recovering_error() -> StoreUnavailableError:
    """Build the error for a lookup that found nothing in a store that has lost data."""
    return StoreUnavailableError(StoreFailure.RECOVERING, "the store has lost data, which is being written back")


class Claimed(msgspec.Struct, frozen=True):
    """The code that an idempotency key is bound to."""

    code: str


class Store(Protocol):
    """What Hubbub needs of a store. The module's text is the contract of every method."""

    async def ping(self, deadline: float) -> None:
        """Return if the store would accept a write now."""

    async def create(self, draft: PartyDraft, deadline: float) -> CreateOutcome:
        """Make the party of `draft`, unless its code is taken.

        A live party with the same code and the same host's token is the same party, told as
        `Created(repeated=True)`; if it ended, `Ended`.
        """

    async def bind_idempotency_key(
        self, key_hash: str, candidate: str, replaced: str | None, deadline: float
    ) -> Claimed:
        """Bind an idempotency key to `candidate`, unless it is bound already; 10 minutes.

        A binding to `replaced`, a code that turned out to be another's, gives way to the candidate.
        """

    async def rebind_idempotency_key(self, key_hash: str, code: str, deadline: float) -> None:
        """Bind an idempotency key to the code that it was bound to, should the store have lost that.

        Where a repeat has bound it to another code meanwhile, whoever repeated was told that it failed.
        """

    async def read(self, code: str, deadline: float) -> ReadOutcome:
        """Read the party."""

    async def check_join(self, code: str, deadline: float) -> JoinCheckOutcome:
        """Tell whether a newcomer would get a seat, without taking one."""

    async def rollback_create(self, draft: PartyDraft, holder: str, deadline: float) -> WithdrawOutcome:
        """Take back, without a trace, what the create of `draft` has left: its caller was told that it failed.

        A party that another create with the same token has found stays until that one is withdrawn too, and
        so does one whose host has come (`Missing`) by another connection than `holder`.
        """

    async def join(self, attempt: JoinAttempt, deadline: float) -> JoinOutcome:
        """Give the connection the seat that its token owns, whoever has it now, or a new one.

        A full store gives no new seats (`StoreUnavailableError`), and lets everyone who has one come back.
        """

    async def rollback_join(self, attempt: JoinAttempt, deadline: float) -> bool:
        """Take back what a join has left that was answered as failed: the seat, or its being taken.

        False where it had left nothing, or somebody has the seat since.
        """

    async def watch(self, code: str, holder: str, deadline: float) -> WatchOutcome:
        """Let a connection see everything without a seat."""

    async def drop_connection(self, lease: Lease, deadline: float) -> None:
        """End a lease whose connection is lost; its seat is held from now on."""

    async def renew(
        self,
        code: str,
        leases: Sequence[Lease],
        deadline: float,
        known: ProvenPosition | None = None,
        copied: int = -1,
    ) -> RenewOutcome:
        """Renew leases of one party; this never makes a seat. Those that cannot be renewed get a verdict.

        `HistoryLost` if the position `known` shows that the store has lost something: then nothing is renewed.
        Whoever
        knows a position gets a copy of the party too, unless that of version `copied` is still right.
        """

    async def restore_party(self, healing: Healing, deadline: float) -> HealOutcome:
        """Write back what the store has lost of a party, in a new epoch, and seat the instance's own connections."""

    async def restore_tombstone(self, end: Tombstone, deadline: float) -> None:
        """Write back that a party ended; one that an older state of the store has raised goes again."""

    async def execute(self, lease: Lease, command: Act | Leave, deadline: float) -> CommandResult:
        """Carry out a member's command, which is also a sign of life."""

    async def catch_up(self, code: str, known: ProvenPosition | None, deadline: float) -> CatchUpOutcome:
        """The events after a position where the log reaches that far, else the whole party.

        `HistoryLost` if the position shows that the store has lost something.
        """

    def now_ms(self) -> int:
        """The store's clock, ms, as far as this instance knows it."""
