"""Create, look up and roll back parties on every store."""

import asyncio
import json

import pytest

from hubbub.core.party import PartyPolicy
from hubbub.core.results import (
    CodeTaken,
    Created,
    Deleted,
    Ended,
    Found,
    Full,
    Joinable,
    Locked,
    Missing,
)
from hubbub.store.port import BoundCode, DeadlineExceededError, StoreFailure, StoreUnavailableError
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, Instance, draft, end_party, soon
from tests.support.stores import StoreServer

CODE = "BCDFGH"


async def test_created_party_is_found_and_joinable(store: RedisStore) -> None:
    created = await store.create(draft(), soon())
    assert isinstance(created, Created)
    assert not created.repeated
    assert await store.read(CODE, soon()) == Found(created.party)
    assert await store.check_join(CODE, soon()) == Joinable()


async def test_stored_document_is_the_documented_one(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(), soon())
    document = json.loads(server.text(f"party:{CODE}"))
    now = server.admin.time()[0] * 1000
    assert abs(now - document["createdAt"]) < 60_000
    assert document["hostId"].startswith("host-")
    assert document["hostConnected"] is False
    assert document["guestCount"] == 0
    assert document["chatMode"] == "OPEN"
    assert isinstance(document["schema"], int)


async def test_created_party_is_one_key_with_policy_ttl(store: RedisStore, server: StoreServer) -> None:
    created = await store.create(draft(), soon())
    assert server.admin.keys("*") == [f"party:{CODE}"]
    assert 7190 <= server.admin.ttl(f"party:{CODE}") <= 7200
    assert isinstance(created, Created)
    assert created.expires_at == created.party.created_at + 7_200_000
    assert created.party.terms == TERMS


async def test_lookup_does_not_renew_ttl(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(), soon())
    server.admin.expire(f"party:{CODE}", 100)
    await store.read(CODE, soon())
    await store.check_join(CODE, soon())
    assert server.admin.ttl(f"party:{CODE}") <= 100


async def test_concurrent_creates_of_one_code_have_one_winner(store: RedisStore) -> None:
    outcomes = await asyncio.gather(*(store.create(draft(), soon()) for _ in range(200)))
    assert sum(isinstance(outcome, Created) for outcome in outcomes) == 1
    assert outcomes.count(CodeTaken()) == 199
    (first,) = (outcome for outcome in outcomes if isinstance(outcome, Created))
    assert await store.read(CODE, soon()) == Found(first.party)


async def test_create_with_same_token_finds_same_party(store: RedisStore) -> None:
    first = await store.create(draft(token="mine"), soon())
    again = await store.create(draft(token="mine"), soon())
    assert isinstance(first, Created)
    assert isinstance(again, Created)
    assert again.repeated
    assert again.party == first.party
    assert again.expires_at == first.expires_at


async def test_deleted_party_answers_party_ended(store: RedisStore, server: StoreServer) -> None:
    party = draft()
    await store.create(party, soon())
    await end_party(store, party)
    assert await store.read(CODE, soon()) == Ended()
    assert await store.check_join(CODE, soon()) == Ended()
    assert server.admin.keys("party:*") == []
    assert 7190 <= server.admin.ttl(f"{{party:{CODE}}}:ended") <= 7200


async def test_code_with_tombstone_is_taken(store: RedisStore) -> None:
    party = draft(token="mine")
    await store.create(party, soon())
    await end_party(store, party)
    assert await store.create(draft(), soon()) == CodeTaken()
    assert await store.create(draft(token="mine"), soon()) == Ended()


async def test_unconfirmed_party_is_rolled_back_completely(store: RedisStore, server: StoreServer) -> None:
    party = draft()
    await store.create(party, soon())
    assert await store.rollback_create(party, "", soon()) == Deleted()
    assert server.admin.keys("*") == []
    assert await store.rollback_create(party, "", soon()) == Missing()


