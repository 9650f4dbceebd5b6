"""When one instance writes back what, and what it makes of the store's answer."""

from collections.abc import Callable

import msgspec
import pytest

from hubbub.core.backup import PartyBackup
from hubbub.core.errors import CloseCode
from hubbub.core.limits import RECENT_CREATE_SECONDS, TOMBSTONES_FIRST_SECONDS
from hubbub.core.results import Another, Ended, Healed, HealOutcome, HistoryLost, Missing, RenewOutcome
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fakes import CODE, DOCUMENT, FakeParty, over, said
from tests.support.recovery_world import LEASE_SECONDS, THIRD, RecoveryWorld

# The order of things.


@in_fake_time
async def test_what_ended_is_buried_a_second_before_anything_is_healed() -> None:
    world = RecoveryWorld()
    await world.guests("ann")
    world.happens(over())
    await settle()
    world.create("CCCCCC")
    async with world.healing():
        lost_at = now()
        world.detector.lose()
        await later(5.0)
    ((buried_at, end),) = world.store.buried
    ((healed_at, _),) = world.store.healed
    assert (end.code, end.until_ms) == (CODE, 8_200_000)
    assert buried_at == lost_at
    assert healed_at == pytest.approx(lost_at + TOMBSTONES_FIRST_SECONDS)
    assert world.told == [("buried", 1), ("creates looked after", 1)]


@in_fake_time
async def test_while_it_heals_others_are_made_to_wait() -> None:
    world = RecoveryWorld()
    await world.guests("ann")
    async with world.healing():
        world.detector.lose()
        await settle()
        assert world.detector.healing == {"0"}
        await later(5.0)
        assert world.detector.healing == set()


@in_fake_time
async def test_healing_is_tried_again_until_the_store_answers() -> None:
    world = RecoveryWorld()
    await world.guests("ann")
    async with world.healing():
        world.store.down = True
        world.detector.lose()
        await later(600.0)
        world.store.down = False
        await later(1.0)
    assert world.codes == [CODE]


@in_fake_time
async def test_what_is_lost_while_healing_goes_on_is_healed_too() -> None:
    world = RecoveryWorld()
    await world.guests("ann")
    async with world.healing():
        world.store.down = True
        world.detector.lose()
        await later(3.0)
        world.detector.lose()
        world.store.down = False
        await later(5.0)
    assert world.codes == [CODE]


@in_fake_time
async def test_a_loss_of_one_shard_does_not_end_the_healing_of_another() -> None:
    world = RecoveryWorld()
    world.detector.shards = {"CCCCCC": "1"}
    await world.guests("ann")
    async with world.healing():
        world.store.down = True
        world.detector.lose("0")
        await later(3.0)
        world.detector.lose("1")
        world.store.down = False
        await later(5.0)
    assert world.codes == [CODE]


@in_fake_time
async def test_a_shard_that_is_away_holds_up_the_healing_of_no_other() -> None:
    world = RecoveryWorld()
    world.detector.shards = {"CCCCCC": "1"}
    await world.guests("ann")
    world.create("CCCCCC")
    world.store.away = {"CCCCCC"}
    async with world.healing():
        world.detector.lose("0")
        world.recovery.recheck_recent_creates()
        await later(5.0)
        assert world.codes == [CODE]
        assert world.detector.healing == set()
        world.store.away = set()
        await later(1.0)
    assert world.codes == [CODE, "CCCCCC"]


@pytest.mark.parametrize("trouble", [StoreFailure.REFUSED, StoreFailure.NOT_PERMITTED])
def test_what_a_store_that_answers_will_not_do_is_given_up_and_told(trouble: StoreFailure) -> None:
    @in_fake_time
    async def scene() -> None:
        world = RecoveryWorld()
        await world.guests("ann")

        def refuse(_: object) -> HealOutcome:
            raise StoreUnavailableError(trouble, "never")

        world.store.healing = refuse
        async with world.healing():
            world.detector.lose()
            await later(10.0)
            assert world.detector.healing == set()
        assert (f"given up: {trouble}", 1) in world.told

    scene()


@in_fake_time
async def test_only_what_the_shard_had_is_written_back() -> None:
    world = RecoveryWorld()
    world.detector.shards = {CODE: "1"}
    await world.guests("ann")
    async with world.healing():
        world.detector.lose("0")
        await later(5.0)
        assert world.codes == []
        world.happens(over())
        await settle()
        world.detector.lose("0")
        await later(5.0)
        assert world.store.buried == []
        world.detector.lose("1")
        await later(5.0)
    assert [end.code for _, end in world.store.buried] == [CODE]


# A room.


@in_fake_time
async def test_a_healed_room_is_told_anew_to_everyone() -> None:
    world = RecoveryWorld()
    ann, ben = await world.guests("ann", "ben")
    world.store.party = world.party = FakeParty(epoch="epoch-2", version=1)
    async with world.healing():
        world.detector.lose()
        await later(5.0)
    assert ann.heard[-1] == ben.heard[-1] == "ROOM"
    assert ann.view.epoch == "epoch-2"
    ((_, healing),) = world.store.healed
    assert {lease.member_id for lease, _ in healing.own} == {"ann", "ben"}
    assert healing.known is not None
    assert (healing.known.epoch, healing.known.version) == ("epoch-1", 1)


