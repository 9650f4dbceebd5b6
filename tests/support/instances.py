"""Real `hubbub serve` processes, driven from outside as a person or a phone would."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import requests

from tests.support.stores import wait_for

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15
_numbers = itertools.count()
_SETTINGS = re.compile(r"HOST|PORT|PUBLIC_URL|REDIS_|HUBBUB_|PARTY_|SEAT_|LEASE_|ALLOWED_|LOG_")


SERVE = Path(__file__).with_name("serve.py")
PATIENT: Mapping[str, float] = {"STORE_BUDGET_SECONDS": 8.0}
"""Deadlines of instances whose test is not about a slow store: a busy machine stalls stores for seconds."""


class Answer(NamedTuple):
    """An HTTP answer, its JSON decoded, and the seconds it took."""

    status: int
    body: Any
    headers: dict[str, str]
    seconds: float


class Instance:
    """One `hubbub serve` on a free port, its settings given and none inherited.

    `deadlines` are limits of `hubbub.core.limits` that this instance has instead of its own.
    """

    def __init__(self, folder: Path, deadlines: Mapping[str, float] | None = None, /, **settings: str) -> None:
        self._command = [sys.executable, "-m", "hubbub", "serve"]
        if deadlines is not None:
            self._command = [
                sys.executable,
                "-P",
                str(SERVE),
                *(f"{name}={value}" for name, value in deadlines.items()),
            ]
        self._settings = {
            "PORT": "0",
            "HOST": "127.0.0.1",
            "HUBBUB_DATA_DIR": str(folder / "data"),
            **settings,
        }
        self._folder = folder
        self._number = next(_numbers)
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self.port = 0

    def start(self) -> "Instance":
        """Start it, and wait until it says that it listens."""
        self.spawn()
        return self.wait_until_listening()

    def change(self, **settings: str) -> None:
        """Have these settings from the next start on."""
        self._settings.update(settings)

    def wait_until_listening(self) -> "Instance":
        """Wait until it says that it listens."""
        wait_for(lambda: self.is_listening() or self.ended(), START_SECONDS_MAX)
        assert not self.ended(), self.errors()
        self.port = next(line["port"] for line in self.log() if line.get("event") == "listening")
        return self

    def spawn(self) -> None:
        """Start it without waiting."""
        self._starts += 1
        inherited = {name: value for name, value in os.environ.items() if not _SETTINGS.match(name)}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env={**inherited, **self._settings},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def _out(self) -> Path:
        return self._folder / f"out-{self._number}-{self._starts}"

    @property
    def _err(self) -> Path:
        return self._folder / f"err-{self._number}-{self._starts}"

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._process is not None
        return self._process.pid

    def is_listening(self) -> bool:
        """Return whether it has said that it listens."""
        return any(line.get("event") == "listening" for line in self.log())

    def ended(self) -> bool:
        """Return whether the process has ended."""
        return self._process is not None and self._process.poll() is not None

    def printed(self) -> str:
        """Return what it wrote for a person."""
        return self._out.read_text()

    def errors(self) -> str:
        """Return what it wrote on standard error."""
        return self._err.read_text()

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of its log; a line that is no JSON object fails the test once the log is whole."""
        text = self.errors()
        whole = text[: text.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def expulsions(self) -> set[tuple[str, str, int, str | None]]:
        """Return the reason, the finder, the close code and the party of each expulsion in its log."""
        lines = [line for line in self.log() if line["event"] == "expelled"]
        return {(line["reason"], line["foundBy"], line["closeCode"], line.get("code")) for line in lines}

    def terminate(self) -> int:
        """End it politely, and return its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(STOP_SECONDS_MAX)

    def kill(self) -> None:
        """Kill it on the spot."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop it in its tracks, its sockets open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it in any case."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()

    def engine(self) -> psutil.Process | None:
        """Return the embedded engine that this instance owns, if it does."""
        children = psutil.Process(self.pid).children()
        return next((child for child in children if "valkey" in child.name()), None)

    def call(self, method: str, path: str, **more: Any) -> Answer:
        """Make an HTTP call."""
        started = time.monotonic()
        response = requests.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=10, **more)
        seconds = time.monotonic() - started
        kind = response.headers.get("Content-Type", "")
        body = response.json() if kind.startswith("application/json") and response.content else response.text
        return Answer(response.status_code, body, dict(response.headers), seconds)

    def create(self, key: str | None = None, **body: Any) -> Answer:
        """Create a party."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self.call("POST", "/api/create-party", json=body, headers=headers)

    def join(self, code: Any) -> Answer:
        """Ask whether a party can be joined."""
        return self.call("POST", "/api/join-party", json={"partyCode": code})

    def look_up(self, code: str) -> Answer:
        """Look a party up."""
        return self.call("GET", f"/api/party/{code}")

    def redis_state(self) -> str:
        """Return what `/health` says of the store."""
        return str(self.call("GET", "/health").body["redis"])


def start_together(*instances: Instance) -> None:
    """Start instances side by side, and wait until each says that it listens."""
    for instance in instances:
        instance.spawn()
    for instance in instances:
        instance.wait_until_listening()
