"""When one instance writes back what, and what it makes of the store's answer."""

from collections.abc import Callable

import msgspec
import pytest

from hubbub.core.backup import PartyBackup
from hubbub.core.errors import CloseCode
from hubbub.core.limits import RECENT_CREATE_SECONDS, TOMBSTONES_FIRST_SECONDS
from hubbub.core.results import (
    DifferentParty,
    Ended,
    HistoryLost,
    Missing,
    Renewed,
    RenewOutcome,
    Restored,
    RestoreOutcome,
)
from hubbub.store.generation import CheckMode
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fakes import CODE, DOCUMENT, FakeParty, ended_event, message_event
from tests.support.recovery_world import LEASE_SECONDS, THIRD, RecoveryWorld, world_with_guest

BACKUP = PartyBackup(msgspec.json.encode(DOCUMENT))

# The order of things.


@in_fake_time
async def test_tombstones_are_restored_before_parties() -> None:
    world, _ = await world_with_guest()
    world.happens(ended_event())
    await settle()
    world.create("CCCCCC")
    async with world.recovering():
        lost_at = now()
        world.detector.lose()
        await settle()
        # Makes other instances wait.
        assert world.detector.mode_of("0") is CheckMode.RECOVER
        await later(5.0)
        assert world.detector.mode_of("0") is not CheckMode.RECOVER
    ((tombstone_at, end),) = world.store.tombstones
    ((restored_at, _),) = world.store.restored
    assert (end.code, end.until_ms) == (CODE, 8_200_000)
    assert tombstone_at == lost_at
    assert restored_at == pytest.approx(lost_at + TOMBSTONES_FIRST_SECONDS)
    assert world.logged == [("buried", 1), ("creates looked after", 1)]


@in_fake_time
async def test_restore_is_retried_until_store_answers() -> None:
    world, _ = await world_with_guest()
    async with world.recovering():
        world.store.down = True
        world.detector.lose()
        await later(600.0)
        world.store.down = False
        await later(1.0)
    assert world.codes == [CODE]


@pytest.mark.parametrize("next_shard", ["0", "1"])
@in_fake_time
async def test_data_loss_during_recovery_is_restored(next_shard: str) -> None:
    world = RecoveryWorld()
    world.detector.shards = {"CCCCCC": "1"}
    await world.guests("ann")
    async with world.recovering():
        world.store.down = True
        world.detector.lose("0")
        await later(3.0)
        world.detector.lose(next_shard)
        world.store.down = False
        await later(5.0)
    assert world.codes == [CODE]


@in_fake_time
async def test_unreachable_shard_delays_no_other_recovery() -> None:
    world = RecoveryWorld()
    world.detector.shards = {"CCCCCC": "1"}
    await world.guests("ann")
    world.create("CCCCCC")
    world.store.away = {"CCCCCC"}
    async with world.recovering():
        world.detector.lose("0")
        world.recovery.recheck_recent_creates()
        await later(5.0)
        assert world.codes == [CODE]
        assert world.detector.mode_of("0") is not CheckMode.RECOVER
        world.store.away = set()
        await later(1.0)
    assert world.codes == [CODE, "CCCCCC"]


@pytest.mark.parametrize("trouble", [StoreFailure.REFUSED, StoreFailure.NOT_PERMITTED])
@in_fake_time
async def test_refused_restore_is_given_up_and_logged(trouble: StoreFailure) -> None:
    world, _ = await world_with_guest()

    def refuse(_: object) -> RestoreOutcome:
        raise StoreUnavailableError(trouble, "never")

    world.store.restoration = refuse
    async with world.recovering():
        world.detector.lose()
        await later(10.0)
        assert world.detector.mode_of("0") is not CheckMode.RECOVER
    assert (f"given up: {trouble}", 1) in world.logged


@in_fake_time
async def test_only_rooms_of_lost_shard_are_restored() -> None:
    world = RecoveryWorld()
    world.detector.shards = {CODE: "1"}
    await world.guests("ann")
    async with world.recovering():
        world.detector.lose("0")
        await later(5.0)
        assert world.codes == []
        world.happens(ended_event())
        await settle()
        world.detector.lose("0")
        await later(5.0)
        assert world.store.tombstones == []
        world.detector.lose("1")
        await later(5.0)
    assert [end.code for _, end in world.store.tombstones] == [CODE]


# A room.


@in_fake_time
async def test_restored_room_is_sent_to_every_client() -> None:
    world = RecoveryWorld()
    ann, ben = await world.guests("ann", "ben")
    world.store.party = world.party = FakeParty(epoch="epoch-2", version=1)
    await world.recover_from_loss()
    assert ann.heard[-1] == ben.heard[-1] == "ROOM"
    assert ann.view.epoch == "epoch-2"
    ((_, request),) = world.store.restored
    assert {lease.member_id for lease, _ in request.own} == {"ann", "ben"}
    assert request.known is not None
    assert (request.known.epoch, request.known.version) == ("epoch-1", 1)


