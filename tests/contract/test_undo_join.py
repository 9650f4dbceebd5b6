"""Taking back a join whose answer was lost: it was answered as failed, and so it must have been."""

import pytest
from msgspec.structs import replace

from hubbub.core.party import JoinAttempt, Lease
from hubbub.core.protocol import Kick, Leave, Promote, SendMessage, SetLock
from hubbub.core.results import Healed, Joined, Renewed
from hubbub.store import keys
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, Instance, attempt, begin, soon, take_seat
from tests.contract.inside import CODE, Ear, document_of, keys_of_parties, look_inside, pass_time
from tests.contract.live import do, snapshot, touch
from tests.contract.losses import OldState, keep, take_own_seat
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("sound")


async def join_unanswered(store: RedisStore, token: str = "mine") -> JoinAttempt:
    """A join that the store carries out and whose caller never hears so."""
    doubtful = attempt(token=token)
    assert isinstance(await store.join(doubtful, soon()), Joined)
    return doubtful


async def test_undo_join_removes_new_seat(store: RedisStore, host: Lease, ear: Ear, server: StoreServer) -> None:
    doubtful = await join_unanswered(store)
    ear.events()
    await store.rollback_join(doubtful, soon())
    left = {"t": "MEMBER_LEFT", "memberId": doubtful.new_id, "cause": "left", "guestCount": 0, "version": 3}
    assert ear.events() == [left]
    document = document_of(server)
    assert (document["seats"], document["guestCount"]) == (1, 0)
    # The token owns nothing any more.
    joined = await store.join(attempt(token="mine"), soon())
    assert isinstance(joined, Joined)
    assert not joined.resumed
    del host


async def test_undo_rejoin_holds_seat(store: RedisStore, host: Lease, ear: Ear) -> None:
    mine = await take_seat(store, token="mine")
    doubtful = await join_unanswered(store)
    ear.events()
    await store.rollback_join(doubtful, soon())
    member = {"id": mine.member_id, "name": "Guest 1", "isHost": False, "connected": False}
    assert ear.events() == [{"t": "MEMBER_UPDATED", "member": member, "guestCount": 0, "version": 3}]
    assert (await take_seat(store, token="mine")).member_id == mine.member_id
    del host


async def test_undo_join_keeps_later_join_of_same_token(store: RedisStore, host: Lease, server: StoreServer) -> None:
    doubtful = await join_unanswered(store)
    answered = await take_seat(store, token="mine")
    version = look_inside(server).version
    await store.rollback_join(doubtful, soon())
    assert look_inside(server).version == version
    assert (await touch(store, host, answered)).verdicts == ()
    assert answered.member_id == doubtful.new_id


async def test_undo_join_never_touches_other_seat(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store, token="mine")
    version = look_inside(server).version
    # The join never came to the store: all it would have done is still to be undone.
    await store.rollback_join(attempt(token="mine"), soon())
    await store.rollback_join(attempt(), soon())
    assert look_inside(server).version == version
    assert (await touch(store, host, guest)).verdicts == ()


async def test_undo_join_is_idempotent(store: RedisStore, host: Lease, server: StoreServer) -> None:
    doubtful = await join_unanswered(store)
    await store.rollback_join(doubtful, soon())
    version = look_inside(server).version
    await store.rollback_join(doubtful, soon())
    assert look_inside(server).version == version
    assert document_of(server)["seats"] == 1
    del host


