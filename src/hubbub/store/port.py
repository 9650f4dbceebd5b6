"""The port: the store's interface, its contract, and its exceptions.

    StoreUnavailableError               the store did not do it, or did not say that it did: see StoreFailure
    ├── DeadlineExceededError           a change reached the store after its deadline
    ├── RedirectedError                 another node of the cluster has the slot (inside store/client only)
    └── SlotMovingError                 the slot's keys are on two nodes (inside store/client only)

The embedded engine has its own exceptions, `EngineUnavailableError` and `EngineStartError` (`store/engine`).

The contract of every method, for implementers and callers:

Atomicity
    Each method is one step. It happens whole or not at all, and no other call sees half of it. Two creates
    of one code make one party, whichever instances they come from.
Order
    A call sees the effects of every call that was answered before it was made, on any instance. Concurrent
    calls take effect in one order, which is the same for all callers.
Truth
    `Missing` and `Ended` come from the store itself, in a state in which it accepts writes. If it has lost data
    that instances may still write back, the method raises `StoreUnavailableError` with
    `StoreFailure.RECOVERING` instead. A store that is unreachable, loading or a read-only replica makes the method
    raise `StoreUnavailableError`. Absent and unreachable are different types. Never convert unreachable to absent.
Deadlines
    Every method takes a `deadline` on this instance's monotonic clock (seconds) and returns or raises by then.
    A change carries the deadline to the store, and the store refuses to begin it later. So a change that raised
    either took effect before its deadline or never will.
Doubt
    `StoreUnavailableError.in_doubt` is False if the change certainly did not happen. It is True if the answer
    was lost, so the change may have happened. The store never retries a change that is in doubt.
Expiry
    A party expires `ttl_seconds` after its last activity, by the store's clock. Activity is its creation, an
    accepted command or a lease renewal; a read is none. If no one is connected and the host has been there but is
    gone, the party expires after the host's grace at the latest. An expired party is `Missing`.
Events
    Each change of a live party is numbered. It increments the party's version, appends the event with that version
    to the party's log, and publishes it, in one step. A refused command can also emit events: of expired leases,
    holds and graces.
Leases
    A connection that has entered counts as connected until its lease expires or is dropped. Then its seat is held,
    and is free after the hold. If it was the host's, the party waits for the grace and then ends. Every change
    sweeps first. A party's clock stops while no instance touches the party for more than two thirds of a lease, so
    an outage costs no seats. All instances should use the same `lease_seconds`.
Loss
    A store can lose acknowledged data: it returns empty or older. If a caller's position proves that, it gets
    `HistoryLost`. Then `restore_party` and `restore_tombstone` write back what instances have. A restored party
    continues under a new epoch.
Cancellation
    A cancelled call leaves nothing behind, in particular no reply that a later call could take for its own. Its
    change is in doubt.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from hubbub.core.backup import RestoreRequest, Tombstone
from hubbub.core.errors import Reason
from hubbub.core.party import PartyDraft
from hubbub.core.position import ProvenPosition
from hubbub.core.protocol import Leave, MemberCommand
from hubbub.core.results import (
    CatchUpOutcome,
    CommandResult,
    CreateOutcome,
    JoinCheckOutcome,
    JoinOutcome,
    ReadOutcome,
    RenewOutcome,
    RestoreOutcome,
    RollbackOutcome,
    WatchOutcome,
)
from hubbub.core.seats import JoinAttempt, Lease

__all__ = [
    "BoundCode",
    "DeadlineExceededError",
    "Store",
    "StoreFailure",
    "StoreUnavailableError",
    "store_recovering_error",
]


class StoreFailure(StrEnum):
    """Causes of a failed call. The log field `trouble` has the value."""

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
    """Raised if the store did not carry out the call, or if its answer was lost.

    `in_doubt` is True if the change may have happened.
    """

    def __init__(self, failure: StoreFailure, detail: str, *, in_doubt: bool = False) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail
        self.in_doubt = in_doubt

    @property
    def reason(self) -> Reason:
        """Return the reason that clients receive."""
        return Reason.RECOVERING if self.failure is StoreFailure.RECOVERING else Reason.STORE_UNAVAILABLE


class DeadlineExceededError(StoreUnavailableError):
    """Raised if a change reached the store after its deadline. The store did nothing."""

    def __init__(self) -> None:
        super().__init__(StoreFailure.TIMEOUT, "the store got to it too late")


def store_recovering_error() -> StoreUnavailableError:
    """Build the error for a lookup that found nothing in a store that has lost data."""
    return StoreUnavailableError(StoreFailure.RECOVERING, "the store has lost data, which is being written back")


class BoundCode(msgspec.Struct, frozen=True):
    """The code that an idempotency key is bound to."""

    code: str


class Store(Protocol):
    """The operations of a store. The module's docstring is the contract of every method."""

    async def ping(self, deadline: float) -> None:
        """Return if the store accepts writes now."""

    async def create(self, draft: PartyDraft, deadline: float) -> CreateOutcome:
        """Create the party of `draft` unless its code is taken.

        A live party with the same code and the same host's token is the same party: `Created(repeated=True)`.
        If that party has ended, return `Ended`.
        """

    async def bind_idempotency_key(
        self, key_hash: str, candidate: str, replaced: str | None, deadline: float
    ) -> BoundCode:
        """Bind an idempotency key to `candidate` for 10 minutes, unless it is bound already.

        A binding to `replaced` is overwritten: that code turned out to belong to another party.
        """

    async def rebind_idempotency_key(self, key_hash: str, code: str, deadline: float) -> None:
        """Restore an idempotency key's binding to `code` if the store has lost it.

        It replaces a binding to another code. The client whose repeat made that one got an error.
        """

    async def read(self, code: str, deadline: float) -> ReadOutcome:
        """Read the party."""

    async def check_join(self, code: str, deadline: float) -> JoinCheckOutcome:
        """Return whether a new guest would get a seat, without taking one."""

    async def rollback_create(self, draft: PartyDraft, holder: str, deadline: float) -> RollbackOutcome:
        """Delete the party that the create of `draft` has left. Its client got an error.

        If another create with the same token has found the party, it stays until that create is rolled back
        too. It also stays if its host has entered on another connection than `holder`: then return `Missing`.
        """

    async def join(self, attempt: JoinAttempt, deadline: float) -> JoinOutcome:
        """Give the connection the seat that its token owns, even if another connection has it, or a new seat.

        A store that is out of memory creates no new seats (`StoreUnavailableError`). Members with a seat return.
        """

    async def rollback_join(self, attempt: JoinAttempt, deadline: float) -> bool:
        """Undo what a join has left that was answered as failed: a new seat, or a take-over.

        Return False if it had left nothing, or if another connection has taken the seat since.
        """

    async def watch(self, code: str, holder: str, deadline: float) -> WatchOutcome:
        """Let a connection read the party without a seat."""

    async def drop_connection(self, lease: Lease, deadline: float) -> None:
        """End the lease of a connection that is gone. Its seat is held from now on."""

    async def renew(
        self,
        code: str,
        leases: Sequence[Lease],
        deadline: float,
        known: ProvenPosition | None = None,
        backup_version: int = -1,
    ) -> RenewOutcome:
        """Renew leases of one party, and return a verdict on each that cannot be renewed. Never create a seat.

        If the position `known` proves that the store lost data, renew nothing and return `HistoryLost`. A
        caller with a position also gets a backup of the party, unless its own, of version `backup_version`, is current.
        """

    async def restore_party(self, request: RestoreRequest, deadline: float) -> RestoreOutcome:
        """Write back what the store has lost of a party, under a new epoch, and seat the instance's connections."""

    async def restore_tombstone(self, end: Tombstone, deadline: float) -> None:
        """Write back that a party ended, and delete it if an older state of the store has brought it back."""

    async def execute(self, lease: Lease, command: MemberCommand | Leave, deadline: float) -> CommandResult:
        """Execute a member's command. It counts as the party's activity."""

    async def catch_up(self, code: str, known: ProvenPosition | None, deadline: float) -> CatchUpOutcome:
        """Return the events after a position if the log has them all, else the whole party.

        If the position proves that the store lost data, return `HistoryLost`.
        """

    def now_ms(self) -> int:
        """Return the store's clock in ms, as this instance estimates it."""
