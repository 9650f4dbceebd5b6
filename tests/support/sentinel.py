"""One master, two replicas and three sentinels, as real processes."""

from collections.abc import Sequence
from pathlib import Path

import redis

from tests.support.stores import Flavour, ServerProcess, wait_for
from tests.support.topologies import ConfiguredServer, Login, Topology, is_following

SERVICE = "hubbub"
SENTINELS = 3
REPLICAS = 2
QUORUM = 2
DOWN_AFTER_MS = 1500
FAILOVER_TIMEOUT_MS = 4000
FAILOVER_SECONDS_MAX = 40.0
WHOLE_SECONDS_MAX = 40.0


class SentinelTopology(Topology):
    """A master whose replicas take its place when two of three sentinels miss it for `DOWN_AFTER_MS`."""

    def __init__(self, flavour: Flavour, folder: Path, login: Login | None = None) -> None:
        super().__init__(flavour, folder, login)
        master = self._configured("server-0")
        following = f"replicaof 127.0.0.1 {master.port}"
        self._servers = [master, *(self._configured(f"server-{n + 1}", following) for n in range(REPLICAS))]
        self.sentinels = [self._sentinel(number, master.port) for number in range(SENTINELS)]

    @property
    def servers(self) -> Sequence[ServerProcess]:
        return self._servers

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{self._before_hosts()}{hosts}/{SERVICE}"

    def start(self) -> None:
        for process in (*self._servers, *self.sentinels):
            process.start()
        self.wait_until_whole()

    def stop(self) -> None:
        for sentinel in self.sentinels:
            sentinel.stop()
        super().stop()

    def primary(self) -> ServerProcess:
        """Return the server that most sentinels hold for the master."""
        named = [port for sentinel in self.sentinels if (port := master_port(sentinel))]
        assert named, "no sentinel answers"
        port = max(named, key=named.count)
        return next(server for server in self._servers if server.port == port)

    def primary_of(self, code: str) -> ServerProcess:  # noqa: ARG002 - one has the say over all
        return self.primary()

    def primaries(self) -> list[ServerProcess]:
        return [self.primary()]

    def failover(self) -> None:
        """Have a sentinel make a replica the master though the master is well; returns once it has begun."""

        def is_begun() -> bool:
            try:
                return bool(self.sentinels[0].command("SENTINEL", "FAILOVER", SERVICE))
            except redis.ResponseError:
                return False  # one is going on, or no replica is known to be good yet

        wait_for(is_begun, FAILOVER_SECONDS_MAX)

    def wait_for_another_primary(self, than: ServerProcess) -> ServerProcess:
        """Wait until all sentinels name the same other server, and it takes writes."""

        def another() -> ServerProcess | None:
            named = {master_port(sentinel) for sentinel in self.sentinels}
            found = next((server for server in self._servers if named == {server.port}), None)
            return found if found and found is not than and _role(found) == "master" else None

        found = wait_for(another, FAILOVER_SECONDS_MAX)
        assert found is not None
        return found

    def wait_until_whole(self) -> None:
        """Wait until nothing of it is missing, and all agree."""
        wait_for(self.is_whole, WHOLE_SECONDS_MAX)

    def is_whole(self) -> bool:
        """Return whether every sentinel knows all others and the same master, and both replicas follow it."""
        infos = [_known(sentinel) for sentinel in self.sentinels]
        others = [server for server in self._servers if server is not self.primary()]
        named = {master_port(sentinel) for sentinel in self.sentinels}
        return (
            all(info == (REPLICAS, SENTINELS - 1) for info in infos)
            and named == {self.primary().port}
            and _followers(self.primary()) == REPLICAS
            and all(map(is_following, others))
        )

    def _sentinel(self, number: int, master_port: int) -> ConfiguredServer:
        lines = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {master_port} {QUORUM}",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}",
            f"sentinel parallel-syncs {SERVICE} {REPLICAS}",
        ]
        if self.login:
            lines.append(f"sentinel auth-pass {SERVICE} {self.login.password}")
        return ConfiguredServer(self.flavour, self.folder / f"sentinel-{number}", lines, None, "--sentinel")


def master_port(sentinel: ServerProcess) -> int | None:
    """Which server the sentinel holds for the master, by its port."""
    try:
        found = sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
    except redis.RedisError:
        return None
    return int(found[1])


def _known(sentinel: ServerProcess) -> tuple[int, int]:
    """Return how many replicas and other sentinels this one knows."""
    master = sentinel.admin.sentinel_master(SERVICE)
    assert isinstance(master, dict)
    return master["num-slaves"], master["num-other-sentinels"]


def _followers(server: ServerProcess) -> int:
    """Return how many replicas follow it, as far as it knows."""
    try:
        info = server.admin.info("replication")
    except redis.RedisError:
        return 0
    replicas = [value for name, value in info.items() if name.startswith("slave") and isinstance(value, dict)]
    return sum(replica["state"] == "online" for replica in replicas)


def _role(server: ServerProcess) -> str:
    try:
        return str(server.admin.info("replication")["role"])
    except redis.RedisError:
        return "away"
