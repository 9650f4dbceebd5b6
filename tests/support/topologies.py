"""Stores as operators run them: one server, several under Sentinel (`sentinel.py`) or a Cluster (`cluster.py`)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import redis

from tests.support.stores import Flavour, ServerProcess, StoreServer, store_program


class Login(NamedTuple):
    """What stands before the hosts of an address, and what lets it in.

    `password` is the default user's, by which servers trust each other too; a `user` of its own has the rights of
    `rule`.
    """

    password: str
    user: str = ""
    rule: Sequence[str] = ()

    def settings(self) -> list[str]:
        """Return the lines of a server's configuration."""
        lines = [f"requirepass {self.password}", f"masterauth {self.password}"]
        return lines + [f"user {self.user} on >{self.password} {' '.join(self.rule)}"] * bool(self.user)


class ConfiguredServer(ServerProcess):
    """A server whose settings lie in a file, so that Sentinel can change them permanently."""

    def __init__(self, flavour: Flavour, folder: Path, lines: Sequence[str], login: Login | None, *more: str) -> None:
        folder.mkdir()
        self.folder = folder
        self._file = folder / "server.conf"
        super().__init__([store_program(flavour), str(self._file), *more], login.password if login else None)
        self._file.write_text("\n".join([f"port {self.port}", f"dir {folder}", "daemonize no", *lines, ""]))


class Topology(ABC):
    """Servers that are one store for Hubbub."""

    def __init__(self, flavour: Flavour, folder: Path, login: Login | None = None) -> None:
        self.flavour = flavour
        self.folder = folder
        self.login = login

    @property
    @abstractmethod
    def servers(self) -> Sequence[ServerProcess]:
        """Return all that keep parties."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Return what `REDIS_URL` has to be."""

    @abstractmethod
    def start(self) -> None:
        """Start everything and wait until it is ready."""

    @abstractmethod
    def primary_of(self, code: str) -> ServerProcess:
        """Return the server that has the say over that party at the moment."""

    @abstractmethod
    def primaries(self) -> list[ServerProcess]:
        """Return every server that has the say over some parties at the moment."""

    def stop(self) -> None:
        """End everything for good."""
        for server in self.servers:
            server.stop()

    def documents(self) -> dict[str, str]:
        """Return what lies under every `party:CODE`, by code."""
        return {
            name.removeprefix("party:"): text
            for server in self.primaries()
            for name in map(str, server.admin.scan_iter("party:*", count=1000))
            if isinstance(text := server.admin.get(name), str)
        }

    def _before_hosts(self) -> str:
        return f"{self.login.user}:{self.login.password}@" if self.login else ""

    def _configured(self, name: str, *lines: str) -> ConfiguredServer:
        settings = [*STORE_LINES, *(self.login.settings() if self.login else []), *lines]
        return ConfiguredServer(self.flavour, self.folder / name, settings, self.login)


STORE_LINES = (
    'save ""',
    "appendonly yes",
    "appendfsync everysec",
    "repl-diskless-sync-delay 0",
    "maxmemory-policy noeviction",
)


class Single(Topology):
    """One server, which may announce another address, as behind a proxy."""

    def __init__(self, flavour: Flavour, folder: Path) -> None:
        super().__init__(flavour, folder)
        self.server = StoreServer(flavour, folder, "--appendonly", "yes", "--appendfsync", "everysec")

    @property
    def servers(self) -> Sequence[ServerProcess]:
        return [self.server]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server.port}"

    def start(self) -> None:
        self.server.start()

    def primary_of(self, code: str) -> ServerProcess:  # noqa: ARG002 - one has the say over all
        return self.server

    def primaries(self) -> list[ServerProcess]:
        return [self.server]


def is_following(server: ServerProcess) -> bool:
    """Return whether it is a replica that hears its master."""
    try:
        return server.admin.info("replication").get("master_link_status") == "up"
    except redis.RedisError:
        return False
