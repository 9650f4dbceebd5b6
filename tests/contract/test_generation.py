"""Detect that a store has lost data, and prove no absence until it is recovered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from hubbub.core.limits import RECOVERING_SECONDS
from hubbub.core.position import ProvenPosition
from hubbub.core.protocol import Leave, SetLock
from hubbub.core.results import Accepted, Found, Joinable, Missing
from hubbub.core.seats import Lease
from hubbub.store import keys
from hubbub.store.client.script_client import THE_SHARD
from hubbub.store.generation import CheckMode
from hubbub.store.health import StoreState
from hubbub.store.port import BoundCode, StoreFailure, StoreUnavailableError
from tests.contract.conftest import Instance, attempt, soon, wait_until
from tests.contract.data_loss import StoreSnapshot
from tests.contract.store_dump import CODE
from tests.support.stores import FLAVOURS, StoreServer

LIFE, RECOVERING = keys.generation(THE_SHARD), keys.recovering(THE_SHARD)
Call = Callable[[], Awaitable[object]]


@pytest.fixture(scope="module", params=FLAVOURS)
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    """One server, which has one shard; what differs on a cluster is which keys are looked after together."""
    server = StoreServer(request.param, tmp_path_factory.mktemp("store"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def there(server: StoreServer) -> AsyncIterator[Instance]:
    """Another instance on the same store."""
    there = Instance(server.url)
    yield there
    await there.aclose()


async def absent(instance: Instance) -> bool:
    """Whether the instance calls a party absent; else it says that data is being written back."""
    try:
        return await instance.store.read(CODE, soon()) == Missing()
    except StoreUnavailableError as unavailable:
        if unavailable.failure is not StoreFailure.RECOVERING:
            raise
        return False


class RecordingObserver:
    """Has an instance check its shards in one mode, and records the losses that it finds."""

    def __init__(self, instance: Instance, mode: CheckMode = CheckMode.READ) -> None:
        self.losses: list[str] = []
        self._mode = mode
        instance.detector.attach(self)

    def mode_of(self, shard: str) -> CheckMode:
        """See `DataLossObserver.mode_of`."""
        assert shard
        return self._mode

    def on_data_loss(self, shard: str) -> None:
        """See `DataLossObserver.on_data_loss`."""
        self.losses.append(shard)


def losses_of(instance: Instance) -> list[str]:
    """Return the list to which the losses that the instance finds are added from now on."""
    return RecordingObserver(instance).losses


async def test_first_check_starts_generation_without_data_loss(instance: Instance, server: StoreServer) -> None:
    losses = losses_of(instance)
    assert await absent(instance)
    assert server.admin.hkeys(LIFE) == ["id", "beat"]
    assert not server.admin.exists(RECOVERING)
    assert losses == []


async def test_read_only_check_writes_nothing(instance: Instance, there: Instance, server: StoreServer) -> None:
    assert await absent(instance)
    life = server.admin.hgetall(LIFE)
    assert await absent(instance)
    assert await absent(there)
    assert server.admin.hgetall(LIFE) == life


async def test_counter_advances_while_instance_has_state(
    instance: Instance, there: Instance, server: StoreServer
) -> None:
    RecordingObserver(there, CheckMode.WRITE)
    watching = [asyncio.create_task(one.detector.run()) for one in (instance, there)]
    await wait_until(lambda: int(server.admin.hget(LIFE, "beat") or 0) >= 2)
    for task in watching:
        task.cancel()


async def test_empty_store_is_data_loss(instance: Instance, there: Instance, server: StoreServer) -> None:
    losses = losses_of(instance)
    assert await absent(instance)
    server.admin.flushall()
    assert not await absent(instance)
    assert losses == [THE_SHARD]
    assert instance.health.state is StoreState.RECOVERING
    assert 0 < server.admin.pttl(RECOVERING) <= RECOVERING_SECONDS * 1000
    # An instance that knew no generation accepts it too, and has lost nothing.
    theirs = losses_of(there)
    assert not await absent(there)
    assert theirs == []


async def test_other_generation_is_data_loss(instance: Instance, there: Instance, server: StoreServer) -> None:
    assert await absent(instance)
    server.admin.flushall()
    assert await absent(there)
    assert not await absent(instance)
    assert not await absent(there)


async def test_lower_counter_is_data_loss(instance: Instance, server: StoreServer) -> None:
    losses = losses_of(instance)
    assert await absent(instance)
    old_state = StoreSnapshot(server)
    server.admin.hincrby(LIFE, "beat", 1)
    assert await absent(instance)
    old_state.load()
    assert not await absent(instance)
    assert losses == [THE_SHARD]


async def test_data_loss_is_reported_once_per_instance(
    instance: Instance, there: Instance, server: StoreServer
) -> None:
    mine, theirs = losses_of(instance), losses_of(there)
    assert await absent(instance)
    assert await absent(there)
    server.admin.flushall()
    for who in (instance, there, instance, there):
        assert not await absent(who)
    assert (mine, theirs) == ([THE_SHARD], [THE_SHARD])


async def test_concurrent_checks_report_data_loss_once(instance: Instance, server: StoreServer) -> None:
    losses = losses_of(instance)
    assert await absent(instance)
    server.admin.flushall()
    assert not any(await asyncio.gather(*(absent(instance) for _ in range(20))))
    assert losses == [THE_SHARD]


async def test_absence_is_proven_after_recovery(instance: Instance, server: StoreServer) -> None:
    assert await absent(instance)
    server.admin.flushall()
    assert not await absent(instance)
    server.admin.delete(RECOVERING)  # its time is up
    assert await absent(instance)
    assert instance.health.state is StoreState.CONNECTED


async def test_recovery_of_one_instance_is_seen_by_others(
    instance: Instance, there: Instance, server: StoreServer
) -> None:
    assert await absent(there)
    RecordingObserver(instance, CheckMode.RECOVER)
    assert not await absent(instance)
    server.admin.pexpire(RECOVERING, 50)
    assert not await absent(instance)
    assert server.admin.pttl(RECOVERING) > 1000
    assert not await absent(there)


async def test_absence_is_not_proven_during_recovery(instance: Instance, server: StoreServer) -> None:
    store, stranger = instance.store, Lease(CODE, "seat", "holder")
    assert await absent(instance)
    server.admin.flushall()
    calls: list[Call] = [
        lambda: store.read(CODE, soon()),
        lambda: store.check_join(CODE, soon()),
        lambda: store.join(attempt(), soon()),
        lambda: store.watch(CODE, "wall", soon()),
        lambda: store.execute(stranger, Leave(), soon()),
        lambda: store.renew(CODE, [stranger], soon(), ProvenPosition("epoch", 1, "")),
        lambda: store.catch_up(CODE, None, soon()),
        lambda: store.drop_connection(stranger, soon()),
        lambda: store.rollback_join(attempt(), soon()),
        lambda: store.bind_idempotency_key("hash", CODE, None, soon()),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailableError) as caught:
            await call()
        assert caught.value.failure is StoreFailure.RECOVERING
        assert not caught.value.in_doubt


async def test_stored_party_is_found_during_recovery(instance: Instance, host: Lease, server: StoreServer) -> None:
    server.admin.set(RECOVERING, "1", px=60_000)
    assert isinstance(await instance.store.read(CODE, soon()), Found)
    assert await instance.store.check_join(CODE, soon()) == Joinable()
    assert await instance.store.execute(host, SetLock(locked=True), soon()) == Accepted()


async def test_lost_idempotency_key_is_bound_again(instance: Instance, there: Instance, server: StoreServer) -> None:
    assert await instance.store.bind_idempotency_key("hash", "BBBBBB", None, soon()) == BoundCode("BBBBBB")
    assert await absent(there)
    server.admin.flushall()
    # A repeat comes by another instance first, which does not know that data was lost and draws another code.
    with pytest.raises(StoreUnavailableError):
        await there.store.bind_idempotency_key("hash", "CCCCCC", None, soon())
    await instance.store.rebind_idempotency_key("hash", "BBBBBB", soon())
    server.admin.delete(RECOVERING)
    assert await absent(there)
    assert await there.store.bind_idempotency_key("hash", "DDDDDD", None, soon()) == BoundCode("BBBBBB")
    assert 0 < server.admin.ttl(keys.idempotency_key("hash")) <= 600


async def test_binding_bound_key_changes_nothing(instance: Instance, server: StoreServer) -> None:
    await instance.store.bind_idempotency_key("hash", "BBBBBB", None, soon())
    server.admin.expire(keys.idempotency_key("hash"), 100)
    await instance.store.rebind_idempotency_key("hash", "BBBBBB", soon())
    assert server.text(keys.idempotency_key("hash")) == "BBBBBB"
    assert server.admin.ttl(keys.idempotency_key("hash")) <= 100
