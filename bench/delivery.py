"""Measure how long an event takes to a member on another instance, next to publish → subscribe on the same store.

`python -m bench.delivery STORE_PORT SAMPLES NAME=PORT,PORT ...` takes every route in turn, one event at a time, and
prints the milliseconds of each as JSON. Both ends of every route are in this one process, so that one clock times them.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import redis.asyncio
import uvloop

from bench.phone import Phone, Tally
from bench.servers import Server

# So many hosts take turns that none of them comes near the flood guard of 20 commands a second.
HOSTS = 10
# Routes are taken at random moments, so that no timer of a server can fall into step.
PAUSE_SECONDS = (0.004, 0.008)
ANSWER_TIMEOUT_SECONDS = 5
BARE = "publish → subscribe"
BARE_BY_REDIS_PY = "publish → subscribe, redis-py"

_Route = Callable[[str], Awaitable[float]]


def run_deliveries(store: Server, samples: int, routes: dict[str, list[Server]]) -> dict[str, list[float]]:
    """Return the milliseconds of `samples` events on each route, including the bare ones through the store."""
    ports = [f"{name}={','.join(str(server.port) for server in servers)}" for name, servers in routes.items()]
    command = [sys.executable, "-m", "bench.delivery", str(store.port), str(samples), *ports]
    return msgspec.json.decode(subprocess.check_output(command), type=dict[str, list[float]])


class _StoreLink(asyncio.Protocol):
    """A raw connection to the store that reports when expected bytes have arrived."""

    def __init__(self) -> None:
        self._received = b""
        self._expected = b""
        self._found: asyncio.Future[float] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._found is None:
            return
        self._received += data
        if self._expected in self._received:
            self._found.set_result(time.perf_counter())
            self._found = None

    def expect(self, marker: bytes) -> "asyncio.Future[float]":
        """Return a future of the time at which these bytes have arrived."""
        self._received, self._expected = b"", marker
        self._found = asyncio.get_running_loop().create_future()
        return self._found


async def _bare_route(port: int) -> _Route:
    """Publish and subscribe over raw sockets, as fast as this process can."""
    loop = asyncio.get_running_loop()
    _, publisher = await loop.create_connection(_StoreLink, "127.0.0.1", port)
    _, subscriber = await loop.create_connection(_StoreLink, "127.0.0.1", port)
    subscribed = subscriber.expect(b":1\r\n")
    subscriber.transport.write(_store_command("SUBSCRIBE", "bench:bare"))
    await subscribed

    async def route(text: str) -> float:
        came = subscriber.expect(text.encode())
        sent = time.perf_counter()
        publisher.transport.write(_store_command("PUBLISH", "bench:bare", text))
        return await came - sent

    return route


async def _redis_py_route(port: int) -> _Route:
    """Publish and subscribe with redis-py, as an ordinary program does."""
    client = redis.asyncio.Redis(port=port)
    subscriber = client.pubsub(ignore_subscribe_messages=True)
    await subscriber.subscribe("bench:redis-py")
    heard: asyncio.Queue[float] = asyncio.Queue()

    async def listen() -> None:
        async for _ in subscriber.listen():
            heard.put_nowait(time.perf_counter())

    listening = asyncio.create_task(listen())

    async def route(text: str) -> float:
        assert not listening.done()
        sent = time.perf_counter()
        await client.publish("bench:redis-py", text)
        return await heard.get() - sent

    return route


async def _phones_route(ports: list[int]) -> _Route:
    """Send messages from hosts on the first instance to one guest each on the second."""
    tally = Tally()
    hosts, guests = [], []
    for _ in range(HOSTS):
        host, guest = await Phone.connect(ports[0], tally), await Phone.connect(ports[-1], tally)
        await guest.join(await host.create())
        hosts.append(host)
        guests.append(guest)

    async def route(text: str) -> float:
        turn = int(text) % HOSTS
        heard = guests[turn].expect(text.encode())
        sent = time.perf_counter()
        hosts[turn].say("SEND_MESSAGE", text=text)
        await heard
        return guests[turn].heard_at - sent

    return route


def _store_command(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


async def _take_in_turn(routes: dict[str, _Route], samples: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in routes}
    for number in range(samples):
        for name, route in routes.items():
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                taken[name].append(await route(f"{number:040d}") * 1000)
    return taken


async def _measure(store_port: int, samples: int, named_ports: list[str]) -> dict[str, list[float]]:
    routes = {BARE: await _bare_route(store_port), BARE_BY_REDIS_PY: await _redis_py_route(store_port)}
    for name, _, ports in (argument.partition("=") for argument in named_ports):
        routes[name] = await _phones_route([int(port) for port in ports.split(",")])
    await _take_in_turn(routes, HOSTS)
    return await _take_in_turn(routes, samples)


if __name__ == "__main__":
    _store_port, _samples, *_named_ports = sys.argv[1:]
    print(msgspec.json.encode(uvloop.run(_measure(int(_store_port), int(_samples), _named_ports))).decode())
