"""Keeping this instance's connections counted as connected: leases, renewed in batches, and what comes of it."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from hubbub.core.limits import LEASE_CHECKS_PER_RENEWAL, RENEWALS_PER_LEASE, STORE_BUDGET_SECONDS
from hubbub.core.results import Ended, HistoryLost, Missing, Renewed
from hubbub.hub.hub import Hub, LocalRoom
from hubbub.recovery.recovery import Healer
from hubbub.store.port import Store, StoreUnavailableError

_LEASES_PER_CALL: Final = 500
"""Leases renewed by one script call, which holds the store for some 3 ms."""

_DUE_NOW: Final = 0.0
"""When a room is due that was never renewed."""


class Presence:
    """Renews every room's leases at a third of their length, and earlier where something else runs out."""

    def __init__(self, store: Store, hub: Hub, healer: Healer, lease_seconds: float) -> None:
        self._store = store
        self._hub = hub
        self._healer = healer
        self._interval = lease_seconds / RENEWALS_PER_LEASE
        self._due: dict[LocalRoom, float] = {}

    async def run(self) -> None:
        """Look what is due, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval / LEASE_CHECKS_PER_RENEWAL):
                    await self._hub.has_new_room.wait()
            self._hub.has_new_room.clear()
            now = _now()
            rooms = list(self._hub.rooms())
            # The first renewal comes at once, since with it comes what heals the party.
            self._due = {opened: self._due.get(opened, _DUE_NOW) for opened in rooms}
            due = [opened for opened in rooms if self._due[opened] <= now or opened.is_lost]
            await asyncio.gather(*map(self._renew, due))

    async def _renew(self, opened: LocalRoom) -> None:
        asked_at = _now()
        deadline = asked_at + min(self._interval, STORE_BUDGET_SECONDS)
        leases = opened.leases
        with suppress(StoreUnavailableError):  # it stays due
            for start in range(0, len(leases), _LEASES_PER_CALL):
                outcome = await self._store.renew(
                    opened.code, leases[start : start + _LEASES_PER_CALL], deadline, opened.room.known, opened.copied
                )
                if not isinstance(outcome, Renewed):
                    await self._lose(opened, outcome)
                    return
                wait = self._interval
                if self._due[opened] == _DUE_NOW:
                    wait *= random.uniform(0.5, 1)  # noqa: S311 - only parts rooms that were opened together
                opened.keep(outcome, asked_at)
                opened.is_lost = False
                self._hub.judge(opened, outcome)
                if outcome.due_ms is not None:
                    wait = min(wait, outcome.due_ms / 1000)
                self._due[opened] = _now() + wait

    async def _lose(self, opened: LocalRoom, outcome: HistoryLost | Missing | Ended) -> None:
        """Have healed what can have been lost; what else is not there has ended."""
        if isinstance(outcome, HistoryLost) or (isinstance(outcome, Missing) and self._healer.may_be_healed(opened)):
            await self._healer.heal(opened)
        else:
            self._hub.end_soon(opened, has_ended=isinstance(outcome, Ended))


def _now() -> float:
    return asyncio.get_running_loop().time()
