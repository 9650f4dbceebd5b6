"""Create and join on a real store: codes that collide, answers that are lost, creates that are repeated."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import pytest

from hubbub.core import tokens
from hubbub.core.protocol import Leave
from hubbub.core.results import Ended, Joinable
from hubbub.services.parties import CreatedParty, PartyService
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.contract.conftest import Instance, draft, on_one_server, soon, take_seat, wait_until
from tests.contract.store_dump import party_key_names
from tests.support.proxy import StoreProxy
from tests.support.stores import StoreServer

KEY = "a-secret-of-the-caller_1"


def tiny_world(size: int) -> Callable[[Sequence[str]], str]:
    """Choose from the first `size` characters only."""
    dice = random.Random(1)

    def choose(alphabet: Sequence[str]) -> str:
        return dice.choice(alphabet[:size])

    return choose


@pytest.fixture
def service(instance: Instance) -> PartyService:
    return instance.service()


async def test_new_party_can_be_joined_at_once(service: PartyService) -> None:
    party = await service.create("Ann", None)
    assert isinstance(party, CreatedParty)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,64}", party.host_token)
    assert await service.check_join(party.code) == Joinable()


async def test_store_keeps_only_hash_of_token(service: PartyService, server: StoreServer) -> None:
    party = await service.create("Ann", KEY)
    assert isinstance(party, CreatedParty)
    everything = "".join(f"{key}={server.text(str(key))}" for key in party_key_names(server))
    assert party.host_token not in everything
    assert KEY not in everything
    assert tokens.hash_token(party.host_token) in everything


async def test_codes_are_unique_among_few(instance: Instance, server: StoreServer) -> None:
    # 64 codes for 60 creates at once: most draws collide, and none may be given to two.
    services = [instance.service(choose=tiny_world(2)) for _ in range(3)]
    answers = await asyncio.gather(*(services[n % 3].create(None, None) for n in range(60)), return_exceptions=True)
    codes = [answer.code for answer in answers if isinstance(answer, CreatedParty)]
    assert len(codes) == len(set(codes)) == server.admin.dbsize()
    assert len(codes) > 30
    failures = [answer for answer in answers if not isinstance(answer, CreatedParty)]
    assert all(isinstance(failure, StoreUnavailableError) for failure in failures)


async def test_create_without_free_codes_fails_after_ten_draws(instance: Instance) -> None:
    service = instance.service(choose=tiny_world(1))
    await service.create(None, None)
    with pytest.raises(StoreUnavailableError) as caught:
        await service.create(None, None)
    assert caught.value.failure is StoreFailure.REFUSED


async def test_repeated_create_returns_same_party_and_token(service: PartyService, server: StoreServer) -> None:
    first = await service.create("Ann", KEY)
    assert await service.create("Ann", KEY) == first
    other = await service.create("Ann", KEY + "x")
    assert isinstance(first, CreatedParty)
    assert isinstance(other, CreatedParty)
    assert other.code != first.code
    assert len(server.admin.keys("party:*")) == 2


async def test_concurrent_repeats_make_one_party(instance: Instance, server: StoreServer) -> None:
    services = [instance.service() for _ in range(4)]
    answers = await asyncio.gather(*(service.create(None, KEY) for service in services * 10))
    assert len({(answer.code, answer.host_id, answer.host_token) for answer in answers}) == 1  # type: ignore[union-attr]
    assert len(server.admin.keys("party:*")) == 1


async def test_code_of_other_party_under_key_is_replaced(instance: Instance, server: StoreServer) -> None:
    in_the_way = await instance.service(choose=tiny_world(1)).create(None, None)
    assert isinstance(in_the_way, CreatedParty)
    await instance.store.bind_idempotency_key(tokens.hash_idempotency_key(KEY), in_the_way.code, None, soon())
    service = instance.service()
    mine = await service.create(None, KEY)
    assert isinstance(mine, CreatedParty)
    assert mine.code != in_the_way.code
    assert await service.create(None, KEY) == mine
    assert len(server.admin.keys("party:*")) == 2


async def test_repeated_create_of_ended_party_answers_ended(instance: Instance, service: PartyService) -> None:
    party = await service.create(None, KEY)
    assert isinstance(party, CreatedParty)
    host = await take_seat(instance.store, party.code, tokens.hash_token(party.host_token))
    await service.act(host, Leave())
    assert await service.create(None, KEY) == Ended()


@pytest.fixture
def proxy(server: StoreServer) -> Iterator[StoreProxy]:
    proxy = StoreProxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
async def cut_off(server: StoreServer, proxy: StoreProxy) -> AsyncIterator[Instance]:
    """An instance behind the proxy."""
    instance = Instance(f"redis://127.0.0.1:{proxy.port}")
    # The store knows the script, so that the answer which is lost is the one of the create itself.
    await instance.store.create(draft("ZZZZZZ"), soon())
    server.admin.flushall()
    yield instance
    await instance.aclose()


async def repeat_of_key(service: PartyService) -> None:
    """One try of a create with the key, which soon gives up."""
    await service._create_once(service._draft("BCDFGH", None, tokens.derive_host_token(KEY)), soon(1.0))


async def lose_a_create(cut_off: Instance, proxy: StoreProxy) -> None:
    """Let a create happen whose answer is lost, and the store be there again afterwards."""
    proxy.cut_after_send()
    with pytest.raises(StoreUnavailableError):
        await cut_off.service().create(None, None)
    proxy.mend()


@on_one_server
async def test_create_repeated_after_lost_answer_makes_one_party(
    service: PartyService, cut_off: Instance, proxy: StoreProxy, server: StoreServer
) -> None:
    # The first trip binds the key to a code; the create is the next, and only its answer is to be lost.
    await cut_off.store.bind_idempotency_key(tokens.hash_idempotency_key(KEY), "BCDFGH", None, soon())
    proxy.cut_after_send()
    with pytest.raises(StoreUnavailableError) as caught:
        await repeat_of_key(cut_off.service())
    assert caught.value.in_doubt
    assert server.admin.keys("party:*") == ["party:BCDFGH"]
    elsewhere = await service.create(None, KEY)
    assert isinstance(elsewhere, CreatedParty)
    assert elsewhere.code == "BCDFGH"
    proxy.mend()
    assert await cut_off.service().create(None, KEY) == elsewhere
    assert server.admin.keys("party:*") == ["party:BCDFGH"]


@on_one_server
async def test_party_of_failed_create_is_rolled_back(cut_off: Instance, proxy: StoreProxy, server: StoreServer) -> None:
    proxy.cut_after_send()
    with pytest.raises(StoreUnavailableError):
        await cut_off.service().create(None, None)
    assert len(server.admin.keys("party:*")) == 1
    withdrawing = asyncio.create_task(cut_off.rollbacks.run())
    await wait_until(lambda: proxy.cuts >= 3)  # it goes on trying while the store is away
    proxy.mend()
    await wait_until(lambda: not server.admin.keys("party:*"))
    withdrawing.cancel()


@on_one_server
async def test_repeated_create_cancels_rollback(
    service: PartyService, cut_off: Instance, proxy: StoreProxy, server: StoreServer
) -> None:
    await cut_off.store.bind_idempotency_key(tokens.hash_idempotency_key(KEY), "BCDFGH", None, soon())
    proxy.cut_after_send()
    with pytest.raises(StoreUnavailableError):
        await repeat_of_key(cut_off.service())
    party = await service.create(None, KEY)
    proxy.mend()
    assert len(cut_off.rollbacks._rollbacks) == 1
    assert await cut_off.rollbacks._run_next()
    assert not cut_off.rollbacks._rollbacks
    assert isinstance(party, CreatedParty)
    assert await service.check_join(party.code) == Joinable()
    assert server.admin.keys("party:*") == [f"party:{party.code}"]


@on_one_server
async def test_create_failing_twice_with_one_key_leaves_nothing(
    cut_off: Instance, proxy: StoreProxy, server: StoreServer
) -> None:
    await cut_off.store.bind_idempotency_key(tokens.hash_idempotency_key(KEY), "BCDFGH", None, soon())
    proxy.cut_after_send()
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            await repeat_of_key(cut_off.service())
        proxy.mend()
        # The next try has to learn the store's clock before it can fail.
        await cut_off.store.ping(soon())
        proxy.cut_after_send()
    assert server.admin.scard("{party:BCDFGH}:tries") == 2
    proxy.mend()
    await cut_off.rollbacks.drain()
    assert server.admin.keys("*party:*") == []


@on_one_server
async def test_in_doubt_create_is_rolled_back_at_shutdown(
    cut_off: Instance, proxy: StoreProxy, server: StoreServer
) -> None:
    await lose_a_create(cut_off, proxy)
    await cut_off.rollbacks.drain()
    assert server.admin.keys("party:*") == []


@on_one_server
async def test_cancelled_create_is_rolled_back(cut_off: Instance, proxy: StoreProxy, server: StoreServer) -> None:
    proxy.cut_after_send()
    creating = asyncio.create_task(cut_off.service().create(None, None))
    await wait_until(lambda: server.admin.keys("party:*"))
    creating.cancel()
    with pytest.raises((asyncio.CancelledError, StoreUnavailableError)):
        await creating
    proxy.mend()
    await cut_off.rollbacks.drain()
    assert server.admin.keys("party:*") == []


@on_one_server
async def test_rollback_of_reused_code_delays_no_other_rollback(
    cut_off: Instance, proxy: StoreProxy, server: StoreServer
) -> None:
    await lose_a_create(cut_off, proxy)
    # A second one, for which the clock has to be learnt anew.
    await cut_off.store.ping(soon())
    await lose_a_create(cut_off, proxy)
    assert len(cut_off.rollbacks._rollbacks) == 2
    first = cut_off.rollbacks._rollbacks[0].command.code
    server.admin.delete(f"party:{first}")
    server.admin.lpush(f"party:{first}", "not a party at all")
    await cut_off.rollbacks.drain()
    assert server.admin.keys("party:*") == [f"party:{first}"]


@on_one_server
async def test_create_retries_refusing_store(cut_off: Instance, proxy: StoreProxy, server: StoreServer) -> None:
    await lose_a_create(cut_off, proxy)
    server.admin.config_set("min-replicas-to-write", "1")
    try:
        assert not await cut_off.rollbacks._run_next()
    finally:
        server.admin.config_set("min-replicas-to-write", "0")
    assert await cut_off.rollbacks._run_next()
    assert server.admin.keys("party:*") == []
