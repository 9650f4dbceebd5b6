"""What was just created, and nobody has entered yet, is kept by the instance that created it."""

import msgspec
import pytest

from hubbub.core.limits import RECENT_CREATE_SECONDS
from hubbub.core.party import PartyDocument
from hubbub.core.results import Another, Ended, HealOutcome
from hubbub.store.port import StoreUnavailableError
from tests.support.fake_time import in_fake_time, later, settle
from tests.support.fake_ward import Ward
from tests.support.fakes import CODE, DOCUMENT


@in_fake_time
async def test_a_recent_create_is_healed_and_its_key_bound_again() -> None:
    ward = Ward()
    ward.create("CCCCCC", once="hash")
    ward.create("DDDDDD")
    async with ward.healing():
        ward.detector.lose()
        await later(5.0)
    assert ward.codes == ["CCCCCC", "DDDDDD"]
    (_, healing), _ = ward.store.healed
    assert (healing.known, list(healing.own), healing.expires_at) == (None, [], 8_200_000)
    assert healing.copy is not None
    assert msgspec.json.decode(healing.copy.document, type=PartyDocument) == DOCUMENT
    assert ward.store.bound_again == [("hash", "CCCCCC")]


@in_fake_time
async def test_when_the_link_is_back_recent_creates_are_looked_after_at_once() -> None:
    ward = Ward()
    ward.create()
    async with ward.healing():
        ward.healer.look_again()
        await settle()
        assert ward.codes == [CODE]


@in_fake_time
async def test_a_recent_create_that_is_missed_is_healed_at_once() -> None:
    ward = Ward()
    ward.create()
    async with ward.healing():
        with pytest.raises(StoreUnavailableError):
            ward.healer.doubt_absence(CODE)
        await settle()
        assert ward.codes == [CODE]


@in_fake_time
async def test_a_create_is_kept_for_a_minute() -> None:
    ward = Ward()
    ward.create()
    async with ward.healing():
        await later(RECENT_CREATE_SECONDS)
        ward.detector.lose()
        await later(5.0)
    assert ward.codes == []


@pytest.mark.parametrize("outcome", [Another(), Ended()])
def test_a_create_whose_party_is_no_more_is_forgotten(outcome: HealOutcome) -> None:
    @in_fake_time
    async def scene() -> None:
        ward = Ward()
        ward.create(once="hash")
        ward.store.healing = lambda _: outcome
        async with ward.healing():
            for _ in range(2):
                ward.detector.lose()
                await later(5.0)
        assert ward.codes == [CODE]
        assert ward.store.bound_again == []

    scene()


@in_fake_time
async def test_a_create_that_was_withdrawn_is_not_healed() -> None:
    ward = Ward()
    ward.create()
    ward.healer.note_withdrawn(CODE)
    async with ward.healing():
        ward.detector.lose()
        await later(5.0)
    assert ward.codes == []


@in_fake_time
async def test_whoever_enters_has_the_party_healed_with_the_room() -> None:
    ward = Ward()
    ward.create()
    await ward.guests("ann")
    ward.healer.note_entered(ward.room())
    async with ward.healing():
        ward.detector.lose()
        await later(5.0)
    ((_, healing),) = ward.store.healed
    assert healing.copy is not None
    assert (healing.copy.party_id, healing.copy.host_token_hash) == ("party", "token of Ann")
    assert len(healing.own) == 1
