"""Run a loop whose time passes only while every task waits, so that hours pass at once."""

import asyncio
import gc
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")
BEGINNING = 1.0
"""Seconds since boot: few, so that a time of 0 that means "never" fails a test."""


class NothingWillHappenError(AssertionError):
    """Every task waits and no timer is set: the test would hang forever."""


class _PatientSelector(selectors.DefaultSelector):
    """Waits by telling the loop that the time has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINNING

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise NothingWillHappenError
            self.now += max(0.0, timeout)
        return ready


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """A loop that never sleeps."""

    def __init__(self) -> None:
        self._patience = _PatientSelector()
        super().__init__(self._patience)

    def time(self) -> float:
        """The fake time, in seconds."""
        return self._patience.now


def in_fake_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on such a loop; fail it too where anything went wrong in the background."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        complaints: list[dict[str, Any]] = []
        # An exception that nobody asked for is logged when its task is thrown away, so what the test leaves behind is
        # thrown away at its end, and only that, since looking through everything takes a third of a second.
        gc.freeze()
        try:
            with asyncio.Runner(loop_factory=FakeTimeLoop) as runner:
                runner.get_loop().set_exception_handler(lambda _, context: complaints.append(context))
                runner.run(test(*args, **kwargs))
                gc.collect()
        finally:
            gc.unfreeze()
        assert not complaints, complaints

    return run


async def settle() -> None:
    """Let everything run that can run without time passing; a handful of turns wakes any chain of waiters here."""
    for _ in range(20):
        await asyncio.sleep(0)


async def later(seconds: float) -> None:
    """Let time pass, and then everything run that can."""
    await asyncio.sleep(seconds)
    await settle()


def now() -> float:
    """The fake time."""
    return asyncio.get_running_loop().time()
