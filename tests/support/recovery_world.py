"""An instance with a recovery and lease renewal, around a store that loses data."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.recovery.cache import RecentCreate
from hubbub.recovery.recovery import Recovery
from hubbub.services.lease_renewer import LeaseRenewer
from tests.support.fake_time import later, now, settle
from tests.support.fake_world import FakePhone, World
from tests.support.fakes import CODE, DOCUMENT, FakeDataLossDetector

LEASE_SECONDS = 10.0
THIRD = LEASE_SECONDS / 3


class RecoveryWorld(World):
    """An instance with a recovery."""

    def __init__(self) -> None:
        super().__init__()
        self.detector = FakeDataLossDetector()
        self.logged: list[tuple[str, int]] = []
        self.recovery = Recovery(
            self.store.as_store(),
            self.detector.as_detector(),
            self.hub,
            LEASE_SECONDS,
            lambda what, number: self.logged.append((what, number)),
        )

    async def guests(self, *names: str) -> list[FakePhone]:
        """Return phones in a room whose leases have just been renewed."""
        phones = await self.phones(names)
        self.room().record_entry(now(), None)
        return phones

    def create(self, code: str = CODE, idempotency_hash: str | None = None) -> None:
        """Create a party that no phone enters."""
        self.recovery.note_create(RecentCreate(code, DOCUMENT, 8_200_000, idempotency_hash))

    @asynccontextmanager
    async def recovering(self) -> AsyncIterator[None]:
        """Run the recovery within the block."""
        task = asyncio.create_task(self.recovery.run())
        await settle()
        yield
        assert not task.done()
        task.cancel()

    async def recover_from_loss(self) -> None:
        """Lose the data of a shard and let the recovery run."""
        async with self.recovering():
            self.detector.lose()
            await later(5.0)

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """Renew leases within the block."""
        renewer = LeaseRenewer(self.store.as_store(), self.hub, self.recovery, LEASE_SECONDS)
        task = asyncio.create_task(renewer.run())
        yield
        assert not task.done()
        task.cancel()

    @property
    def codes(self) -> list[str]:
        """Return the codes of the parties that were restored, in order."""
        return [request.code for _, request in self.store.restored]


async def world_with_guest() -> tuple[RecoveryWorld, FakePhone]:
    """Return a world and the one phone in its room, whose lease has just been renewed."""
    world = RecoveryWorld()
    (phone,) = await world.guests("ann")
    return world, phone
