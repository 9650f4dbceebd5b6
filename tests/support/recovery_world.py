"""An instance that heals, around a store that forgets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.recovery.cache import RecentCreate
from hubbub.recovery.recovery import Recovery
from hubbub.services.lease_renewer import LeaseRenewer
from tests.support.fake_time import now, settle
from tests.support.fake_world import FakePhone, World
from tests.support.fakes import CODE, DOCUMENT, FakeDataLossDetector

LEASE_SECONDS = 10.0
THIRD = LEASE_SECONDS / 3


class RecoveryWorld(World):
    """An instance that heals."""

    def __init__(self) -> None:
        super().__init__()
        self.detector = FakeDataLossDetector()
        self.told: list[tuple[str, int]] = []
        self.recovery = Recovery(
            self.store.as_store(),
            self.detector.as_detector(),
            self.hub,
            LEASE_SECONDS,
            lambda what, number: self.told.append((what, number)),
        )

    async def guests(self, *names: str) -> list[FakePhone]:
        """Phones in a room whose leases have just been renewed."""
        phones = await self.phones(names)
        self.room().record_entry(now(), None)
        return phones

    def create(self, code: str = CODE, idempotency_hash: str | None = None) -> None:
        """A party is created, which nobody enters."""
        self.recovery.note_create(RecentCreate(code, DOCUMENT, 8_200_000, idempotency_hash))

    @asynccontextmanager
    async def healing(self) -> AsyncIterator[None]:
        """While healing goes on."""
        task = asyncio.create_task(self.recovery.run())
        await settle()
        yield
        assert not task.done()
        task.cancel()

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """While leases are renewed."""
        renewer = LeaseRenewer(self.store.as_store(), self.hub, self.recovery, LEASE_SECONDS)
        task = asyncio.create_task(renewer.run())
        yield
        assert not task.done()
        task.cancel()

    @property
    def codes(self) -> list[str]:
        """Whose healing was asked for, in order."""
        return [healing.code for _, healing in self.store.healed]
