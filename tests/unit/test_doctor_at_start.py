"""Log the doctor's findings at startup."""

from collections.abc import Iterator
from typing import cast

import pytest
import structlog
from msgspec.structs import replace
from redis.asyncio import ConnectionPool
from structlog.testing import LogCapture
from structlog.typing import FilteringBoundLogger

from hubbub.doctor import run as doctor
from hubbub.doctor.facts import Facts
from hubbub.doctor.run import Server, check_at_start
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.support.store_facts import CONFIG, HEALTHY

SERVER = Server("store", ConnectionPool())
LOADING = StoreUnavailableError(StoreFailure.LOADING, "the store is loading its data")
UNREACHABLE = StoreUnavailableError(StoreFailure.UNREACHABLE, "nobody listens")


class Inspections:
    """What each look at the store gives in turn."""

    def __init__(self, *answers: Facts | Exception) -> None:
        self.answers: Iterator[Facts | Exception] = iter(answers)

    async def __call__(self, server: Server, round_trips: int) -> Facts:
        assert server is SERVER
        assert round_trips > 0
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def logged(monkeypatch: pytest.MonkeyPatch, *answers: Facts | Exception) -> list[tuple[str, str]]:
    """Level and check, or text, of each line that these looks at the store leave in the log."""
    monkeypatch.setattr(doctor, "inspect", Inspections(*answers))
    monkeypatch.setattr(doctor, "DOCTOR_RETRY_SECONDS", 0)
    capture = LogCapture()
    wrapper = structlog.make_filtering_bound_logger("INFO")
    log = structlog.wrap_logger(None, [capture], wrapper_class=wrapper)
    await check_at_start([SERVER], 0, cast("FilteringBoundLogger", log))
    return [(line["log_level"], line.get("check") or line.get("summary") or line["event"]) for line in capture.entries]


async def test_healthy_store_is_one_log_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await logged(monkeypatch, HEALTHY) == [("info", "13 checks: 13 ok")]


async def test_finding_is_logged_at_its_severity(monkeypatch: pytest.MonkeyPatch) -> None:
    ill = replace(HEALTHY, role="replica", config={**CONFIG, "maxmemory-policy": "allkeys-lru"}, info=None)
    assert await logged(monkeypatch, ill) == [
        ("error", "role"),
        ("warning", "eviction"),
        ("info", "memory"),
        ("info", "persistence"),
        ("info", "13 checks: 9 ok, 2 not permitted, 1 warning, 1 problem"),
    ]


async def test_start_waits_for_unreachable_or_loading_store(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = replace(HEALTHY, refusal=LOADING)
    assert await logged(monkeypatch, UNREACHABLE, UNREACHABLE, loading, HEALTHY) == [("info", "13 checks: 13 ok")]


async def test_nonsense_reply_does_not_stop_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await logged(monkeypatch, ValueError("nonsense")) == [("error", "doctor failed")]
