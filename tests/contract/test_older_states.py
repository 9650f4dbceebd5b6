"""A store that falls back to an older state, and what shows that it has: positions, and what is laid over it."""

import pytest
from msgspec.structs import replace

from hubbub.core.party import Lease
from hubbub.core.protocol import (
    Kick,
    SendMessage,
    SetLock,
)
from hubbub.core.results import (
    Healed,
    HistoryLost,
    Kicked,
    Renewed,
)
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import attempt, draft, soon, take_seat
from tests.contract.inside import CODE, find_inside, look_inside
from tests.contract.live import do, snapshot, touch
from tests.contract.losses import EVENING, OldState, keep, take_own_seat, what_lasts
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("sound")


async def test_restore_completes_older_state(store: RedisStore, host: Lease, server: StoreServer) -> None:
    old_state = OldState(server)
    await do(store, host, *EVENING)
    keeper = await keep(store, host)
    before = look_inside(server)
    old_state.bring_back()
    assert await store.renew(CODE, [host], soon(), keeper.room.known) == HistoryLost()
    assert await store.catch_up(CODE, keeper.room.known, soon()) == HistoryLost()
    assert await keeper.heal() == Healed()
    assert what_lasts(look_inside(server)) == what_lasts(before)
    assert keeper.room.epoch != before.document["id"]


async def test_same_version_with_other_digest_is_not_proven(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    old_state = OldState(server)
    await do(store, host, SetLock(locked=True))
    keeper = await keep(store, host)
    old_state.bring_back()
    await do(store, host, SendMessage(text="by the same version"))
    assert await store.renew(CODE, [host], soon(), keeper.room.known) == HistoryLost()
    known = keeper.room.known
    assert await keeper.heal() == Healed()
    assert keeper.room.epoch != known.epoch
    seen = await snapshot(store)
    assert (seen.locked, [message.text for message in seen.messages]) == (False, ["by the same version"])


async def test_join_after_rollback_keeps_seat(store: RedisStore, host: Lease, server: StoreServer) -> None:
    old_state = OldState(server)
    await do(store, host, *EVENING[:-1])
    keeper = await keep(store, host)
    old_state.bring_back()
    new = await keep(store, await take_own_seat(store, "ben", "Ben"))
    assert await keeper.heal() == Healed()
    assert await store.renew(CODE, new.own, soon(), new.room.known) == HistoryLost()
    assert await new.heal() == Healed()
    await keeper.look()
    assert [member.name for member in (await snapshot(store)).members] == ['Ann "A" 🎈', "Ben"]
    assert keeper.room.known == new.room.known


async def test_repeated_rollback_to_same_state_is_restored_again(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    eve = await take_own_seat(store, "eve")
    old_state = OldState(server)
    await do(store, host, Kick(target_id=eve.member_id), SendMessage(text="hi"))
    keeper = await keep(store, host)
    for _ in range(2):
        old_state.bring_back()
        assert await keeper.heal() == Healed()
        assert await store.join(attempt(token="eve"), soon()) == Kicked()
        assert [message.text for message in (await snapshot(store)).messages] == ["hi"]


async def test_position_of_earlier_generation_is_not_proven(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    keeper = await keep(store, host)
    known = keeper.room.known
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    assert await store.renew(CODE, [host], soon(), known) == HistoryLost()
    assert await store.catch_up(CODE, known, soon()) == HistoryLost()
    assert isinstance(await store.renew(CODE, [host], soon(), keeper.room.known), Renewed)


async def test_position_beyond_log_needs_no_digest(store: RedisStore, host: Lease, server: StoreServer) -> None:
    known = replace((await keep(store, host)).room.known, digest="of nothing that is kept")
    server.admin.delete(f"{{party:{CODE}}}:log")
    server.admin.hset(f"{{party:{CODE}}}:state", "logBytes", "0")
    assert isinstance(await store.renew(CODE, [host], soon(), known), Renewed)


async def test_holder_taken_over_by_lost_holder_gets_seat_back(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    keeper = await keep(store, host)
    old_state = OldState(server)
    await do(store, host, SetLock(locked=True))
    await keeper.look()
    old_state.bring_back()
    await do(store, host, SendMessage(text="by the same version"))
    keeper.own = [replace(host, holder="a connection that came before the store fell back")]
    assert await keeper.heal() == Healed()
    assert (await touch(store, *keeper.own)).verdicts == ()


async def test_lone_watcher_leaves_no_key_without_ttl(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(), soon())
    old_state = OldState(server)
    await store.watch(CODE, "wall", soon())
    host = await take_seat(store, token=look_inside(server).document["hostToken"])
    keeper = await keep(store, host)
    keeper.own, keeper.copy = [], None
    old_state.bring_back()
    assert await store.restore_party(keeper.healing(), soon()) == Healed()
    assert find_inside(server) is not None


async def test_holder_after_lost_take_over_keeps_seat(store: RedisStore, host: Lease, server: StoreServer) -> None:
    await take_own_seat(store, "ben")
    old_state = OldState(server)
    # Taking a seat over has no version.
    keeper = await keep(store, host, await take_own_seat(store, "ben"))
    old_state.bring_back()
    assert await keeper.heal() == Healed()
    assert (await touch(store, *keeper.own)).verdicts == ()


async def test_host_kicked_by_lost_host_is_host(store: RedisStore, host: Lease, server: StoreServer) -> None:
    keeper = await keep(store, host)
    kicked = replace(host, token_hash=look_inside(server).document["hostToken"])
    server.admin.flushall()
    assert await store.restore_party(replace(keeper.healing(), kicked=[kicked]), soon()) == Healed()
    assert look_inside(server).document["hostId"] == host.member_id
