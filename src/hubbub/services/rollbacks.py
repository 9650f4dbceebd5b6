"""What was answered as failed though the store may have done it: kept until it is taken back.

The answer of a create or of a join may be lost after the store has carried it out. Nobody knows such a party's code,
nobody sits in such a seat; and "failed" must stay true.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec

from hubbub.core.limits import (
    STORE_BUDGET_SECONDS,
    WITHDRAWAL_MARGIN_SECONDS,
    WITHDRAWAL_RETRY_SECONDS,
    WITHDRAWALS_MAX,
)
from hubbub.core.party import JoinAttempt, PartyDraft
from hubbub.core.results import Deleted
from hubbub.loop import now
from hubbub.store.port import Store, StoreUnavailableError


class _CreateInDoubt(msgspec.Struct, frozen=True):
    """A party that may have been made; by `holder` its host may have been seated."""

    draft: PartyDraft
    holder: str

    @property
    def code(self) -> str:
        return self.draft.code

    async def roll_back(self, store: Store, deadline: float) -> str:
        outcome = await store.rollback_create(self.draft, self.holder, deadline)
        return "withdrawn" if isinstance(outcome, Deleted) else "not there"


class _JoinInDoubt(msgspec.Struct, frozen=True):
    """A seat that may have been taken."""

    attempt: JoinAttempt

    @property
    def code(self) -> str:
        return self.attempt.code

    async def roll_back(self, store: Store, deadline: float) -> str:
        return "seat given back" if await store.rollback_join(self.attempt, deadline) else "not there"


class _Rollback(msgspec.Struct, frozen=True):
    """From `settled_at` (monotonic seconds) on, what is in doubt can no longer happen."""

    what: _CreateInDoubt | _JoinInDoubt
    settled_at: float


class Rollbacks:
    """The doubts of one instance. `tell` hears, as a code and a word, what became of each."""

    def __init__(self, store: Store, tell: Callable[[str, str], None]) -> None:
        self._store = store
        self._tell = tell
        self._rollbacks: deque[_Rollback] = deque()
        self._doubted = asyncio.Event()

    def add_create(self, draft: PartyDraft, holder: str, deadline: float) -> None:
        """A create with that deadline was answered as failed; so was the seating of its host by `holder`, if any."""
        self._doubt(_CreateInDoubt(draft, holder), deadline)

    def add_join(self, attempt: JoinAttempt, deadline: float) -> None:
        """A join with that deadline was answered as failed."""
        self._doubt(_JoinInDoubt(attempt), deadline)

    async def run(self) -> None:
        """Take back, for ever, what is in doubt."""
        while True:
            await self._doubted.wait()
            if not await self._run_next():
                await asyncio.sleep(WITHDRAWAL_RETRY_SECONDS)

    async def drain(self) -> None:
        """Try once more to take back each thing in doubt, for as long as a last deadline and an answer may take."""
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * STORE_BUDGET_SECONDS + WITHDRAWAL_MARGIN_SECONDS):
                for _ in range(len(self._rollbacks)):
                    await self._run_next()
        for doubt in self._rollbacks:
            self._tell(doubt.what.code, "left behind")

    def _doubt(self, what: _CreateInDoubt | _JoinInDoubt, deadline: float) -> None:
        if len(self._rollbacks) >= WITHDRAWALS_MAX:
            self._tell(what.code, "left behind")
            return
        self._rollbacks.append(_Rollback(what, deadline + WITHDRAWAL_MARGIN_SECONDS))
        self._doubted.set()

    async def _run_next(self) -> bool:
        """Settle the first doubt, or put it behind the others; False where the store did not answer."""
        doubt = self._rollbacks[0]
        await asyncio.sleep(doubt.settled_at - now())
        try:
            word = await doubt.what.roll_back(self._store, now() + STORE_BUDGET_SECONDS)
        except StoreUnavailableError:
            self._rollbacks.rotate(-1)
            return False
        self._rollbacks.popleft()
        if not self._rollbacks:
            self._doubted.clear()
        self._tell(doubt.what.code, word)
        return True
