"""A feed on connections that nobody opened."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError

from hubbub.core.errors import Reason
from hubbub.core.replica import Published
from hubbub.store import keys
from hubbub.store.client.connect import StoreConnections
from hubbub.store.client.primaries import SinglePrimary
from hubbub.store.client.script_client import ScriptClient
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.pubsub.event_stream import EventStream
from hubbub.store.scripts import Script
from tests.support.fake_time import now, settle
from tests.support.fakes import CODE

_CHANNEL = keys.events(CODE).encode()


class FakeConnection:
    """A subscriber's connection. The other end answers subscriptions at once, unless it is `mute`."""

    def __init__(self, *, mute: bool = False) -> None:
        self.mute = mute
        self.orders: list[tuple[str, str]] = []
        self.gone = False
        self._replies: asyncio.Queue[Any] = asyncio.Queue()

    def pack_commands(self, commands: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """See `redis.asyncio.connection.AbstractConnection`, as for the others that are named as its methods."""
        return commands

    async def send_packed_command(self, commands: list[tuple[str, str]], *, check_health: bool) -> None:
        assert not check_health, "it would read a reply that belongs to nobody"
        await asyncio.sleep(0)
        if self.gone:
            raise RedisConnectionError("gone")
        for verb, channel in commands:
            self.orders.append((verb, channel))
            if not self.mute:
                self.answer(verb, channel)

    def answer(self, verb: str, channel: str) -> None:
        self._replies.put_nowait([verb.lower().encode(), channel.encode(), 1])

    def publish(self, data: bytes, channel: bytes = _CHANNEL) -> None:
        self._replies.put_nowait([b"smessage", channel, data])

    def fail(self, error: Exception) -> None:
        self._replies.put_nowait(error)

    async def read_response(self) -> Any:
        reply = await self._replies.get()
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def disconnect(self, *, nowait: bool) -> None:
        assert nowait
        self.gone = True


class FakePool:
    """Gives the connections it was given, in turn; none left is a refused connection.

    So many dials as are `silent` are never answered.
    """

    def __init__(self, *connections: FakeConnection) -> None:
        self.coming = list(connections)
        self.given: list[FakeConnection] = []
        self.dialled: list[float] = []
        self.silent = 0

    async def get_connection(self) -> FakeConnection:
        self.dialled.append(now())
        if self.silent:
            self.silent -= 1
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if not self.coming:
            raise RedisConnectionError("refused")
        self.given.append(self.coming.pop(0))
        return self.given[-1]

    async def release(self, connection: FakeConnection) -> None:
        assert connection.gone

    async def disconnect(self) -> None:
        self.coming.clear()


class RecordingListener:
    """Notes what the feed brings."""

    def __init__(self) -> None:
        self.received: list[tuple[Any, ...]] = []

    def on_subscribed(self, code: str) -> None:
        self.received.append(("confirmed", code))

    def on_events(self, code: str, published: Published) -> None:
        self.received.append(("published", code, published.epoch, published.first, list(published.events)))

    def on_reaction(self, code: str, reaction: bytes) -> None:
        self.received.append(("reacted", code, reaction))

    def on_seat_lost(self, code: str, holder: str, reason: Reason) -> None:
        self.received.append(("expelled", code, holder, reason))

    def on_watchers(self, code: str, watchers: int) -> None:
        self.received.append(("watched", code, watchers))


class EventStreamHarness:
    """A feed, its connections, how it probes, and what it told. While `echoes`, what is probed is heard."""

    def __init__(self, *connections: FakeConnection) -> None:
        self.pool = FakePool(*connections)
        self.probed: list[float] = []
        self.down = False
        self.reported: list[str] = []
        self.listener = RecordingListener()
        self.echoes = True
        client = cast("ScriptClient", self)
        primary = SinglePrimary("here", lambda: cast("ConnectionPool", self.pool))
        self.event_stream = EventStream(
            StoreConnections(client, client, primary, closing=()), "here", self.reported.append
        )

    async def call(self, _: Script, channels: Sequence[str], args: Sequence[str], deadline: float) -> None:
        """See `ScriptClient.call`: publish a word."""
        self.probed.append(now())
        if self.down:
            await asyncio.sleep(0)
            raise StoreUnavailableError(StoreFailure.UNREACHABLE, "down")
        assert now() < deadline
        if self.echoes and self.pool.given:
            self.pool.given[-1].publish(args[0].encode(), channels[0].encode())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.event_stream.run(self.listener))
        await settle()
        yield
        assert not task.done(), task
        task.cancel()
        await asyncio.wait([task])
