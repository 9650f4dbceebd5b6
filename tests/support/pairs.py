"""Two instances on one store of their own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.instances import Instance, start_together
from tests.support.stores import Flavour, StoreServer


class Pair(NamedTuple):
    """Two instances, and the store that they share."""

    here: Instance
    there: Instance
    store: StoreServer

    @property
    def instances(self) -> tuple[Instance, Instance]:
        """Return the two instances."""
        return self.here, self.there


@contextmanager
def started_pair(
    flavour: Flavour, folder: Path, deadlines: Mapping[str, float] | None = None, /, **settings: str
) -> Iterator[Pair]:
    """Start all three, end them afterwards, and fail where an instance met an error that it did not expect."""
    (folder / "store").mkdir()
    store = StoreServer(flavour, folder / "store", "--appendonly", "yes", "--appendfsync", "everysec")
    address = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(store.port)}
    here, there = (Instance(folder, deadlines, **address, **settings) for _ in range(2))
    try:
        store.start()
        start_together(here, there)
        yield Pair(here, there, store)
    finally:
        for instance in (here, there):
            instance.close()
        store.stop()
    for instance in (here, there):
        assert "Traceback" not in instance.errors()
