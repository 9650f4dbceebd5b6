"""Forward a phone's connections, WebSockets too, through a simulated slow network.

`python -m bench.slow_network PORT TARGET_PORT ROUND_TRIP_MS DOWN_BITS UP_BITS` forwards from one port to another.
DevTools' emulation is not enough: in Chromium 156 it delays the opening of a WebSocket once and limits its rate, but
delays no message.

Simulated: the round trip of opening a connection, half a round trip each way from then on, and one queue each way that
all connections share, with the rate of the network. Not simulated: the name look-up, TLS (one more round trip for each
connection), TCP's slow start, packet headers, loss, jitter, and a radio that has to wake up.
"""

import asyncio
import sys
from typing import Any, NamedTuple

import uvloop


class Line(NamedTuple):
    """The properties of a simulated network."""

    round_trip_ms: float
    down_bits: float
    up_bits: float

    def ms(self, round_trips: int, down_bytes: float) -> float:
        """Return the minimum time of that many round trips and downloaded bytes."""
        return round_trips * self.round_trip_ms + down_bytes * 8000 / self.down_bits


# Lighthouse's `mobileSlow4G` (core/config/constants.js) as it is, for this line delays what is sent and no requests.
SLOW_4G = Line(round_trip_ms=150, down_bits=1_638_400, up_bits=768_000)


class _Queue:
    """One direction of the network: a queue of bytes with a fixed rate."""

    def __init__(self, bits_per_second: float, delay: float) -> None:
        self._seconds_per_byte = 8 / bits_per_second
        self._delay = delay
        self._free_at = 0.0

    def arrival(self, size: int, sent_at: float) -> float:
        """Return when the last of `size` bytes arrives at the other end."""
        self._free_at = max(self._free_at, sent_at) + size * self._seconds_per_byte
        return self._free_at + self._delay


class _End(asyncio.Protocol):
    """The connection at one end of the network; `other` sends its bytes on after the delay."""

    def __init__(self, queue: _Queue) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue = queue
        self.open_at = 0.0
        self.transport: asyncio.Transport | None = None
        self.other: _End

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Queue bytes from the moment the simulated connection is open."""
        arrival = self._queue.arrival(len(data), max(self._loop.time(), self.open_at))
        self._loop.call_at(arrival, self.other.write, data)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Close the other end after all queued bytes."""
        self._loop.call_at(self._queue.arrival(0, max(self._loop.time(), self.open_at)), self.other.close)

    def write(self, data: bytes) -> None:
        """Send bytes on."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        """Close the connection."""
        if self.transport is not None:
            self.transport.close()


async def _forward(port: int, target: int, line: Line) -> None:
    loop = asyncio.get_running_loop()
    delay = line.round_trip_ms / 2000
    up, down = _Queue(line.up_bits, delay), _Queue(line.down_bits, delay)
    opening: set[asyncio.Task[Any]] = set()

    def browser_end() -> _End:
        here, there = _End(up), _End(down)
        here.other, there.other = there, here
        here.open_at = loop.time() + line.round_trip_ms / 1000
        # Open long before the first byte, which half a round trip keeps.
        task = loop.create_task(loop.create_connection(lambda: there, "127.0.0.1", target))
        opening.add(task)
        task.add_done_callback(opening.discard)
        return here

    server = await loop.create_server(browser_end, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    _port, _target, *_figures = sys.argv[1:]
    uvloop.run(_forward(int(_port), int(_target), Line(*map(float, _figures))))
