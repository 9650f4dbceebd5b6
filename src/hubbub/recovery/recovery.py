"""Writing back what the store has lost: first what ended, then what lives.

A party that is missing, has no tombstone and has phones here was lost, not ended. Every instance heals what it has, and
the first one to write a party back decides its new epoch; the others add their own seats.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

from hubbub.core.backup import PartyBackup, RestoreRequest, Tombstone, merge_room_state
from hubbub.core.limits import (
    HEALING_RETRY_SECONDS,
    ID_BYTES,
    RESTORE_CONCURRENCY,
    STORE_BUDGET_SECONDS,
    TOMBSTONES_FIRST_SECONDS,
)
from hubbub.core.party import Lease
from hubbub.core.results import Ended, Healed, Missing
from hubbub.hub.hub import Hub, LocalRoom
from hubbub.loop import now, spread
from hubbub.recovery.cache import RecentCreate, RecoveryCache
from hubbub.store.generation import DataLossDetector
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError, store_recovering_error

_Job = Callable[[float], Awaitable[object]]
"""What is done by a deadline, or raises `StoreUnavailableError`."""
_PERMANENT: Final = frozenset({StoreFailure.REFUSED, StoreFailure.NOT_PERMITTED})
"""Why a store that answers will not do it the next time either."""


class Recovery:
    """Heals the parties of one instance. `tell` hears, as a word and a number, what was done, for the log.

    A room whose leases were renewed within `lease_seconds` cannot have ended unnoticed.
    """

    def __init__(
        self, store: Store, detector: DataLossDetector, hub: Hub, lease_seconds: float, tell: Callable[[str, int], None]
    ) -> None:
        self._store = store
        self._detector = detector
        self._hub = hub
        self._lease_seconds = lease_seconds
        self._tell = tell
        self._cache = RecoveryCache()
        self._lost: set[str] = set()
        """Shards that have lost data."""
        self._suspect: set[str] = set()
        """Shards in which the newest creates may be missing."""
        self._busy: set[str] = set()
        """Shards that are being looked after."""
        self._is_wanted = asyncio.Event()
        detector.on_data_loss(self._on_data_loss)
        detector.has_local_state = self._has_local_state
        hub.on_end(self._note_end)

    async def run(self) -> None:
        """Heal, for ever, what has been lost: each shard for itself, since another one may be away."""
        async with asyncio.TaskGroup() as jobs:
            while True:
                await self._is_wanted.wait()
                self._is_wanted.clear()
                for shard in (self._lost | self._suspect) - self._busy:
                    self._busy.add(shard)
                    jobs.create_task(self._recover_shard(shard), name="healing a shard")

    async def _recover_shard(self, shard: str) -> None:
        try:
            while shard in self._lost or shard in self._suspect:
                if shard in self._lost:
                    self._lost.discard(shard)
                    await self._restore(shard)
                self._suspect.discard(shard)
                await self._restore_recent_creates(shard)
                self._detector.healing.discard(shard)
        finally:
            self._detector.healing.discard(shard)
            self._busy.discard(shard)

    async def _restore(self, shard: str) -> None:
        self._detector.healing.add(shard)
        await self._restore_tombstones(shard)
        await asyncio.sleep(TOMBSTONES_FIRST_SECONDS)
        await self._restore_rooms(shard)

    def recheck_recent_creates(self) -> None:
        """The link to the store is back: see that the newest creates are still there."""
        self._recheck(*(create.code for create in self._cache.recent_creates(now())))

    def note_create(self, create: RecentCreate) -> None:
        """Keep a party that was just created until somebody enters it here, or a minute has passed."""
        self._cache.note_create(create, now())

    def note_entered(self, room: LocalRoom, leased_at: float) -> None:
        """Hand a recent create over to the room, which keeps the party from now on.

        `leased_at` is loop time, and not after the beginning of the lease of the connection that enters.
        """
        create = self._cache.recent_create(room.code, now())
        room.record_entry(leased_at, None if create is None else create.copy)
        self._cache.forget_create(room.code)

    def note_rolled_back(self, code: str) -> None:
        """A party that was just created is to go again."""
        self._cache.forget_create(code)

    def raise_if_lost(self, code: str) -> None:
        """Raise `StoreUnavailableError` where a party that the store has not was lost, as far as is known here."""
        room = self._hub.room(code)
        if room is not None and self.is_recoverable(room):
            room.mark_lost()
            raise store_recovering_error()
        if self._cache.recent_create(code, now()) is not None:
            self._recheck(code)
            raise store_recovering_error()

    def is_recoverable(self, room: LocalRoom) -> bool:
        """Whether the room's leases were renewed so lately that they cannot have run out."""
        return now() - room.renewed_at < self._lease_seconds

    async def restore_room(self, room: LocalRoom) -> None:
        """Write back what the store has lost of an open room; raises `StoreUnavailableError`."""
        replica = room.replica
        assert replica.party is not None
        now_ms = self._store.now_ms()
        if replica.party.expires_at <= now_ms:
            self._hub.schedule_close(room)
            return
        leases = [lease for lease in room.leases if lease.member_id]
        names = {member.id: member.name for member in replica.party.members}
        healing = RestoreRequest(
            code=room.code,
            copy=self._merged_backup(room, leases),
            known=replica.position,
            epoch=secrets.token_urlsafe(ID_BYTES),
            expires_at=replica.party.expires_at,
            own=[(lease, names.get(lease.member_id, "")) for lease in leases],
            kicked=room.recent_kicks,
        )
        asked_at = now()
        outcome = await self._store.restore_party(healing, asked_at + STORE_BUDGET_SECONDS)
        if isinstance(outcome, Healed):
            room.record_restore(asked_at)
            self._hub.resync_all(room)
        elif not (isinstance(outcome, Missing) and self._is_awaiting_others(room)):
            self._hub.schedule_close(room, has_ended=isinstance(outcome, Ended))

    def _is_awaiting_others(self, room: LocalRoom) -> bool:
        """Whether another instance may yet write back what this one has no copy of."""
        return self._detector.is_recovering(self._detector.shard_of(room.code)) or self.is_recoverable(room)

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
            return  # withdrawn, ended, entered or old by now
        epoch = secrets.token_urlsafe(ID_BYTES)
        outcome = await self._store.restore_party(
            RestoreRequest(create.code, create.copy, None, epoch, create.expires_at), deadline
        )
        if not isinstance(outcome, Healed):
            self._cache.forget_create(create.code)
        elif create.idempotency_hash is not None:
            await self._store.rebind_idempotency_key(create.idempotency_hash, create.code, deadline)

    async def _run_jobs(self, shard: str, what: str, jobs: Sequence[_Job]) -> None:
        """Do all, some at a time; each again until the store answers, or has lost yet more."""
        slots = asyncio.Semaphore(RESTORE_CONCURRENCY)
        await asyncio.gather(*(self._retry_until_done(shard, job, slots) for job in jobs))
        if jobs:
            self._tell(what, len(jobs))

    async def _retry_until_done(self, shard: str, job: _Job, slots: asyncio.Semaphore) -> None:
        while shard not in self._lost:
            try:
                async with slots:
                    await job(now() + STORE_BUDGET_SECONDS)
            except StoreUnavailableError as unavailable:
                if unavailable.failure in _PERMANENT:
                    self._tell(f"given up: {unavailable.failure}", 1)
                    return
            else:
                return
            await asyncio.sleep(spread(HEALING_RETRY_SECONDS, at_least=0.5))

    def _recheck(self, *codes: str) -> None:
        self._suspect.update(map(self._detector.shard_of, codes))
        self._is_wanted.set()

    def _on_data_loss(self, shard: str) -> None:
        self._lost.add(shard)
        self._is_wanted.set()

    def _has_local_state(self) -> bool:
        return self._cache.holds_anything(now()) or any(True for _ in self._hub.rooms())

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
