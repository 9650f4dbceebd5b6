"""Restore a party over an older state of the store."""

import pytest
from msgspec.structs import replace

from hubbub.core.protocol import (
    Kick,
    SendMessage,
    SetLock,
)
from hubbub.core.results import (
    HistoryLost,
    Kicked,
    Renewed,
    Restored,
)
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import attempt, draft, soon, take_seat
from tests.contract.data_loss import HOST_COMMANDS, StoreSnapshot, durable_state, new_restorer, take_own_seat
from tests.contract.party_actions import load_snapshot, renew_leases, run_commands
from tests.contract.store_dump import CODE, dump_party, dump_party_if_stored
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


async def test_restore_completes_older_state(store: RedisStore, host: Lease, server: StoreServer) -> None:
    old_state = StoreSnapshot(server)
    await run_commands(store, host, *HOST_COMMANDS)
    restorer = await new_restorer(store, host)
    before = dump_party(server)
    old_state.load()
    assert await store.renew(CODE, [host], soon(), restorer.room.position) == HistoryLost()
    assert await store.catch_up(CODE, restorer.room.position, soon()) == HistoryLost()
    assert await restorer.restore() == Restored()
    assert durable_state(dump_party(server)) == durable_state(before)
    assert restorer.room.epoch != before.document["id"]


async def test_same_version_with_other_digest_is_not_proven(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    old_state = StoreSnapshot(server)
    await run_commands(store, host, SetLock(locked=True))
    restorer = await new_restorer(store, host)
    old_state.load()
    await run_commands(store, host, SendMessage(text="by the same version"))
    assert await store.renew(CODE, [host], soon(), restorer.room.position) == HistoryLost()
    known = restorer.room.position
    assert await restorer.restore() == Restored()
    assert restorer.room.epoch != known.epoch
    seen = await load_snapshot(store)
    assert (seen.locked, [message.text for message in seen.messages]) == (False, ["by the same version"])


async def test_join_after_rollback_keeps_seat(store: RedisStore, host: Lease, server: StoreServer) -> None:
    old_state = StoreSnapshot(server)
    await run_commands(store, host, *HOST_COMMANDS[:-1])
    restorer = await new_restorer(store, host)
    old_state.load()
    new = await new_restorer(store, await take_own_seat(store, "ben", "Ben"))
    assert await restorer.restore() == Restored()
    assert await store.renew(CODE, new.own, soon(), new.room.position) == HistoryLost()
    assert await new.restore() == Restored()
    await restorer.look()
    assert [member.name for member in (await load_snapshot(store)).members] == ['Ann "A" 🎈', "Ben"]
    assert restorer.room.position == new.room.position


async def test_repeated_rollback_to_same_state_is_restored_again(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    eve = await take_own_seat(store, "eve")
    old_state = StoreSnapshot(server)
    await run_commands(store, host, Kick(target_id=eve.member_id), SendMessage(text="hi"))
    restorer = await new_restorer(store, host)
    for _ in range(2):
        old_state.load()
        assert await restorer.restore() == Restored()
        assert await store.join(attempt(token="eve"), soon()) == Kicked()
        assert [message.text for message in (await load_snapshot(store)).messages] == ["hi"]


async def test_position_of_earlier_generation_is_not_proven(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    restorer = await new_restorer(store, host)
    known = restorer.room.position
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    assert await store.renew(CODE, [host], soon(), known) == HistoryLost()
    assert await store.catch_up(CODE, known, soon()) == HistoryLost()
    assert isinstance(await store.renew(CODE, [host], soon(), restorer.room.position), Renewed)


async def test_position_beyond_log_needs_no_digest(store: RedisStore, host: Lease, server: StoreServer) -> None:
    known = replace((await new_restorer(store, host)).room.position, digest="of nothing that is kept")
    server.admin.delete(f"{{party:{CODE}}}:log")
    server.admin.hset(f"{{party:{CODE}}}:state", "logBytes", "0")
    assert isinstance(await store.renew(CODE, [host], soon(), known), Renewed)


async def test_holder_taken_over_by_lost_holder_gets_seat_back(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    restorer = await new_restorer(store, host)
    old_state = StoreSnapshot(server)
    await run_commands(store, host, SetLock(locked=True))
    await restorer.look()
    old_state.load()
    await run_commands(store, host, SendMessage(text="by the same version"))
    restorer.own = [replace(host, holder="a connection that came before the store fell back")]
    assert await restorer.restore() == Restored()
    assert (await renew_leases(store, *restorer.own)).verdicts == ()


async def test_lone_watcher_leaves_no_key_without_ttl(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(), soon())
    old_state = StoreSnapshot(server)
    await store.watch(CODE, "wall", soon())
    host = await take_seat(store, token=dump_party(server).document["hostToken"])
    restorer = await new_restorer(store, host)
    restorer.own, restorer.copy = [], None
    old_state.load()
    assert await store.restore_party(restorer.restore_request(), soon()) == Restored()
    assert dump_party_if_stored(server) is not None


async def test_holder_after_lost_take_over_keeps_seat(store: RedisStore, host: Lease, server: StoreServer) -> None:
    await take_own_seat(store, "ben")
    old_state = StoreSnapshot(server)
    # Taking a seat over has no version.
    restorer = await new_restorer(store, host, await take_own_seat(store, "ben"))
    old_state.load()
    assert await restorer.restore() == Restored()
    assert (await renew_leases(store, *restorer.own)).verdicts == ()


async def test_host_kicked_by_lost_host_is_host(store: RedisStore, host: Lease, server: StoreServer) -> None:
    restorer = await new_restorer(store, host)
    kicked = replace(host, token_hash=dump_party(server).document["hostToken"])
    server.admin.flushall()
    assert await store.restore_party(replace(restorer.restore_request(), kicked=[kicked]), soon()) == Restored()
    assert dump_party(server).document["hostId"] == host.member_id
