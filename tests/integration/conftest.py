"""Instances and stores for the tests that look from outside. Nothing here imports hubbub."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.client_sync import SyncClient
from tests.support.instances import PATIENT, Instance, start_together
from tests.support.pairs import Pair, started_pair
from tests.support.party_view import PartyView
from tests.support.stores import FLAVOURS, StoreServer

MakeInstance = Callable[..., Instance]
MakeClient = Callable[..., SyncClient]


class Party(NamedTuple):
    """A party with its host on one instance and a guest on the other."""

    host: SyncClient
    guest: SyncClient

    @property
    def clients(self) -> tuple[SyncClient, SyncClient]:
        """Both clients."""
        return self.host, self.guest


@pytest.fixture
def new_instance(tmp_path: Path) -> Iterator[MakeInstance]:
    """Makes instances that share one data folder, and ends them all afterwards."""
    made: list[Instance] = []

    def make(**settings: str) -> Instance:
        made.append(Instance(tmp_path, **settings))
        return made[-1]

    yield make
    for instance in made:
        instance.close()


@pytest.fixture(params=FLAVOURS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreServer]:
    """A store of a test's own."""
    folder = tmp_path / "store"
    folder.mkdir()
    server = StoreServer(request.param, folder, "--appendonly", "yes", "--appendfsync", "everysec")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def pair(store: StoreServer, new_instance: MakeInstance) -> tuple[Instance, Instance]:
    """Two instances on one store."""
    first, second = (new_instance(REDIS_HOST="127.0.0.1", REDIS_PORT=str(store.port)) for _ in range(2))
    start_together(first, second)
    return first, second


@pytest.fixture(scope="session", params=FLAVOURS)
def shared_pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two instances for all tests of this process that do them no harm; each test makes parties of its own."""
    with started_pair(request.param, tmp_path_factory.mktemp("pair"), PATIENT) as pair:
        yield pair


@pytest.fixture
def new_client() -> Iterator[MakeClient]:
    """Makes clients; at the end what they have heard but not looked at is checked for holes too."""
    made: list[SyncClient] = []

    def make(instance: Instance, view: PartyView | None = None, origin: str | None = None) -> SyncClient:
        made.append(SyncClient(instance, view, origin))
        return made[-1]

    yield make
    for client in made:
        client.listen()
    for client in made:
        client.hang_up()


@pytest.fixture
def party(shared_pair: Pair, new_client: MakeClient) -> Party:
    """Return a party of two, over two instances."""
    host, guest = new_client(shared_pair.here), new_client(shared_pair.there)
    host.create(name="Ann")
    guest.join(host.code, name="Bob")
    host.wait_for_message("MEMBER_JOINED")
    return Party(host, guest)
