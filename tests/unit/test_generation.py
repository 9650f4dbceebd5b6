"""How an instance learns that its store has lost data, by looks that may cross."""

import asyncio
from collections.abc import Sequence

import pytest

from hubbub.core.clock import ClockOffset
from hubbub.core.limits import PROBE_BUDGET_SECONDS, PROBE_INTERVAL_SECONDS, RECOVERING_SECONDS
from hubbub.store.client.script_client import Argument
from hubbub.store.generation import DataLossDetector
from hubbub.store.health import StoreHealth, StoreState
from hubbub.store.keys import generation, recovering
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.replies import Reply
from hubbub.store.scripts import GENERATION, Script
from tests.support.fake_time import BEGINNING, in_fake_time, later, now, settle

KEY = "party:BCDFGH"


class FakeScriptClient:
    """Shards whose lives tests write. While `held`, looks are answered when they are let go."""

    last_clock: ClockOffset | None = None

    def __init__(self, health: StoreHealth, *shards: str) -> None:
        self._health = health
        self.lives: dict[str, tuple[str, int]] = dict.fromkeys(shards or ("0",), ("life-1", 0))
        self.recovering: set[str] = set()
        self.away: set[str] = set()
        self.looks: list[tuple[float, str, str]] = []
        self.held: list[asyncio.Future[None]] | None = None

    def shards(self) -> Sequence[str]:
        """See `ScriptClient.shards`."""
        return list(self.lives)

    def shard_of(self, key: str) -> str:
        """See `ScriptClient.shard_of`."""
        assert key
        return next(iter(self.lives))

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
        _, known_id, known_beat, what, wait_ms = args
        assert wait_ms == RECOVERING_SECONDS * 1000
        (shard,) = (shard for shard in self.lives if list(keys) == [generation(shard), recovering(shard)])
        self.looks.append((now(), shard, str(what)))
        if shard in self.away:
            raise StoreUnavailableError(StoreFailure.UNREACHABLE, "away")
        life_id, beat = self.lives[shard]
        lost = known_id != "" and (known_id != life_id or int(str(known_beat)) > beat)
        if what != "read":
            beat += 1
            self.lives[shard] = life_id, beat
        if lost or what == "recover":
            self.recovering.add(shard)
        reply = [0, b"lost" if lost else b"as_known", life_id.encode(), beat, int(shard in self.recovering)]
        if self.held is not None:
            self.held.append(asyncio.get_running_loop().create_future())
            await self.held[-1]
        self._health.answered()
        return reply


class Ward:
    """A life, its store, and the losses it told of."""

    def __init__(self, *shards: str) -> None:
        self.health = StoreHealth()
        self.client = FakeScriptClient(self.health, *shards)
        self.detector = DataLossDetector(self.client, self.health)
        self.losses: list[str] = []
        self.detector.on_data_loss(self.losses.append)

    async def believes(self) -> bool:
        """Whether an absence is believed."""
        try:
            await self.detector.confirm_absence(KEY, now() + 1)
        except StoreUnavailableError as unavailable:
            if unavailable.failure is not StoreFailure.RECOVERING:
                raise
            return False
        return True


@in_fake_time
async def test_first_check_is_no_data_loss() -> None:
    ward = Ward()
    assert await ward.believes()
    assert ward.losses == []


@pytest.mark.parametrize("life", [("life-2", 0), ("life-2", 99), ("life-1", 4)])
def test_other_id_or_lower_counter_is_data_loss(life: tuple[str, int]) -> None:
    @in_fake_time
    async def scene() -> None:
        ward = Ward()
        ward.client.lives["0"] = ("life-1", 5)
        assert await ward.believes()
        ward.client.lives["0"] = life
        assert not await ward.believes()
        assert ward.losses == ["0"]
        ward.client.recovering.clear()
        assert await ward.believes()
        assert ward.losses == ["0"]

    scene()


@in_fake_time
async def test_higher_counter_is_no_data_loss() -> None:
    ward = Ward()
    assert await ward.believes()
    ward.client.lives["0"] = ("life-1", 70)
    assert await ward.believes()
    assert ward.losses == []


@in_fake_time
async def test_same_data_loss_is_reported_once() -> None:
    ward = Ward()
    assert await ward.believes()
    ward.client.lives["0"] = ("life-2", 0)
    assert await asyncio.gather(*(ward.believes() for _ in range(5))) == [False] * 5
    assert ward.losses == ["0"]


@in_fake_time
async def test_check_answered_before_data_loss_reports_nothing() -> None:
    ward = Ward()
    assert await ward.believes()
    ward.client.held = []
    early = asyncio.create_task(ward.believes())
    await settle()
    ward.client.lives["0"] = ("life-2", 0)
    late = asyncio.create_task(ward.believes())
    await settle()
    for answer in reversed(ward.client.held):
        answer.set_result(None)
        await settle()
    assert (await early, await late) == (True, False)
    ward.client.held, ward.client.recovering = None, set()
    assert await ward.believes()
    assert ward.losses == ["0"]


@in_fake_time
async def test_late_counter_answer_is_no_data_loss() -> None:
    ward = Ward()
    ward.client.held = []
    beats = [asyncio.create_task(ward.believes()) for _ in range(2)]
    await settle()
    ward.client.lives["0"] = ("life-1", 7)
    beats.append(asyncio.create_task(ward.believes()))
    await settle()
    for answer in reversed(ward.client.held):
        answer.set_result(None)
        await settle()
    assert await asyncio.gather(*beats) == [True, True, True]
    assert ward.losses == []


@in_fake_time
async def test_health_shows_recovery() -> None:
    ward = Ward("a", "b")
    states: list[StoreState] = []
    ward.health.on_change(lambda state, _: states.append(state))
    watching = asyncio.create_task(ward.detector.run())
    await settle()
    ward.client.recovering = {"b"}
    await later(PROBE_INTERVAL_SECONDS)
    assert (ward.detector.is_recovering("a"), ward.detector.is_recovering("b")) == (False, True)
    await later(PROBE_INTERVAL_SECONDS)
    ward.client.recovering = set()
    await later(PROBE_INTERVAL_SECONDS)
    assert states == [StoreState.CONNECTED, StoreState.RECOVERING, StoreState.CONNECTED]
    watching.cancel()


@in_fake_time
async def test_unreachable_shard_delays_no_other_check() -> None:
    ward = Ward("a", "b")
    watching = asyncio.create_task(ward.detector.run())
    await settle()
    ward.client.away = {"a"}
    ward.client.lives["b"] = ("life-2", 0)
    await later(PROBE_INTERVAL_SECONDS + PROBE_BUDGET_SECONDS)
    assert ward.losses == ["b"]
    watching.cancel()


@in_fake_time
async def test_counter_advances_only_with_local_state() -> None:
    ward = Ward()
    watching = asyncio.create_task(ward.detector.run())
    await settle()
    assert await ward.believes()
    ward.detector.has_local_state = lambda: False
    await later(PROBE_INTERVAL_SECONDS)
    ward.detector.healing.add("0")
    await later(PROBE_INTERVAL_SECONDS)
    watching.cancel()
    interval = PROBE_INTERVAL_SECONDS
    assert ward.client.looks == [
        (BEGINNING, "0", "write"),
        (BEGINNING, "0", "read"),
        (BEGINNING + interval, "0", "read"),
        (BEGINNING + 2 * interval, "0", "recover"),
    ]
