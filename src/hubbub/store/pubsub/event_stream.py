"""Events to this instance: what comes by the channels of the parties it wants, read and handed on.

A code is told as confirmed each time its subscription (re)begins, and whoever reads the store after that misses
nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from hubbub.core.errors import Reason
from hubbub.core.replica import Published
from hubbub.store import keys
from hubbub.store.client.primaries import PrimaryDirectory
from hubbub.store.client.script_client import ScriptClient
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.pubsub.subscription_router import SubscriptionRouter

_CHANNEL_START: Final = keys.events("")[: keys.events("").index("}")]
_CHANNEL_END: Final = keys.events("").removeprefix(_CHANNEL_START)
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


class EventStream:
    """The events of one instance. `report` hears of changes: "reaching", "interrupted: …", "deaf", "unreadable"."""

    def __init__(
        self, directory: PrimaryDirectory, client: ScriptClient, instance_id: str, report: Callable[[str], None]
    ) -> None:
        self._report = report
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        self._listener: Listener | None = None
        self._router = SubscriptionRouter(directory, client, instance_id, self, report)

    @property
    def is_receiving(self) -> bool:
        """Whether events demonstrably reach this instance, from every primary."""
        return self._router.is_receiving

    async def subscribe(self, code: str, deadline: float) -> None:
        """Subscribe to a party's events and return once that is confirmed; raises `StoreUnavailableError`."""
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

    async def run(self, listener: Listener) -> None:
        """Keep the connections for ever, and hand what comes to `listener`."""
        self._listener = listener
        await self._router.run()

    def confirmed(self, channel: str) -> None:
        """See `Ear`, as for the others."""
        code = _code_of(channel)
        confirmation = self._confirmations[code]
        if not confirmation.done():
            confirmation.set_result(None)
            assert self._listener is not None
            self._listener.confirmed(code)

    def unconfirmed(self, channel: str) -> None:
        """See `Ear`."""
        code = _code_of(channel)
        if self._confirmations[code].done():
            self._confirmations[code] = asyncio.get_running_loop().create_future()

    def heard(self, channel: str, data: bytes) -> None:
        """See `Ear`."""
        assert self._listener is not None
        try:
            _deliver(self._listener, _code_of(channel), data)
        except (ValueError, IndexError):
            # Nobody but an instance should publish here. If it was an event after all, it will be missed.
            self._report("unreadable")


def _code_of(channel: str) -> str:
    return channel.removeprefix(_CHANNEL_START).removesuffix(_CHANNEL_END)


def _deliver(listener: Listener, code: str, data: bytes) -> None:
    """Hand on what `events.lua` published."""
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
