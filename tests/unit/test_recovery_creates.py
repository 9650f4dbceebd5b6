"""What was just created, and nobody has entered yet, is kept by the instance that created it."""

import msgspec
import pytest

from hubbub.core.party import PartyDocument
from hubbub.core.results import DifferentParty, Ended, RestoreOutcome
from hubbub.store.port import StoreUnavailableError
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fakes import CODE, DOCUMENT
from tests.support.recovery_world import RecoveryWorld


@in_fake_time
async def test_recent_create_is_restored_with_its_key() -> None:
    world = RecoveryWorld()
    world.create("CCCCCC", idempotency_hash="hash")
    world.create("DDDDDD")
    await world.recover_from_loss()
    assert world.codes == ["CCCCCC", "DDDDDD"]
    (_, request), _ = world.store.restored
    assert (request.known, list(request.own), request.expires_at) == (None, [], 8_200_000)
    assert request.copy is not None
    assert msgspec.json.decode(request.copy.document, type=PartyDocument) == DOCUMENT
    assert world.store.bound_again == [("hash", "CCCCCC")]


@in_fake_time
async def test_reconnect_restores_recent_creates_at_once() -> None:
    world = RecoveryWorld()
    world.create()
    async with world.recovering():
        world.recovery.recheck_recent_creates()
        await settle()
        assert world.codes == [CODE]


@in_fake_time
async def test_missing_recent_create_is_restored_at_once() -> None:
    world = RecoveryWorld()
    world.create()
    async with world.recovering():
        with pytest.raises(StoreUnavailableError):
            world.recovery.raise_if_lost(CODE)
        await settle()
        assert world.codes == [CODE]


@pytest.mark.parametrize("outcome", [DifferentParty(), Ended()])
@in_fake_time
async def test_create_of_ended_party_is_forgotten(outcome: RestoreOutcome) -> None:
    world = RecoveryWorld()
    world.create(idempotency_hash="hash")
    world.store.restoration = lambda _: outcome
    async with world.recovering():
        for _ in range(2):
            world.detector.lose()
            await later(5.0)
    assert world.codes == [CODE]
    assert world.store.bound_again == []


@in_fake_time
async def test_rolled_back_create_is_not_restored() -> None:
    world = RecoveryWorld()
    world.create()
    world.recovery.note_rolled_back(CODE)
    await world.recover_from_loss()
    assert world.codes == []


@in_fake_time
async def test_entered_create_is_restored_with_room() -> None:
    world = RecoveryWorld()
    world.create()
    await world.guests("ann")
    world.recovery.note_entered(world.room(), now())
    await world.recover_from_loss()
    ((_, request),) = world.store.restored
    assert request.copy is not None
    assert (request.copy.party_id, request.copy.host_token_hash) == ("party", "token of Ann")
    assert len(request.own) == 1
