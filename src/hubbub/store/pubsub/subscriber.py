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

_BEGIN: Final = "SSUBSCRIBE"
_END: Final = "SUNSUBSCRIBE"
_ELSEWHERE: Final = (AskError, ClusterDownError, TryAgainError)


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


class _Deaf(Exception):  # noqa: N818 - it names the state
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
        self._orders: list[tuple[str, str]] = []
        self._ordered = asyncio.Event()
        self._sent: deque[tuple[str, str]] = deque()
        self._unconfirmed: Counter[str] = Counter()
        self._heard_at = 0.0
        self._told = ""
        self.reaching = False
        """Whether what is published demonstrably comes by this connection."""

    def subscribe(self, channel: str) -> None:
        """Begin a subscription."""
        self._channels.add(channel)
        self._order(_BEGIN, channel)

    def unsubscribe(self, channel: str) -> None:
        """End a subscription."""
        self._channels.discard(channel)
        self._order(_END, channel)

    def probe_by(self, channel: str) -> None:
        """Use another channel for the words to oneself."""
        if channel != self._probe_channel:
            self._order(_END, self._probe_channel)
            self._order(_BEGIN, channel)
            self._probe_channel = channel

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        try:
            while True:
                try:
                    await self._listen()
                except* (RedisError, OSError) as troubles:
                    self._interrupted(f"interrupted: {_first(troubles)}")
                except* _Deaf:
                    self._interrupted("deaf")
                await asyncio.sleep(FEED_RETRY_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only spreads instances
        finally:
            self.reaching = False
            await self._pool.disconnect()

    def _say(self, what: str) -> None:
        """Tell what is new, once."""
        if what != self._told:
            self._told = what
            self._audience.told(self, what)

    def _interrupted(self, what: str) -> None:
        self.reaching = False
        self._audience.interrupted(self)
        self._say(what)

    async def _listen(self) -> None:
        # redis-py bounds the dialling, but not the wait for an answer to the first words on the connection.
        async with asyncio.timeout(STORE_BUDGET_SECONDS):
            connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            self._sent.clear()
            self._unconfirmed.clear()
            self._orders = []
            for channel in (self._probe_channel, *self._channels):
                self._order(_BEGIN, channel)
            self._heard_at = _now()
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._send(connection), name="feed orders")
                parts.create_task(self._probe(), name="feed probe")
                await self._read(connection)
        finally:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    def _order(self, verb: str, channel: str) -> None:
        if verb == _BEGIN:
            self._unconfirmed[channel] += 1
        self._orders.append((verb, channel))
        self._ordered.set()

    async def _send(self, connection: AbstractConnection) -> None:
        """Send what was ordered; orders of one loop turn share a write."""
        while True:
            await self._ordered.wait()
            self._ordered.clear()
            orders, self._orders = self._orders, []
            self._sent.extend(orders)
            await connection.send_packed_command(connection.pack_commands(orders), check_health=False)

    async def _probe(self) -> None:
        """After a silence, publish a word to this connection; raise `_Deaf` where it is not heard."""
        while True:
            await asyncio.sleep(max(0.0, self._heard_at + PUBSUB_IDLE_SECONDS - _now()))
            if _now() < self._heard_at + PUBSUB_IDLE_SECONDS:
                continue
            asked_at = _now()
            try:
                await self._publish(self._probe_channel, asked_at + PROBE_BUDGET_SECONDS)
            except StoreUnavailableError:
                # It may be that nothing was published, so silence proves nothing; nor is anything proved to come.
                self.reaching = False
                self._say("interrupted: the store does not answer")
                await asyncio.sleep(FEED_RETRY_SECONDS)
                continue
            await asyncio.sleep(PUBSUB_PROBE_TIMEOUT_SECONDS if self._heard_at < asked_at else 0)
            if self._heard_at < asked_at:
                raise _Deaf

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            try:
                kind, channel, data = await connection.read_response()
            except _ELSEWHERE as error:
                self._refused(error)
                continue
            self._heard_at = _now()
            if not self.reaching:
                self.reaching = True
                self._say("reaching")
            name = channel.decode()
            if kind == b"ssubscribe":
                self._confirm(name)
            elif kind == b"sunsubscribe":
                self._ended(name)
            elif name != self._probe_channel:
                self._audience.heard(name, data)

    def _confirm(self, channel: str) -> None:
        self._sent.popleft()
        if self._is_last_answer(channel) and channel in self._channels:
            self._audience.confirmed(self, channel)

    def _ended(self, channel: str) -> None:
        if self._sent and self._sent[0] == (_END, channel):
            self._sent.popleft()
        else:
            self._lose(channel, None)

    def _refused(self, error: ResponseError) -> None:
        """Answers come in order, so this one is for the first order that has none."""
        verb, channel = self._sent.popleft()
        if verb == _BEGIN and self._is_last_answer(channel):
            self._lose(channel, error)

    def _lose(self, channel: str, error: ResponseError | None) -> None:
        if channel == self._probe_channel:
            # Without it nothing proves that the others hear.
            raise error or _Deaf
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
