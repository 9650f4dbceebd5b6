"""Subscriptions to channels wherever their slots are: a subscriber for each primary of the store."""

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

from redis.exceptions import MovedError, ResponseError

from hubbub.core.limits import CLUSTER_LOOK_AGAIN_SECONDS
from hubbub.store import keys, scripts
from hubbub.store.client.address import Node
from hubbub.store.client.primaries import PrimaryDirectory
from hubbub.store.client.script_client import ScriptClient
from hubbub.store.pubsub.subscriber import Subscriber


class Ear(Protocol):
    """Who hears what comes by the channels. Every method returns at once."""

    def confirmed(self, channel: str) -> None:
        """The subscription began, anew perhaps: what was published before may have been missed."""

    def unconfirmed(self, channel: str) -> None:
        """The subscription ended, or is about to move; it will be confirmed again."""

    def heard(self, channel: str, data: bytes) -> None:
        """Something was published."""


class SubscriptionRouter:
    """The subscriptions of one instance. `report` hears of changes: "reaching", "interrupted: …", "deaf"."""

    def __init__(
        self,
        directory: PrimaryDirectory,
        client: ScriptClient,
        instance_id: str,
        ear: Ear,
        report: Callable[[str], None],
    ) -> None:
        self._directory = directory
        self._client = client
        self._instance_id = instance_id
        self._ear = ear
        self._report = report
        self._reported = ""
        self._subscriber_by_channel: dict[str, Subscriber | None] = {}
        self._unassigned = asyncio.Event()
        self._subscribers: dict[Node, Subscriber] = {}
        self._tasks: dict[Node, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        directory.on_change(self._on_primaries_changed)

    @property
    def is_receiving(self) -> bool:
        """Whether what is published demonstrably comes, from every primary."""
        return bool(self._subscribers) and all(subscriber.is_receiving for subscriber in self._subscribers.values())

    def subscribe(self, channel: str) -> None:
        """Begin a subscription."""
        self._assign(channel)

    def unsubscribe(self, channel: str) -> None:
        """End it."""
        subscriber = self._subscriber_by_channel.pop(channel)
        if subscriber is not None:
            subscriber.unsubscribe(channel)

    async def run(self) -> None:
        """Keep the connections for ever."""
        async with asyncio.TaskGroup() as self._group:
            self._on_primaries_changed()
            while True:
                await self._unassigned.wait()
                self._unassigned.clear()
                self._directory.refresh()
                await asyncio.sleep(CLUSTER_LOOK_AGAIN_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only spreads
                for channel in [
                    channel for channel, subscriber in self._subscriber_by_channel.items() if subscriber is None
                ]:
                    self._assign(channel)

    def confirmed(self, subscriber: Subscriber, channel: str) -> None:
        """See `Audience`, as for the others."""
        if self._subscriber_by_channel.get(channel) is subscriber:
            self._ear.confirmed(channel)

    def heard(self, channel: str, data: bytes) -> None:
        """See `Audience`."""
        self._ear.heard(channel, data)

    def lost(self, subscriber: Subscriber, channel: str, error: ResponseError | None) -> None:
        """See `Audience`."""
        if self._subscriber_by_channel.get(channel) is not subscriber:
            return
        self._subscriber_by_channel[channel] = None
        self._unassigned.set()
        self._ear.unconfirmed(channel)
        if isinstance(error, MovedError):
            self._directory.set_slot_owner(error.slot_id, Node(error.host or subscriber.node.host, error.port))

    def interrupted(self, subscriber: Subscriber) -> None:
        """See `Audience`."""
        self._directory.refresh()
        for channel, assigned in self._subscriber_by_channel.items():
            if assigned is subscriber:
                self._ear.unconfirmed(channel)

    def told(self, subscriber: Subscriber, what: str) -> None:
        """See `Audience`; of several servers, tell which, and that all is well only when it is with all."""
        if subscriber.is_receiving:
            if not self.is_receiving:
                return
        elif len(self._subscribers) > 1:
            what = f"{what} ({self._directory.name_of(subscriber.node)})"
        if what != self._reported:
            self._reported = what
            self._report(what)

    def _on_primaries_changed(self) -> None:
        """Have a subscriber for each primary, and each channel where its slot is."""
        if self._group is None:
            return
        primaries = self._directory.primaries()
        for node in self._subscribers.keys() - set(primaries):
            del self._subscribers[node]
            self._tasks.pop(node).cancel()
        for node in primaries:
            probe_channel = keys.probe(self._directory.tag_of(node), self._instance_id)
            if node in self._subscribers:
                self._subscribers[node].set_probe_channel(probe_channel)
            else:
                subscriber = Subscriber(node, self._directory.new_pool(node), self._publish, probe_channel, self)
                self._subscribers[node] = subscriber
                self._tasks[node] = self._group.create_task(subscriber.run(), name="feed connection")
        for channel, assigned in list(self._subscriber_by_channel.items()):
            if assigned is None or assigned is not self._subscriber_for(channel):
                self._reassign(channel, assigned)

    def _reassign(self, channel: str, subscriber: Subscriber | None) -> None:
        if subscriber is not None:
            self._ear.unconfirmed(channel)
            subscriber.unsubscribe(channel)
        self._assign(channel)

    def _assign(self, channel: str) -> None:
        """Order the subscription where its slot is, as far as that is known."""
        subscriber = self._subscriber_by_channel[channel] = self._subscriber_for(channel)
        if subscriber is None:
            self._unassigned.set()
        else:
            subscriber.subscribe(channel)

    def _subscriber_for(self, channel: str) -> Subscriber | None:
        primary = self._directory.primary_of(channel)
        return None if primary is None else self._subscribers.get(primary)

    async def _publish(self, channel: str, deadline: float) -> None:
        await self._client.call(scripts.PROBE, (channel,), ("probe",), deadline)
