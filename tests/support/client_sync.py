"""The sync shell of the test client: one `SyncClient` is one connection to `/ws`."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.client_core import RATE_LIMITED_PAUSE_SECONDS, ClientCore, are_synced, expect_synced, has_reached
from tests.support.instances import Instance
from tests.support.party_view import Message, PartyView
from tests.support.stores import PATIENCE_SECONDS

T = TypeVar("T")
FRAME_BYTES_MAX = 8192
# Closing at once with this lingering makes the kernel send a reset instead of a farewell.
LINGER_NOT = struct.pack("ii", 1, 0)


class SyncClient(ClientCore):
    """A client that does one thing at a time.

    A thread of `websockets` always reads, so the client is never slow; what came is heard, and checked for
    gaps, whenever the client waits.
    """

    def __init__(self, instance: Instance, view: PartyView | None = None, origin: str | None = None) -> None:
        super().__init__(view)
        self.close_code: int | None = None
        self._opening = connect(
            f"ws://127.0.0.1:{instance.port}/ws",
            additional_headers={"Origin": origin} if origin is not None else None,
            compression=None,
            proxy=None,
            ping_interval=None,
            close_timeout=2,
            max_size=None,
            max_queue=None,
        )
        self._connection = self._opening.__enter__()
        self.welcome = self.wait_for_message("WELCOME")

    def create(self, **fields: Any) -> Message:
        """Create a party, wait for its `ROOM`, and return `CREATED`."""
        return self._enter(self.do("CREATE", **fields))

    def join(self, code: str, **fields: Any) -> Message:
        """Take a seat, wait until the view is caught up, and return `JOINED`."""
        return self._enter(self.do("JOIN", code=code, **fields))

    def watch(self, code: str) -> Message:
        """Watch without a seat, wait for the `ROOM`, and return `WATCHING`."""
        return self._enter(self.do("WATCH", code=code))

    def _enter(self, opening: Message) -> Message:
        self.wait_until(lambda: self.view.is_caught_up)
        return opening

    def send(self, kind: str, **fields: Any) -> None:
        """Send one command and wait for nothing."""
        self.send_frame(json.dumps({"t": kind, **fields}))

    def send_frame(self, data: str | bytes, text: bool | None = None) -> None:
        """Send a frame as it is; bytes go as a binary frame unless `text` is true."""
        self._connection.send(data, text=text)

    def ask_once(self, kind: str, **fields: Any) -> Message:
        """Send a command and return its answer, whichever it is."""
        request = self.request(kind, fields)
        self.send_frame(json.dumps(request))
        return self.wait_until(lambda: self.answer_to(request))

    def ask(self, kind: str, **fields: Any) -> Message:
        """Send a command, again if that was too fast, and return its answer."""
        while (answer := self.ask_once(kind, **fields)).get("reason") == "rate_limited":
            time.sleep(RATE_LIMITED_PAUSE_SECONDS)  # no event says when the limit has passed
        return answer

    def do(self, kind: str, **fields: Any) -> Message:
        """Send a command that must be granted, and return the answer."""
        answer = self.ask(kind, **fields)
        assert answer["t"] != "ERROR", answer
        return answer

    def refused(self, kind: str, **fields: Any) -> str:
        """Send a command that must be refused, and return the reason."""
        answer = self.ask(kind, **fields)
        assert answer["t"] == "ERROR", answer
        return str(answer["reason"])

    def wait_until(self, fact: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
        """Listen until the fact is true, and return it; fail when the connection or the time ends before."""
        give_up_at = time.monotonic() + seconds
        while not (found := fact()):
            left = give_up_at - time.monotonic()
            assert left > 0, f"waited {seconds} s; {self.last_received()}"
            heard = self._listen(left)
            assert heard or self.close_code is None or fact(), f"closed with {self.close_code}; {self.last_received()}"
        return found

    def wait_for_message(self, kind: str, seconds: float = PATIENCE_SECONDS, **fields: Any) -> Message:
        """Return the next message of that type with those fields; each is found once."""
        return self.wait_until(lambda: self.find(kind, fields), seconds)

    def wait_for_close(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Listen to the end, and return the close code: 1006 where there was no farewell."""
        give_up_at = time.monotonic() + seconds
        while self.close_code is None:
            left = give_up_at - time.monotonic()
            assert left > 0, f"still open after {seconds} s; {self.last_received()}"
            self._listen(left)
        return self.close_code

    def listen(self) -> None:
        """Hear what has come so far."""
        while self._listen(0):
            pass

    def _listen(self, seconds: float) -> bool:
        """Hear one frame if it comes in time."""
        try:
            frame = self._connection.recv(timeout=seconds)
        except TimeoutError:
            return False
        except ConnectionClosed as end:
            self.close_code = end.rcvd.code if end.rcvd is not None else 1006
            return False
        self.receive(frame)
        return True

    def hang_up(self) -> None:
        """Close the connection politely; the seat stays."""
        self._opening.__exit__(None, None, None)

    def vanish(self) -> None:
        """Be gone without a word, as a client whose battery dies: the kernel resets the connection."""
        self._connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self._connection.close_socket()


def wait_until_synced(*clients: SyncClient) -> None:
    """Wait until all have heard the same, and see that they know the same.

    What is still on its way to all of them is not waited for: wait first for a fact that comes after it.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    for client in clients:
        client.listen()
    while not are_synced(clients):
        assert time.monotonic() < give_up_at, [client.last_received() for client in clients]
        newest = max(client.view.version for client in clients)
        wait_until_each(clients, partial(has_reached, version=newest))
        for client in clients:
            client.listen()
    expect_synced(clients)


def wait_until_each(clients: Iterable[SyncClient], fact: Callable[[SyncClient], object]) -> None:
    """Wait until the fact is true of every one of the clients."""
    for client in clients:
        client.wait_until(partial(fact, client))
