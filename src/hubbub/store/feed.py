"""Events to this instance: one connection, on which it is subscribed to the channels of the parties it wants.

Pub/sub loses what is published while the connection is gone, and a connection may go deaf while it stays open. So a
code is told as confirmed each time its subscription (re)begins, and whoever reads the store after that misses
nothing; and after a silence the instance publishes a word to itself and rebuilds the connection if it does not come.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from hubbub.core.errors import Reason
from hubbub.core.limits import (
    FEED_DEAF_SECONDS,
    FEED_RETRY_SECONDS,
    FEED_SILENCE_SECONDS,
    PROBE_BUDGET_SECONDS,
)
from hubbub.core.room import Published
from hubbub.store import Store, StoreUnavailable, Trouble, keys

_CHANNEL_START: Final = keys.events("")[: keys.events("").index("}")]
_EVENTS, _REACTION, _TAKEN_OVER, _KICKED, _WATCHERS = b"ERTKW"


class Listener(Protocol):
    """Who hears what the feed brings. Every method returns at once."""

    def confirmed(self, code: str) -> None:
        """The subscription began, anew perhaps: what was published before may have been missed."""

    def published(self, code: str, published: Published) -> None:
        """Numbered events."""

    def reacted(self, code: str, reaction: bytes) -> None:
        """An encoded `REACTION`."""

    def expelled(self, code: str, holder: str, reason: Reason) -> None:
        """A connection has lost its seat: taken over or kicked."""

    def watched(self, code: str, watchers: int) -> None:
        """So many watch now."""


class _Deaf(Exception):  # noqa: N818 - it names the state
    """What was published did not come."""


class Feed:
    """The subscriptions of one instance. `tell` hears of changes: "reaching", "interrupted", "deaf"."""

    def __init__(self, pool: ConnectionPool, store: Store, instance_id: str, tell: Callable[[str], None]) -> None:
        self._pool = pool
        self._store = store
        self._instance_id = instance_id
        self._probe_channel = keys.probe(instance_id).encode()
        self._tell = tell
        self._wanted: dict[str, asyncio.Future[None]] = {}
        self._unanswered: Counter[str] = Counter()
        self._orders: list[tuple[str, ...]] = []
        self._ordered = asyncio.Event()
        self._heard_at = 0.0
        self._told = ""
        self.reaching = False
        """Whether events demonstrably reach this instance."""

    async def want(self, code: str, deadline: float) -> None:
        """Subscribe to a party's events and return once that is confirmed; raises `StoreUnavailable`."""
        confirmation = self._wanted.get(code)
        if confirmation is None:
            confirmation = self._wanted[code] = asyncio.get_running_loop().create_future()
            self._unanswered[code] += 1
            self._order("SSUBSCRIBE", keys.events(code))
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.shield(confirmation)
        except TimeoutError:
            raise StoreUnavailable(Trouble.TIMEOUT, "the subscription was not confirmed") from None
        except asyncio.CancelledError:
            if not confirmation.cancelled():
                raise
            raise StoreUnavailable(Trouble.UNREACHABLE, "the subscription is not wanted any more") from None

    def unwant(self, code: str) -> None:
        """End the subscription."""
        if (confirmation := self._wanted.pop(code, None)) is not None:
            confirmation.cancel()
            self._order("SUNSUBSCRIBE", keys.events(code))

    async def run(self, listener: Listener) -> None:
        """Keep the connection for ever, and hand what comes to `listener`."""
        while True:
            try:
                await self._listen(listener)
            except* (RedisError, OSError) as troubles:
                self._interrupted(f"interrupted: {_first(troubles)}")
            except* _Deaf:
                self._interrupted("deaf")
            await asyncio.sleep(FEED_RETRY_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only spreads instances

    async def aclose(self) -> None:
        """Close the connection."""
        await self._pool.disconnect()

    def _say(self, what: str) -> None:
        """Tell what is new, once."""
        if what != self._told:
            self._told = what
            self._tell(what)

    def _interrupted(self, what: str) -> None:
        self.reaching = False
        self._say(what)
        for code, confirmation in self._wanted.items():
            if confirmation.done():
                self._wanted[code] = asyncio.get_running_loop().create_future()

    async def _listen(self, listener: Listener) -> None:
        connection = await self._connect()
        try:
            self._orders = [
                ("SSUBSCRIBE", name) for name in (self._probe_channel.decode(), *map(keys.events, self._wanted))
            ]
            self._ordered.set()
            self._unanswered = Counter(self._wanted.keys())
            self._heard_at = _now()
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._send(connection), name="feed orders")
                parts.create_task(self._probe(), name="feed probe")
                await self._read(connection, listener)
        finally:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    async def _connect(self) -> AbstractConnection:
        connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        return connection

    def _order(self, verb: str, channel: str) -> None:
        self._orders.append((verb, channel))
        self._ordered.set()

    async def _send(self, connection: AbstractConnection) -> None:
        """Send what was ordered; orders of one loop turn share a write."""
        while True:
            await self._ordered.wait()
            self._ordered.clear()
            orders, self._orders = self._orders, []
            await connection.send_packed_command(connection.pack_commands(orders), check_health=False)

    async def _probe(self) -> None:
        """After a silence, publish a word to this instance; raise `_Deaf` where it is not heard."""
        while True:
            await asyncio.sleep(max(0.0, self._heard_at + FEED_SILENCE_SECONDS - _now()))
            if _now() < self._heard_at + FEED_SILENCE_SECONDS:
                continue
            asked_at = _now()
            try:
                await self._store.probe(self._instance_id, "heard?", asked_at + PROBE_BUDGET_SECONDS)
            except StoreUnavailable:
                # It may be that nothing was published, so silence proves nothing; nor is anything proved to come.
                self.reaching = False
                self._say("interrupted: the store does not answer")
                await asyncio.sleep(FEED_RETRY_SECONDS)
                continue
            await asyncio.sleep(FEED_DEAF_SECONDS if self._heard_at < asked_at else 0)
            if self._heard_at < asked_at:
                raise _Deaf

    async def _read(self, connection: AbstractConnection, listener: Listener) -> None:
        while True:
            kind, channel, data = await connection.read_response()
            self._heard_at = _now()
            if not self.reaching:
                self.reaching = True
                self._say("reaching")
            if channel == self._probe_channel:
                continue
            code = channel[len(_CHANNEL_START) : -len("}:events")].decode()
            if kind == b"smessage":
                try:
                    _deliver(listener, code, data)
                except (ValueError, IndexError):
                    # Nobody but an instance should publish here. If it was an event after all, it will be missed.
                    self._tell("unreadable")
            elif kind == b"ssubscribe":
                self._confirm(listener, code)

    def _confirm(self, listener: Listener, code: str) -> None:
        # Wanted, unwanted and wanted again within a moment: only the last answer counts.
        self._unanswered[code] -= 1
        if self._unanswered[code] > 0:
            return
        del self._unanswered[code]
        confirmation = self._wanted.get(code)
        if confirmation is not None and not confirmation.done():
            confirmation.set_result(None)
            listener.confirmed(code)


def _first(troubles: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first cause, however deep."""
    cause: BaseException = troubles
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause


def _deliver(listener: Listener, code: str, data: bytes) -> None:
    """Hand on what `telling.lua` published."""
    kind, text = data[0], data[1:]
    if kind == _EVENTS:
        head, _, events = text.partition(b"\n")
        epoch, _, first = head.partition(b" ")
        listener.published(code, Published(epoch.decode(), int(first), events.split(b"\n")))
    elif kind == _REACTION:
        listener.reacted(code, text)
    elif kind == _TAKEN_OVER:
        listener.expelled(code, text.decode(), Reason.TAKEN_OVER)
    elif kind == _KICKED:
        listener.expelled(code, text.decode(), Reason.KICKED)
    elif kind == _WATCHERS:
        listener.watched(code, int(text))


def _now() -> float:
    return asyncio.get_running_loop().time()
