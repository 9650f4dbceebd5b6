"""A Cluster of three masters with a replica each, as real processes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import redis

from tests.support.stores import Flavour, ServerProcess, lasting_port, wait_for
from tests.support.topologies import ConfiguredServer, Login, Topology, is_following

SHARDS = 3
SLOTS = 16384
NODE_TIMEOUT_MS = 2000
FAILOVER_SECONDS_MAX = 40.0
WHOLE_SECONDS_MAX = 40.0
MIGRATE_MS_MAX = 5000


class Node(NamedTuple):
    """One line of what a server says of the Cluster."""

    id: str
    port: int
    flags: frozenset[str]
    master_id: str
    slots: tuple[range, ...]


class ClusterTopology(Topology):
    """Three masters that have a third of the slots each; a replica takes a master's place after `NODE_TIMEOUT_MS`."""

    def __init__(self, flavour: Flavour, folder: Path, login: Login | None = None) -> None:
        super().__init__(flavour, folder, login)
        self._buses = [lasting_port() for _ in range(2 * SHARDS)]
        self._servers = [self._node(number, bus) for number, bus in enumerate(self._buses)]

    @property
    def servers(self) -> Sequence[ServerProcess]:
        return self._servers

    @property
    def url(self) -> str:
        return f"redis+cluster://{self._before_hosts()}{','.join(f'127.0.0.1:{s.port}' for s in self._servers)}"

    def start(self) -> None:
        for server in self._servers:
            server.start()
        masters = self._servers[:SHARDS]
        for number, master in enumerate(masters):
            first, last = number * SLOTS // SHARDS, (number + 1) * SLOTS // SHARDS - 1
            master.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            master.command("CLUSTER", "ADDSLOTSRANGE", first, last)
        wait_for(self._have_met, WHOLE_SECONDS_MAX)
        for master, replica in zip(masters, self._servers[SHARDS:], strict=True):
            replica.command("CLUSTER", "REPLICATE", _id_of(master))
        self.wait_until_whole()

    def primary_of(self, code: str) -> ServerProcess:
        return self._server(self._owner(self._slot_of(code)))

    def primaries(self) -> list[ServerProcess]:
        return [self._server(node) for node in self._nodes() if node.slots]

    def replica_of(self, primary: ServerProcess) -> ServerProcess:
        """Return the server that would take its place."""
        mine = _id_of(primary)
        return next(self._server(node) for node in self._nodes() if node.master_id == mine and _is_well(node))

    def failover(self, primary: ServerProcess) -> ServerProcess:
        """Have its replica take over from a master that is well, and return the new master once all know it."""
        replica = self.replica_of(primary)
        replica.command("CLUSTER", "FAILOVER")
        wait_for(lambda: all(self._knows_as_primary(other, replica) for other in self._alive()), FAILOVER_SECONDS_MAX)
        return replica

    def wait_for_another_primary(self, than: ServerProcess, code: str) -> ServerProcess:
        """Wait until all that live have the same other server for this party's, and are of good cheer."""

        def another() -> ServerProcess | None:
            found = self.primary_of(code)
            others = self._alive()
            agree = all(self._knows_as_primary(server, found) and _is_ok(server) for server in others)
            return found if found is not than and found in others and agree else None

        found = wait_for(another, FAILOVER_SECONDS_MAX)
        assert found is not None
        return found

    def move_slot(self, code: str, step_taken: Callable[[], None] = lambda: None) -> ServerProcess:
        """Move a party's slot to another master, key after key as `redis-cli --cluster reshard` does; the new master.

        `step_taken` is called between one key and the next, when clients are sent back and forth.
        """
        slot = self._slot_of(code)
        source = self.primary_of(code)
        target = next(server for server in self.primaries() if server is not source)
        target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", _id_of(source))
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", _id_of(target))
        step_taken()
        while keys := source.command("CLUSTER", "GETKEYSINSLOT", slot, 1):
            login = ("AUTH", self.login.password) if self.login else ()
            source.command("MIGRATE", "127.0.0.1", target.port, "", 0, MIGRATE_MS_MAX, *login, "KEYS", *keys)
            step_taken()
        for server in (target, source, *self.primaries()):
            server.command("CLUSTER", "SETSLOT", slot, "NODE", _id_of(target))
        return target

    def wait_until_whole(self) -> None:
        """Wait until nothing of it is missing, and all agree."""
        wait_for(self.is_whole, WHOLE_SECONDS_MAX)

    def is_whole(self) -> bool:
        """Return whether every server is well, agrees on who is who, and every replica follows its master."""
        views = [{(node.id, node.master_id, node.slots) for node in nodes_by(server)} for server in self._servers]
        replicas = [node for node in self._nodes() if node.master_id]
        return (
            all(view == views[0] for view in views)
            and len(replicas) == SHARDS
            and all(_is_ok(server) for server in self._servers)
            and all(is_following(self._server(node)) for node in replicas)
        )

    def _node(self, number: int, bus: int) -> ConfiguredServer:
        return self._configured(
            f"server-{number}",
            "cluster-enabled yes",
            f"cluster-port {bus}",
            "cluster-config-file nodes.conf",
            f"cluster-node-timeout {NODE_TIMEOUT_MS}",
            "cluster-replica-validity-factor 0",
        )

    def _have_met(self) -> bool:
        """Return whether each server knows all others well; the first is introduced to those whom it does not know.

        It forgets whom it has met and did not get to speak to within `NODE_TIMEOUT_MS`, as on a busy machine. And one
        who is not known well yet has another id.
        """
        known = {node.port for node in nodes_by(self._servers[0])}
        for server, bus in zip(self._servers[1:], self._buses[1:], strict=True):
            if server.port not in known:
                self._servers[0].command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
        everybody = {server.port for server in self._servers}
        return all({node.port for node in nodes_by(server) if _is_well(node)} == everybody for server in self._servers)

    def _alive(self) -> list[ServerProcess]:
        return [server for server in self._servers if server.is_running() and not server.is_frozen]

    def _nodes(self) -> list[Node]:
        return nodes_by(self._alive()[0])

    def _slot_of(self, code: str) -> int:
        return int(self._alive()[0].command("CLUSTER", "KEYSLOT", f"party:{code}"))

    def _owner(self, slot: int) -> Node:
        return next(node for node in self._nodes() if any(slot in part for part in node.slots))

    def _server(self, node: Node) -> ServerProcess:
        return next(server for server in self._servers if server.port == node.port)

    def _knows_as_primary(self, asked: ServerProcess, primary: ServerProcess) -> bool:
        return any(node.port == primary.port and bool(node.slots) and _is_well(node) for node in nodes_by(asked))


def nodes_by(server: ServerProcess) -> list[Node]:
    """Return what the server says of the Cluster; nothing where it does not answer."""
    try:
        text = str(server.command("CLUSTER", "NODES"))
    except redis.RedisError:
        return []
    return [_node_from(*line.split()) for line in text.splitlines()]


def _node_from(name: str, address: str, flags: str, master: str, *more: str) -> Node:
    port = int(address.split("@", maxsplit=1)[0].rpartition(":")[2])
    # After the times of its last words, its epoch and its link come its slots, and in brackets those on the move.
    parts = [part.split("-") for part in more[4:] if not part.startswith("[")]
    slots = tuple(range(int(part[0]), int(part[-1]) + 1) for part in parts)
    return Node(name, port, frozenset(flags.split(",")), master.strip("-"), slots)


def _id_of(server: ServerProcess) -> str:
    return str(server.command("CLUSTER", "MYID"))


def _is_well(node: Node) -> bool:
    return not node.flags & {"fail", "fail?", "handshake", "noaddr"}


def _is_ok(server: ServerProcess) -> bool:
    try:
        return "cluster_state:ok" in str(server.command("CLUSTER", "INFO"))
    except redis.RedisError:
        return False
