"""Use a Cluster whose slots move and whose primaries die."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator

import pytest

from hubbub.core.limits import PROMISE_STALLED_SECONDS, STORE_BUDGET_SECONDS
from hubbub.core.protocol import SendMessage
from hubbub.core.results import Accepted, Created, Found, Joined, ReadOutcome
from hubbub.store import keys
from hubbub.store.client.topology import slot_of
from hubbub.store.health import StoreState
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.contract.conftest import Instance, attempt, draft, soon, start_party, wait_until
from tests.contract.event_recorder import EventRecorder
from tests.support.cluster import ClusterTopology

CODE = "BCDFGH"
PAUSE_SECONDS = 0.02
"""Between two tries: a store that is known to be away fails a call at once."""
CODES = [f"CCCC{a}{b}" for a in "BCDFGH" for b in "BCDFGH"]


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterTopology]:
    cluster = ClusterTopology("valkey", tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(shared_cluster: ClusterTopology) -> ClusterTopology:
    """A whole, empty cluster; leave all servers running."""
    shared_cluster.wait_until_whole()
    for primary in shared_cluster.primaries():
        primary.command("FLUSHALL")
    for server in shared_cluster.servers:
        # Slots that are left do not suffer from those that are away.
        server.command("CONFIG", "SET", "cluster-require-full-coverage", "no")
    return shared_cluster


@pytest.fixture
async def instance(cluster: ClusterTopology) -> AsyncIterator[Instance]:
    instance = Instance(cluster.url)
    yield instance
    await instance.aclose()


async def test_shard_tag_hashes_into_its_shard(instance: Instance, cluster: ClusterTopology) -> None:
    await instance.store.read(CODE, soon())
    tags = instance.connections.client.shards()
    assert len(tags) == 3
    assert {instance.connections.client.shard_of(keys.generation(tag)) for tag in tags} == set(tags)
    assert {node.port for node in instance.connections.directory.primaries()} == {
        server.port for server in cluster.primaries()
    }


async def test_slot_migration_under_load_loses_no_party_or_create(instance: Instance, cluster: ClusterTopology) -> None:
    store = instance.store
    host = await start_party(store)
    before = cluster.primary_of(CODE)
    moving = asyncio.create_task(asyncio.to_thread(cluster.move_slot, CODE))
    said = looked = 0
    while not moving.done():
        assert isinstance(await store.read(CODE, soon()), Found)
        looked += 1
        assert await store.execute(host, SendMessage(text="hello"), soon()) == Accepted()
        said += 1
    assert (await moving) is not before
    assert await store.execute(host, SendMessage(text="hello"), soon()) == Accepted()
    outcome = await store.join(attempt(), soon())
    assert isinstance(outcome, Joined)
    assert outcome.version == said + 3


async def test_call_waits_for_migrating_slot(instance: Instance, cluster: ClusterTopology) -> None:
    """With some keys here and some there, and with none here, the servers send calls back and forth."""
    store = instance.store
    host = await start_party(store)
    steps: list[asyncio.Task[object]] = []
    loop = asyncio.get_running_loop()

    def step_taken() -> None:
        async def act() -> object:
            return await store.execute(host, SendMessage(text="hello"), soon())

        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()
        loop.call_soon_threadsafe(lambda: steps.append(loop.create_task(act())))

    await asyncio.to_thread(cluster.move_slot, CODE, step_taken)
    assert await asyncio.gather(*steps) == [Accepted()] * len(steps)
    assert len(steps) > 3


async def test_call_to_stuck_slot_fails_and_is_not_in_doubt(instance: Instance, cluster: ClusterTopology) -> None:
    await start_party(instance.store)
    source = cluster.primary_of(CODE)
    target = next(server for server in cluster.primaries() if server is not source)
    slot = slot_of(keys.party(CODE))
    target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", str(source.command("CLUSTER", "MYID")))
    source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", str(target.command("CLUSTER", "MYID")))
    try:
        # One that is on the wire just when its time is up is rightly in doubt.
        while (refusal := await _refusal_of_join(instance)).in_doubt:
            assert refusal.failure is StoreFailure.TIMEOUT
    finally:
        for server in (source, target):
            server.command("CLUSTER", "SETSLOT", slot, "STABLE")
    # Which of the two depends on where the call is when its time is up.
    assert refusal.failure in {StoreFailure.MOVING, StoreFailure.TIMEOUT}


async def test_dead_primary_fails_its_own_parties_until_failover(instance: Instance, cluster: ClusterTopology) -> None:
    store = instance.store
    for code in CODES:
        assert isinstance(await store.create(draft(code), soon()), Created)
    victim = cluster.primary_of(CODES[0])
    theirs = [code for code in CODES if cluster.primary_of(code) is victim]
    others = [code for code in CODES if code not in theirs]
    replica = cluster.replica_of(victim)
    await wait_until(lambda: replica.command("DBSIZE") == len(theirs))
    watching = asyncio.create_task(instance.detector.run())
    await wait_until(lambda: instance.health.state is StoreState.CONNECTED)
    victim.kill()
    while (outcome := await outcome_of(store.read(theirs[0], soon(STORE_BUDGET_SECONDS)))) is None:
        # At once: in a moment the watch may find that the replica has taken over.
        assert instance.health.state is StoreState.DISCONNECTED
        await asyncio.sleep(PAUSE_SECONDS)
        for code in others[:3]:
            assert isinstance(await store.read(code, soon()), Found)
    assert isinstance(outcome, Found)
    for code in theirs:
        assert isinstance(await store.read(code, soon()), Found)
    await wait_until(lambda: instance.health.state is StoreState.CONNECTED)
    watching.cancel()
    victim.start()


async def test_events_of_all_shards_arrive_after_slot_moved(instance: Instance, cluster: ClusterTopology) -> None:
    async with EventRecorder(instance) as recorder:
        hosts = {code: await start_party(instance.store, code=code) for code in CODES[:18]}
        assert len({cluster.primary_of(code) for code in hosts}) == 3
        for code, host in hosts.items():
            await instance.event_stream.subscribe(code, soon())
            await instance.store.execute(host, SendMessage(text="hello"), soon())
        await wait_until(lambda: {code for code, _ in recorder.published} == set(hosts))
        assert instance.event_stream.is_receiving
        moved = CODES[0]
        await asyncio.to_thread(cluster.move_slot, moved)
        await wait_until(lambda: recorder.confirmed.count(moved) >= 2)
        recorder.published.clear()
        await instance.store.execute(hosts[moved], SendMessage(text="still there"), soon())
        await wait_until(lambda: [code for code, _ in recorder.published] == [moved])


async def test_events_resume_within_bound_after_cluster_failover(instance: Instance, cluster: ClusterTopology) -> None:
    async with EventRecorder(instance) as recorder:
        host = await start_party(instance.store, code=CODE)
        await instance.event_stream.subscribe(CODE, soon())
        old = cluster.primary_of(CODE)
        await asyncio.to_thread(cluster.failover, old)
        since = asyncio.get_running_loop().time()
        await wait_until(lambda: recorder.confirmed.count(CODE) >= 2)
        await instance.store.execute(host, SendMessage(text="hello"), soon())
        await wait_until(lambda: any(code == CODE for code, _ in recorder.published))
        assert asyncio.get_running_loop().time() - since < PROMISE_STALLED_SECONDS


async def test_instance_without_servers_is_unavailable_in_time() -> None:
    instance = Instance("redis+cluster://127.0.0.1:1,127.0.0.1:2")
    began = asyncio.get_running_loop().time()
    with pytest.raises(StoreUnavailableError) as caught:
        await instance.store.create(draft(), soon(STORE_BUDGET_SECONDS))
    assert caught.value.failure is StoreFailure.UNREACHABLE
    assert not caught.value.in_doubt
    assert asyncio.get_running_loop().time() - began < 2.0
    assert instance.health.state is StoreState.DISCONNECTED
    await instance.aclose()


async def test_create_waits_for_replicas_of_its_own_shard(cluster: ClusterTopology) -> None:
    instance = Instance(cluster.url, replicas=1)
    assert isinstance(await instance.store.create(draft(CODE), soon()), Created)
    replica = cluster.replica_of(cluster.primary_of(CODE))
    assert replica.command("DBSIZE") == 1
    replica.freeze()
    try:
        with pytest.raises(StoreUnavailableError) as caught:
            await instance.store.create(draft(_another_code_there(cluster)), soon(STORE_BUDGET_SECONDS))
    finally:
        replica.thaw()
    assert caught.value.failure is StoreFailure.NOT_REPLICATED
    await instance.aclose()


async def outcome_of(read: Awaitable[ReadOutcome]) -> ReadOutcome | None:
    """What the store says, or None where it is away."""
    try:
        return await read
    except StoreUnavailableError:
        return None


def _another_code_there(cluster: ClusterTopology) -> str:
    return next(code for code in CODES if cluster.primary_of(code) is cluster.primary_of(CODE))


async def _refusal_of_join(instance: Instance) -> StoreUnavailableError:
    with pytest.raises(StoreUnavailableError) as caught:
        await instance.store.join(attempt(), soon(0.5))
    return caught.value
