"""Lease renewal: it keeps the connections of this instance connected in the store."""

import asyncio
from contextlib import suppress
from typing import Final

from hubbub.core.limits import LEASE_CHECKS_PER_RENEWAL, LEASES_PER_CALL_MAX, RENEWALS_PER_LEASE, STORE_BUDGET_SECONDS
from hubbub.core.results import Renewed
from hubbub.hub.hub import Hub, LocalRoom
from hubbub.loop import now, spread
from hubbub.recovery.recovery import Recovery
from hubbub.store.port import Store, StoreUnavailableError

_DUE_NOW: Final = 0.0
"""When a room is due whose leases were never renewed here."""


class LeaseRenewer:
    """Renews the leases of every room after a third of their length, and earlier if a hold or a grace runs out."""

    def __init__(self, store: Store, hub: Hub, recovery: Recovery, lease_seconds: float) -> None:
        self._store = store
        self._hub = hub
        self._recovery = recovery
        self._interval = lease_seconds / RENEWALS_PER_LEASE
        self._due: dict[LocalRoom, float] = {}

    async def run(self) -> None:
        """Renew the leases of the rooms that are due, for ever."""
        while True:
            await self._hub.wait_for_missing_backup(self._interval / LEASE_CHECKS_PER_RENEWAL)
            checked_at = now()
            rooms = list(self._hub.rooms())
            # The first renewal comes at once, since it brings the backup.
            self._due = {room: self._due.get(room, _DUE_NOW) for room in rooms}
            due = [room for room in rooms if self._due[room] <= checked_at or room.needs_recovery]
            await asyncio.gather(*map(self._renew, due))

    async def _renew(self, room: LocalRoom) -> None:
        asked_at = now()
        deadline = asked_at + min(self._interval, STORE_BUDGET_SECONDS)
        leases = room.leases
        with suppress(StoreUnavailableError):  # the room stays due
            for start in range(0, len(leases), LEASES_PER_CALL_MAX):
                outcome = await self._store.renew(
                    room.code,
                    leases[start : start + LEASES_PER_CALL_MAX],
                    deadline,
                    room.replica.position,
                    room.backup_version,
                )
                if not isinstance(outcome, Renewed):
                    await self._recovery.handle_absence(room, outcome)
                    return
                wait = self._interval
                if self._due[room] == _DUE_NOW:
                    wait = spread(wait, at_least=0.5)
                room.record_renewal(outcome, asked_at)
                self._hub.apply_renewal(room, outcome)
                if outcome.due_ms is not None:
                    wait = min(wait, outcome.due_ms / 1000)
                self._due[room] = now() + wait
