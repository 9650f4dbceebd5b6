"""One connection on which an instance is subscribed to channels, and which proves again and again that it hears.

Pub/sub loses what is published while the connection is gone, and a connection may go deaf while it stays open. So a
channel is told as confirmed each time its subscription (re)begins, and whoever reads the store after that misses
nothing; and after a silence a word is published to the connection itself, which is rebuilt if that does not come. A
server of a cluster ends subscriptions whose slot it gives away: those are told as lost.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AskError, ClusterDownError, RedisError, ResponseError, TryAgainError

from hubbub.core.limits import (
    FEED_RETRY_SECONDS,
    PROBE_BUDGET_SECONDS,
    PUBSUB_IDLE_SECONDS,
    PUBSUB_PROBE_TIMEOUT_SECONDS,
    STORE_BUDGET_SECONDS,
)
from hubbub.store.client.address import Node
from hubbub.store.port import StoreUnavailableError

_SUBSCRIBE: Final = "SSUBSCRIBE"
_UNSUBSCRIBE: Final = "SUNSUBSCRIBE"
_SLOT_NOT_HERE: Final = (AskError, ClusterDownError, TryAgainError)


class Audience(Protocol):
    """Who hears what subscribers have to tell. Every method returns at once."""

    def confirmed(self, subscriber: "Subscriber", channel: str) -> None:
        """The subscription began, anew perhaps: what was published before may have been missed."""

    def heard(self, channel: str, data: bytes) -> None:
        """Something was published."""

    def lost(self, subscriber: "Subscriber", channel: str, error: ResponseError | None) -> None:
        """The server has ended or refused the subscription, since the channel's slot is not there."""

    def interrupted(self, subscriber: "Subscriber") -> None:
        """All subscriptions ended with the connection; they will be ordered again on the next."""

    def told(self, subscriber: "Subscriber", what: str) -> None:
        """It is new that the connection is "reaching", "interrupted: …" or "deaf"."""


class _SubscriptionStalledError(Exception):
    """What was published did not come."""


