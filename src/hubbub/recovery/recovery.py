"""Recovery: write back what the store has lost, first the tombstones, then the parties.

A party was lost, not ended, if it is missing, has no tombstone, and has members here. Every instance writes back what
it has: the first one to restore a party decides its new epoch, and the others add their own seats.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

from hubbub.core.backup import PartyBackup, RestoreRequest, Tombstone, merge_room_state
from hubbub.core.limits import (
    ID_BYTES,
    RESTORE_CONCURRENCY,
    RESTORE_RETRY_SECONDS,
    STORE_BUDGET_SECONDS,
    TOMBSTONES_FIRST_SECONDS,
)
from hubbub.core.results import Ended, HistoryLost, Missing, Restored
from hubbub.core.seats import Lease
from hubbub.hub.hub import Hub, LocalRoom
from hubbub.loop import now, spread
from hubbub.recovery.cache import RecentCreate, RecoveryCache
from hubbub.recovery.shards import Phase, ShardRecovery
from hubbub.store.generation import CheckMode, DataLossDetector
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError, store_recovering_error

_Job = Callable[[float], Awaitable[object]]
"""A call of the store by a deadline; raises `StoreUnavailableError`."""
_PERMANENT: Final = frozenset({StoreFailure.REFUSED, StoreFailure.NOT_PERMITTED})
"""Failures that a retry does not mend."""


class Recovery:
    """The recovery of one instance. `report` is called with what was done and how often, for the log.

    A room whose leases were renewed within `lease_seconds` cannot have ended without this instance knowing.
    """

    def __init__(
        self,
        store: Store,
        detector: DataLossDetector,
        hub: Hub,
        lease_seconds: float,
        report: Callable[[str, int], None],
    ) -> None:
        self._store = store
        self._detector = detector
        self._hub = hub
        self._lease_seconds = lease_seconds
        self._report = report
        self._cache = RecoveryCache()
        self._shards: defaultdict[str, ShardRecovery] = defaultdict(ShardRecovery)
        self._has_input = asyncio.Event()
        detector.attach(self)
        hub.on_end(self._note_end)

    async def run(self) -> None:
        """Recover, for ever, one task for each shard that needs it: a shard that is away delays no other one."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._has_input.wait()
                self._has_input.clear()
                for name, shard in self._shards.items():
                    if shard.phase is Phase.WATCHING and shard.advance() is not Phase.WATCHING:
                        tasks.create_task(self._recover_shard(name, shard), name="recovery of a shard")

    async def _recover_shard(self, name: str, shard: ShardRecovery) -> None:
        """Carry out the phases of a shard until it is watching again."""
        while shard.phase is not Phase.WATCHING:
            match shard.phase:
                case Phase.RESTORING_TOMBSTONES:
                    await self._restore_tombstones(name)
                    await asyncio.sleep(TOMBSTONES_FIRST_SECONDS)
                case Phase.RESTORING_ROOMS:
                    await self._restore_rooms(name)
                case Phase.RESTORING_CREATES | Phase.RECHECKING_CREATES:
                    await self._restore_recent_creates(name)
            shard.advance()

    # Called by the data-loss detector.

    def on_data_loss(self, shard: str) -> None:
        """See `DataLossObserver.on_data_loss`: restore the shard."""
        self._shards[shard].lose_data()
        self._has_input.set()

    def mode_of(self, shard: str) -> CheckMode:
        """See `DataLossObserver.mode_of`: an instance that has nothing to restore writes nothing."""
        if shard in self._shards and self._shards[shard].is_restoring:
            return CheckMode.RECOVER
        has_local_state = self._cache.holds_anything(now()) or any(True for _ in self._hub.rooms())
        return CheckMode.WRITE if has_local_state else CheckMode.READ

    # Called by the services.

    def recheck_recent_creates(self) -> None:
        """Look for the newest creates, since the store has just become reachable again."""
        self._suspect(*(create.code for create in self._cache.recent_creates(now())))

    def note_create(self, create: RecentCreate) -> None:
        """Cache a party that was just created until a client enters it here, or for a minute."""
        self._cache.note_create(create, now())

    def note_entered(self, room: LocalRoom, leased_at: float) -> None:
        """Hand a recent create over to the room, which keeps the party from now on.

        `leased_at` is loop time, and not after the beginning of the lease of the connection that enters.
        """
        create = self._cache.recent_create(room.code, now())
        room.record_entry(leased_at, None if create is None else create.copy)
        self._cache.forget_create(room.code)

    def note_rolled_back(self, code: str) -> None:
        """Forget a party that was just created and is being rolled back."""
        self._cache.forget_create(code)

    def raise_if_lost(self, code: str) -> None:
        """Raise `StoreUnavailableError` if this instance knows that an absent party was lost, not ended."""
        room = self._hub.room(code)
        if room is not None and self._is_recoverable(room):
            room.mark_lost()
            raise store_recovering_error()
        if self._cache.recent_create(code, now()) is not None:
            self._suspect(code)
            raise store_recovering_error()

    async def handle_absence(self, room: LocalRoom, outcome: HistoryLost | Missing | Ended) -> None:
        """Restore a room that a renewal found absent if it can have been lost, otherwise close it.

        Raises `StoreUnavailableError`.
        """
        if isinstance(outcome, HistoryLost) or (isinstance(outcome, Missing) and self._is_recoverable(room)):
            await self.restore_room(room)
        else:
            self._hub.schedule_close(room, has_ended=isinstance(outcome, Ended))

    # Restoring.

    async def restore_room(self, room: LocalRoom) -> None:
        """Write back what the store has lost of a room; raises `StoreUnavailableError`."""
        replica = room.replica
        assert replica.party is not None
        now_ms = self._store.now_ms()
        if replica.party.expires_at <= now_ms:
            self._hub.schedule_close(room)
            return
        leases = [lease for lease in room.leases if lease.member_id]
        names = {member.id: member.name for member in replica.party.members}
        request = RestoreRequest(
            code=room.code,
            copy=self._merged_backup(room, leases),
            known=replica.position,
            epoch=secrets.token_urlsafe(ID_BYTES),
            expires_at=replica.party.expires_at,
            own=[(lease, names.get(lease.member_id, "")) for lease in leases],
            kicked=room.recent_kicks,
        )
        asked_at = now()
        outcome = await self._store.restore_party(request, asked_at + STORE_BUDGET_SECONDS)
        if isinstance(outcome, Restored):
            room.record_restore(asked_at)
            self._hub.resync_all(room)
        elif not (isinstance(outcome, Missing) and self._is_awaiting_others(room)):
            self._hub.schedule_close(room, has_ended=isinstance(outcome, Ended))

    def _is_awaiting_others(self, room: LocalRoom) -> bool:
        """Whether another instance may still restore a party of which this one has no backup."""
        return self._detector.is_recovering(self._detector.shard_of(room.code)) or self._is_recoverable(room)

    def _is_recoverable(self, room: LocalRoom) -> bool:
        """Whether the room's leases were renewed so lately that they cannot have expired."""
        return now() - room.renewed_at < self._lease_seconds

    def _merged_backup(self, room: LocalRoom, leases: Iterable[Lease]) -> PartyBackup | None:
        replica = room.replica
        assert replica.party is not None
        if room.backup is None:
            return None
        return merge_room_state(room.backup, replica.party, replica.version, replica.kicked, leases)

    async def _restore_tombstones(self, shard: str) -> None:
        ends = [end for end in self._cache.ends(self._store.now_ms()) if self._detector.shard_of(end.code) == shard]
        await self._run_jobs(shard, "buried", [partial(self._store.restore_tombstone, end) for end in ends])

    async def _restore_rooms(self, shard: str) -> None:
        rooms = [room for room in self._hub.rooms() if self._detector.shard_of(room.code) == shard]
        await self._run_jobs(shard, "healed", [partial(self._restore_room_and_key, room) for room in rooms])

    async def _restore_recent_creates(self, shard: str) -> None:
        creates = [c for c in self._cache.recent_creates(now()) if self._detector.shard_of(c.code) == shard]
        await self._run_jobs(
            shard, "creates looked after", [partial(self._restore_create, create) for create in creates]
        )

    async def _restore_room_and_key(self, room: LocalRoom, deadline: float) -> None:
        if room.is_closed or room.replica.party is None:
            return
        await self.restore_room(room)
        if (idempotency_hash := self._cache.key_of(room.code, now())) is not None:
            await self._store.rebind_idempotency_key(idempotency_hash, room.code, deadline)

    async def _restore_create(self, create: RecentCreate, deadline: float) -> None:
        if self._cache.recent_create(create.code, now()) is not create:
            return  # rolled back, ended, entered or old by now
        epoch = secrets.token_urlsafe(ID_BYTES)
        outcome = await self._store.restore_party(
            RestoreRequest(create.code, create.copy, None, epoch, create.expires_at), deadline
        )
        if not isinstance(outcome, Restored):
            self._cache.forget_create(create.code)
        elif create.idempotency_hash is not None:
            await self._store.rebind_idempotency_key(create.idempotency_hash, create.code, deadline)

    async def _run_jobs(self, shard: str, what: str, jobs: Sequence[_Job]) -> None:
        """Run all jobs, some at a time, and report them."""
        slots = asyncio.Semaphore(RESTORE_CONCURRENCY)
        await asyncio.gather(*(self._retry_until_done(shard, job, slots) for job in jobs))
        if jobs:
            self._report(what, len(jobs))

    async def _retry_until_done(self, shard: str, job: _Job, slots: asyncio.Semaphore) -> None:
        """Run a job until the store has answered, unless the shard has lost data again: then all begins anew."""
        while not self._shards[shard].is_interrupted:
            try:
                async with slots:
                    await job(now() + STORE_BUDGET_SECONDS)
            except StoreUnavailableError as unavailable:
                if unavailable.failure in _PERMANENT:
                    self._report(f"given up: {unavailable.failure}", 1)
                    return
            else:
                return
            await asyncio.sleep(spread(RESTORE_RETRY_SECONDS, at_least=0.5))

    def _suspect(self, *codes: str) -> None:
        for code in codes:
            self._shards[self._detector.shard_of(code)].suspect_creates()
        self._has_input.set()

    def _note_end(self, room: LocalRoom) -> None:
        party, copy = room.replica.party, room.backup
        if party is None:
            return
        self._cache.note_end(
            Tombstone(
                code=room.code,
                # The first epoch of a party bears its id.
                party_id=copy.party_id if copy is not None else room.replica.epoch,
                host_token_hash=copy.host_token_hash if copy is not None else "",
                until_ms=party.expires_at,
            )
        )
