"""Two instances on one store, with a hand on every wire between them and the phones."""

from pathlib import Path

from tests.support.haproxy import HaProxy
from tests.support.instances import Instance, start_together
from tests.support.proxy import StoreProxy
from tests.support.stores import StoreServer, lasting_port


class ProxiedPair:
    """Two instances, the store that they share, the proxy that they reach it through, and HAProxy when asked for.

    The instances keep their ports over `kill` and `start`, so a phone finds them where they were.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        (folder / "store").mkdir()
        self._folder = folder
        self._front: HaProxy | None = None
        self.store = StoreServer("valkey", folder / "store", "--appendonly", "yes", "--appendfsync", "everysec")
        self.store_link = StoreProxy(self.store.port)
        address = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.store_link.port)}
        self.here, self.there = (
            Instance(folder, **address, **{"PORT": str(lasting_port()), **settings}) for _ in range(2)
        )

    @property
    def instances(self) -> tuple[Instance, Instance]:
        return self.here, self.there

    @property
    def front(self) -> HaProxy:
        """HAProxy in front of both, as operators are given it; started when first asked for."""
        if self._front is None:
            self._front = HaProxy(self._folder, self.here.port, self.there.port)
            self._front.start()
        return self._front

    def start(self) -> None:
        self.store.start()
        start_together(*self.instances)

    def close(self) -> None:
        if self._front is not None:
            self._front.close()
        for instance in self.instances:
            instance.close()
        self.store_link.close()
        self.store.stop()

    def errors(self) -> list[str]:
        """What the instances that run now wrote of errors that they did not expect."""
        return [instance.errors() for instance in self.instances if "Traceback" in instance.errors()]