class Subscriber:
    """The connection to `node`, by `pool`. `publish` sends a word to a channel by another one, within a deadline."""

    def __init__(
        self,
        node: Node,
        pool: ConnectionPool,
        publish: Callable[[str, float], Awaitable[object]],
        probe_channel: str,
        audience: Audience,
    ) -> None:
        self.node = node
        self._pool = pool
        self._publish = publish
        self._probe_channel = probe_channel
        self._audience = audience
        self._channels: set[str] = set()
        self._commands: list[tuple[str, str]] = []
        self._has_commands = asyncio.Event()
        self._sent: deque[tuple[str, str]] = deque()
        self._unconfirmed: Counter[str] = Counter()
        self._received_at = 0.0
        self._reported = ""
        self.is_receiving = False
        """Whether what is published demonstrably comes by this connection."""

    def subscribe(self, channel: str) -> None:
        """Begin a subscription."""
        self._channels.add(channel)
        self._queue_command(_SUBSCRIBE, channel)

    def unsubscribe(self, channel: str) -> None:
        """End a subscription."""
        self._channels.discard(channel)
        self._queue_command(_UNSUBSCRIBE, channel)

    def set_probe_channel(self, channel: str) -> None:
        """Use another channel for the words to oneself."""
        if channel != self._probe_channel:
            self._queue_command(_UNSUBSCRIBE, self._probe_channel)
            self._queue_command(_SUBSCRIBE, channel)
            self._probe_channel = channel

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        try:
            while True:
                try:
                    await self._listen()
                except* (RedisError, OSError) as troubles:
                    self._interrupted(f"interrupted: {_first(troubles)}")
                except* _SubscriptionStalledError:
                    self._interrupted("deaf")
                await asyncio.sleep(FEED_RETRY_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only spreads instances
        finally:
            self.is_receiving = False
            await self._pool.disconnect()

    def _report(self, what: str) -> None:
        """Tell what is new, once."""
        if what != self._reported:
            self._reported = what
            self._audience.told(self, what)

    def _interrupted(self, what: str) -> None:
        self.is_receiving = False
        self._audience.interrupted(self)
        self._report(what)

    async def _listen(self) -> None:
        # redis-py bounds the dialling, but not the wait for an answer to the first words on the connection.
        async with asyncio.timeout(STORE_BUDGET_SECONDS):
            connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            self._sent.clear()
            self._unconfirmed.clear()
            self._commands = []
            for channel in (self._probe_channel, *self._channels):
                self._queue_command(_SUBSCRIBE, channel)
            self._received_at = _now()
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._send(connection), name="feed commands")
                parts.create_task(self._probe(), name="feed probe")
                await self._read(connection)
        finally:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    def _queue_command(self, verb: str, channel: str) -> None:
        if verb == _SUBSCRIBE:
            self._unconfirmed[channel] += 1
        self._commands.append((verb, channel))
        self._has_commands.set()

    async def _send(self, connection: AbstractConnection) -> None:
        """Send what was ordered; commands of one loop turn share a write."""
        while True:
            await self._has_commands.wait()
            self._has_commands.clear()
            commands, self._commands = self._commands, []
            self._sent.extend(commands)
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)

    async def _probe(self) -> None:
        """After a silence, publish a word to this connection; raise `_SubscriptionStalledError` unless it arrives."""
        while True:
            await asyncio.sleep(max(0.0, self._received_at + PUBSUB_IDLE_SECONDS - _now()))
            if _now() < self._received_at + PUBSUB_IDLE_SECONDS:
                continue
            asked_at = _now()
            try:
                await self._publish(self._probe_channel, asked_at + PROBE_BUDGET_SECONDS)
            except StoreUnavailableError:
                # It may be that nothing was published, so silence proves nothing; nor is anything proved to come.
                self.is_receiving = False
                self._report("interrupted: the store does not answer")
                await asyncio.sleep(FEED_RETRY_SECONDS)
                continue
            await asyncio.sleep(PUBSUB_PROBE_TIMEOUT_SECONDS if self._received_at < asked_at else 0)
            if self._received_at < asked_at:
                raise _SubscriptionStalledError

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            try:
                kind, channel, data = await connection.read_response()
            except _SLOT_NOT_HERE as error:
                self._on_refused(error)
                continue
            self._received_at = _now()
            if not self.is_receiving:
                self.is_receiving = True
                self._report("reaching")
            name = channel.decode()
            if kind == b"ssubscribe":
                self._on_subscribed(name)
            elif kind == b"sunsubscribe":
                self._on_unsubscribed(name)
            elif name != self._probe_channel:
                self._audience.heard(name, data)

    def _on_subscribed(self, channel: str) -> None:
        self._sent.popleft()
        if self._is_last_answer(channel) and channel in self._channels:
            self._audience.confirmed(self, channel)

    def _on_unsubscribed(self, channel: str) -> None:
        if self._sent and self._sent[0] == (_UNSUBSCRIBE, channel):
            self._sent.popleft()
        else:
            self._drop(channel, None)

    def _on_refused(self, error: ResponseError) -> None:
        """Answers come in order, so this one is for the first order that has none."""
        verb, channel = self._sent.popleft()
        if verb == _SUBSCRIBE and self._is_last_answer(channel):
            self._drop(channel, error)

    def _drop(self, channel: str, error: ResponseError | None) -> None:
        if channel == self._probe_channel:
            # Without it nothing proves that the others hear.
            raise error or _SubscriptionStalledError
        if channel in self._channels:
            self._channels.remove(channel)
            self._audience.lost(self, channel, error)

    def _is_last_answer(self, channel: str) -> bool:
        # Wanted, unwanted and wanted again within a moment: only the last answer counts.
        self._unconfirmed[channel] -= 1
        if self._unconfirmed[channel] > 0:
            return False
        del self._unconfirmed[channel]
        return True


def _first(troubles: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first cause, however deep."""
    cause: BaseException = troubles
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause


def _now() -> float:
    return asyncio.get_running_loop().time()
