"""What comes of renewing leases: positions compared, verdicts carried out, and all of it in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from hubbub.core.errors import CloseCode, Reason
from hubbub.core.limits import EVENT_WAIT_SECONDS
from hubbub.core.protocol import Position
from hubbub.core.results import LeaseLoss, Renewed
from hubbub.recovery.recovery import Recovery
from hubbub.services.lease_renewer import LeaseRenewer
from tests.support.fake_time import BEGINNING, in_fake_time, later, settle
from tests.support.fake_world import FakePhone, World, world_with_ann
from tests.support.fakes import CODE, FakeDataLossDetector, ended_event, message_event

A_MOMENT = EVENT_WAIT_SECONDS * 1.01


def renewed(world: World, version: int, epoch: str = "epoch-1") -> None:
    """A renewal returns the party's position."""
    world.hub.apply_renewal(world.room(), Renewed(epoch, version, 9_000_000, 0, None, ()))


# Positions.


@in_fake_time
async def test_renewal_reveals_lost_last_event() -> None:
    world, phone = await world_with_ann()
    world.missed(message_event("lost"))
    renewed(world, world.party.version)
    await later(EVENT_WAIT_SECONDS * 0.9)
    assert len(world.store.asked) == 1
    await later(EVENT_WAIT_SECONDS * 0.2)
    assert phone.texts == ["lost"]


@in_fake_time
async def test_renewal_before_event_fetches_nothing() -> None:
    world, phone = await world_with_ann()
    published = world.missed(message_event("late"))
    renewed(world, world.party.version)
    await later(EVENT_WAIT_SECONDS / 2)
    world.hub.on_events(CODE, published)
    await later(1.0)
    assert phone.texts == ["late"]
    assert len(world.store.asked) == 1


@in_fake_time
async def test_renewed_expiry_is_in_next_snapshot() -> None:
    world = World()
    await world.phones(["ann"])
    renewed(world, world.party.version)
    (phone,) = await world.phones(["ben"])
    assert phone.view.room["expiresAt"] == 9_000_000


@in_fake_time
async def test_party_end_during_event_wait_ends_quietly() -> None:
    world, phone = await world_with_ann()
    renewed(world, world.party.version + 2)
    await settle()
    world.happens(ended_event())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]


# Verdicts.


@pytest.mark.parametrize(
    ("reason", "code", "last"),
    [
        (Reason.KICKED, CloseCode.KICKED, "KICKED"),
        (Reason.TIMED_OUT, CloseCode.TIMED_OUT, "ROOM"),
        (Reason.TAKEN_OVER, CloseCode.TAKEN_OVER, "ROOM"),
    ],
)
@in_fake_time
async def test_refused_renewal_closes_with_its_reason(reason: Reason, code: CloseCode, last: str) -> None:
    world = World()
    ben, ann = await world.phones(["ben", "ann"])
    gone = LeaseLoss("ben", world.memberships[ben].lease.holder, reason)
    unknown = LeaseLoss("ann", "holder-long-gone", reason)
    world.hub.apply_renewal(world.room(), Renewed("epoch-1", 1, 9_000_000, 0, None, (unknown, gone)))
    assert ben.closed == [code]
    assert ben.found_by == ["renewal"]
    assert ben.heard[-1] == last
    assert not ann.closed
    assert [lease.member_id for lease in world.room().leases] == ["ann"]


@in_fake_time
async def test_absent_party_waits_for_ending_event() -> None:
    world = World()
    phones = await world.phones(["ann", "ben"])
    published = world.missed(ended_event())
    world.hub.schedule_close(world.room(), has_ended=True)
    await later(A_MOMENT / 2)
    world.hub.on_events(CODE, published)
    await later(A_MOMENT)
    for phone in phones:
        assert phone.heard[-1] == "ENDED"
        assert phone.closed == [CloseCode.PARTY_ENDED]


# When leases are renewed.


@asynccontextmanager
async def renewing(world: World) -> AsyncIterator[None]:
    """Leases are renewed for as long as the block lasts."""
    store = world.store.as_store()
    recovery = Recovery(store, FakeDataLossDetector().as_detector(), world.hub, 9.0, lambda *_: None)
    task = asyncio.create_task(LeaseRenewer(store, world.hub, recovery, lease_seconds=9.0).run())
    yield
    assert not task.done()
    task.cancel()


@in_fake_time
async def test_leases_are_renewed_at_third_of_length() -> None:
    world = World()
    phones = await world.phones(["ann", "ben"])
    async with renewing(world):
        await later(90.0)
    first, *moments = (at for at, _ in world.store.renewed)
    assert first == BEGINNING + 1.0, "at once, since a copy of the party comes with it"
    assert 1.4 < moments[0] - first < 4.0
    assert all(2.9 < after - before < 4.0 for before, after in pairwise(moments))
    assert all(leases == [world.memberships[phone].lease for phone in phones] for _, leases in world.store.renewed)


@in_fake_time
async def test_earlier_expiry_advances_renewal() -> None:
    world = World()
    await world.phones(["ann"])
    world.store.renewal = lambda _: Renewed("epoch-1", 1, 9_000_000, 0, 700, ())
    async with renewing(world):
        await later(30.0)
    moments = [at for at, _ in world.store.renewed]
    assert all(0.69 < after - before < 1.5 for before, after in pairwise(moments))


@in_fake_time
async def test_renewal_without_store_is_retried_and_closes_nobody() -> None:
    world, phone = await world_with_ann()
    world.store.down = True
    async with renewing(world):
        await later(600.0)
        assert len(world.store.renewed) > 500
        world.store.down = False
        before = len(world.store.renewed)
        await later(1.0)
        assert len(world.store.renewed) == before + 1
    assert not phone.closed


@in_fake_time
async def test_empty_room_renews_nothing() -> None:
    world, phone = await world_with_ann()
    world.leave(phone)
    async with renewing(world):
        await later(5.0)
    assert world.store.renewed == []


@in_fake_time
async def test_leases_are_renewed_in_calls_of_500() -> None:
    world = World()
    async with world.hub.open_room(CODE, 2000.0) as room:
        await world.hub.wait_synced(room, "epoch-1", 1, 2000.0)
    for number in range(1201):
        room.seat(FakePhone(), world.lease(f"g{number}"), Position("epoch-1", 1))
    async with renewing(world):
        await later(5.0)
    assert [len(leases) for _, leases in world.store.renewed[:3]] == [500, 500, 201]
    assert len({lease.holder for _, leases in world.store.renewed[:3] for lease in leases}) == 1201


@in_fake_time
async def test_lease_loss_closes_within_third_of_lease() -> None:
    world = World()
    ben, ann = await world.phones(["ben", "ann"])
    gone = LeaseLoss("ben", world.memberships[ben].lease.holder, Reason.KICKED)
    world.store.renewal = lambda _: Renewed("epoch-1", 1, 9_000_000, 0, None, (gone,))
    async with renewing(world):
        await later(5.0)
    assert ben.closed == [CloseCode.KICKED]
    assert not ann.closed
