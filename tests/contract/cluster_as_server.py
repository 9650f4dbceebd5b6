"""A Cluster that tests of the contract ask as if it were one server."""

from pathlib import Path
from typing import Any

import redis

from tests.support.cluster import ClusterTopology

NODE_TIMEOUT_MS = 60_000


class _Admin(redis.RedisCluster):
    """A client that sees the keys of all masters together."""

    def keys(self, pattern: Any = "*", **_: Any) -> Any:
        masters = self.get_primaries()  # type: ignore[no-untyped-call]
        return [key for master in masters for key in super(_Admin, self).keys(pattern, target_nodes=master)]

    def dbsize(self, **_: Any) -> Any:
        return len(self.keys())


class ClusterAsServer:
    """Three masters and their replicas from the embedded engine's Valkey."""

    def __init__(self, folder: Path) -> None:
        self._cluster = ClusterTopology("valkey", folder)
        self._admin: _Admin | None = None

    @property
    def admin(self) -> _Admin:
        """A client of all of it, once it has been started."""
        assert self._admin is not None
        return self._admin

    @property
    def url(self) -> str:
        """What `REDIS_URL` has to be."""
        return self._cluster.url

    def start(self) -> None:
        """Start it, and wait until it is whole."""
        self._cluster.start()
        for server in self._cluster.servers:
            # A server that a busy machine holds up for seconds is still the one that tests have to do with.
            server.command("CONFIG", "SET", "cluster-node-timeout", NODE_TIMEOUT_MS)
        # It asks for the slots when it is made.
        port = self._cluster.servers[0].port
        self._admin = _Admin("127.0.0.1", port, socket_timeout=5, decode_responses=True)

    def stop(self) -> None:
        """End it for good."""
        self._cluster.stop()
        if self._admin is not None:
            self._admin.close()

    def port_of(self, key: str) -> int:
        """The port of the server that has the key."""
        return int(self.admin.get_node_from_key(key).port)  # type: ignore[no-untyped-call]

    def text(self, key: str) -> str:
        """The string under `key`, which must be there."""
        value = self.admin.get(key)
        assert isinstance(value, str)
        return value

    def command(self, *words: str) -> Any:
        """Run a command on every server."""
        return self.admin.execute_command(*words, target_nodes=redis.RedisCluster.ALL_NODES)  # type: ignore[no-untyped-call]
