"""Routes each channel to the primary of its slot, with one subscriber for each primary of the store."""

import asyncio
from collections.abc import Callable

from hubbub.core.limits import CLUSTER_LOOK_AGAIN_SECONDS
from hubbub.loop import spread
from hubbub.store import keys
from hubbub.store.client.address import Node
from hubbub.store.client.connect import StoreConnections
from hubbub.store.pubsub.subscriber import Subscriber, SubscriptionEvents


class SubscriptionRouter:
    """The subscriptions of one instance.

    `report` receives each new state for the log: "reaching" when all primaries deliver, else "interrupted: …" or
    "deaf". If there are several primaries, the state names the one that fails.
    """

    def __init__(
        self,
        connections: StoreConnections,
        instance_id: str,
        events: SubscriptionEvents,
        report: Callable[[str], None],
    ) -> None:
        self._connections = connections
        self._directory = connections.directory
        self._instance_id = instance_id
        self._events = events
        self._report = report
        self._reported = ""
        self._subscriber_by_channel: dict[str, Subscriber | None] = {}
        self._has_unassigned = asyncio.Event()
        self._subscribers: dict[Node, Subscriber] = {}
        self._tasks: dict[Node, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._directory.on_change(self._on_primaries_changed)

    @property
    def is_receiving(self) -> bool:
        """Return whether the connections to all primaries deliver."""
        return bool(self._subscribers) and all(subscriber.is_receiving for subscriber in self._subscribers.values())

    def subscribe(self, channel: str) -> None:
        """Begin a subscription."""
        self._assign(channel)

    def unsubscribe(self, channel: str) -> None:
        """End a subscription."""
        subscriber = self._subscriber_by_channel.pop(channel)
        if subscriber is not None:
            subscriber.unsubscribe(channel)

    async def run(self) -> None:
        """Keep the connections until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            self._on_primaries_changed()
            while True:
                await self._has_unassigned.wait()
                self._has_unassigned.clear()
                self._directory.refresh()
                await asyncio.sleep(spread(CLUSTER_LOOK_AGAIN_SECONDS, at_least=0.5))
                for channel, subscriber in list(self._subscriber_by_channel.items()):
                    if subscriber is None:
                        self._assign(channel)

    def _on_primaries_changed(self) -> None:
        """Keep one subscriber for each primary, and move each channel to the primary of its slot."""
        if self._group is None:
            return
        primaries = self._directory.primaries()
        for node in self._subscribers.keys() - set(primaries):
            del self._subscribers[node]
            self._tasks.pop(node).cancel()
        for node in primaries:
            if node not in self._subscribers:
                subscriber = Subscriber(self._connections, node, self._events, self._on_lost, self._on_status)
                self._subscribers[node] = subscriber
                self._tasks[node] = self._group.create_task(subscriber.run(), name="subscriber")
            self._subscribers[node].set_probe_channel(keys.probe(self._directory.tag_of(node), self._instance_id))
        for channel, assigned in list(self._subscriber_by_channel.items()):
            if assigned is None or assigned is not self._subscriber_for(channel):
                self._reassign(channel, assigned)

    def _assign(self, channel: str) -> None:
        """Subscribe at the primary of the channel's slot, or later if that is not known."""
        subscriber = self._subscriber_by_channel[channel] = self._subscriber_for(channel)
        if subscriber is None:
            self._has_unassigned.set()
        else:
            subscriber.subscribe(channel)

    def _reassign(self, channel: str, subscriber: Subscriber | None) -> None:
        if subscriber is not None:
            self._events.on_unsubscribed(channel)
            subscriber.unsubscribe(channel)
        self._assign(channel)

    def _subscriber_for(self, channel: str) -> Subscriber | None:
        primary = self._directory.primary_of(channel)
        return None if primary is None else self._subscribers.get(primary)

    def _on_lost(self, channel: str) -> None:
        self._subscriber_by_channel[channel] = None
        self._has_unassigned.set()

    def _on_status(self, subscriber: Subscriber, status: str) -> None:
        if subscriber.is_receiving:
            if not self.is_receiving:
                return
        elif len(self._subscribers) > 1:
            status = f"{status} ({self._directory.name_of(subscriber.node)})"
        if status != self._reported:
            self._reported = status
            self._report(status)
