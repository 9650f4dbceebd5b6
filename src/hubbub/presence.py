"""Keeping this instance's connections counted as connected: leases, renewed in batches, and what comes of it."""

import asyncio
import random
from typing import Final

from hubbub.core.limits import LOOKS_PER_RENEWAL, RENEWALS_PER_LEASE, STORE_BUDGET_SECONDS
from hubbub.core.outcomes import Renewed
from hubbub.hub import Hub, OpenRoom
from hubbub.store import Store, StoreUnavailable

_PLACES_PER_CALL: Final = 500
"""Leases renewed by one script call, which holds the store for some 3 ms."""


class Presence:
    """Renews every room's leases at a third of their length, and earlier where something else runs out."""

    def __init__(self, store: Store, hub: Hub, lease_seconds: float) -> None:
        self._store = store
        self._hub = hub
        self._interval = lease_seconds / RENEWALS_PER_LEASE
        self._due: dict[OpenRoom, float] = {}

    async def run(self) -> None:
        """Look what is due, for ever."""
        while True:
            await asyncio.sleep(self._interval / LOOKS_PER_RENEWAL)
            now = _now()
            rooms = list(self._hub.rooms())
            # A room's first renewal comes at a moment of its own, so that rooms opened together part.
            self._due = {
                opened: self._due.get(opened, now + self._interval * random.random())  # noqa: S311 - only spreads
                for opened in rooms
            }
            await asyncio.gather(*(self._renew(opened) for opened in rooms if self._due[opened] <= now))

    async def _renew(self, opened: OpenRoom) -> None:
        deadline = _now() + min(self._interval, STORE_BUDGET_SECONDS)
        leases = opened.leases
        for start in range(0, len(leases), _PLACES_PER_CALL):
            try:
                outcome = await self._store.renew(opened.code, leases[start : start + _PLACES_PER_CALL], deadline)
            except StoreUnavailable:
                return  # it stays due
            self._hub.judge(opened, outcome)
            wait = self._interval
            if isinstance(outcome, Renewed) and outcome.due_ms is not None:
                wait = min(wait, outcome.due_ms / 1000)
            self._due[opened] = _now() + wait


def _now() -> float:
    return asyncio.get_running_loop().time()
