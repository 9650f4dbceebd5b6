"""Instances and stores for the tests that look from outside. Nothing here imports hubbub."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.instances import Instance
from tests.support.stores import FLAVOURS, StoreServer

MakeInstance = Callable[..., Instance]


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
    first, second = (new_instance(REDIS_HOST="127.0.0.1", REDIS_PORT=str(store.port)).start() for _ in range(2))
    return first, second
