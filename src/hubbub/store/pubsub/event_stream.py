"""Events of the parties that this instance is subscribed to: received, decoded and delivered to one listener."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from hubbub.core.errors import Reason
from hubbub.core.replica import Published
from hubbub.store import keys
from hubbub.store.client.connect import StoreConnections
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.pubsub.subscription_router import SubscriptionRouter

_CHANNEL_START: Final = keys.events("")[: keys.events("").index("}")]
_CHANNEL_END: Final = keys.events("").removeprefix(_CHANNEL_START)
_EVENTS, _REACTION, _TAKEN_OVER, _KICKED, _WATCHERS = b"ERTKW"


class PartyEvents(Protocol):
    """Receives the events of parties. Every method returns at once."""

    def on_subscribed(self, code: str) -> None:
        """Handle a confirmed subscription. Events from before it may be missing."""

    def on_events(self, code: str, published: Published) -> None:
        """Handle numbered events of one change."""

    def on_reaction(self, code: str, reaction: bytes) -> None:
        """Handle an encoded `REACTION`."""

    def on_seat_lost(self, code: str, holder: str, reason: Reason) -> None:
        """Handle the loss of a connection's seat, by a take-over or a kick."""

    def on_watchers(self, code: str, watchers: int) -> None:
        """Handle a new number of watchers."""


class EventStream:
    """The events of one instance.

    `report` receives each new state for the log: "reaching", "interrupted: …", "deaf", and "unreadable" for a message
    that cannot be decoded.
    """

    def __init__(self, connections: StoreConnections, instance_id: str, report: Callable[[str], None]) -> None:
        self._report = report
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        self._listener: PartyEvents | None = None
        self._router = SubscriptionRouter(connections, instance_id, self, report)

    @property
    def is_receiving(self) -> bool:
        """Return whether events of all primaries arrive at this instance, as probes have shown."""
        return self._router.is_receiving

    async def subscribe(self, code: str, deadline: float) -> None:
        """Subscribe to a party and return when that is confirmed; raises `StoreUnavailableError`."""
        confirmation = self._confirmations.get(code)
        if confirmation is None:
            confirmation = self._confirmations[code] = asyncio.get_running_loop().create_future()
            self._router.subscribe(keys.events(code))
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.shield(confirmation)
        except TimeoutError:
            raise StoreUnavailableError(StoreFailure.TIMEOUT, "the subscription was not confirmed") from None
        except asyncio.CancelledError:
            if not confirmation.cancelled():
                raise
            raise StoreUnavailableError(StoreFailure.UNREACHABLE, "the subscription is not wanted any more") from None

    def unsubscribe(self, code: str) -> None:
        """End the subscription."""
        if (confirmation := self._confirmations.pop(code, None)) is not None:
            confirmation.cancel()
            self._router.unsubscribe(keys.events(code))

    async def run(self, listener: PartyEvents) -> None:
        """Keep the connections and deliver events to `listener` until cancelled."""
        self._listener = listener
        await self._router.run()

    def on_subscribed(self, channel: str) -> None:
        """See `SubscriptionEvents.on_subscribed`."""
        code = _code_of(channel)
        confirmation = self._confirmations[code]
        if not confirmation.done():
            confirmation.set_result(None)
            assert self._listener is not None
            self._listener.on_subscribed(code)

    def on_unsubscribed(self, channel: str) -> None:
        """See `SubscriptionEvents.on_unsubscribed`."""
        code = _code_of(channel)
        if self._confirmations[code].done():
            self._confirmations[code] = asyncio.get_running_loop().create_future()

    def on_message(self, channel: str, data: bytes) -> None:
        """See `SubscriptionEvents.on_message`."""
        assert self._listener is not None
        try:
            _deliver(self._listener, _code_of(channel), data)
        except (ValueError, IndexError):
            # Only instances should publish here. If this was an event, the replica finds the gap and asks the store.
            self._report("unreadable")


def _code_of(channel: str) -> str:
    return channel.removeprefix(_CHANNEL_START).removesuffix(_CHANNEL_END)


def _deliver(listener: PartyEvents, code: str, data: bytes) -> None:
    """Decode a message that `events.lua` published, and deliver it."""
    kind, text = data[0], data[1:]
    if kind == _EVENTS:
        head, _, events = text.partition(b"\n")
        epoch, _, first = head.partition(b" ")
        listener.on_events(code, Published(epoch.decode(), int(first), events.split(b"\n")))
    elif kind == _REACTION:
        listener.on_reaction(code, text)
    elif kind == _TAKEN_OVER:
        listener.on_seat_lost(code, text.decode(), Reason.TAKEN_OVER)
    elif kind == _KICKED:
        listener.on_seat_lost(code, text.decode(), Reason.KICKED)
    elif kind == _WATCHERS:
        listener.on_watchers(code, int(text))