async def test_undo_join_of_left_or_kicked_seat_changes_nothing(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    left, kicked = await join_unanswered(store, "one"), await join_unanswered(store, "two")
    await do(store, Lease(CODE, left.new_id, left.holder), Leave())
    await do(store, host, Kick(target_id=kicked.new_id))
    version = look_inside(server).version
    await store.rollback_join(left, soon())
    await store.rollback_join(kicked, soon())
    assert look_inside(server).version == version
    assert document_of(server)["seats"] == 1


async def test_undo_join_does_not_extend_hold(store: RedisStore, host: Lease, server: StoreServer) -> None:
    mine = await take_seat(store, token="mine")
    doubtful = await join_unanswered(store)
    await store.drop_connection(Lease(CODE, mine.member_id, doubtful.holder), soon())
    until = look_inside(server).leases[f"held:{mine.member_id}"]
    pass_time(server, 3)
    await store.rollback_join(doubtful, soon())
    assert look_inside(server).leases[f"held:{mine.member_id}"] == until
    del host


async def test_undo_join_of_promoted_guest_starts_host_grace(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    doubtful = await join_unanswered(store)
    await do(store, host, Promote(target_id=doubtful.new_id))
    await store.rollback_join(doubtful, soon())
    inside = look_inside(server)
    assert (inside.document["hostId"], inside.document["hostConnected"]) == (doubtful.new_id, False)
    assert inside.leases[f"held:{doubtful.new_id}"] == inside.clock + 300_000


async def test_undo_join_frees_seat(store: RedisStore) -> None:
    await begin(store, replace(TERMS, capacity=2))
    await store.rollback_join(await join_unanswered(store), soon())
    await take_seat(store)


async def test_undo_join_in_ended_party_succeeds(store: RedisStore, host: Lease, server: StoreServer) -> None:
    doubtful = await join_unanswered(store)
    await do(store, host, Leave())
    await store.rollback_join(doubtful, soon())
    await store.rollback_join(attempt("CCCCCC"), soon())
    assert keys_of_parties(server) == [f"{{party:{CODE}}}:ended"]


async def test_undo_join_of_absent_seat_waits_for_recovery(
    instance: Instance, store: RedisStore, host: Lease, server: StoreServer
) -> None:
    never_done = attempt(token="mine")
    assert not await store.rollback_join(never_done, soon())
    server.admin.set(keys.recovering(instance.detector.shard_of(CODE)), "1", px=60_000)
    with pytest.raises(StoreUnavailableError) as caught:
        await store.rollback_join(never_done, soon())
    assert caught.value.failure is StoreFailure.RECOVERING
    del host


async def test_undo_join_after_restore_succeeds(store: RedisStore, host: Lease, server: StoreServer) -> None:
    doubtful = await join_unanswered(store)
    keeper = await keep(store, host)
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    assert await store.rollback_join(doubtful, soon())
    assert document_of(server)["seats"] == 1


async def test_undo_join_with_lost_take_over_succeeds(store: RedisStore, host: Lease, server: StoreServer) -> None:
    doubtful = await join_unanswered(store)
    old_state = OldState(server)
    await do(store, host, SetLock(locked=True))
    keeper = await keep(store, host)
    old_state.bring_back()
    await do(store, host, SendMessage(text="by the same version"))
    assert await keeper.heal() == Healed()
    assert await store.rollback_join(doubtful, soon())
    assert document_of(server)["seats"] == 1


async def test_undo_restored_join_waits_for_other_claims(
    instance: Instance, store: RedisStore, host: Lease, server: StoreServer
) -> None:
    doubtful = await join_unanswered(store)
    keeper = await keep(store, host)
    # Taking a seat over has no version, so that nobody's copy needs to know of it.
    again = await keep(store, await take_own_seat(store, "mine"))
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    server.admin.set(keys.recovering(instance.detector.shard_of(CODE)), "1", px=60_000)
    with pytest.raises(StoreUnavailableError):
        await store.rollback_join(doubtful, soon())
    assert await again.heal() == Healed()
    server.admin.delete(keys.recovering(instance.detector.shard_of(CODE)))
    assert not await store.rollback_join(doubtful, soon())
    assert (await touch(store, *again.own)).verdicts == ()


async def test_undo_join_does_not_renew_ttl(store: RedisStore, host: Lease, server: StoreServer) -> None:
    doubtful = await join_unanswered(store)
    pass_time(server, 3600)
    await store.rollback_join(doubtful, soon())
    renewed = await store.renew(CODE, (), soon())
    assert isinstance(renewed, Renewed)
    assert abs(renewed.expires_at - store.now_ms() - 3_600_000) < 10_000
    assert len((await snapshot(store)).members) == 1
    del host