async def test_party_is_rolled_back_when_all_creates_failed(store: RedisStore, server: StoreServer) -> None:
    tries = [draft(token="mine") for _ in range(3)]
    for one in tries:
        await store.create(one, soon())
    assert [await store.rollback_create(one, "", soon()) for one in tries] == [Missing(), Missing(), Deleted()]
    assert server.admin.keys("*") == []


async def test_repeated_create_keeps_party_ttl(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(token="mine"), soon())
    server.admin.expire(f"party:{CODE}", 100)
    await store.create(draft(token="mine"), soon())
    assert 0 < server.admin.ttl(f"party:{CODE}") <= 100


async def test_locked_party_answers_locked(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(), soon())
    document = server.text(f"party:{CODE}")
    server.admin.set(f"party:{CODE}", document.replace('"locked":false', '"locked":true'))
    assert await store.check_join(CODE, soon()) == Locked()


async def test_full_party_answers_full(store: RedisStore, server: StoreServer) -> None:
    terms = PartyPolicy(ttl_seconds=60, host_grace_seconds=5, seat_hold_seconds=5, capacity=2)
    await store.create(draft(terms=terms), soon())
    assert await store.check_join(CODE, soon()) == Joinable()
    document = server.text(f"party:{CODE}")
    server.admin.set(f"party:{CODE}", document.replace('"seats":1', '"seats":2'))
    assert await store.check_join(CODE, soon()) == Full()


async def test_claimed_code_stands_until_replaced(store: RedisStore, server: StoreServer) -> None:
    assert await store.bind_idempotency_key("hash", "BBBBBB", None, soon()) == BoundCode("BBBBBB")
    assert await store.bind_idempotency_key("hash", "CCCCCC", None, soon()) == BoundCode("BBBBBB")
    assert 590 <= server.admin.ttl("hubbub:once:hash") <= 600
    assert await store.bind_idempotency_key("hash", "CCCCCC", "BBBBBB", soon()) == BoundCode("CCCCCC")
    assert await store.bind_idempotency_key("hash", "DDDDDD", "BBBBBB", soon()) == BoundCode("CCCCCC")


async def test_write_after_deadline_changes_nothing(instance: Instance, server: StoreServer) -> None:
    store = instance.store
    await store.create(draft(), soon())
    # The instance believes that the store's clock is an hour behind: all it sends comes too late.
    instance.set_clock_offset_behind(3600)
    with pytest.raises(DeadlineExceededError):
        await store.create(draft("CCCCCC"), soon())
    assert server.admin.keys("*") == [f"party:{CODE}"]
    # That reply has told the true time.
    assert isinstance(await store.create(draft("CCCCCC"), soon()), Created)


async def test_undecodable_document_is_failure_and_not_absence(store: RedisStore, server: StoreServer) -> None:
    for rubbish in ("", "rubbish", "[]", '{"createdAt":1}'):
        server.admin.set(f"party:{CODE}", rubbish)
        with pytest.raises(StoreUnavailableError) as caught:
            await store.read(CODE, soon())
        assert caught.value.failure is StoreFailure.REFUSED
        assert await store.create(draft(), soon()) == CodeTaken()
    server.admin.delete(f"party:{CODE}")
    server.admin.lpush(f"party:{CODE}", "a list")
    with pytest.raises(StoreUnavailableError):
        await store.check_join(CODE, soon())


async def test_calls_of_one_loop_turn_share_round_trip(instance: Instance, server: StoreServer) -> None:
    await instance.store.ping(soon())
    before = server.admin.info("stats")["total_reads_processed"]
    await asyncio.gather(*(instance.store.check_join(CODE, soon()) for _ in range(100)))
    reads = server.admin.info("stats")["total_reads_processed"] - before
    # Two trips, since "missing" is asked twice, one read for our own question, and some for long trips.
    assert reads <= 20


async def test_flushed_scripts_are_sent_again(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(), soon())
    server.admin.script_flush()
    outcomes = await asyncio.gather(
        store.check_join(CODE, soon()), store.read(CODE, soon()), store.create(draft("CCCCCC"), soon())
    )
    assert [type(outcome) for outcome in outcomes] == [Joinable, Found, Created]
