"""A real HAProxy with the configuration that operators are given, in front of two instances."""

import csv
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.stores import lasting_port, wait_for

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "haproxy.cfg"
STOP_SECONDS_MAX = 5
# What the distribution's own file says elsewhere: the log, and where the admin socket is.
SURROUNDINGS = """
global
    log stdout format raw local0
    stats socket {socket} mode 600 level admin
"""


def haproxy_program() -> str:
    """Return the executable; skips the test where the system has none."""
    # Debian's is where only the paths of administrators lead.
    program = shutil.which("haproxy", path=os.pathsep.join([*os.get_exec_path(), "/usr/sbin"]))
    if program is None:
        pytest.skip("no haproxy on this machine (Debian: apt install haproxy)")
    return program


class HaProxy:
    """One HAProxy process in front of the instances at two ports, called `a` and `b`."""

    def __init__(self, folder: Path, port_a: int, port_b: int) -> None:
        self.port = lasting_port()
        self._program = haproxy_program()
        self._folder = folder
        self._socket = folder / "haproxy.sock"
        self._environment = {
            "HUBBUB_BIND": f"127.0.0.1:{self.port}",
            "HUBBUB_A": f"127.0.0.1:{port_a}",
            "HUBBUB_B": f"127.0.0.1:{port_b}",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it sees both instances as ready."""
        surroundings = self._folder / "surroundings.cfg"
        surroundings.write_text(SURROUNDINGS.format(socket=self._socket))
        command = [self._program, "-db", "-f", str(surroundings), "-f", str(CONFIGURATION)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        wait_for(lambda: self.is_up("a") and self.is_up("b"))

    @property
    def _log(self) -> Path:
        return self._folder / "haproxy.log"

    def log(self) -> str:
        """Return what it wrote, for a failure's message."""
        return self._log.read_text()

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)

    def is_up(self, server: str) -> bool:
        """Return whether it would send newcomers to that instance."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        return self._rows().get(server, {}).get("status") == "UP"

    def _rows(self) -> dict[str, dict[str, str]]:
        """Return what it knows of its servers, by their names."""
        lines = self._ask("show stat instances 6 -1").removeprefix("# ").splitlines()
        return {row["svname"]: row for row in csv.DictReader(line for line in lines if line)}

    def _ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as admin:
            try:
                admin.connect(str(self._socket))
            except (FileNotFoundError, ConnectionRefusedError):
                return ""  # it is starting
            admin.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: admin.recv(65536), b"")).decode()
