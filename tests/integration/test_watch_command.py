"""`hubbub watch` as an operator runs it."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import MakeClient, MakeInstance
from tests.support.instances import Instance
from tests.support.pairs import Pair
from tests.support.stores import StoreServer, lasting_port, wait_for

SECONDS_MAX = 20
_numbers = itertools.count()


class Watcher:
    """The command, running, and the lines that it has printed."""

    def __init__(self, folder: Path, code: str, port: int) -> None:
        self._out = folder / f"watch-{next(_numbers)}"
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hubbub", "watch", code, "--server", f"http://127.0.0.1:{port}"],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def printed(self) -> str:
        """Return all it has printed."""
        return self._out.read_text()

    def wait_for_line(self, part: str) -> None:
        """Wait until it has printed that."""
        wait_for(lambda: part in self.printed(), SECONDS_MAX)

    def wait(self) -> int:
        """Wait for its end, and return its exit status."""
        return self._process.wait(SECONDS_MAX)

    def close(self) -> None:
        """End it in any case."""
        self._process.kill()
        self._process.wait()


Watch = Callable[[str, int], Watcher]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made: list[Watcher] = []

    def start(code: str, port: int) -> Watcher:
        made.append(Watcher(tmp_path, code, port))
        return made[-1]

    yield start
    for watcher in made:
        watcher.close()


def test_watch_prints_events_until_party_ends(shared_pair: Pair, new_client: MakeClient, watch: Watch) -> None:
    host = new_client(shared_pair.here)
    host.create(name="Ann")
    watcher = watch(host.code.lower(), shared_pair.there.port)
    watcher.wait_for_line("hosted by Ann, 0 guests")
    guest = new_client(shared_pair.there)
    guest.join(host.code, name="Bob")
    guest.do("SEND_MESSAGE", text="hello")
    watcher.wait_for_line("Bob joined (1 guest)")
    watcher.wait_for_line("Bob: hello")
    host.send("LEAVE")
    assert watcher.wait() == 0
    assert "The party ended (host_left)" in watcher.printed()


def test_watch_unknown_party_gives_one_sentence(shared_pair: Pair, watch: Watch) -> None:
    watcher = watch("ZZZZZZ", shared_pair.here.port)
    assert watcher.wait() == 1
    assert watcher.printed() == "Party not found (party_not_found).\n"


def test_watch_bad_server_address_gives_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hubbub", "watch", "BCDFGH", "--server", "localhost"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "--server must be a URL such as http://localhost:8080, not 'localhost'.\n"


def test_watch_reconnects_after_instance_restart(
    store: StoreServer, new_instance: MakeInstance, new_client: MakeClient, watch: Watch
) -> None:
    settings = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(store.port)}
    port = lasting_port()
    first, other = new_instance(**settings, PORT=str(port)).start(), new_instance(**settings).start()
    host = new_client(other)
    host.create(name="Ann")
    watcher = watch(host.code, port)
    watcher.wait_for_line("hosted by Ann")
    assert first.terminate() == 0
    watcher.wait_for_line("Trying again")
    second: Instance = new_instance(**settings, PORT=str(port)).start()
    wait_for(lambda: watcher.printed().count("hosted by Ann") == 2, SECONDS_MAX)
    host.do("SEND_MESSAGE", text="welcome back")
    watcher.wait_for_line("Ann: welcome back")
    assert second.port == port
