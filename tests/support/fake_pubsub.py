"""An event stream on fake connections, which answer and fail as a test says."""

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
    """A subscriber's connection. It confirms subscriptions at once unless it is `mute`."""

    def __init__(self, *, mute: bool = False) -> None:
        self.mute = mute
        self.commands: list[tuple[str, str]] = []
        self.gone = False
        self._replies: asyncio.Queue[Any] = asyncio.Queue()

    def pack_commands(self, commands: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """See `redis.asyncio.connection.AbstractConnection`, also for the methods below."""
        return commands

    async def send_packed_command(self, commands: list[tuple[str, str]], *, check_health: bool) -> None:
        assert not check_health, "a health check would read a reply of another command"
        await asyncio.sleep(0)
        if self.gone:
            raise RedisConnectionError("gone")
        for verb, channel in commands:
            self.commands.append((verb, channel))
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
    """Returns the `coming` connections in turn, and refuses when there are none.

    The first `silent` attempts to connect are never answered.
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
    """Records the events of an event stream."""

    def __init__(self) -> None:
        self.received: list[tuple[Any, ...]] = []

    def on_subscribed(self, code: str) -> None:
        self.received.append(("on_subscribed", code))

    def on_events(self, code: str, published: Published) -> None:
        self.received.append(("on_events", code, published.epoch, published.first, list(published.events)))

    def on_reaction(self, code: str, reaction: bytes) -> None:
        self.received.append(("on_reaction", code, reaction))

    def on_seat_lost(self, code: str, holder: str, reason: Reason) -> None:
        self.received.append(("on_seat_lost", code, holder, reason))

    def on_watchers(self, code: str, watchers: int) -> None:
        self.received.append(("on_watchers", code, watchers))


class EventStreamHarness:
    """An event stream with fake connections, its probes and its log. While `echoes`, probes arrive."""

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
        """See `ScriptClient.call`: publish a probe."""
        self.probed.append(now())
        if self.down:
            await asyncio.sleep(0)
            raise StoreUnavailableError(StoreFailure.UNREACHABLE, "down")
        assert now() < deadline
        if self.echoes and self.pool.given:
            self.pool.given[-1].publish(args[0].encode(), channels[0].encode())

    @asynccontextmanager
    async def running(self) -> "AsyncIterator[EventStreamHarness]":
        task = asyncio.create_task(self.event_stream.run(self.listener))
        await settle()
        yield self
        assert not task.done(), task
        task.cancel()
        await asyncio.wait([task])
