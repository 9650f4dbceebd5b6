"""Call a store that is away, frozen, full, loading, or a replica."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hubbub.core.limits import BREAKER_FAILURE_THRESHOLD
from hubbub.core.results import Created, Found, Joinable, Missing
from hubbub.store.health import StoreState
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.contract.conftest import Instance, draft, end_party, soon
from tests.support.stores import StoreServer, wait_for

CODE = "BCDFGH"


@pytest.fixture
async def instance(own_server: StoreServer) -> AsyncIterator[Instance]:
    instance = Instance(own_server.url)
    yield instance
    await instance.aclose()


async def trouble_of(call: object) -> StoreUnavailableError:
    with pytest.raises(StoreUnavailableError) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_killed_store_is_unavailable_and_not_in_doubt(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.create(draft(), soon())
    own_server.kill()
    unavailable = await trouble_of(instance.store.read(CODE, soon()))
    assert unavailable.failure is StoreFailure.UNREACHABLE
    unavailable = await trouble_of(instance.store.create(draft("CCCCCC"), soon()))
    assert not unavailable.in_doubt
    own_server.start()
    await instance.store.ping(soon())
    assert isinstance(await instance.store.read(CODE, soon()), Found)
    assert await instance.store.read("CCCCCC", soon()) == Missing()
    assert instance.changes == [StoreState.CONNECTED, StoreState.DISCONNECTED, StoreState.CONNECTED]


async def test_call_to_frozen_store_fails_at_deadline(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.create(draft(), soon())
    own_server.freeze()
    loop = asyncio.get_running_loop()
    started = loop.time()
    calls = [instance.store.check_join(CODE, soon(1)), instance.store.create(draft("CCCCCC"), soon(1))]
    check, create = await asyncio.gather(*calls, return_exceptions=True)
    assert loop.time() - started < 2.5
    assert isinstance(check, StoreUnavailableError)
    assert isinstance(create, StoreUnavailableError)
    assert create.failure is StoreFailure.TIMEOUT
    assert create.in_doubt
    own_server.thaw()
    assert await instance.store.check_join(CODE, soon()) == Joinable()


async def test_timed_out_call_is_not_executed_after_thaw(instance: Instance, own_server: StoreServer) -> None:
    # The store knows the script and the instance the store's clock: all that is lacking is time.
    await instance.store.create(draft(CODE), soon())
    own_server.freeze()
    # Some of the calls are on the wire and others wait in line when their time is up; a ping with more time
    # keeps the connection open, so that the thawed store does read what was sent.
    creates = [asyncio.create_task(instance.store.create(draft(f"{n:06d}"), soon(1))) for n in range(200)]
    patient = asyncio.create_task(instance.store.ping(soon(10)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    creates += [asyncio.create_task(instance.store.create(draft(f"{n:06d}"), soon(1))) for n in range(200, 400)]
    answers = await asyncio.gather(*creates, return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailableError) for answer in answers)
    assert {answer.in_doubt for answer in answers if isinstance(answer, StoreUnavailableError)} == {True, False}
    own_server.thaw()
    await patient
    await instance.store.ping(soon())
    assert own_server.admin.keys("party:*") == [f"party:{CODE}"]


async def test_open_breaker_fails_calls_without_asking_store(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.ping(soon())
    own_server.freeze()
    for _ in range(BREAKER_FAILURE_THRESHOLD):
        await trouble_of(instance.store.ping(soon(0.1)))
    loop = asyncio.get_running_loop()
    probe = asyncio.ensure_future(instance.store.ping(soon(5)))
    await asyncio.sleep(0)  # the probe is on its way
    await asyncio.sleep(0)
    started = loop.time()
    unavailable = await trouble_of(instance.store.create(draft(CODE), soon(5)))
    assert loop.time() - started < 2.5
    assert unavailable.failure is StoreFailure.TIMEOUT
    assert not unavailable.in_doubt
    own_server.thaw()
    await probe
    assert isinstance(await instance.store.create(draft(CODE), soon()), Created)


async def test_short_deadline_does_not_shorten_batched_calls(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.create(draft(CODE), soon())
    own_server.freeze()
    hasty = asyncio.create_task(instance.store.ping(soon(0.1)))
    patient = asyncio.create_task(instance.store.create(draft("CCCCCC"), soon(10)))
    await trouble_of(hasty)
    own_server.thaw()
    assert isinstance(await patient, Created)


async def test_cancelled_caller_drops_dead_connection(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.ping(soon())
    own_server.freeze()
    cancelled = asyncio.create_task(instance.store.ping(soon(0.2)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cancelled.cancel()
    await trouble_of(instance.store.ping(soon(0.5)))
    # The dead connection went with the deadline of the cancelled call: the next is a new one.
    own_server.thaw()
    await instance.store.ping(soon())
    assert instance.changes == [StoreState.CONNECTED, StoreState.DISCONNECTED, StoreState.CONNECTED]


async def test_concurrent_creates_succeed_with_unknown_clock(instance: Instance, own_server: StoreServer) -> None:
    answers = await asyncio.gather(*(instance.store.create(draft(f"{n:06d}"), soon(5)) for n in range(1000)))
    assert all(isinstance(answer, Created) for answer in answers)
    assert own_server.admin.dbsize() == 1000


async def test_waiting_calls_fail_at_their_own_deadlines(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.ping(soon())
    own_server.freeze()
    loop = asyncio.get_running_loop()
    first = asyncio.ensure_future(instance.store.ping(soon(20)))
    await asyncio.sleep(0)  # the first is on its way, so the second has to wait
    await asyncio.sleep(0)
    started = loop.time()
    assert not (await trouble_of(instance.store.ping(soon(0.1)))).in_doubt
    assert loop.time() - started < 10
    own_server.thaw()
    await first


async def test_loading_store_is_unavailable(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.create(draft(), soon())
    pipeline = own_server.admin.pipeline(transaction=False)
    for number in range(10_000):
        pipeline.set(f"padding:{number}", "x")
    pipeline.execute()
    own_server.kill()
    # Slow the loading down to 0.5 ms a key until a client sees it: "LOADING" is answered once per 1,024 keys.
    own_server.start("--key-load-delay", "500", wait=False)
    troubles = set()

    async def found() -> bool:
        try:
            return isinstance(await instance.store.read(CODE, soon()), Found)
        except StoreUnavailableError as unavailable:
            if unavailable.failure is StoreFailure.LOADING and StoreFailure.LOADING not in troubles:
                own_server.admin.config_set("key-load-delay", "0")
            troubles.add(unavailable.failure)
            return False

    while not await found():
        assert instance.health.state is StoreState.DISCONNECTED
        await asyncio.sleep(0.02)
    assert StoreFailure.LOADING in troubles
    assert instance.health.state is StoreState.CONNECTED


async def test_full_store_refuses_creates_and_answers_lookups(instance: Instance, own_server: StoreServer) -> None:
    store = instance.store
    party = draft()
    await store.create(party, soon())
    own_server.admin.config_set("maxmemory", "1")
    unavailable = await trouble_of(store.create(draft("CCCCCC"), soon()))
    assert unavailable.failure is StoreFailure.OUT_OF_MEMORY
    assert not unavailable.in_doubt
    await store.ping(soon())
    assert await store.check_join(CODE, soon()) == Joinable()
    assert await store.read("CCCCCC", soon()) == Missing()
    await end_party(store, party)
    assert instance.health.state is StoreState.CONNECTED


async def test_replica_proves_presence_but_not_absence(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.create(draft(), soon())
    ended = draft("DDDDDD")
    await instance.store.create(ended, soon())
    await end_party(instance.store, ended)
    own_server.admin.replicaof("127.0.0.1", "1")
    own_server.admin.config_set("replica-serve-stale-data", "yes")
    assert await instance.store.check_join(CODE, soon()) == Joinable()
    assert isinstance(await instance.store.read(CODE, soon()), Found)
    for call in (
        instance.store.read("CCCCCC", soon()),
        instance.store.check_join("CCCCCC", soon()),
        instance.store.create(draft("CCCCCC"), soon()),
        instance.store.ping(soon()),
    ):
        assert (await trouble_of(call)).failure is StoreFailure.READ_ONLY
    await trouble_of(instance.store.read("DDDDDD", soon()))
    own_server.admin.replicaof("NO", "ONE")
    assert await instance.store.read("CCCCCC", soon()) == Missing()


async def test_wrong_password_is_permission_failure(instance: Instance, own_server: StoreServer) -> None:
    own_server.admin.config_set("requirepass", "secret")
    unavailable = await trouble_of(instance.store.ping(soon()))
    assert unavailable.failure is StoreFailure.NOT_PERMITTED
    own_server.command("AUTH", "secret")


async def test_cancelled_call_leaves_no_reply_for_next_call(instance: Instance, own_server: StoreServer) -> None:
    store = instance.store
    await store.create(draft(), soon())
    for _ in range(50):
        cancelled = asyncio.ensure_future(store.read(CODE, soon()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        cancelled.cancel()
        assert await store.check_join(CODE, soon()) == Joinable()
        assert await store.read("CCCCCC", soon()) == Missing()
    del own_server


async def test_connections_do_not_accumulate_over_failures(instance: Instance, own_server: StoreServer) -> None:
    await instance.store.ping(soon())
    for _ in range(20):
        own_server.freeze()
        await trouble_of(instance.store.ping(soon(0.05)))
        own_server.thaw()
        await instance.store.ping(soon(5))
    ours = [client for client in own_server.admin.client_list() if client["name"] == "test"]
    assert len(ours) <= 2
    wait_for(lambda: len([c for c in own_server.admin.client_list() if c["name"] == "test"]) == 1)


async def test_closed_store_fails_open_calls(instance: Instance, own_server: StoreServer) -> None:
    own_server.freeze()
    calls = [asyncio.ensure_future(instance.store.ping(soon(30))) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(instance.store.ping(soon(30)))
    await asyncio.sleep(0)
    await instance.aclose()
    for call in (*calls, waiting):
        await trouble_of(call)


async def test_create_after_outage_succeeds(instance: Instance, own_server: StoreServer) -> None:
    own_server.kill()
    await trouble_of(instance.store.create(draft(), soon()))
    own_server.start()
    assert isinstance(await instance.store.create(draft(), soon()), Created)
