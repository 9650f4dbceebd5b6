"""The async shell of the test client: for hundreds at once, and for clients that stop reading."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.client_core import RATE_LIMITED_PAUSE_SECONDS, ClientCore, are_synced, expect_synced, has_reached
from tests.support.client_sync import LINGER_NOT
from tests.support.instances import Instance
from tests.support.party_view import Message, PartyView

PATIENCE_SECONDS = 40.0
HANDSHAKES_AT_ONCE = 50
RETRY_PAUSE_SECONDS = 0.5
T = TypeVar("T")


class AsyncClient(ClientCore):
    """A client that a task reads for, all the time, until it stops reading or the connection ends.

    A fault that the reading finds, such as a hole, is raised by whatever waits next and by `hang_up`.
    """

    def __init__(self, connection: ClientConnection, view: PartyView | None = None) -> None:
        super().__init__(view)
        self.close_code: int | None = None
        self._connection = connection
        self._news = asyncio.Event()
        self._fault: BaseException | None = None
        self._reading = asyncio.create_task(self._read())

    async def create(self, **fields: Any) -> Message:
        """Create a party, wait for its `ROOM`, and return `CREATED`."""
        return await self._enter(await self.do("CREATE", **fields))

    async def join(self, code: str, **fields: Any) -> Message:
        """Take a seat, wait until the view is caught up, and return `JOINED`."""
        return await self._enter(await self.do("JOIN", code=code, **fields))

    async def _enter(self, opening: Message) -> Message:
        await self.wait_until(lambda: self.view.is_caught_up)
        return opening

    async def send(self, kind: str, **fields: Any) -> None:
        """Send one command and wait for nothing."""
        await self._connection.send(json.dumps({"t": kind, **fields}))

    async def ask(self, kind: str, **fields: Any) -> Message:
        """Send a command, again if that was too fast, and return its answer."""
        while (answer := await self._ask_once(kind, fields)).get("reason") == "rate_limited":  # noqa: ASYNC110
            await asyncio.sleep(RATE_LIMITED_PAUSE_SECONDS)
        return answer

    async def insist(self, kind: str, **fields: Any) -> Message:
        """Send a command until the answer is one that stands, and return that."""
        while (answer := await self._ask_once(kind, fields)).get("retryable"):  # noqa: ASYNC110
            await asyncio.sleep(RETRY_PAUSE_SECONDS)
        return answer

    async def do(self, kind: str, **fields: Any) -> Message:
        """Send a command that must be granted, and return the answer."""
        answer = await self.ask(kind, **fields)
        assert answer["t"] != "ERROR", answer
        return answer

    async def _ask_once(self, kind: str, fields: dict[str, Any]) -> Message:
        request = self.request(kind, fields)
        await self._connection.send(json.dumps(request))
        return await self.wait_until(lambda: self.answer_to(request))

    async def wait_until(self, fact: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
        """Wait until the fact is true, and return it; fail when the connection or the time ends before."""
        give_up_at = time.monotonic() + seconds
        while not (found := fact()):
            self._raise_fault()
            assert self.close_code is None, f"closed with {self.close_code}; {self.last_received()}"
            await self._wait_for_news(give_up_at, seconds)
        return found

    async def wait_for_close(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end, and return the close code: 1006 where there was no farewell."""
        give_up_at = time.monotonic() + seconds
        while self.close_code is None:
            self._raise_fault()
            await self._wait_for_news(give_up_at, seconds)
        return self.close_code

    async def _wait_for_news(self, give_up_at: float, seconds: float) -> None:
        try:
            async with asyncio.timeout(give_up_at - time.monotonic()):
                await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited {seconds} s; {self.last_received()}") from None

    def stop_reading(self) -> None:
        """Leave everything that comes from now on in the kernel's buffer."""
        self._connection.transport.pause_reading()

    def read_on(self) -> None:
        """Read again."""
        self._connection.transport.resume_reading()

    async def hang_up(self) -> None:
        """Close the connection politely, the seat stays; raises what the reading found."""
        await self._connection.close()
        await self.ended()
        self._raise_fault()

    async def vanish(self) -> None:
        """Be gone without a word: the kernel resets the connection."""
        self.cut()
        await self.ended()
        self._raise_fault()

    def cut(self) -> None:
        """Have the kernel reset the connection, if it is still open."""
        plug = self._connection.transport.get_extra_info("socket")
        if plug.fileno() != -1:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self._connection.transport.abort()

    async def ended(self) -> None:
        """Wait until nothing more can come."""
        await self._connection.wait_closed()
        await self._reading

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    async def _read(self) -> None:
        try:
            while True:
                self.receive(await self._connection.recv())
                self._tell()
        except ConnectionClosed as end:
            self.close_code = end.rcvd.code if end.rcvd is not None else 1006
        except Exception as fault:  # noqa: BLE001 - raised where the test waits
            self._fault = fault
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Crowd:
    """Clients that are all closed at the end; a fault that any of them met and nobody waited for is raised then."""

    def __init__(self) -> None:
        self._clients: list[AsyncClient] = []
        self._gate = asyncio.Semaphore(HANDSHAKES_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await asyncio.gather(*(client.hang_up() for client in self._clients))
            return
        for client in self._clients:
            client.cut()
        await asyncio.gather(*(client.ended() for client in self._clients))

    async def client(
        self, instance: Instance, view: PartyView | None = None, receive_buffer_bytes: int | None = None
    ) -> AsyncClient:
        """A new client, once it has been welcomed."""
        async with self._gate:
            client = AsyncClient(await _connected(instance, receive_buffer_bytes), view)
        self._clients.append(client)
        await client.wait_until(lambda: client.received)
        return client

    async def clients(self, instances: Iterable[Instance]) -> list[AsyncClient]:
        """Return a new client at each of the instances given."""
        return await asyncio.gather(*(self.client(instance) for instance in instances))


async def _connected(instance: Instance, receive_buffer_bytes: int | None) -> ClientConnection:
    plug = socket.socket()
    try:
        if receive_buffer_bytes is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        plug.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", instance.port))
        return await connect(
            f"ws://127.0.0.1:{instance.port}/ws",
            sock=plug,
            compression=None,
            proxy=None,
            open_timeout=PATIENCE_SECONDS,
            ping_interval=None,
            close_timeout=2,
            max_size=None,
            max_queue=None,
        )
    except BaseException:
        plug.close()
        raise


async def wait_until_each(clients: Iterable[AsyncClient], fact: Callable[[AsyncClient], object]) -> None:
    """Wait until the fact is true of every one of the clients."""
    for client in clients:
        await client.wait_until(partial(fact, client))


async def wait_until_all_synced(clients: list[AsyncClient]) -> None:
    """Wait until all have heard the same, and see that they know the same.

    What is still on its way to all of them is not waited for: wait first for a fact that comes after it.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not are_synced(clients):
        assert time.monotonic() < give_up_at, sorted({str(client.view.position) for client in clients})
        newest = max(client.view.version for client in clients)
        await wait_until_each(clients, partial(has_reached, version=newest))
    expect_synced(clients)