@in_fake_time
async def test_restored_room_gets_new_backup() -> None:
    world, _ = await world_with_guest()
    room = world.room()
    room.record_renewal(Renewed("epoch-1", 1, 9_000_000, 0, None, (), BACKUP), now())
    assert not room.needs_backup
    await world.recovery.restore_room(room)
    assert room.needs_backup


@in_fake_time
async def test_watcher_has_no_seat_in_backup() -> None:
    world = RecoveryWorld()
    await world.guests("", "ann")
    await world.recovery.restore_room(world.room())
    ((_, request),) = world.store.restored
    assert [(lease.member_id, name) for lease, name in request.own] == [("ann", "Ann")]


@in_fake_time
async def test_backup_is_merged_with_room() -> None:
    world, _ = await world_with_guest()
    world.room().record_entry(now(), BACKUP)
    world.happens(message_event("since"))
    await settle()
    await world.recovery.restore_room(world.room())
    ((_, request),) = world.store.restored
    assert request.copy is not None
    assert [msgspec.json.decode(message)["text"] for message in request.copy.messages] == ["since"]


@in_fake_time
async def test_expired_party_is_closed_and_not_restored() -> None:
    world, phone = await world_with_guest()
    await later(8200.0)
    await world.recovery.restore_room(world.room())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]
    assert world.store.restored == []


@pytest.mark.parametrize(("outcome", "is_remembered"), [(DifferentParty(), False), (Ended(), True), (Missing(), False)])
@in_fake_time
async def test_party_that_cannot_be_restored_is_closed(outcome: RestoreOutcome, is_remembered: bool) -> None:
    world, phone = await world_with_guest()
    world.store.restoration = lambda _: outcome
    async with world.recovering():
        world.detector.lose()
        await later(5.0)
        world.detector.lose()
        await later(LEASE_SECONDS)
        world.detector.lose()
        await later(5.0)
        assert phone.closed == [CloseCode.PARTY_ENDED]
        world.detector.lose()
        await later(5.0)
    assert bool(world.store.tombstones) == is_remembered


@in_fake_time
async def test_absence_during_other_recovery_is_not_believed() -> None:
    world, phone = await world_with_guest()
    world.detector.recovering = True
    world.store.restoration = lambda _: Missing()
    await world.recovery.restore_room(world.room())
    await later(1.0)
    assert not phone.closed
    world.detector.recovering = False
    # An instance that has a backup renews within a lease, and finds the party missing too.
    await later(LEASE_SECONDS)
    await world.recovery.restore_room(world.room())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_party_restored_in_time_is_not_closed() -> None:
    world, phone = await world_with_guest()
    world.hub.schedule_close(world.room())
    world.hub.schedule_close(world.room(), has_ended=True)
    await world.recovery.restore_room(world.room())
    await later(5.0)
    assert not phone.closed
    assert not world.room().has_ended


# What renewals show.


def _renewal(outcome: RenewOutcome) -> Callable[..., RenewOutcome]:
    return lambda _: outcome


@pytest.mark.parametrize("outcome", [HistoryLost(), Missing()])
@in_fake_time
async def test_room_found_lost_by_renewal_is_restored(outcome: RenewOutcome) -> None:
    world, phone = await world_with_guest()
    world.store.renewal = _renewal(outcome)

    def restore(_: object) -> RestoreOutcome:
        world.store.renewal = world.store.renewed_all
        return Restored()

    world.store.restoration = restore
    async with world.renewing():
        await later(THIRD)
    assert world.codes == [CODE]
    assert not phone.closed


@in_fake_time
async def test_party_absent_after_unrenewed_lease_has_ended() -> None:
    world, phone = await world_with_guest()
    world.store.renewal = lambda _: Missing()
    await later(LEASE_SECONDS)
    async with world.renewing():
        await later(THIRD)
    assert world.codes == []
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_room_reported_missing_is_restored_at_once() -> None:
    world, _ = await world_with_guest()
    async with world.renewing():
        await later(THIRD)
        world.store.renewal = lambda _: Missing()
        world.store.restored.clear()
        with pytest.raises(StoreUnavailableError) as caught:
            world.recovery.raise_if_lost(CODE)
        assert caught.value.failure is StoreFailure.RECOVERING
        asked_at = now()
        await later(THIRD / 4)
    assert world.store.restored[0][0] - asked_at < THIRD / 4


@in_fake_time
async def test_absence_is_believed_after_leases_ended() -> None:
    world, _ = await world_with_guest()
    await later(LEASE_SECONDS)
    world.recovery.raise_if_lost(CODE)
    world.recovery.raise_if_lost("CCCCCC")


# Whether a beat is worth it.


@in_fake_time
async def test_local_state_is_connections_or_memory() -> None:
    world = RecoveryWorld()
    assert world.detector.mode_of() is CheckMode.READ
    (phone,) = await world.guests("ann")
    assert world.detector.mode_of() is CheckMode.WRITE
    world.leave(phone)
    assert world.detector.mode_of() is CheckMode.READ
    world.create()
    assert world.detector.mode_of() is CheckMode.WRITE
    await later(RECENT_CREATE_SECONDS)
    assert world.detector.mode_of() is CheckMode.READ
