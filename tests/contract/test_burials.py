"""Writing back that a party ended: nobody raises it, whatever the store has lost."""

import pytest

from hubbub.core.backup import Tombstone
from hubbub.core.party import Lease
from hubbub.core.protocol import Leave
from hubbub.core.results import CodeTaken, Ended, Healed
from hubbub.store import keys
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, begin, draft, end_party, soon
from tests.contract.inside import CODE, keys_of_parties, look_inside
from tests.contract.live import do
from tests.contract.losses import OldState, keep
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("sound")
TOMBSTONE = keys.ended(CODE)


def end_of(store: RedisStore, party_id: str = "", token: str = "", seconds: int = 600) -> Tombstone:
    return Tombstone(CODE, party_id, token, store.now_ms() + seconds * 1000)


async def test_restored_tombstone_answers_party_ended(store: RedisStore, server: StoreServer) -> None:
    await store.ping(soon())
    await store.restore_tombstone(end_of(store, "party", "ann"), soon())
    assert await store.read(CODE, soon()) == Ended()
    assert await store.check_join(CODE, soon()) == Ended()
    # Its host's repeated create hears of the end; to others the code is taken.
    assert await store.create(draft(token="ann"), soon()) == Ended()
    assert await store.create(draft(), soon()) == CodeTaken()
    assert 590 <= server.admin.ttl(TOMBSTONE) <= 600
    assert keys_of_parties(server) == [TOMBSTONE]


async def test_restore_after_tombstone_is_refused(store: RedisStore, host: Lease, server: StoreServer) -> None:
    keeper = await keep(store, host)
    server.admin.flushall()
    await store.restore_tombstone(end_of(store), soon())
    assert await keeper.heal() == Ended()
    assert keys_of_parties(server) == [TOMBSTONE]


async def test_tombstone_removes_party_of_older_state(store: RedisStore, host: Lease, server: StoreServer) -> None:
    old_state, party = OldState(server), look_inside(server).document
    await do(store, host, Leave())
    old_state.bring_back()
    await store.restore_tombstone(end_of(store, party["id"], party["hostToken"]), soon())
    assert keys_of_parties(server) == [TOMBSTONE]
    assert server.text(TOMBSTONE) == party["hostToken"]


async def test_tombstone_removes_party_restored_before_it(store: RedisStore, host: Lease, server: StoreServer) -> None:
    keeper, party = await keep(store, host), look_inside(server).document
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    await store.restore_tombstone(end_of(store, party["id"]), soon())
    assert await store.renew(CODE, [host], soon(), keeper.room.known) == Ended()


@pytest.mark.parametrize("party_id", ["", "another party"])
async def test_tombstone_keeps_other_party_of_same_code(
    store: RedisStore, host: Lease, server: StoreServer, party_id: str
) -> None:
    assert host.member_id
    before = look_inside(server)
    await store.restore_tombstone(end_of(store, party_id), soon())
    assert look_inside(server) == before


async def test_tombstone_already_stored_is_unchanged(store: RedisStore, server: StoreServer) -> None:
    party = draft()
    await store.create(party, soon())
    await end_party(store, party)
    await store.restore_tombstone(end_of(store, token="somebody"), soon())
    assert server.text(TOMBSTONE) == party.host_token_hash
    assert server.admin.ttl(TOMBSTONE) > TERMS.ttl_seconds - 10


async def test_tombstone_past_its_ttl_stores_nothing(store: RedisStore, server: StoreServer) -> None:
    await store.ping(soon())
    await store.restore_tombstone(end_of(store, seconds=-1), soon())
    assert keys_of_parties(server) == []


async def test_full_store_takes_tombstone(store: RedisStore, server: StoreServer) -> None:
    await begin(store)
    party = look_inside(server).document
    server.admin.config_set("maxmemory", "1")
    try:
        await store.restore_tombstone(end_of(store, party["id"]), soon())
    finally:
        server.admin.config_set("maxmemory", "0")
    assert keys_of_parties(server) == [TOMBSTONE]
