"""The processes that are measured, each on a free port of this machine and gone at the end."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil

from hubbub.store.embedded import engine_program

HERE = Path(__file__).parent
EXPRESS = HERE / "peers" / "express"
START_SECONDS_MAX = 20


class Server:
    """A running process and its port."""

    def __init__(self, name: str, port: int, process: psutil.Process) -> None:
        self.name = name
        self.port = port
        self._process = process

    def cpu_seconds(self) -> float:
        """CPU seconds of the process so far, user and system."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def connection(self) -> "closing[HTTPConnection]":
        """A keep-alive HTTP connection to it."""
        return closing(HTTPConnection("127.0.0.1", self.port))


@contextmanager
def start_store() -> Iterator[Server]:
    """An empty store: the system's redis-server if there is one, else the embedded engine's binary."""
    program = shutil.which("redis-server") or str(engine_program())
    port = free_port()
    command = [program, "--port", str(port), "--save", "", "--appendonly", "no"]
    name = subprocess.check_output([program, "--version"], text=True).split(" sha=")[0]
    with _process(command, port, subprocess.DEVNULL) as process:
        yield Server(name, port, process)


@contextmanager
def start_hubbub(store: Server, *, quiet: bool = False) -> Iterator[Server]:
    """One instance on that store, its log going to a file; `quiet` leaves out the log line of a request."""
    port = free_port()
    command = [sys.executable, "-m", "bench.quiet" if quiet else "hubbub", "serve"]
    # REDIS_URL empty counts as not set: the bench must never fill somebody's real store.
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "REDIS_URL": "", "REDIS_HOST": "127.0.0.1"}
    with tempfile.TemporaryFile() as log:
        environment = {**os.environ, **settings, "REDIS_PORT": str(store.port), "LOG_FORMAT": "json"}
        with _process(command, port, log.fileno(), environment) as process:
            yield Server("hubbub", port, process)


@contextmanager
def start_express(store: Server, *, quiet: bool = False) -> Iterator[Server]:
    """The Express peer on that store, its log going to a file."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "REDIS_PORT": str(store.port), "NODE_ENV": "production"}
    if quiet:
        environment["QUIET"] = "1"
    with tempfile.TemporaryFile() as log:
        command = ["node", str(EXPRESS / "server.js")]
        with _process(command, port, log.fileno(), environment) as process:
            yield Server("express", port, process)


def express_available() -> str | None:
    """Make the peer ready to start; what is missing if it cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not installed"
    if not (EXPRESS / "node_modules" / ".package-lock.json").exists():
        print("installing the express peer ...", file=sys.stderr)
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(command, cwd=EXPRESS, check=False).returncode:
            return "npm install failed"
    return None


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(
    command: list[str], port: int, stderr: int, environment: dict[str, str] | None = None
) -> Iterator[psutil.Process]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, env=environment)
    try:
        _wait_until_listening(process, port)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait_until_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"{process.args!r} did not start") from None
            time.sleep(0.02)
        else:
            return
