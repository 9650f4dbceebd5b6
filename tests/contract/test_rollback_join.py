"""Roll back a join whose answer was lost, since its client got an error."""

import pytest
from msgspec.structs import replace

from hubbub.core.protocol import Kick, Leave, Promote, SendMessage, SetLock
from hubbub.core.results import Joined, Renewed, Restored
from hubbub.core.seats import JoinAttempt, Lease
from hubbub.store import keys
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, Instance, attempt, soon, start_party, take_seat
from tests.contract.data_loss import StoreSnapshot, new_restorer, take_own_seat
from tests.contract.party_actions import load_snapshot, renew_leases, run_commands
from tests.contract.store_dump import CODE, Subscriber, document_of, dump_party, party_key_names, pass_time
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


async def join_unanswered(store: RedisStore, token: str = "mine") -> JoinAttempt:
    """A join that the store carries out and whose caller never hears so."""
    in_doubt = attempt(token=token)
    assert isinstance(await store.join(in_doubt, soon()), Joined)
    return in_doubt


async def test_rollback_join_removes_new_seat(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    in_doubt = await join_unanswered(store)
    subscriber.take_events()
    await store.rollback_join(in_doubt, soon())
    left = {"t": "MEMBER_LEFT", "memberId": in_doubt.new_id, "cause": "left", "guestCount": 0, "version": 3}
    assert subscriber.take_events() == [left]
    document = document_of(server)
    assert (document["seats"], document["guestCount"]) == (1, 0)
    # The token owns nothing any more.
    joined = await store.join(attempt(token="mine"), soon())
    assert isinstance(joined, Joined)
    assert not joined.resumed
    del host


async def test_rollback_rejoin_holds_seat(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    mine = await take_seat(store, token="mine")
    in_doubt = await join_unanswered(store)
    subscriber.take_events()
    await store.rollback_join(in_doubt, soon())
    member = {"id": mine.member_id, "name": "Guest 1", "isHost": False, "connected": False}
    assert subscriber.take_events() == [{"t": "MEMBER_UPDATED", "member": member, "guestCount": 0, "version": 3}]
    assert (await take_seat(store, token="mine")).member_id == mine.member_id
    del host


async def test_rollback_join_keeps_later_join_of_same_token(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    in_doubt = await join_unanswered(store)
    answered = await take_seat(store, token="mine")
    version = dump_party(server).version
    await store.rollback_join(in_doubt, soon())
    assert dump_party(server).version == version
    assert (await renew_leases(store, host, answered)).verdicts == ()
    assert answered.member_id == in_doubt.new_id


async def test_rollback_join_never_touches_other_seat(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store, token="mine")
    version = dump_party(server).version
    # The join never came to the store: all it would have done is still to be undone.
    await store.rollback_join(attempt(token="mine"), soon())
    await store.rollback_join(attempt(), soon())
    assert dump_party(server).version == version
    assert (await renew_leases(store, host, guest)).verdicts == ()


async def test_rollback_join_is_idempotent(store: RedisStore, host: Lease, server: StoreServer) -> None:
    in_doubt = await join_unanswered(store)
    await store.rollback_join(in_doubt, soon())
    version = dump_party(server).version
    await store.rollback_join(in_doubt, soon())
    assert dump_party(server).version == version
    assert document_of(server)["seats"] == 1
    del host


async def test_rollback_join_of_left_or_kicked_seat_changes_nothing(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    left, kicked = await join_unanswered(store, "one"), await join_unanswered(store, "two")
    await run_commands(store, Lease(CODE, left.new_id, left.holder), Leave())
    await run_commands(store, host, Kick(target_id=kicked.new_id))
    version = dump_party(server).version
    await store.rollback_join(left, soon())
    await store.rollback_join(kicked, soon())
    assert dump_party(server).version == version
    assert document_of(server)["seats"] == 1


async def test_rollback_join_does_not_extend_hold(store: RedisStore, host: Lease, server: StoreServer) -> None:
    mine = await take_seat(store, token="mine")
    in_doubt = await join_unanswered(store)
    await store.drop_connection(Lease(CODE, mine.member_id, in_doubt.holder), soon())
    wait_until = dump_party(server).leases[f"held:{mine.member_id}"]
    pass_time(server, 3)
    await store.rollback_join(in_doubt, soon())
    assert dump_party(server).leases[f"held:{mine.member_id}"] == wait_until
    del host


async def test_rollback_join_of_promoted_guest_starts_host_grace(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    in_doubt = await join_unanswered(store)
    await run_commands(store, host, Promote(target_id=in_doubt.new_id))
    await store.rollback_join(in_doubt, soon())
    dump = dump_party(server)
    assert (dump.document["hostId"], dump.document["hostConnected"]) == (in_doubt.new_id, False)
    assert dump.leases[f"held:{in_doubt.new_id}"] == dump.clock + 300_000


async def test_rollback_join_frees_seat(store: RedisStore) -> None:
    await start_party(store, replace(TERMS, capacity=2))
    await store.rollback_join(await join_unanswered(store), soon())
    await take_seat(store)


async def test_rollback_join_in_ended_party_succeeds(store: RedisStore, host: Lease, server: StoreServer) -> None:
    in_doubt = await join_unanswered(store)
    await run_commands(store, host, Leave())
    await store.rollback_join(in_doubt, soon())
    await store.rollback_join(attempt("CCCCCC"), soon())
    assert party_key_names(server) == [f"{{party:{CODE}}}:ended"]


async def test_rollback_join_of_absent_seat_waits_for_recovery(
    instance: Instance, store: RedisStore, host: Lease, server: StoreServer
) -> None:
    never_done = attempt(token="mine")
    assert not await store.rollback_join(never_done, soon())
    server.admin.set(keys.recovering(instance.detector.shard_of(CODE)), "1", px=60_000)
    with pytest.raises(StoreUnavailableError) as caught:
        await store.rollback_join(never_done, soon())
    assert caught.value.failure is StoreFailure.RECOVERING
    del host


async def test_rollback_join_after_restore_succeeds(store: RedisStore, host: Lease, server: StoreServer) -> None:
    in_doubt = await join_unanswered(store)
    restorer = await new_restorer(store, host)
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    assert await store.rollback_join(in_doubt, soon())
    assert document_of(server)["seats"] == 1


async def test_rollback_join_with_lost_take_over_succeeds(store: RedisStore, host: Lease, server: StoreServer) -> None:
    in_doubt = await join_unanswered(store)
    old_state = StoreSnapshot(server)
    await run_commands(store, host, SetLock(locked=True))
    restorer = await new_restorer(store, host)
    old_state.load()
    await run_commands(store, host, SendMessage(text="by the same version"))
    assert await restorer.restore() == Restored()
    assert await store.rollback_join(in_doubt, soon())
    assert document_of(server)["seats"] == 1


async def test_rollback_restored_join_waits_for_other_claims(
    instance: Instance, store: RedisStore, host: Lease, server: StoreServer
) -> None:
    in_doubt = await join_unanswered(store)
    restorer = await new_restorer(store, host)
    # Taking a seat over has no version, so that nobody's copy needs to know of it.
    again = await new_restorer(store, await take_own_seat(store, "mine"))
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    server.admin.set(keys.recovering(instance.detector.shard_of(CODE)), "1", px=60_000)
    with pytest.raises(StoreUnavailableError):
        await store.rollback_join(in_doubt, soon())
    assert await again.restore() == Restored()
    server.admin.delete(keys.recovering(instance.detector.shard_of(CODE)))
    assert not await store.rollback_join(in_doubt, soon())
    assert (await renew_leases(store, *again.own)).verdicts == ()


async def test_rollback_join_does_not_renew_ttl(store: RedisStore, host: Lease, server: StoreServer) -> None:
    in_doubt = await join_unanswered(store)
    pass_time(server, 3600)
    await store.rollback_join(in_doubt, soon())
    renewed = await store.renew(CODE, (), soon())
    assert isinstance(renewed, Renewed)
    assert abs(renewed.expires_at - store.now_ms() - 3_600_000) < 10_000
    assert len((await load_snapshot(store)).members) == 1
    del host
