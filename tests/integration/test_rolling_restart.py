"""Two instances behind HAProxy, restarted one after the other under live parties: no client loses anything."""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.faults import history as h
from tests.faults.callers import Caller, Parties, session
from tests.faults.checker import APART, check
from tests.faults.scenario import Scale, Scenario, end
from tests.integration.conftest import MakeInstance
from tests.support.haproxy import HaProxy
from tests.support.instances import Instance
from tests.support.stores import lasting_port, wait_for
from tests.support.topologies import Single

NEVER_SECONDS = 3600.0
# A phone has 5 s to come back, at a random moment; here it hurries, for the test's sake.
SCALE = Scale(
    parties=5,
    guests=8,
    chat_pause_seconds=0.1,
    visit_pause_seconds=NEVER_SECONDS,
    call_pause_seconds=0.02,
    jitter_seconds=1.0,
    patience_seconds=15.0,
)
DRAIN_SECONDS_MAX = 10.0
SERVICE_RESTART = 1012


class Stage(NamedTuple):
    """Two instances on one store, and the proxy in front of them, through which all clients come."""

    a: Instance
    b: Instance
    proxy: HaProxy
    topology: Single

    def ports(self) -> list[int]:
        """Return the only port that clients know."""
        return [self.proxy.port]


@pytest.fixture
def stage(tmp_path: Path, new_instance: MakeInstance) -> Iterator[Stage]:
    (tmp_path / "store").mkdir()
    topology = Single("redis", tmp_path / "store")
    topology.start()
    a, b = (new_instance(PORT=str(lasting_port()), REDIS_URL=topology.url).start() for _ in range(2))
    proxy = HaProxy(tmp_path, a.port, b.port)
    try:
        proxy.start()
        yield Stage(a, b, proxy, topology)
    finally:
        proxy.close()
        topology.stop()


async def test_rolling_restart_costs_no_seat_and_reports_no_leave(stage: Stage) -> None:
    history = h.History()
    async with Scenario(stage, history, SCALE, seed=1) as scenario:
        async with calls_on_new_connections(stage, history, scenario):
            drains = [await restarted(stage, name, instance) for name, instance in (("a", stage.a), ("b", stage.b))]
            assert await scenario.until_all_is_back()
        await scenario.rest()
        assert scenario.is_synced()
        closings = Counter(entry.close_code for entry in history.of(h.Closed))
        clients = [client for party in scenario.parties for client in party.phones]
    sys.stdout.write(f"{len(clients)} clients, closed with {dict(closings)}, drains {drains}\n")
    breaches = [breach for breach in check(history) if breach.rule not in APART]
    assert breaches == []
    # Every client was on one of the two, and each instance that ended sent its clients on.
    assert closings.keys() == {SERVICE_RESTART}
    assert closings.total() >= len(clients)
    assert max(drains) <= DRAIN_SECONDS_MAX
    events = list(history.of(h.EventReceived))
    assert not [event for event in events if event.kind in {"MEMBER_LEFT", "ENDED"}]
    assert not [event for event in events if event.kind == "MEMBER_UPDATED" and event.subject]
    expect_only_honest_refusals(history)
    expect_every_granted_message_heard(history, [client.client for client in clients])


def expect_only_honest_refusals(history: h.History) -> None:
    """See that no call failed but by a store that the busy machine stalled.

    HAProxy does not repeat a create without a key, so it may answer that by itself.
    """
    calls = list(history.of(h.HttpCall))
    assert any(call.verb == "join" and call.status == 200 for call in calls)
    asked = {call.reason for call in calls if call.verb != "create" and call.status != 200}
    created = {call.reason for call in calls if call.verb == "create" and call.status != 200}
    sent = {answer.reason for answer in history.of(h.MessageAnswered) if answer.reason}
    assert asked | sent <= {"store_unavailable"}
    assert created <= {"store_unavailable", "no_instance"}


def expect_every_granted_message_heard(history: h.History, clients: list[str]) -> None:
    """See that each client received every granted message of its party, as an event or in a snapshot."""
    homes = {entry.client: entry.code for entry in history.of(h.Entered)}
    granted = {(answer.code, answer.text) for answer in history.of(h.MessageAnswered) if not answer.reason}
    assert {code for code, _ in granted} == set(homes.values())
    heard: set[tuple[str, str]] = {(event.client, event.subject) for event in history.of(h.EventReceived)}
    heard |= {(room.client, text) for room in history.of(h.RoomReceived) for text in room.texts}
    missed = [(c, text) for c in clients for code, text in granted if code == homes[c] and (c, text) not in heard]
    assert missed == []


@asynccontextmanager
async def calls_on_new_connections(stage: Stage, history: h.History, scenario: Scenario) -> AsyncIterator[None]:
    """Call all the time, each call over a connection of its own; the scenario's callers keep theirs."""
    async with session(is_lasting=False) as http:
        caller = Caller(history, http, stage.proxy.port)
        known = Parties(lambda: [party.code for party in scenario.parties], random.Random(1))
        calling = asyncio.create_task(caller.call_on(known, SCALE.call_pause_seconds))
        yield
        await end(calling)


async def restarted(stage: Stage, name: str, instance: Instance) -> float:
    """Stop the instance, start another in its place, wait until the proxy uses it; return the seconds of its drain."""
    asked_at = time.monotonic()
    assert await asyncio.to_thread(instance.terminate) == 0
    drain = time.monotonic() - asked_at
    assert "Traceback" not in instance.errors()
    await asyncio.to_thread(instance.start)
    await asyncio.to_thread(wait_for, lambda: stage.proxy.is_up(name) and instance.call("GET", "/ready").status == 200)
    return drain


def test_proxy_forwards_requests_and_answers_its_own(stage: Stage) -> None:
    url = f"http://127.0.0.1:{stage.proxy.port}"
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(f"ws://127.0.0.1:{stage.proxy.port}/ws", origin=Origin("http://elsewhere.example"), proxy=None),
    ):
        pass
    assert requests.get(f"{url}/health", headers={"X-Request-Id": "mine"}, timeout=5).headers["X-Request-Id"] == "mine"
    stage.topology.server.freeze()
    wait_for(lambda: not stage.proxy.is_up("a") and not stage.proxy.is_up("b"))
    told = requests.post(f"{url}/api/join-party", json={"partyCode": "BCDFGH"}, timeout=5)
    assert (told.status_code, told.json()["reason"]) == (503, "store_unavailable")
    assert requests.get(f"{url}/", timeout=5).status_code == 200
    stage.a.kill()
    stage.b.kill()
    told = requests.get(f"{url}/", timeout=5)
    assert (told.status_code, told.json()["reason"], told.json()["retryable"]) == (503, "no_instance", True)
