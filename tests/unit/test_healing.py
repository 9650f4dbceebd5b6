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
from tests.support.fake_ward import LEASE_SECONDS, THIRD, Ward
from tests.support.fakes import CODE, DOCUMENT, FakeParty, over, said

# The order of things.


@in_fake_time
async def test_what_ended_is_buried_a_second_before_anything_is_healed() -> None:
    ward = Ward()
    await ward.guests("ann")
    ward.happens(over())
    await settle()
    ward.create("CCCCCC")
    async with ward.healing():
        lost_at = now()
        ward.detector.lose()
        await later(5.0)
    ((buried_at, end),) = ward.store.buried
    ((healed_at, _),) = ward.store.healed
    assert (end.code, end.until_ms) == (CODE, 8_200_000)
    assert buried_at == lost_at
    assert healed_at == pytest.approx(lost_at + TOMBSTONES_FIRST_SECONDS)
    assert ward.told == [("buried", 1), ("creates looked after", 1)]


@in_fake_time
async def test_while_it_heals_others_are_made_to_wait() -> None:
    ward = Ward()
    await ward.guests("ann")
    async with ward.healing():
        ward.detector.lose()
        await settle()
        assert ward.detector.healing == {"0"}
        await later(5.0)
        assert ward.detector.healing == set()


@in_fake_time
async def test_healing_is_tried_again_until_the_store_answers() -> None:
    ward = Ward()
    await ward.guests("ann")
    async with ward.healing():
        ward.store.down = True
        ward.detector.lose()
        await later(600.0)
        ward.store.down = False
        await later(1.0)
    assert ward.codes == [CODE]


@in_fake_time
async def test_what_is_lost_while_healing_goes_on_is_healed_too() -> None:
    ward = Ward()
    await ward.guests("ann")
    async with ward.healing():
        ward.store.down = True
        ward.detector.lose()
        await later(3.0)
        ward.detector.lose()
        ward.store.down = False
        await later(5.0)
    assert ward.codes == [CODE]


@in_fake_time
async def test_a_loss_of_one_shard_does_not_end_the_healing_of_another() -> None:
    ward = Ward()
    ward.detector.shards = {"CCCCCC": "1"}
    await ward.guests("ann")
    async with ward.healing():
        ward.store.down = True
        ward.detector.lose("0")
        await later(3.0)
        ward.detector.lose("1")
        ward.store.down = False
        await later(5.0)
    assert ward.codes == [CODE]


@in_fake_time
async def test_a_shard_that_is_away_holds_up_the_healing_of_no_other() -> None:
    ward = Ward()
    ward.detector.shards = {"CCCCCC": "1"}
    await ward.guests("ann")
    ward.create("CCCCCC")
    ward.store.away = {"CCCCCC"}
    async with ward.healing():
        ward.detector.lose("0")
        ward.healer.look_again()
        await later(5.0)
        assert ward.codes == [CODE]
        assert ward.detector.healing == set()
        ward.store.away = set()
        await later(1.0)
    assert ward.codes == [CODE, "CCCCCC"]


@pytest.mark.parametrize("trouble", [StoreFailure.REFUSED, StoreFailure.NOT_PERMITTED])
def test_what_a_store_that_answers_will_not_do_is_given_up_and_told(trouble: StoreFailure) -> None:
    @in_fake_time
    async def scene() -> None:
        ward = Ward()
        await ward.guests("ann")

        def refuse(_: object) -> HealOutcome:
            raise StoreUnavailableError(trouble, "never")

        ward.store.healing = refuse
        async with ward.healing():
            ward.detector.lose()
            await later(10.0)
            assert ward.detector.healing == set()
        assert (f"given up: {trouble}", 1) in ward.told

    scene()


@in_fake_time
async def test_only_what_the_shard_had_is_written_back() -> None:
    ward = Ward()
    ward.detector.shards = {CODE: "1"}
    await ward.guests("ann")
    async with ward.healing():
        ward.detector.lose("0")
        await later(5.0)
        assert ward.codes == []
        ward.happens(over())
        await settle()
        ward.detector.lose("0")
        await later(5.0)
        assert ward.store.buried == []
        ward.detector.lose("1")
        await later(5.0)
    assert [end.code for _, end in ward.store.buried] == [CODE]


# A room.


@in_fake_time
async def test_a_healed_room_is_told_anew_to_everyone() -> None:
    ward = Ward()
    ann, ben = await ward.guests("ann", "ben")
    ward.store.party = ward.party = FakeParty(epoch="epoch-2", version=1)
    async with ward.healing():
        ward.detector.lose()
        await later(5.0)
    assert ann.heard[-1] == ben.heard[-1] == "ROOM"
    assert ann.view.epoch == "epoch-2"
    ((_, healing),) = ward.store.healed
    assert {lease.member_id for lease, _ in healing.own} == {"ann", "ben"}
    assert healing.known is not None
    assert (healing.known.epoch, healing.known.version) == ("epoch-1", 1)


@in_fake_time
async def test_after_healing_a_new_copy_is_asked_for() -> None:
    ward = Ward()
    await ward.guests("ann")
    opened = ward.room()
    opened.copied = 1
    await ward.healer.heal(opened)
    assert opened.copied == -1


