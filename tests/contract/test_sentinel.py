"""Use a store whose primary Sentinel replaces."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path

import pytest
import redis

from hubbub.core.limits import PROMISE_RETURN_SECONDS, PROMISE_STALLED_SECONDS, STORE_BUDGET_SECONDS
from hubbub.core.protocol import SendMessage
from hubbub.core.results import Created, Found
from hubbub.store.client.sentinel import Sentinels
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.contract.conftest import Instance, draft, soon, start_party, wait_until
from tests.contract.event_recorder import EventRecorder
from tests.support.sentinel import SERVICE, SentinelTopology, master_port
from tests.support.stores import ServerProcess

CODE = "BCDFGH"
CODES = [f"CCCC{a}{b}" for a in "BCD" for b in "BCD"]
PAUSE_SECONDS = 0.02
"""Between two tries: a store that is known to be away fails a call at once."""


@contextmanager
def running(folder: Path) -> Iterator[SentinelTopology]:
    sentinel = SentinelTopology("valkey", folder)
    try:
        sentinel.start()
        yield sentinel
    finally:
        sentinel.stop()


@pytest.fixture(scope="module")
def shared_sentinel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelTopology]:
    with running(tmp_path_factory.mktemp("sentinel")) as sentinel:
        yield sentinel


@pytest.fixture
def own_sentinel(tmp_path: Path) -> Iterator[SentinelTopology]:
    """A sentinel that was frozen trusts its clock no more for half a minute: nobody else should have to do with it."""
    with running(tmp_path) as sentinel:
        yield sentinel


@pytest.fixture
def sentinel(shared_sentinel: SentinelTopology) -> SentinelTopology:
    """All that belongs to it is there, and empty; leave it so."""
    shared_sentinel.wait_until_whole()
    shared_sentinel.primary().command("FLUSHALL")
    return shared_sentinel


@pytest.fixture
async def instance(sentinel: SentinelTopology) -> AsyncIterator[Instance]:
    instance = Instance(sentinel.url)
    yield instance
    await instance.aclose()


async def test_primary_failover_keeps_parties_without_not_found(instance: Instance, sentinel: SentinelTopology) -> None:
    for code in CODES:
        assert isinstance(await instance.store.create(draft(code), soon()), Created)
    old = sentinel.primary()
    for server in sentinel.servers:
        await wait_until(lambda server=server: server.command("DBSIZE") == len(CODES))  # type: ignore[misc]
    old.kill()
    replaced = asyncio.create_task(asyncio.to_thread(sentinel.wait_for_another_primary, old))
    number = 0
    while not replaced.done():
        number += 1
        await _answers_truly(instance, f"DDD{number:03}")
    again_by = asyncio.get_running_loop().time() + PROMISE_RETURN_SECONDS
    while not await _answers_truly(instance, f"DDD{number:03}"):
        number += 1
        assert asyncio.get_running_loop().time() < again_by
    for code in CODES:
        assert isinstance(await instance.store.read(code, soon()), Found)
    await replaced
    old.start()


async def test_demoted_primary_is_left_and_events_resume_in_bound(
    instance: Instance, sentinel: SentinelTopology
) -> None:
    async with EventRecorder(instance) as recorder:
        host = await start_party(instance.store)
        await instance.event_stream.subscribe(CODE, soon())
        old = sentinel.primary()
        await asyncio.to_thread(sentinel.failover)
        await asyncio.to_thread(sentinel.wait_for_another_primary, old)
        since = asyncio.get_running_loop().time()
        while True:
            with suppress(StoreUnavailableError):
                await instance.store.execute(host, SendMessage(text="hello"), soon(STORE_BUDGET_SECONDS))
            if recorder.published and instance.event_stream.is_receiving:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        assert asyncio.get_running_loop().time() - since < PROMISE_STALLED_SECONDS


async def test_primary_demoted_by_operator_is_resolved_again(instance: Instance, sentinel: SentinelTopology) -> None:
    """READONLY is a refusal, not a doubt; after it the instance asks Sentinel who is primary now."""
    await instance.store.create(draft(CODE), soon())
    old = sentinel.primary()
    other = next(server for server in sentinel.servers if server is not old)
    old.command("REPLICAOF", "127.0.0.1", other.port)
    await wait_until(lambda: old.admin.info("replication")["role"] == "slave")
    with pytest.raises(StoreUnavailableError) as caught:
        await instance.store.create(draft("DDDDDD"), soon())
    assert caught.value.failure is StoreFailure.READ_ONLY
    assert not caught.value.in_doubt
    old.command("REPLICAOF", "NO", "ONE")
    await until_created(instance, "FFFFFF")


async def test_unreachable_sentinel_is_skipped(own_sentinel: SentinelTopology) -> None:
    async with aclosing(Instance(own_sentinel.url)) as instance:
        own_sentinel.sentinels[0].freeze()
        assert isinstance(await instance.store.create(draft("BBBBBB"), soon(STORE_BUDGET_SECONDS)), Created)


async def test_thawed_old_primary_is_not_believed(instance: Instance, sentinel: SentinelTopology) -> None:
    await until_created(instance, CODE)
    old = sentinel.primary()
    old.freeze()
    new = await asyncio.to_thread(sentinel.wait_for_another_primary, old)
    old.thaw()
    await until_created(instance, "DDDDDD")
    assert new.admin.exists("party:DDDDDD")


async def test_sentinel_with_latest_epoch_is_believed(own_sentinel: SentinelTopology) -> None:
    old = own_sentinel.primary().port
    ignorant, knowing, _ = own_sentinel.sentinels
    ignorant.freeze()
    try:
        await wait_until(lambda: _has_replaced(knowing, old))
    finally:
        ignorant.thaw()
    ports = (ignorant.port, knowing.port)
    async with aclosing(Sentinels([("127.0.0.1", port) for port in ports])) as sentinels:
        assert await sentinels.discover_master(SERVICE) == ("127.0.0.1", master_port(knowing))


async def test_create_waits_for_replicas_of_current_primary(sentinel: SentinelTopology) -> None:
    async with aclosing(Instance(sentinel.url, replicas=2)) as instance:
        assert isinstance(await instance.store.create(draft(CODE), soon()), Created)
        assert all(server.command("DBSIZE") == 1 for server in sentinel.servers)


async def test_service_unknown_to_sentinel_is_unavailable(sentinel: SentinelTopology) -> None:
    async with aclosing(Instance(sentinel.url.replace("/hubbub", "/other"))) as instance:
        with pytest.raises(StoreUnavailableError) as caught:
            await instance.store.create(draft(), soon())
        assert caught.value.failure is StoreFailure.UNREACHABLE
        assert not caught.value.in_doubt


async def until_created(instance: Instance, code: str) -> None:
    """Create a party, as soon as the store lets us."""
    while True:
        try:
            assert isinstance(await instance.store.create(draft(code), soon(STORE_BUDGET_SECONDS)), Created)
        except StoreUnavailableError:
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def _answers_truly(instance: Instance, code: str) -> bool:
    """Whether a create succeeds; a party that is there is never said to be missing."""
    await asyncio.sleep(PAUSE_SECONDS)
    try:
        assert isinstance(await instance.store.read(CODES[0], soon(STORE_BUDGET_SECONDS)), Found)
        return isinstance(await instance.store.create(draft(code), soon(STORE_BUDGET_SECONDS)), Created)
    except StoreUnavailableError:
        return False


def _has_replaced(asked: ServerProcess, old: int) -> bool:
    """Return whether the sentinel has another master. If not, ask it for a failover."""
    if master_port(asked) != old:
        return True
    with suppress(redis.ResponseError):  # it is about it, or knows of no good replica yet
        asked.command("SENTINEL", "FAILOVER", SERVICE)
    return False
