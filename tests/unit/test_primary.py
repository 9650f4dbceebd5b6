"""Whom an instance believes to be primary under Sentinel."""

import asyncio
from typing import Any, NamedTuple

import pytest
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import ConnectionError as RedisConnectionError

from hubbub.core.limits import PRIMARY_SILENCE_SECONDS
from hubbub.store.primary import PrimaryWatch, Sentinels

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


class FakeSentinel(NamedTuple):
    """What a sentinel answers; nothing ever where it hangs."""

    names: tuple[str, int] = OLD
    epoch: int = 1
    sees_it_down: bool = False
    was: tuple[str, int] | None = None
    """The primary before, whose state it still tells."""
    is_gone: bool = False
    hangs: bool = False

    async def sentinel_master(self, _: str) -> dict[str, Any]:
        if self.is_gone:
            raise RedisConnectionError("gone")
        if self.hangs:
            await asyncio.Event().wait()
        host, port = self.was or self.names
        down = {"is_sdown": self.sees_it_down, "is_odown": False}
        return {"config-epoch": self.epoch, "ip": host, "port": port, **down}

    async def execute_command(self, *_: str) -> list[bytes]:
        return [self.names[0].encode(), str(self.names[1]).encode()]


def sentinels(*fakes: Any) -> Sentinels:
    found = Sentinels([])  # type: ignore[no-untyped-call]
    found.sentinels = list(fakes)
    return found


@pytest.mark.parametrize(
    ("fakes", "believed"),
    [
        pytest.param([FakeSentinel(OLD, 1), FakeSentinel(NEW, 2)], NEW, id="the latest succession"),
        pytest.param([FakeSentinel(NEW, 2), FakeSentinel(OLD, 1), FakeSentinel(OLD, 1)], NEW, id="against a majority"),
        pytest.param([FakeSentinel(is_gone=True), FakeSentinel(hangs=True), FakeSentinel(NEW, 2)], NEW, id="one left"),
        pytest.param([FakeSentinel(sees_it_down=True), FakeSentinel()], OLD, id="one sentinel is cut off from it"),
        pytest.param([FakeSentinel(NEW, 2, sees_it_down=True, was=OLD)], NEW, id="named before all follow it"),
    ],
)
async def test_who_is_believed(fakes: list[FakeSentinel], believed: tuple[str, int]) -> None:
    assert await sentinels(*fakes).discover_master("main") == believed


@pytest.mark.parametrize(
    ("fakes", "why"),
    [
        pytest.param([FakeSentinel(is_gone=True)] * 2, "no sentinel tells who is primary of 'main': gone", id="gone"),
        pytest.param([FakeSentinel(sees_it_down=True)] * 2, "the primary of 'main' is down", id="down"),
    ],
)
async def test_nobody_is_primary(fakes: list[FakeSentinel], why: str) -> None:
    with pytest.raises(MasterNotFoundError, match=why):
        await sentinels(*fakes).discover_master("main")


class FakePool:
    """Counts how often its connections were given up."""

    def __init__(self, _: PrimaryWatch) -> None:
        self.given_up = 0

    async def disconnect(self) -> None:
        self.given_up += 1


class Watched:
    """A watch, its sentinels, and two pools."""

    def __init__(self, *fakes: Any) -> None:
        self.sentinels = sentinels(*fakes)
        self.watch = PrimaryWatch(self.sentinels, "main", FakePool)  # type: ignore[arg-type]
        self.pools: list[Any] = [self.watch.new_pool() for _ in range(2)]

    def answer(self, *fakes: Any) -> None:
        """Have the sentinels answer that from now on."""
        self.sentinels.sentinels = list(fakes)


async def test_after_a_silence_an_answer_of_a_primary_that_was_replaced_is_refused() -> None:
    watched = Watched(FakeSentinel(OLD, 1))
    await watched.watch.vouch_for(OLD)
    watched.answer(FakeSentinel(NEW, 2))
    watched.watch._heard_at -= 2 * PRIMARY_SILENCE_SECONDS
    # Whoever else hears from it meanwhile waits for the same word.
    told = await asyncio.gather(*(watched.watch.vouch_for(OLD) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [RedisConnectionError] * 3
    assert [pool.given_up for pool in watched.pools] == [1, 1]
    await watched.watch.vouch_for(NEW)


async def test_after_a_silence_a_primary_is_believed_whose_sentinels_are_all_gone() -> None:
    watched = Watched(FakeSentinel(OLD, 1))
    await watched.watch.vouch_for(OLD)
    watched.answer(FakeSentinel(is_gone=True))
    watched.watch._heard_at -= 2 * PRIMARY_SILENCE_SECONDS
    await watched.watch.vouch_for(OLD)
    assert [pool.given_up for pool in watched.pools] == [0, 0]


async def test_without_a_silence_the_sentinels_are_not_asked() -> None:
    watched = Watched(FakeSentinel(OLD, 1))
    await watched.watch.vouch_for(OLD)
    watched.answer()
    await watched.watch.vouch_for(OLD)