@in_fake_time
async def test_after_healing_a_new_copy_is_asked_for() -> None:
    world = RecoveryWorld()
    await world.guests("ann")
    room = world.room()
    room.backup_version = 1
    await world.recovery.restore_room(room)
    assert room.backup_version == -1


@in_fake_time
async def test_a_watcher_has_no_seat_to_be_written_back() -> None:
    world = RecoveryWorld()
    await world.guests("", "ann")
    await world.recovery.restore_room(world.room())
    ((_, healing),) = world.store.healed
    assert [(lease.member_id, name) for lease, name in healing.own] == [("ann", "Ann")]


@in_fake_time
async def test_a_copy_is_brought_up_to_what_the_room_knows() -> None:
    world = RecoveryWorld()
    await world.guests("ann")
    world.room().backup = PartyBackup(msgspec.json.encode(DOCUMENT))
    world.happens(said("since"))
    await settle()
    await world.recovery.restore_room(world.room())
    ((_, healing),) = world.store.healed
    assert healing.copy is not None
    assert [msgspec.json.decode(message)["text"] for message in healing.copy.messages] == ["since"]


@in_fake_time
async def test_a_party_whose_time_was_up_is_not_healed_but_over() -> None:
    world = RecoveryWorld()
    (phone,) = await world.guests("ann")
    await later(8200.0)
    await world.recovery.restore_room(world.room())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]
    assert world.store.healed == []


@pytest.mark.parametrize(("outcome", "is_remembered"), [(Another(), False), (Ended(), True), (Missing(), False)])
def test_a_party_that_cannot_be_healed_is_over(outcome: HealOutcome, is_remembered: bool) -> None:
    @in_fake_time
    async def scene() -> None:
        world = RecoveryWorld()
        (phone,) = await world.guests("ann")
        world.store.healing = lambda _: outcome
        async with world.healing():
            world.detector.lose()
            await later(5.0)
            world.detector.lose()
            await later(LEASE_SECONDS)
            world.detector.lose()
            await later(5.0)
            assert phone.closed == [CloseCode.PARTY_ENDED]
            world.detector.lose()
            await later(5.0)
        assert bool(world.store.buried) == is_remembered

    scene()


@in_fake_time
async def test_what_is_missing_while_others_write_back_may_still_come() -> None:
    world = RecoveryWorld()
    (phone,) = await world.guests("ann")
    world.detector.recovering = True
    world.store.healing = lambda _: Missing()
    await world.recovery.restore_room(world.room())
    await later(1.0)
    assert not phone.closed
    world.detector.recovering = False
    # Whoever has a copy renews within a lease, and finds it missing too.
    await later(LEASE_SECONDS)
    await world.recovery.restore_room(world.room())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_a_party_that_was_healed_in_time_is_not_closed() -> None:
    world = RecoveryWorld()
    (phone,) = await world.guests("ann")
    world.hub.schedule_close(world.room())
    await world.recovery.restore_room(world.room())
    await later(5.0)
    assert not phone.closed


# What renewals show.


def _renewal(outcome: RenewOutcome) -> Callable[..., RenewOutcome]:
    return lambda _: outcome


@pytest.mark.parametrize("outcome", [HistoryLost(), Missing()])
def test_a_room_that_a_renewal_shows_as_lost_is_healed(outcome: RenewOutcome) -> None:
    @in_fake_time
    async def scene() -> None:
        world = RecoveryWorld()
        (phone,) = await world.guests("ann")
        world.store.renewal = _renewal(outcome)

        def heal(_: object) -> HealOutcome:
            world.store.renewal = world.store.renewed_all
            return Healed()

        world.store.healing = heal
        async with world.renewing():
            await later(THIRD)
        assert world.codes == [CODE]
        assert not phone.closed

    scene()


@in_fake_time
async def test_a_party_that_is_missing_after_a_lease_without_renewal_has_ended() -> None:
    world = RecoveryWorld()
    (phone,) = await world.guests("ann")
    world.store.renewal = lambda _: Missing()
    await later(LEASE_SECONDS)
    async with world.renewing():
        await later(THIRD)
    assert world.codes == []
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_a_room_that_somebody_found_missing_is_looked_after_at_once() -> None:
    world = RecoveryWorld()
    await world.guests("ann")
    async with world.renewing():
        await later(THIRD)
        world.store.renewal = lambda _: Missing()
        world.store.healed.clear()
        with pytest.raises(StoreUnavailableError) as caught:
            world.recovery.raise_if_lost(CODE)
        assert caught.value.trouble is StoreFailure.RECOVERING
        asked_at = now()
        await later(THIRD / 4)
    assert world.store.healed[0][0] - asked_at < THIRD / 4


@in_fake_time
async def test_an_absence_is_believed_where_the_leases_have_run_out() -> None:
    world = RecoveryWorld()
    await world.guests("ann")
    await later(LEASE_SECONDS)
    world.recovery.raise_if_lost(CODE)
    world.recovery.raise_if_lost("CCCCCC")


# Whether a beat is worth it.


@in_fake_time
async def test_an_instance_has_something_to_lose_while_it_has_phones_or_remembers() -> None:
    world = RecoveryWorld()
    assert not world.detector.has_local_state()
    (phone,) = await world.guests("ann")
    assert world.detector.has_local_state()
    world.leave(phone)
    assert not world.detector.has_local_state()
    world.create()
    assert world.detector.has_local_state()
    await later(RECENT_CREATE_SECONDS)
    assert not world.detector.has_local_state()
