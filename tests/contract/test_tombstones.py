"""Restore tombstones: no instance restores an ended party, whatever the store has lost."""

import pytest

from hubbub.core.backup import Tombstone
from hubbub.core.protocol import Leave
from hubbub.core.results import CodeTaken, Ended, Restored
from hubbub.core.seats import Lease
from hubbub.store import keys
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, draft, end_party, soon, start_party
from tests.contract.data_loss import StoreSnapshot, new_restorer
from tests.contract.party_actions import run_commands
from tests.contract.store_dump import CODE, dump_party, party_key_names
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")
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
    assert party_key_names(server) == [TOMBSTONE]


async def test_restore_after_tombstone_is_refused(store: RedisStore, host: Lease, server: StoreServer) -> None:
    restorer = await new_restorer(store, host)
    server.admin.flushall()
    await store.restore_tombstone(end_of(store), soon())
    assert await restorer.restore() == Ended()
    assert party_key_names(server) == [TOMBSTONE]


async def test_tombstone_removes_party_of_older_state(store: RedisStore, host: Lease, server: StoreServer) -> None:
    old_state, party = StoreSnapshot(server), dump_party(server).document
    await run_commands(store, host, Leave())
    old_state.load()
    await store.restore_tombstone(end_of(store, party["id"], party["hostToken"]), soon())
    assert party_key_names(server) == [TOMBSTONE]
    assert server.text(TOMBSTONE) == party["hostToken"]


async def test_tombstone_removes_party_restored_before_it(store: RedisStore, host: Lease, server: StoreServer) -> None:
    restorer, party = await new_restorer(store, host), dump_party(server).document
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    await store.restore_tombstone(end_of(store, party["id"]), soon())
    assert await store.renew(CODE, [host], soon(), restorer.room.position) == Ended()


@pytest.mark.parametrize("party_id", ["", "another party"])
async def test_tombstone_keeps_other_party_of_same_code(
    store: RedisStore, host: Lease, server: StoreServer, party_id: str
) -> None:
    assert host.member_id
    before = dump_party(server)
    await store.restore_tombstone(end_of(store, party_id), soon())
    assert dump_party(server) == before


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
    assert party_key_names(server) == []


async def test_full_store_takes_tombstone(store: RedisStore, server: StoreServer) -> None:
    await start_party(store)
    party = dump_party(server).document
    server.admin.config_set("maxmemory", "1")
    try:
        await store.restore_tombstone(end_of(store, party["id"]), soon())
    finally:
        server.admin.config_set("maxmemory", "0")
    assert party_key_names(server) == [TOMBSTONE]
