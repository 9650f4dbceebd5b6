"""Which server an instance accepts as primary under Sentinel."""

import asyncio
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import AsyncMock

import pytest
from redis.asyncio import Connection
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import ConnectionError as RedisConnectionError

from hubbub.core.limits import PRIMARY_SILENCE_SECONDS
from hubbub.store.client.sentinel import PrimaryConnection, PrimaryMonitor, Sentinels

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


class FakeSentinel(NamedTuple):
    """The answers of a sentinel. If it hangs, it never answers."""

    names: tuple[str, int] = OLD
    epoch: int = 1
    sees_it_down: bool = False
    was: tuple[str, int] | None = None
    """The primary before, whose state it still has."""
    is_gone: bool = False
    hangs: bool = False
    forgets: bool = False
    """It is reset between two queries and does not know the service."""

    async def sentinel_master(self, _: str) -> dict[str, Any]:
        if self.is_gone:
            raise RedisConnectionError("gone")
        if self.hangs:
            await asyncio.Event().wait()
        host, port = self.was or self.names
        down = {"is_sdown": self.sees_it_down, "is_odown": False}
        return {"config-epoch": self.epoch, "ip": host, "port": port, **down}

    async def execute_command(self, *_: str) -> list[bytes] | None:
        return None if self.forgets else [self.names[0].encode(), str(self.names[1]).encode()]


def sentinels(*fakes: Any) -> Sentinels:
    found = Sentinels([])
    found.sentinels = list(fakes)
    return found


@pytest.mark.parametrize(
    ("fakes", "expected"),
    [
        pytest.param([FakeSentinel(OLD, 1), FakeSentinel(NEW, 2)], NEW, id="the latest failover"),
        pytest.param([FakeSentinel(NEW, 2), FakeSentinel(OLD, 1), FakeSentinel(OLD, 1)], NEW, id="against a majority"),
        pytest.param([FakeSentinel(is_gone=True), FakeSentinel(hangs=True), FakeSentinel(NEW, 2)], NEW, id="one left"),
        pytest.param([FakeSentinel(sees_it_down=True), FakeSentinel()], OLD, id="one sentinel is cut off from it"),
        pytest.param([FakeSentinel(NEW, 2, sees_it_down=True, was=OLD)], NEW, id="named before all follow it"),
    ],
)
async def test_sentinel_answers_select_primary(fakes: list[FakeSentinel], expected: tuple[str, int]) -> None:
    assert await sentinels(*fakes).discover_master("main") == expected


@pytest.mark.parametrize(
    ("fakes", "why"),
    [
        pytest.param([FakeSentinel(is_gone=True)] * 2, "no sentinel tells who is primary of 'main': gone", id="gone"),
        pytest.param([FakeSentinel(sees_it_down=True)] * 2, "the primary of 'main' is down", id="down"),
        pytest.param([FakeSentinel(forgets=True)], "a sentinel has just forgotten 'main'", id="forgotten"),
    ],
)
async def test_no_primary_is_unavailable(fakes: list[FakeSentinel], why: str) -> None:
    with pytest.raises(MasterNotFoundError, match=why):
        await sentinels(*fakes).discover_master("main")


@pytest.mark.parametrize(
    ("fakes", "expected"),
    [
        pytest.param([FakeSentinel(OLD, 1), FakeSentinel(hangs=True)], NEW, id="the one that knew is silent"),
        pytest.param([FakeSentinel(OLD, 1), FakeSentinel(OLD, 1)], OLD, id="all were set up anew"),
        pytest.param([FakeSentinel(OLD, 2), FakeSentinel(NEW, 2)], NEW, id="one server has two names"),
        pytest.param([FakeSentinel(OLD, 3), FakeSentinel(NEW, 2)], OLD, id="another failover"),
    ],
)
async def test_later_failover_epoch_is_remembered(fakes: list[FakeSentinel], expected: tuple[str, int]) -> None:
    found = sentinels(FakeSentinel(NEW, 2), FakeSentinel(OLD, 1))
    await found.discover_master("main")
    found.sentinels = list[Any](fakes)
    assert await found.discover_master("main") == expected


class FakePool:
    """Counts how often its connections were closed."""

    def __init__(self, _: PrimaryMonitor) -> None:
        self.closed = 0

    async def disconnect(self) -> None:
        self.closed += 1


class MonitorHarness:
    """A monitor, its sentinels, and two pools."""

    def __init__(self, *fakes: Any) -> None:
        self.sentinels = sentinels(*fakes)
        self.monitor = PrimaryMonitor(self.sentinels, "main", FakePool)  # type: ignore[arg-type]
        self.pools: list[Any] = [self.monitor.new_pool() for _ in range(2)]

    def answer(self, *fakes: Any) -> None:
        """Set the sentinels' answers."""
        self.sentinels.sentinels = list(fakes)


async def test_silent_primary_after_failover_is_refused() -> None:
    harness = MonitorHarness(FakeSentinel(OLD, 1))
    await harness.monitor.verify_is_primary(OLD)
    harness.answer(FakeSentinel(NEW, 2))
    harness.monitor._answered_at -= 2 * PRIMARY_SILENCE_SECONDS
    # Calls that come meanwhile wait for the same answer.
    told = await asyncio.gather(*(harness.monitor.verify_is_primary(OLD) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [RedisConnectionError] * 3
    assert [pool.closed for pool in harness.pools] == [1, 1]
    await harness.monitor.verify_is_primary(NEW)


async def test_silent_primary_without_sentinels_is_believed() -> None:
    harness = MonitorHarness(FakeSentinel(OLD, 1))
    await harness.monitor.verify_is_primary(OLD)
    harness.answer(FakeSentinel(is_gone=True))
    harness.monitor._answered_at -= 2 * PRIMARY_SILENCE_SECONDS
    await harness.monitor.verify_is_primary(OLD)
    assert [pool.closed for pool in harness.pools] == [0, 0]


async def test_silent_primary_missed_by_sentinels_is_not_believed() -> None:
    harness = MonitorHarness(FakeSentinel(OLD, 1))
    await harness.monitor.verify_is_primary(OLD)
    harness.answer(FakeSentinel(OLD, 1, sees_it_down=True))
    harness.monitor._answered_at -= 2 * PRIMARY_SILENCE_SECONDS
    for _ in range(2):
        with pytest.raises(MasterNotFoundError, match="is down"):
            await harness.monitor.verify_is_primary(OLD)
    harness.answer(FakeSentinel(OLD, 1))
    await harness.monitor.verify_is_primary(OLD)


async def test_connection_with_pending_replies_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(*_: Any, **__: Any) -> bytes:
        return b"a reply"

    harness = MonitorHarness(FakeSentinel(hangs=True))
    connection: Any = PrimaryConnection(  # type: ignore[no-untyped-call]
        connection_pool=SimpleNamespace(sentinel_manager=harness.monitor)
    )
    monkeypatch.setattr(Connection, "read_response", read)
    monkeypatch.setattr(PrimaryConnection, "disconnect", disconnect := AsyncMock())
    reading = asyncio.create_task(connection.read_response())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    disconnect.assert_awaited_once_with(nowait=True)


async def test_responsive_primary_does_not_ask_sentinels() -> None:
    harness = MonitorHarness(FakeSentinel(OLD, 1))
    await harness.monitor.verify_is_primary(OLD)
    harness.answer()
    await harness.monitor.verify_is_primary(OLD)
