"""Start the stores of the contract tests: the embedded engine's Valkey, the system's Redis, and a Cluster."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from hubbub.core.party import PartyDraft, PartyPolicy
from hubbub.core.protocol import Leave
from hubbub.core.results import Accepted, Created, Joined
from hubbub.core.seats import JoinAttempt, Lease
from hubbub.hub.hub import Hub
from hubbub.recovery.recovery import Recovery
from hubbub.services.parties import PartyService
from hubbub.services.rollbacks import Rollbacks
from hubbub.store.client.address import StoreTls, parse_store_url
from hubbub.store.client.batcher import Batcher
from hubbub.store.client.cluster import ClusterScriptClient
from hubbub.store.client.connect import open_store
from hubbub.store.generation import DataLossDetector
from hubbub.store.health import StoreHealth, StoreState
from hubbub.store.pubsub.event_stream import EventStream
from hubbub.store.redis_store import RedisStore
from tests.contract.cluster_as_server import ClusterAsServer
from tests.contract.invariants import assert_invariants
from tests.contract.store_dump import Subscriber, dump_party
from tests.support.stores import FLAVOURS, StoreServer

LEASE_SECONDS = 10
_numbers = itertools.count()
TERMS = PartyPolicy(ttl_seconds=7200, host_grace_seconds=300, seat_hold_seconds=120, capacity=500)


CLUSTER = "cluster"
on_one_server = pytest.mark.parametrize("shared_server", FLAVOURS, indirect=True)
"""For tests that do not apply to a Cluster."""


@pytest.fixture(scope="session", params=[*FLAVOURS, CLUSTER])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    folder = tmp_path_factory.mktemp("store")
    server = ClusterAsServer(folder) if request.param == CLUSTER else StoreServer(request.param, folder)
    try:
        server.start()
        # `ClusterAsServer` has the methods of `StoreServer` that these tests call.
        yield cast("StoreServer", server)
    finally:
        server.stop()


@pytest.fixture
def server(shared_server: StoreServer) -> StoreServer:
    """Return a running, empty store, which the test must leave running."""
    shared_server.admin.flushall()
    return shared_server


@pytest.fixture(params=FLAVOURS)
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreServer]:
    """Start an empty store for one test, which may stop or break it."""
    server = StoreServer(request.param, tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    yield server
    server.stop()


class Instance:
    """Connect to a store as one instance does."""

    def __init__(self, url: str, replicas: int = 0) -> None:
        self.changes: list[StoreState] = []
        self.health = StoreHealth()
        self.health.on_change(lambda state, _: self.changes.append(state))
        self.connections = open_store(parse_store_url(url), StoreTls(), "test", self.health, replicas)
        self.detector = DataLossDetector(self.connections.client, self.health)
        self.store = RedisStore(self.connections.client, self.detector, LEASE_SECONDS, self.connections.create_client)
        self.event_stream = EventStream(self.connections, f"test-{next(_numbers)}", print)
        self.hub = Hub(self.store, self.event_stream, lambda text: text)
        self.recovery = Recovery(
            self.store,
            self.detector,
            self.hub,
            LEASE_SECONDS,
            lambda *_: None,
        )
        self.rollbacks = Rollbacks(self.store, lambda *_: None)

    def set_clock_offset_behind(self, seconds: float) -> None:
        """Move the known offsets of all servers' clocks by some seconds."""
        ms = seconds * 1000
        clocks = [(batcher, batcher.clock) for batcher in self._batchers() if batcher.clock is not None]
        assert clocks
        for batcher, clock in clocks:
            batcher.clock = type(clock)(clock.at_least - ms, clock.at_most - ms)

    async def lose_connections(self) -> None:
        """Close the connections that calls use."""
        for batcher in self._batchers():
            await batcher._pool.disconnect()

    async def aclose(self) -> None:
        """Close all connections."""
        await self.connections.aclose()

    def _batchers(self) -> list[Batcher]:
        if isinstance(self.connections.client, ClusterScriptClient):
            return list(self.connections.client._batchers.values())
        assert isinstance(self.connections.client, Batcher)
        return [self.connections.client]

    def service(self, choose: Callable[[Sequence[str]], str] = secrets.choice) -> PartyService:
        """Build the party service of this instance."""
        return PartyService(self.store, self.hub, self.rollbacks, self.recovery, TERMS, choose)


@pytest.fixture
async def instance(server: StoreServer) -> AsyncIterator[Instance]:
    instance = Instance(server.url)
    yield instance
    await instance.aclose()


@pytest.fixture
def store(instance: Instance) -> RedisStore:
    return instance.store


@pytest.fixture
async def host(store: RedisStore) -> Lease:
    """Start a party and return its host's lease."""
    return await start_party(store)


@pytest.fixture
def subscriber(server: StoreServer) -> Iterator[Subscriber]:
    """Subscribe to the party's events from the start of the test."""
    subscriber = Subscriber(server)
    yield subscriber
    subscriber.close()


@pytest.fixture
def check_invariants(server: StoreServer) -> Iterator[None]:
    """Check the invariants of every stored party after the test."""
    yield
    for name in map(str, server.admin.keys("party:*")):
        code = name.removeprefix("party:")
        assert_invariants(code, dump_party(server, code))


def draft(code: str = "BCDFGH", token: str = "", terms: PartyPolicy = TERMS) -> PartyDraft:
    """Build a draft of a party. Without `token` it has a new one."""
    number = next(_numbers)
    return PartyDraft(
        code=code,
        id=f"party-{number}",
        host_id=f"host-{number}",
        host_name="Ann",
        host_token_hash=token or f"token-{number}",
        terms=terms,
    )


def attempt(code: str = "BCDFGH", token: str = "", name: str = "") -> JoinAttempt:
    """Build an attempt to join. Without `token` it has a new one."""
    number = next(_numbers)
    return JoinAttempt(code, f"holder-{number}", token or f"token-{number}", f"seat-{number}", name)


async def take_seat(store: RedisStore, code: str = "BCDFGH", token: str = "", name: str = "") -> Lease:
    """Join, which must succeed."""
    mine = attempt(code, token, name)
    joined = await store.join(mine, soon())
    assert isinstance(joined, Joined)
    return Lease(code, joined.member_id, mine.holder)


async def start_party(store: RedisStore, terms: PartyPolicy = TERMS, code: str = "BCDFGH", token: str = "") -> Lease:
    """Create a party and seat its host."""
    party = draft(code, token, terms)
    assert isinstance(await store.create(party, soon()), Created)
    return await take_seat(store, code, party.host_token_hash)


async def end_party(store: RedisStore, party: PartyDraft) -> None:
    """End a party as its host does."""
    host = await take_seat(store, party.code, party.host_token_hash)
    assert await store.execute(host, Leave(), soon()) == Accepted()


async def wait_until(fact: Callable[[], object]) -> None:
    """Poll until `fact` is true. The test's timeout ends the wait otherwise."""
    while not fact():  # noqa: ASYNC110 - a store in another process sends no notification
        await asyncio.sleep(0.01)


def soon(seconds: float = 10.0) -> float:
    """Return a deadline. It is later than that of real callers, so that a busy machine fails no test."""
    return asyncio.get_running_loop().time() + seconds
