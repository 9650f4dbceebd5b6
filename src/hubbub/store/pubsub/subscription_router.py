"""Subscriptions to channels wherever their slots are: a subscriber for each primary of the store."""

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

from redis.exceptions import MovedError, ResponseError

from hubbub.core.limits import CLUSTER_LOOK_AGAIN_SECONDS
from hubbub.store import keys, scripts
from hubbub.store.client.address import Node
from hubbub.store.client.primaries import Servers
from hubbub.store.client.script_client import Calls
from hubbub.store.pubsub.subscriber import Subscriber


class Ear(Protocol):
    """Who hears what comes by the channels. Every method returns at once."""

    def confirmed(self, channel: str) -> None:
        """The subscription began, anew perhaps: what was published before may have been missed."""

    def unconfirmed(self, channel: str) -> None:
        """The subscription ended, or is about to move; it will be confirmed again."""

    def heard(self, channel: str, data: bytes) -> None:
        """Something was published."""


class Switchboard:
    """The subscriptions of one instance. `tell` hears of changes: "reaching", "interrupted: …", "deaf"."""

    def __init__(self, servers: Servers, calls: Calls, instance_id: str, ear: Ear, tell: Callable[[str], None]) -> None:
        self._servers = servers
        self._calls = calls
        self._instance_id = instance_id
        self._ear = ear
        self._tell = tell
        self._told = ""
        self._homes: dict[str, Subscriber | None] = {}
        self._homeless = asyncio.Event()
        self._subscribers: dict[Node, Subscriber] = {}
        self._tasks: dict[Node, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        servers.on_change(self._rearrange)

    @property
    def reaching(self) -> bool:
        """Whether what is published demonstrably comes, from every primary."""
        return bool(self._subscribers) and all(subscriber.reaching for subscriber in self._subscribers.values())

    def begin(self, channel: str) -> None:
        """Begin a subscription."""
        self._settle(channel)

    def end(self, channel: str) -> None:
        """End it."""
        home = self._homes.pop(channel)
        if home is not None:
            home.unsubscribe(channel)

    async def run(self) -> None:
        """Keep the connections for ever."""
        async with asyncio.TaskGroup() as self._group:
            self._rearrange()
            while True:
                await self._homeless.wait()
                self._homeless.clear()
                self._servers.doubt()
                await asyncio.sleep(CLUSTER_LOOK_AGAIN_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only spreads
                for channel in [channel for channel, home in self._homes.items() if home is None]:
                    self._settle(channel)

    def confirmed(self, subscriber: Subscriber, channel: str) -> None:
        """See `Audience`, as for the others."""
        if self._homes.get(channel) is subscriber:
            self._ear.confirmed(channel)

    def heard(self, channel: str, data: bytes) -> None:
        """See `Audience`."""
        self._ear.heard(channel, data)

    def lost(self, subscriber: Subscriber, channel: str, error: ResponseError | None) -> None:
        """See `Audience`."""
        if self._homes.get(channel) is not subscriber:
            return
        self._homes[channel] = None
        self._homeless.set()
        self._ear.unconfirmed(channel)
        if isinstance(error, MovedError):
            self._servers.learn(error.slot_id, Node(error.host or subscriber.node.host, error.port))

    def interrupted(self, subscriber: Subscriber) -> None:
        """See `Audience`."""
        self._servers.doubt()
        for channel, home in self._homes.items():
            if home is subscriber:
                self._ear.unconfirmed(channel)

    def told(self, subscriber: Subscriber, what: str) -> None:
        """See `Audience`; of several servers, tell which, and that all is well only when it is with all."""
        if subscriber.reaching:
            if not self.reaching:
                return
        elif len(self._subscribers) > 1:
            what = f"{what} ({self._servers.name_of(subscriber.node)})"
        if what != self._told:
            self._told = what
            self._tell(what)

    def _rearrange(self) -> None:
        """Have a subscriber for each primary, and each channel where its slot is."""
        if self._group is None:
            return
        primaries = self._servers.primaries()
        for node in self._subscribers.keys() - set(primaries):
            del self._subscribers[node]
            self._tasks.pop(node).cancel()
        for node in primaries:
            probe_channel = keys.probe(self._servers.tag_of(node), self._instance_id)
            if node in self._subscribers:
                self._subscribers[node].probe_by(probe_channel)
            else:
                subscriber = Subscriber(node, self._servers.new_pool(node), self._publish, probe_channel, self)
                self._subscribers[node] = subscriber
                self._tasks[node] = self._group.create_task(subscriber.run(), name="feed connection")
        for channel, home in list(self._homes.items()):
            if home is None or home is not self._home_of(channel):
                self._move(channel, home)

    def _move(self, channel: str, home: Subscriber | None) -> None:
        if home is not None:
            self._ear.unconfirmed(channel)
            home.unsubscribe(channel)
        self._settle(channel)

    def _settle(self, channel: str) -> None:
        """Order the subscription where its slot is, as far as that is known."""
        home = self._homes[channel] = self._home_of(channel)
        if home is None:
            self._homeless.set()
        else:
            home.subscribe(channel)

    def _home_of(self, channel: str) -> Subscriber | None:
        primary = self._servers.primary_of(channel)
        return None if primary is None else self._subscribers.get(primary)

    async def _publish(self, channel: str, deadline: float) -> None:
        await self._calls.call(scripts.PROBE, (channel,), ("heard?",), deadline)
