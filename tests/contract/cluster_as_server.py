"""Run a Cluster behind the interface of one server."""

from pathlib import Path
from typing import Any

import redis

from tests.support.cluster import ClusterTopology

NODE_TIMEOUT_MS = 60_000


class _Admin(redis.RedisCluster):
    """List the keys of all primaries together."""

    def keys(self, pattern: Any = "*", **_: Any) -> Any:
        masters = self.get_primaries()  # type: ignore[no-untyped-call]
        return [key for master in masters for key in super(_Admin, self).keys(pattern, target_nodes=master)]

    def dbsize(self, **_: Any) -> Any:
        return len(self.keys())


class ClusterAsServer:
    """Run three primaries and their replicas of the embedded engine's Valkey."""

    def __init__(self, folder: Path) -> None:
        self._cluster = ClusterTopology("valkey", folder)
        self._admin: _Admin | None = None

    @property
    def admin(self) -> _Admin:
        """Return a client of the started Cluster."""
        assert self._admin is not None
        return self._admin

    @property
    def url(self) -> str:
        """Return the value for `REDIS_URL`."""
        return self._cluster.url

    def start(self) -> None:
        """Start it and wait until every slot is served."""
        self._cluster.start()
        for server in self._cluster.servers:
            # Without this, a server that a busy machine delays for seconds is replaced during a test.
            server.command("CONFIG", "SET", "cluster-node-timeout", NODE_TIMEOUT_MS)
        # The client loads the slot map in its constructor.
        port = self._cluster.servers[0].port
        self._admin = _Admin("127.0.0.1", port, socket_timeout=5, decode_responses=True)

    def stop(self) -> None:
        """Stop it for good."""
        self._cluster.stop()
        if self._admin is not None:
            self._admin.close()

    def port_of(self, key: str) -> int:
        """Return the port of the server that has the key."""
        return int(self.admin.get_node_from_key(key).port)  # type: ignore[no-untyped-call]

    def text(self, key: str) -> str:
        """Return the string under `key`, which must exist."""
        value = self.admin.get(key)
        assert isinstance(value, str)
        return value

    def command(self, *words: str) -> Any:
        """Run a command on every server."""
        return self.admin.execute_command(*words, target_nodes=redis.RedisCluster.ALL_NODES)  # type: ignore[no-untyped-call]