@in_fake_time
async def test_a_watcher_has_no_seat_to_be_written_back() -> None:
    ward = Ward()
    await ward.guests("", "ann")
    await ward.healer.heal(ward.room())
    ((_, healing),) = ward.store.healed
    assert [(lease.member_id, name) for lease, name in healing.own] == [("ann", "Ann")]


@in_fake_time
async def test_a_copy_is_brought_up_to_what_the_room_knows() -> None:
    ward = Ward()
    await ward.guests("ann")
    ward.room().copy = PartyBackup(msgspec.json.encode(DOCUMENT))
    ward.happens(said("since"))
    await settle()
    await ward.healer.heal(ward.room())
    ((_, healing),) = ward.store.healed
    assert healing.copy is not None
    assert [msgspec.json.decode(message)["text"] for message in healing.copy.messages] == ["since"]


@in_fake_time
async def test_a_party_whose_time_was_up_is_not_healed_but_over() -> None:
    ward = Ward()
    (phone,) = await ward.guests("ann")
    await later(8200.0)
    await ward.healer.heal(ward.room())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]
    assert ward.store.healed == []


@pytest.mark.parametrize(("outcome", "is_remembered"), [(Another(), False), (Ended(), True), (Missing(), False)])
def test_a_party_that_cannot_be_healed_is_over(outcome: HealOutcome, is_remembered: bool) -> None:
    @in_fake_time
    async def scene() -> None:
        ward = Ward()
        (phone,) = await ward.guests("ann")
        ward.store.healing = lambda _: outcome
        async with ward.healing():
            ward.detector.lose()
            await later(5.0)
            ward.detector.lose()
            await later(LEASE_SECONDS)
            ward.detector.lose()
            await later(5.0)
            assert phone.closed == [CloseCode.PARTY_ENDED]
            ward.detector.lose()
            await later(5.0)
        assert bool(ward.store.buried) == is_remembered

    scene()


@in_fake_time
async def test_what_is_missing_while_others_write_back_may_still_come() -> None:
    ward = Ward()
    (phone,) = await ward.guests("ann")
    ward.detector.recovering = True
    ward.store.healing = lambda _: Missing()
    await ward.healer.heal(ward.room())
    await later(1.0)
    assert not phone.closed
    ward.detector.recovering = False
    # Whoever has a copy renews within a lease, and finds it missing too.
    await later(LEASE_SECONDS)
    await ward.healer.heal(ward.room())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_a_party_that_was_healed_in_time_is_not_closed() -> None:
    ward = Ward()
    (phone,) = await ward.guests("ann")
    ward.hub.end_soon(ward.room())
    await ward.healer.heal(ward.room())
    await later(5.0)
    assert not phone.closed


# What renewals show.


def _renewal(outcome: RenewOutcome) -> Callable[..., RenewOutcome]:
    return lambda _: outcome


@pytest.mark.parametrize("outcome", [HistoryLost(), Missing()])
def test_a_room_that_a_renewal_shows_as_lost_is_healed(outcome: RenewOutcome) -> None:
    @in_fake_time
    async def scene() -> None:
        ward = Ward()
        (phone,) = await ward.guests("ann")
        ward.store.renewal = _renewal(outcome)

        def heal(_: object) -> HealOutcome:
            ward.store.renewal = ward.store.renewed_all
            return Healed()

        ward.store.healing = heal
        async with ward.renewing():
            await later(THIRD)
        assert ward.codes == [CODE]
        assert not phone.closed

    scene()


@in_fake_time
async def test_a_party_that_is_missing_after_a_lease_without_renewal_has_ended() -> None:
    ward = Ward()
    (phone,) = await ward.guests("ann")
    ward.store.renewal = lambda _: Missing()
    await later(LEASE_SECONDS)
    async with ward.renewing():
        await later(THIRD)
    assert ward.codes == []
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_a_room_that_somebody_found_missing_is_looked_after_at_once() -> None:
    ward = Ward()
    await ward.guests("ann")
    async with ward.renewing():
        await later(THIRD)
        ward.store.renewal = lambda _: Missing()
        ward.store.healed.clear()
        with pytest.raises(StoreUnavailableError) as caught:
            ward.healer.doubt_absence(CODE)
        assert caught.value.trouble is StoreFailure.RECOVERING
        asked_at = now()
        await later(THIRD / 4)
    assert ward.store.healed[0][0] - asked_at < THIRD / 4


@in_fake_time
async def test_an_absence_is_believed_where_the_leases_have_run_out() -> None:
    ward = Ward()
    await ward.guests("ann")
    await later(LEASE_SECONDS)
    ward.healer.doubt_absence(CODE)
    ward.healer.doubt_absence("CCCCCC")


# Whether a beat is worth it.


@in_fake_time
async def test_an_instance_has_something_to_lose_while_it_has_phones_or_remembers() -> None:
    ward = Ward()
    assert not ward.detector.has_local_state()
    (phone,) = await ward.guests("ann")
    assert ward.detector.has_local_state()
    ward.leave(phone)
    assert not ward.detector.has_local_state()
    ward.create()
    assert ward.detector.has_local_state()
    await later(RECENT_CREATE_SECONDS)
    assert not ward.detector.has_local_state()
