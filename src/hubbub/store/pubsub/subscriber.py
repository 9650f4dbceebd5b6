"""One pub/sub connection: its subscriptions, their confirmation, and a probe that finds a stalled connection.

Redis drops messages while the connection is gone, and an open connection can stall. Therefore:

- Every subscription is confirmed each time it begins. A reader that reads the store after that misses nothing.
- After a silence the subscriber publishes a probe to itself. If the probe does not arrive, it reconnects.
- A cluster node ends the subscriptions of a slot that it gives away. The router subscribes again elsewhere.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Protocol

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, ResponseError, TryAgainError

from hubbub.core.limits import (
    PROBE_BUDGET_SECONDS,
    PUBSUB_IDLE_SECONDS,
    PUBSUB_PROBE_TIMEOUT_SECONDS,
    PUBSUB_RETRY_SECONDS,
    STORE_BUDGET_SECONDS,
)
from hubbub.loop import now, spread
from hubbub.store import scripts
from hubbub.store.client.address import Node
from hubbub.store.client.connect import StoreConnections
from hubbub.store.port import StoreUnavailableError

_SUBSCRIBE: Final = "SSUBSCRIBE"
_UNSUBSCRIBE: Final = "SUNSUBSCRIBE"
_SLOT_NOT_HERE: Final = (AskError, ClusterDownError, TryAgainError)

# States of a connection as the log has them.
RECEIVING: Final = "reaching"
STALLED: Final = "deaf"


class SubscriptionEvents(Protocol):
    """Receives what happens to subscriptions. Every method returns at once."""

    def on_subscribed(self, channel: str) -> None:
        """Handle a confirmed subscription. Messages from before it may be missing."""

    def on_unsubscribed(self, channel: str) -> None:
        """Handle a subscription that has ended or moves. `on_subscribed` follows when it is back."""

    def on_message(self, channel: str, data: bytes) -> None:
        """Handle a published message."""


class _SubscriptionStalledError(Exception):
    """Raised if the probe was published and did not arrive."""


class Subscriber:
    """The pub/sub connection to the primary `node`.

    `on_status` receives each new state: "reaching", "interrupted: …" or "deaf". `on_lost` receives each channel
    whose subscription the node has ended or refused, after `events.on_unsubscribed`.
    """

    def __init__(
        self,
        connections: StoreConnections,
        node: Node,
        events: SubscriptionEvents,
        on_lost: Callable[[str], None],
        on_status: Callable[["Subscriber", str], None],
    ) -> None:
        self.node = node
        self._directory = connections.directory
        self._client = connections.client
        self._pool = self._directory.new_pool(node)
        self._probe_channel = ""
        self._events = events
        self._on_lost = on_lost
        self._on_status = on_status
        self._channels: set[str] = set()
        self._commands: list[tuple[str, str]] = []
        self._has_commands = asyncio.Event()
        self._sent: deque[tuple[str, str]] = deque()
        self._unconfirmed: Counter[str] = Counter()
        self._received_at = 0.0
        self._status = ""
        self.is_receiving = False
        """True while messages arrive on this connection, as the last probe has shown."""

    def subscribe(self, channel: str) -> None:
        """Begin a subscription."""
        self._channels.add(channel)
        self._queue_command(_SUBSCRIBE, channel)

    def unsubscribe(self, channel: str) -> None:
        """End a subscription. No event of the channel follows."""
        self._channels.discard(channel)
        self._queue_command(_UNSUBSCRIBE, channel)

    def set_probe_channel(self, channel: str) -> None:
        """Publish probes to `channel` from now on. Set it before `run`."""
        if channel == self._probe_channel:
            return
        if self._probe_channel:
            self._queue_command(_UNSUBSCRIBE, self._probe_channel)
        self._queue_command(_SUBSCRIBE, channel)
        self._probe_channel = channel

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        try:
            while True:
                try:
                    await self._connect_and_read()
                except* (RedisError, OSError) as errors:
                    self._interrupt(f"interrupted: {_first(errors)}")
                except* _SubscriptionStalledError:
                    self._interrupt(STALLED)
                await asyncio.sleep(spread(PUBSUB_RETRY_SECONDS, at_least=0.5))
        finally:
            self.is_receiving = False
            await self._pool.disconnect()

    def _interrupt(self, status: str) -> None:
        """Report that all subscriptions ended with the connection. The next connection begins them again."""
        self.is_receiving = False
        self._directory.refresh()
        for channel in self._channels:
            self._events.on_unsubscribed(channel)
        self._set_status(status)

    def _set_status(self, status: str) -> None:
        if status != self._status:
            self._status = status
            self._on_status(self, status)

    async def _connect_and_read(self) -> None:
        # redis-py limits the time to connect, but not the wait for the replies to HELLO and AUTH.
        async with asyncio.timeout(STORE_BUDGET_SECONDS):
            connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            self._sent.clear()
            self._unconfirmed.clear()
            self._commands = []
            for channel in (self._probe_channel, *self._channels):
                self._queue_command(_SUBSCRIBE, channel)
            self._received_at = now()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send_commands(connection), name="subscriber commands")
                tasks.create_task(self._probe(), name="subscriber probe")
                await self._read(connection)
        finally:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    def _queue_command(self, verb: str, channel: str) -> None:
        if verb == _SUBSCRIBE:
            self._unconfirmed[channel] += 1
        self._commands.append((verb, channel))
        self._has_commands.set()

    async def _send_commands(self, connection: AbstractConnection) -> None:
        """Send queued commands; those of one loop turn share a write."""
        while True:
            await self._has_commands.wait()
            self._has_commands.clear()
            commands, self._commands = self._commands, []
            self._sent.extend(commands)
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)

    async def _probe(self) -> None:
        """After each silence, publish a probe; raise `_SubscriptionStalledError` if it does not arrive."""
        while True:
            await asyncio.sleep(max(0.0, self._received_at + PUBSUB_IDLE_SECONDS - now()))
            if now() < self._received_at + PUBSUB_IDLE_SECONDS:
                continue
            sent_at = now()
            try:
                await self._client.call(
                    scripts.PROBE, (self._probe_channel,), ("probe",), sent_at + PROBE_BUDGET_SECONDS
                )
            except StoreUnavailableError:
                # The probe may not have been published, so its absence does not prove a stall.
                # Nothing proves either that messages arrive.
                self.is_receiving = False
                self._set_status("interrupted: the store does not answer")
                await asyncio.sleep(PUBSUB_RETRY_SECONDS)
                continue
            await asyncio.sleep(PUBSUB_PROBE_TIMEOUT_SECONDS if self._received_at < sent_at else 0)
            if self._received_at < sent_at:
                raise _SubscriptionStalledError

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            try:
                kind, channel, data = await connection.read_response()
            except _SLOT_NOT_HERE as error:
                self._on_refused(error)
                continue
            self._received_at = now()
            if not self.is_receiving:
                self.is_receiving = True
                self._set_status(RECEIVING)
            name = channel.decode()
            if kind == b"ssubscribe":
                self._on_subscribed(name)
            elif kind == b"sunsubscribe":
                self._on_unsubscribed(name)
            elif name != self._probe_channel:
                self._events.on_message(name, data)

    def _on_subscribed(self, channel: str) -> None:
        self._sent.popleft()
        if self._is_last_reply(channel) and channel in self._channels:
            self._events.on_subscribed(channel)

    def _on_unsubscribed(self, channel: str) -> None:
        if self._sent and self._sent[0] == (_UNSUBSCRIBE, channel):
            self._sent.popleft()
        else:
            self._drop(channel, None)

    def _on_refused(self, error: ResponseError) -> None:
        """Handle an error reply. Replies come in order, so it answers the oldest command without a reply."""
        verb, channel = self._sent.popleft()
        if verb == _SUBSCRIBE and self._is_last_reply(channel):
            self._drop(channel, error)

    def _drop(self, channel: str, error: ResponseError | None) -> None:
        """Give up a subscription that the node has ended or refused, since it does not have the slot."""
        if channel == self._probe_channel:
            # Without the probe nothing proves that the other channels still deliver.
            raise error or _SubscriptionStalledError
        if channel not in self._channels:
            return
        self._channels.remove(channel)
        self._events.on_unsubscribed(channel)
        self._on_lost(channel)
        if isinstance(error, MovedError):
            self._directory.set_slot_owner(error.slot_id, Node(error.host or self.node.host, error.port))

    def _is_last_reply(self, channel: str) -> bool:
        # After subscribe, unsubscribe and subscribe within a moment only the last reply counts.
        self._unconfirmed[channel] -= 1
        if self._unconfirmed[channel] > 0:
            return False
        del self._unconfirmed[channel]
        return True


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first cause in nested groups."""
    cause: BaseException = errors
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause
