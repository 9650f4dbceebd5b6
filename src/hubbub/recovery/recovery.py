"""Writing back what the store has lost: first what ended, then what lives.

A party that is missing, has no tombstone and has phones here was lost, not ended. Every instance heals what it has, and
the first one to write a party back decides its new epoch; the others add their own seats.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

from hubbub.core.backup import Healing, PartyBackup, Tombstone, merge_room_state
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
from hubbub.recovery.cache import Memory, RecentCreate
from hubbub.store.generation import DataLossDetector
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError, store_recovering_error

_Job = Callable[[float], Awaitable[object]]
"""What is done by a deadline, or raises `StoreUnavailableError`."""
_PERMANENT: Final = frozenset({StoreFailure.REFUSED, StoreFailure.NOT_PERMITTED})
"""Why a store that answers will not do it the next time either."""


class Healer:
    """Heals the parties of one instance. `tell` hears, as a word and a number, what was done, for the log.

    A room whose leases were renewed within `lease_seconds` cannot have ended unreachable_channels of.
    """

    def __init__(
        self, store: Store, detector: DataLossDetector, hub: Hub, lease_seconds: float, tell: Callable[[str, int], None]
    ) -> None:
        self._store = store
        self._detector = detector
        self._hub = hub
        self._lease_seconds = lease_seconds
        self._tell = tell
        self._memory = Memory()
        self._lost: set[str] = set()
        """Shards that have lost data."""
        self._doubtful: set[str] = set()
        """Shards in which the newest creates may be missing."""
        self._busy: set[str] = set()
        """Shards that are being looked after."""
        self._is_wanted = asyncio.Event()
        detector.on_data_loss(self._lose)
        detector.has_local_state = self._has_anything
        hub.on_end(self._remember_end)

    async def run(self) -> None:
        """Heal, for ever, what has been lost: each shard for itself, since another one may be away."""
        async with asyncio.TaskGroup() as jobs:
            while True:
                await self._is_wanted.wait()
                self._is_wanted.clear()
                for shard in (self._lost | self._doubtful) - self._busy:
                    self._busy.add(shard)
                    jobs.create_task(self._heal_shard(shard), name="healing a shard")

    async def _heal_shard(self, shard: str) -> None:
        try:
            while shard in self._lost or shard in self._doubtful:
                if shard in self._lost:
                    self._lost.discard(shard)
                    await self._write_back(shard)
                self._doubtful.discard(shard)
                await self._heal_recent_creates(shard)
                self._detector.healing.discard(shard)
        finally:
            self._detector.healing.discard(shard)
            self._busy.discard(shard)

    async def _write_back(self, shard: str) -> None:
        self._detector.healing.add(shard)
        await self._bury(shard)
        await asyncio.sleep(TOMBSTONES_FIRST_SECONDS)
        await self._heal_rooms(shard)

    def look_again(self) -> None:
        """The link to the store is back: see that the newest creates are still there."""
        self._doubt(*(create.code for create in self._memory.recent_creates(_now())))

    def note_create(self, create: RecentCreate) -> None:
        """Keep a party that was just created until somebody enters it here, or a minute has passed."""
        self._memory.note_create(create, _now())

    def note_entered(self, opened: LocalRoom) -> None:
        """The room has the party from now on, and what is known of it until the first renewal."""
        create = self._memory.recent_create(opened.code, _now())
        if create is not None and opened.copy is None:
            opened.copy = create.copy
        self._memory.forget_create(opened.code)

    def note_withdrawn(self, code: str) -> None:
        """A party that was just created is to go again."""
        self._memory.forget_create(code)

    def doubt_absence(self, code: str) -> None:
        """Raise `StoreUnavailableError` where a party that the store has not was lost, as far as is known here."""
        opened = self._hub.room(code)
        if opened is not None and self.may_be_healed(opened):
            opened.is_lost = True
            raise store_recovering_error()
        if self._memory.recent_create(code, _now()) is not None:
            self._doubt(code)
            raise store_recovering_error()

    def may_be_healed(self, opened: LocalRoom) -> bool:
        """Whether the room's leases were renewed so lately that they cannot have run out."""
        return _now() - opened.renewed_at < self._lease_seconds

    async def heal(self, opened: LocalRoom) -> None:
        """Write back what the store has lost of an open room; raises `StoreUnavailableError`."""
        room = opened.room
        assert room.party is not None
        now_ms = self._store.now_ms()
        if room.party.expires_at <= now_ms:
            self._hub.end_soon(opened)
            return
        leases = [lease for lease in opened.leases if lease.member_id]
        names = {member.id: member.name for member in room.party.members}
        healing = Healing(
            code=opened.code,
            copy=self._copy_of(opened, leases),
            known=room.known,
            epoch=secrets.token_urlsafe(ID_BYTES),
            expires_at=room.party.expires_at,
            own=[(lease, names.get(lease.member_id, "")) for lease in leases],
            kicked=list(opened.kicked),
        )
        asked_at = _now()
        outcome = await self._store.heal(healing, asked_at + STORE_BUDGET_SECONDS)
        if isinstance(outcome, Healed):
            opened.is_lost = False
            opened.renewed_at = asked_at
            opened.copied = -1  # of the epoch before, whose versions mean nothing now
            self._hub.begin_anew(opened)
        elif not (isinstance(outcome, Missing) and self._others_may_heal(opened)):
            self._hub.end_soon(opened, has_ended=isinstance(outcome, Ended))

    def _others_may_heal(self, opened: LocalRoom) -> bool:
        """Whether another instance may yet write back what this one has no copy of."""
        return self._detector.is_recovering(self._detector.shard_of(opened.code)) or self.may_be_healed(opened)

    def _copy_of(self, opened: LocalRoom, leases: Iterable[Lease]) -> PartyBackup | None:
        room = opened.room
        assert room.party is not None
        if opened.copy is None:
            return None
        return merge_room_state(opened.copy, room.party, room.version, room.kicked, leases)

    async def _bury(self, shard: str) -> None:
        ends = [end for end in self._memory.ends(self._store.now_ms()) if self._detector.shard_of(end.code) == shard]
        await self._do_each(shard, "buried", [partial(self._store.bury, end) for end in ends])

    async def _heal_rooms(self, shard: str) -> None:
        rooms = [opened for opened in self._hub.rooms() if self._detector.shard_of(opened.code) == shard]
        await self._do_each(shard, "healed", [partial(self._heal_room, opened) for opened in rooms])

    async def _heal_recent_creates(self, shard: str) -> None:
        creates = [c for c in self._memory.recent_creates(_now()) if self._detector.shard_of(c.code) == shard]
        await self._do_each(shard, "creates looked after", [partial(self._heal_create, create) for create in creates])

    async def _heal_room(self, opened: LocalRoom, deadline: float) -> None:
        if opened.is_closed or opened.room.party is None:
            return
        await self.heal(opened)
        if (once := self._memory.key_of(opened.code, _now())) is not None:
            await self._store.claim_again(once, opened.code, deadline)

    async def _heal_create(self, create: RecentCreate, deadline: float) -> None:
        if self._memory.recent_create(create.code, _now()) is not create:
            return  # withdrawn, ended, entered or old by now
        epoch = secrets.token_urlsafe(ID_BYTES)
        outcome = await self._store.heal(Healing(create.code, create.copy, None, epoch, create.expires_at), deadline)
        if not isinstance(outcome, Healed):
            self._memory.forget_create(create.code)
        elif create.once is not None:
            await self._store.claim_again(create.once, create.code, deadline)

    async def _do_each(self, shard: str, what: str, jobs: Sequence[_Job]) -> None:
        """Do all, some at a time; each again until the store answers, or has lost yet more."""
        places = asyncio.Semaphore(RESTORE_CONCURRENCY)
        await asyncio.gather(*(self._insist(shard, job, places) for job in jobs))
        if jobs:
            self._tell(what, len(jobs))

    async def _insist(self, shard: str, job: _Job, places: asyncio.Semaphore) -> None:
        while shard not in self._lost:
            try:
                async with places:
                    await job(_now() + STORE_BUDGET_SECONDS)
            except StoreUnavailableError as unavailable:
                if unavailable.trouble in _PERMANENT:
                    self._tell(f"given up: {unavailable.trouble}", 1)
                    return
            else:
                return
            await asyncio.sleep(HEALING_RETRY_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only spreads instances

    def _doubt(self, *codes: str) -> None:
        self._doubtful.update(map(self._detector.shard_of, codes))
        self._is_wanted.set()

    def _lose(self, shard: str) -> None:
        self._lost.add(shard)
        self._is_wanted.set()

    def _has_anything(self) -> bool:
        return self._memory.holds_anything(_now()) or any(True for _ in self._hub.rooms())

    def _remember_end(self, opened: LocalRoom) -> None:
        party, copy = opened.room.party, opened.copy
        if party is None:
            return
        self._memory.note_end(
            Tombstone(
                code=opened.code,
                # The first epoch of a party bears its id.
                party_id=copy.party_id if copy is not None else opened.room.epoch,
                host_token_hash=copy.host_token_hash if copy is not None else "",
                until_ms=party.expires_at,
            )
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
