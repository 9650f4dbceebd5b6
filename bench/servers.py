"""Start the measured processes, each on a free port, and stop them at the end."""

import importlib.util
import os
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import psutil

from bench.slow_network import Line
from hubbub.store.engine.embedded import engine_program

HERE = Path(__file__).parent
PEERS = HERE / "peers"
START_SECONDS_MAX = 20
OPEN_FILES = 8192
SERVER_PORTS = range(20_000, 32_000)


class Server:
    """A running process and its port."""

    def __init__(self, name: str, port: int, process: psutil.Process) -> None:
        self.name = name
        self.port = port
        self._process = process

    def cpu_seconds(self) -> float:
        """Return the process's CPU seconds so far, user and system."""
        if sys.platform == "linux":
            # The kernel's clock of that process (clock_getcpuclockid(3)) counts ns; what psutil reads, 10 ms.
            return time.clock_gettime(~self._process.pid << 3 | 2)
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """Return the resident memory of the process."""
        return int(self._process.memory_info().rss)

    def connection(self) -> "closing[HTTPConnection]":
        """Open a keep-alive HTTP connection."""
        return closing(HTTPConnection("127.0.0.1", self.port))


@contextmanager
def start_store() -> Iterator[Server]:
    """Start an empty store: the system's redis-server if installed, else the embedded engine's binary."""
    program = shutil.which("redis-server") or str(engine_program())
    port = free_port()
    command = [program, "--port", str(port), "--save", "", "--appendonly", "no"]
    name = subprocess.check_output([program, "--version"], text=True).split(" sha=")[0]
    with _process(command, port, subprocess.DEVNULL) as process:
        yield Server(name, port, process)


@contextmanager
def start_hubbub(store: Server, *, quiet: bool = False, **more_settings: str) -> Iterator[Server]:
    """Start one instance on that store, with its log in a file; `quiet` omits the log lines."""
    port = free_port()
    command = [sys.executable, "-m", "bench.no_log" if quiet else "hubbub", "serve"]
    # REDIS_URL empty counts as not set: the bench must never fill somebody's real store.
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "REDIS_URL": "", "REDIS_HOST": "127.0.0.1"}
    with tempfile.TemporaryFile() as log:
        environment = {**os.environ, **settings, "REDIS_PORT": str(store.port), "LOG_FORMAT": "json", **more_settings}
        with _process(command, port, log.fileno(), environment) as process:
            yield Server("hubbub", port, process)


@contextmanager
def start_express(store: Server, *, quiet: bool = False) -> Iterator[Server]:
    """Start the Express peer on that store, with its log in a file."""
    with _peer("express", ["node", "server.js"], store, {"QUIET": "1"} if quiet else {}) as server:
        yield server


@contextmanager
def start_ws(store: Server) -> Iterator[Server]:
    """Start the peer with node's ws on that store."""
    with _peer("ws", ["node", "server.js"], store) as server:
        yield server


@contextmanager
def start_socketio(store: Server) -> Iterator[Server]:
    """Start the peer with python-socketio on that store."""
    with _peer("socketio", [sys.executable, "server.py"], store) as server:
        yield server


@contextmanager
def start_files() -> Iterator[Server]:
    """Serve the files of this repository over HTTP, for the peer that is a page."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(HERE.parent)]
    with tempfile.TemporaryFile() as log, _process(command, port, log.fileno()) as process:
        yield Server("files", port, process)


@contextmanager
def start_line(server: Server, line: Line) -> Iterator[Server]:
    """Start a simulated slow network to that server."""
    port = free_port()
    command = [sys.executable, "-m", "bench.slow_network", str(port), str(server.port), *map(str, line)]
    with _process(command, port, subprocess.DEVNULL) as process:
        yield Server("line", port, process)


def node_peer_available(name: str) -> str | None:
    """Install the node peer of that name; return what is missing if that fails."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not installed"
    if not (PEERS / name / "node_modules" / ".package-lock.json").exists():
        print(f"installing the {name} peer ...", file=sys.stderr)
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(command, cwd=PEERS / name, check=False).returncode:
            return "npm install failed"
    return None


def socketio_available() -> str | None:
    """Return what is missing for the peer with python-socketio."""
    return None if importlib.util.find_spec("socketio") else "python-socketio is not installed"


def allow_many_connections() -> None:
    """Raise the limit of open files, usually 1,024; servers and phones inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def free_port() -> int:
    """Return a port that nothing listens on.

    The kernel does not draw from these ports, so no outgoing connection takes the port before its server does.
    """
    while True:
        port = secrets.choice(SERVER_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def _peer(name: str, command: list[str], store: Server, settings: dict[str, str] | None = None) -> Iterator[Server]:
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "REDIS_PORT": str(store.port), "NODE_ENV": "production"}
    with tempfile.TemporaryFile() as log:
        arguments = [command[0], str(PEERS / name / command[1])]
        with _process(arguments, port, log.fileno(), {**environment, **(settings or {})}) as process:
            yield Server(name, port, process)


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
