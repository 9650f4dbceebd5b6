"""The stores that the contract suite runs on: the embedded engine's Valkey and the system's Redis."""

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
"""For tests of what a cluster does otherwise."""


@pytest.fixture(scope="session", params=[*FLAVOURS, CLUSTER])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    folder = tmp_path_factory.mktemp("store")
    server = ClusterAsServer(folder) if request.param == CLUSTER else StoreServer(request.param, folder)
    try:
        server.start()
        # Tests ask nothing of a cluster that they do not ask of one server.
        yield cast("StoreServer", server)
    finally:
        server.stop()


@pytest.fixture
def server(shared_server: StoreServer) -> StoreServer:
    """A running, empty store; leave it running."""
    shared_server.admin.flushall()
    return shared_server


@pytest.fixture(params=FLAVOURS)
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreServer]:
    """A running, empty store for tests that harm it."""
    server = StoreServer(request.param, tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    yield server
    server.stop()


class Instance:
    """What one Hubbub instance has of its store."""

    def __init__(self, url: str, replicas: int = 0) -> None:
        self.changes: list[StoreState] = []
        self.health = StoreHealth()
        self.health.on_change(lambda state, _: self.changes.append(state))
        self.told: list[tuple[str, str]] = []
        self.connections = open_store(parse_store_url(url), StoreTls(), "test", self.health, replicas)
        self.detector = DataLossDetector(self.connections.client, self.health)
        self.store = RedisStore(self.connections.client, self.detector, LEASE_SECONDS, self.connections.create_client)
        self.event_stream = EventStream(self.connections, f"test-{next(_numbers)}", print)
        self.hub = Hub(self.store, self.event_stream, lambda text: text)
        self.healed: list[tuple[str, int]] = []
        self.recovery = Recovery(
            self.store, self.detector, self.hub, LEASE_SECONDS, lambda what, number: self.healed.append((what, number))
        )
        self.rollbacks = Rollbacks(self.store, lambda code, word: self.told.append((code, word)))

    def set_clock_offset_behind(self, seconds: float) -> None:
        """Be wrong about the clocks of all servers, as far as there is word of them."""
        ms = seconds * 1000
        clocks = [(batcher, batcher.clock) for batcher in self._batchers() if batcher.clock is not None]
        assert clocks
        for batcher, clock in clocks:
            batcher.clock = type(clock)(clock.at_least - ms, clock.at_most - ms)

    async def lose_connections(self) -> None:
        """Lose the connections by which calls go."""
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
        """The use cases of this instance."""
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
    """The host of a party that has just begun."""
    return await start_party(store)


@pytest.fixture
def subscriber(server: StoreServer) -> Iterator[Subscriber]:
    """Hears what the party publishes, but not what it published before the test."""
    subscriber = Subscriber(server)
    yield subscriber
    subscriber.close()


@pytest.fixture
def check_invariants(server: StoreServer) -> Iterator[None]:
    """After the test, every party that is still there is sound."""
    yield
    for name in map(str, server.admin.keys("party:*")):
        code = name.removeprefix("party:")
        assert_invariants(code, dump_party(server, code))


def draft(code: str = "BCDFGH", token: str = "", terms: PartyPolicy = TERMS) -> PartyDraft:
    """A party to be created; without a token of one's own, a new one."""
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
    """A try to take a seat; without a token of one's own, a new one."""
    number = next(_numbers)
    return JoinAttempt(code, f"holder-{number}", token or f"token-{number}", f"seat-{number}", name)


async def take_seat(store: RedisStore, code: str = "BCDFGH", token: str = "", name: str = "") -> Lease:
    """Take a seat, which must be given."""
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
    """Wait until something is true that nothing announces; the test's own time limit ends a wait in vain."""
    while not fact():  # noqa: ASYNC110 - a store in another process does not tell
        await asyncio.sleep(0.01)


def soon(seconds: float = 10.0) -> float:
    """A deadline; calls that are to be answered have more time than callers are given, as on a busy machine."""
    return asyncio.get_running_loop().time() + seconds
