"""How an instance detects that its store has lost data, with checks that overlap."""

import asyncio
from collections.abc import Sequence

import pytest

from hubbub.core.clock import ClockOffset
from hubbub.core.limits import PROBE_BUDGET_SECONDS, PROBE_INTERVAL_SECONDS, RECOVERING_SECONDS
from hubbub.store.client.script_client import Argument
from hubbub.store.generation import CheckMode, DataLossDetector
from hubbub.store.health import StoreHealth, StoreState
from hubbub.store.keys import generation, recovering
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.replies import Reply
from hubbub.store.scripts import GENERATION, Script
from tests.support.fake_time import BEGINNING, in_fake_time, later, now, settle

KEY = "party:BCDFGH"


class FakeScriptClient:
    """Shards with generations that tests set. While `held`, checks wait for a test to answer them."""

    last_clock: ClockOffset | None = None

    def __init__(self, health: StoreHealth, *shards: str) -> None:
        self._health = health
        self.generations: dict[str, tuple[str, int]] = dict.fromkeys(shards or ("0",), ("generation-1", 0))
        self.recovering: set[str] = set()
        self.away: set[str] = set()
        self.checks: list[tuple[float, str, str]] = []
        self.held: list[asyncio.Future[None]] | None = None

    def shards(self) -> Sequence[str]:
        """See `ScriptClient.shards`."""
        return list(self.generations)

    def shard_of(self, key: str) -> str:
        """See `ScriptClient.shard_of`."""
        assert key
        return next(iter(self.generations))

    def clock_of(self, key: str) -> ClockOffset | None:
        """See `ScriptClient.clock_of`."""
        assert key
        return None

    async def call(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        deadline: float,
        *,
        probing: bool = False,
    ) -> Reply:
        """See `ScriptClient.call`: what `generation.lua` does."""
        assert script is GENERATION
        assert probing
        assert deadline > now()
        _, known_id, known_counter, what, wait_ms = args
        assert wait_ms == RECOVERING_SECONDS * 1000
        (shard,) = (shard for shard in self.generations if list(keys) == [generation(shard), recovering(shard)])
        self.checks.append((now(), shard, str(what)))
        if shard in self.away:
            raise StoreUnavailableError(StoreFailure.UNREACHABLE, "away")
        generation_id, counter = self.generations[shard]
        lost = known_id != "" and (known_id != generation_id or int(str(known_counter)) > counter)
        if what != "read":
            counter += 1
            self.generations[shard] = generation_id, counter
        if lost or what == "recover":
            self.recovering.add(shard)
        reply = [0, b"lost" if lost else b"as_known", generation_id.encode(), counter, int(shard in self.recovering)]
        if self.held is not None:
            self.held.append(asyncio.get_running_loop().create_future())
            await self.held[-1]
        self._health.answered()
        return reply


class DetectorHarness:
    """A detector, its fake store, and the losses that it reported."""

    def __init__(self, *shards: str) -> None:
        self.health = StoreHealth()
        self.client = FakeScriptClient(self.health, *shards)
        self.detector = DataLossDetector(self.client, self.health)
        self.losses: list[str] = []
        self.mode = CheckMode.WRITE
        self.detector.attach(self)

    def mode_of(self, shard: str) -> CheckMode:
        """See `DataLossObserver.mode_of`."""
        assert shard
        return self.mode

    def on_data_loss(self, shard: str) -> None:
        """See `DataLossObserver.on_data_loss`."""
        self.losses.append(shard)

    async def confirms_absence(self) -> bool:
        """Return whether the detector confirms an absence."""
        try:
            await self.detector.confirm_absence(KEY, now() + 1)
        except StoreUnavailableError as unavailable:
            if unavailable.failure is not StoreFailure.RECOVERING:
                raise
            return False
        return True


@in_fake_time
async def test_first_check_is_no_data_loss() -> None:
    harness = DetectorHarness()
    assert await harness.confirms_absence()
    assert harness.losses == []


