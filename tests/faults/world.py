"""A small world: a store, instances on it as real processes, and a proxy before each where the store is one server."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from tests.support.cluster import ClusterTopology
from tests.support.instances import Instance
from tests.support.proxy import StoreProxy
from tests.support.sentinel import SentinelTopology
from tests.support.stores import Flavour, lasting_port, wait_for
from tests.support.topologies import Single, Topology

Kind = Literal["single", "sentinel", "cluster"]
# Ghosts go after a lease; a short one keeps the tests short.
LEASE_SECONDS = 3
INSTANCES = 3
T = TypeVar("T")


class World:
    """A store of that kind and three instances."""

    def __init__(self, kind: Kind, flavour: Flavour, folder: Path) -> None:
        (folder / "store").mkdir()
        self.kind = kind
        self.flavour = flavour
        self._folder = folder
        self.topology = _topology(kind, flavour, folder / "store")
        self.links: list[StoreProxy] = []
        self.instances: list[Instance] = []

    def start(self, older_source: Path | None = None) -> None:
        """Start everything; the first instance from the older source, where one is given."""
        self.topology.start()
        for number in range(INSTANCES):
            more = {"PYTHONPATH": str(older_source)} if older_source and number == 0 else {}
            settings = {"PORT": str(lasting_port()), "LEASE_SECONDS": str(LEASE_SECONDS), **more}
            self.instances.append(Instance(self._folder, REDIS_URL=self._store_url(), **settings))
        for instance in self.instances:
            instance.spawn()
        for instance in self.instances:
            instance.wait_until_listening()
        for instance in self.instances:
            wait_for(lambda: is_ready(instance))  # noqa: B023 - asked at once

    def close(self) -> None:
        """End everything."""
        for instance in self.instances:
            instance.close()
        for link in self.links:
            link.close()
        self.topology.stop()

    def errors(self) -> list[str]:
        """Return what the instances wrote of errors that they did not expect."""
        return [instance.errors() for instance in self.instances if "Traceback" in instance.errors()]

    def ports(self) -> list[int]:
        """Where instances can be tried, dead ones included."""
        return [instance.port for instance in self.instances]

    @property
    def single(self) -> Single:
        """Return the one server, where there is one."""
        assert isinstance(self.topology, Single)
        return self.topology

    @property
    def sentinel(self) -> SentinelTopology:
        """Return the servers under Sentinel, where there are any."""
        assert isinstance(self.topology, SentinelTopology)
        return self.topology

    @property
    def cluster(self) -> ClusterTopology:
        """Return the Cluster, where there is one."""
        assert isinstance(self.topology, ClusterTopology)
        return self.topology

    def _store_url(self) -> str:
        if self.kind != "single":
            return self.topology.url
        self.links.append(StoreProxy(self.single.server.port))
        return f"redis://127.0.0.1:{self.links[-1].port}"


def is_ready(instance: Instance) -> bool:
    """Return whether guests may be sent to it."""
    return instance.call("GET", "/ready").status == 200


def _topology(kind: Kind, flavour: Flavour, folder: Path) -> Topology:
    match kind:
        case "single":
            return Single(flavour, folder)
        case "sentinel":
            return SentinelTopology(flavour, folder)
        case "cluster":
            return ClusterTopology(flavour, folder)


async def aside(act: Callable[[], T]) -> T:
    """Do what takes its time without holding up the phones."""
    return await asyncio.to_thread(act)
