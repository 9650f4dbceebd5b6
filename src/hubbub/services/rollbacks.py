"""Rollbacks of creates and joins that are in doubt.

The store may carry out a create or a join whose answer is lost. The caller was told that it failed, and that must stay
true: no client knows the party's code, or holds the seat.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from hubbub.core.limits import (
    ROLLBACK_MARGIN_SECONDS,
    ROLLBACK_RETRY_SECONDS,
    ROLLBACKS_MAX,
    STORE_BUDGET_SECONDS,
)
from hubbub.core.party import PartyDraft
from hubbub.core.results import Deleted
from hubbub.core.seats import JoinAttempt
from hubbub.loop import now
from hubbub.store.port import Store, StoreUnavailableError


class _CreateInDoubt(msgspec.Struct, frozen=True):
    """A party that the store may have created, and in which `holder` may have the host's seat."""

    draft: PartyDraft
    holder: str

    @property
    def code(self) -> str:
        return self.draft.code

    async def roll_back(self, store: Store, deadline: float) -> str:
        outcome = await store.rollback_create(self.draft, self.holder, deadline)
        return "withdrawn" if isinstance(outcome, Deleted) else "not there"


class _JoinInDoubt(msgspec.Struct, frozen=True):
    """A seat that the store may have given to a holder."""

    attempt: JoinAttempt

    @property
    def code(self) -> str:
        return self.attempt.code

    async def roll_back(self, store: Store, deadline: float) -> str:
        return "seat given back" if await store.rollback_join(self.attempt, deadline) else "not there"


class _Rollback(msgspec.Struct, frozen=True):
    """A rollback that is due at `due_at`, loop time: the store can no longer carry the command out then."""

    command: _CreateInDoubt | _JoinInDoubt
    due_at: float


_ABANDONED: Final = "left behind"
"""The outcome of a rollback that was not carried out, as the log has it."""


class Rollbacks:
    """The rollbacks of one instance. `report` is called with the code and the outcome of each."""

    def __init__(self, store: Store, report: Callable[[str, str], None]) -> None:
        self._store = store
        self._report = report
        self._rollbacks: deque[_Rollback] = deque()
        self._has_work = asyncio.Event()

    def add_create(self, draft: PartyDraft, holder: str, deadline: float) -> None:
        """Roll back a create with that deadline, and the seating of its host by `holder`, if any."""
        self._add(_CreateInDoubt(draft, holder), deadline)

    def add_join(self, attempt: JoinAttempt, deadline: float) -> None:
        """Roll back a join with that deadline."""
        self._add(_JoinInDoubt(attempt), deadline)

    async def run(self) -> None:
        """Carry out rollbacks, for ever."""
        while True:
            await self._has_work.wait()
            if not await self._run_next():
                await asyncio.sleep(ROLLBACK_RETRY_SECONDS)

    async def drain(self) -> None:
        """Try each rollback once more, for as long as the last deadline and an answer can take."""
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * STORE_BUDGET_SECONDS + ROLLBACK_MARGIN_SECONDS):
                for _ in range(len(self._rollbacks)):
                    await self._run_next()
        for rollback in self._rollbacks:
            self._report(rollback.command.code, _ABANDONED)

    def _add(self, command: _CreateInDoubt | _JoinInDoubt, deadline: float) -> None:
        if len(self._rollbacks) >= ROLLBACKS_MAX:
            self._report(command.code, _ABANDONED)
            return
        self._rollbacks.append(_Rollback(command, deadline + ROLLBACK_MARGIN_SECONDS))
        self._has_work.set()

    async def _run_next(self) -> bool:
        """Carry out the first rollback, or put it last and return False if the store does not answer."""
        rollback = self._rollbacks[0]
        await asyncio.sleep(rollback.due_at - now())
        try:
            outcome = await rollback.command.roll_back(self._store, now() + STORE_BUDGET_SECONDS)
        except StoreUnavailableError:
            self._rollbacks.rotate(-1)
            return False
        self._rollbacks.popleft()
        if not self._rollbacks:
            self._has_work.clear()
        self._report(rollback.command.code, outcome)
        return True
