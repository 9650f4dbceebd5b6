"""The phones of the faults leave nothing behind themselves."""

import asyncio

import psutil
from websockets.asyncio.server import ServerConnection, serve

from tests.faults.history import EnterRequested, History
from tests.faults.recording_client import Line, RecordingClient
from tests.faults.scenario import LOOK_SECONDS, end


async def test_cancelled_visit_leaves_no_connection() -> None:
    """Also at an instance that does not take its farewell: whatever is open when a loop ends fails a later test."""
    is_over = asyncio.Event()

    async def read_nothing(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await is_over.wait()
        connection.transport.abort()

    history = History()
    async with serve(read_nothing, "127.0.0.1", 0) as instance, asyncio.timeout(10):
        port = int(instance.sockets[0].getsockname()[1])
        visitor = RecordingClient(history, Line(lambda: [port], asyncio.Semaphore(1), 0.0), "visitor", code="ABCDEF")
        visit = asyncio.create_task(visitor.try_once())
        while not any(history.of(EnterRequested)):  # noqa: ASYNC110 - no signal to await
            await asyncio.sleep(LOOK_SECONDS)
        assert connections_to(port) == 1
        await end(visit)
        while connections_to(port):  # noqa: ASYNC110 - no signal to await
            await asyncio.sleep(LOOK_SECONDS)
        is_over.set()


def connections_to(port: int) -> int:
    """Return how many connections this process has to that port."""
    return sum(bool(link.raddr) and link.raddr.port == port for link in psutil.Process().net_connections("tcp"))
