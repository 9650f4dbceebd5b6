"""A load of HTTP calls, made by a process of its own so that it does not share a core with the server.

`python -m bench.load PORT PATH CALLS BODY` makes the calls with 64 callers and prints the seconds they took.
"""

import asyncio
import subprocess
import sys
import time
from functools import partial
from typing import Any, NamedTuple

import msgspec
import uvloop

from bench.servers import Server

CALLERS = 64
SECONDS_MAX = 120


class Load(NamedTuple):
    """The cost of one load: wall seconds, and CPU seconds of the server process."""

    calls: int
    seconds: float
    cpu_seconds: float

    @property
    def cpu_us_per_call(self) -> float:
        """CPU µs of the server process per call."""
        return self.cpu_seconds / self.calls * 1e6


def run_load(server: Server, path: str, body: dict[str, Any], calls: int) -> Load:
    """Make `calls` calls, rounded up to a multiple of the callers; every call must succeed."""
    calls = -(-calls // CALLERS) * CALLERS
    arguments = [str(server.port), path, str(calls), msgspec.json.encode(body).decode()]
    cpu_before = server.cpu_seconds()
    printed = subprocess.check_output([sys.executable, "-m", "bench.load", *arguments])
    return Load(calls, float(printed), server.cpu_seconds() - cpu_before)


class _Caller(asyncio.Protocol):
    """One keep-alive connection that sends its next request as soon as it has the last answer."""

    def __init__(self, request: bytes, calls: int, done: "asyncio.Future[None]") -> None:
        self._request = request
        self._left = calls
        self._done = done
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank or len(body) < _content_length(head):
            return
        self._received = b""
        self._left -= 1
        if b" 200 " not in head[:20]:
            self._finish(RuntimeError(f"{head!r} {body!r}"))
        elif self._left:
            self._transport.write(self._request)
        else:
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or ConnectionError("the server closed the connection"))

    def _finish(self, error: Exception | None) -> None:
        if not self._done.done():
            if error is None:
                self._done.set_result(None)
            else:
                self._done.set_exception(error)
        self._transport.close()


def _content_length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))


async def _make_calls(port: int, path: str, calls: int, body: bytes) -> float:
    loop = asyncio.get_running_loop()
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    done = [loop.create_future() for _ in range(CALLERS)]
    started = time.perf_counter()
    for future in done:
        caller = partial(_Caller, request, calls // CALLERS, future)
        await loop.create_connection(caller, "127.0.0.1", port)
    async with asyncio.timeout(SECONDS_MAX):
        await asyncio.gather(*done)
    return time.perf_counter() - started


if __name__ == "__main__":
    _port, _path, _calls, _body = sys.argv[1:]
    print(uvloop.run(_make_calls(int(_port), _path, int(_calls), _body.encode())))