@pytest.mark.parametrize("found", [("generation-2", 0), ("generation-2", 99), ("generation-1", 4)])
def test_other_id_or_lower_counter_is_data_loss(found: tuple[str, int]) -> None:
    @in_fake_time
    async def scene() -> None:
        harness = DetectorHarness()
        harness.client.generations["0"] = ("generation-1", 5)
        assert await harness.confirms_absence()
        harness.client.generations["0"] = found
        assert not await harness.confirms_absence()
        assert harness.losses == ["0"]
        harness.client.recovering.clear()
        assert await harness.confirms_absence()
        assert harness.losses == ["0"]

    scene()


@in_fake_time
async def test_higher_counter_is_no_data_loss() -> None:
    harness = DetectorHarness()
    assert await harness.confirms_absence()
    harness.client.generations["0"] = ("generation-1", 70)
    assert await harness.confirms_absence()
    assert harness.losses == []


@in_fake_time
async def test_same_data_loss_is_reported_once() -> None:
    harness = DetectorHarness()
    assert await harness.confirms_absence()
    harness.client.generations["0"] = ("generation-2", 0)
    assert await asyncio.gather(*(harness.confirms_absence() for _ in range(5))) == [False] * 5
    assert harness.losses == ["0"]


@in_fake_time
async def test_check_answered_before_data_loss_reports_nothing() -> None:
    harness = DetectorHarness()
    assert await harness.confirms_absence()
    harness.client.held = []
    early = asyncio.create_task(harness.confirms_absence())
    await settle()
    harness.client.generations["0"] = ("generation-2", 0)
    late = asyncio.create_task(harness.confirms_absence())
    await settle()
    for answer in reversed(harness.client.held):
        answer.set_result(None)
        await settle()
    assert (await early, await late) == (True, False)
    harness.client.held, harness.client.recovering = None, set()
    assert await harness.confirms_absence()
    assert harness.losses == ["0"]


@in_fake_time
async def test_late_counter_answer_is_no_data_loss() -> None:
    harness = DetectorHarness()
    harness.client.held = []
    checks = [asyncio.create_task(harness.confirms_absence()) for _ in range(2)]
    await settle()
    harness.client.generations["0"] = ("generation-1", 7)
    checks.append(asyncio.create_task(harness.confirms_absence()))
    await settle()
    for answer in reversed(harness.client.held):
        answer.set_result(None)
        await settle()
    assert await asyncio.gather(*checks) == [True, True, True]
    assert harness.losses == []


@in_fake_time
async def test_health_shows_recovery() -> None:
    harness = DetectorHarness("a", "b")
    states: list[StoreState] = []
    harness.health.on_change(lambda state, _: states.append(state))
    watching = asyncio.create_task(harness.detector.run())
    await settle()
    harness.client.recovering = {"b"}
    await later(PROBE_INTERVAL_SECONDS)
    assert (harness.detector.is_recovering("a"), harness.detector.is_recovering("b")) == (False, True)
    await later(PROBE_INTERVAL_SECONDS)
    harness.client.recovering = set()
    await later(PROBE_INTERVAL_SECONDS)
    assert states == [StoreState.CONNECTED, StoreState.RECOVERING, StoreState.CONNECTED]
    watching.cancel()


@in_fake_time
async def test_unreachable_shard_delays_no_other_check() -> None:
    harness = DetectorHarness("a", "b")
    watching = asyncio.create_task(harness.detector.run())
    await settle()
    harness.client.away = {"a"}
    harness.client.generations["b"] = ("generation-2", 0)
    await later(PROBE_INTERVAL_SECONDS + PROBE_BUDGET_SECONDS)
    assert harness.losses == ["b"]
    watching.cancel()


@in_fake_time
async def test_counter_advances_only_with_local_state() -> None:
    harness = DetectorHarness()
    watching = asyncio.create_task(harness.detector.run())
    await settle()
    assert await harness.confirms_absence()
    harness.mode = CheckMode.READ
    await later(PROBE_INTERVAL_SECONDS)
    harness.mode = CheckMode.RECOVER
    await later(PROBE_INTERVAL_SECONDS)
    watching.cancel()
    interval = PROBE_INTERVAL_SECONDS
    assert harness.client.checks == [
        (BEGINNING, "0", "write"),
        (BEGINNING, "0", "read"),
        (BEGINNING + interval, "0", "read"),
        (BEGINNING + 2 * interval, "0", "recover"),
    ]
