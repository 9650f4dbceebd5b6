"""The hub: the rooms and connections of one instance."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress

from hubbub.core.errors import CLOSE_CODES, CloseCode, Reason
from hubbub.core.limits import (
    CATCH_UP_JITTER_SECONDS,
    DRAIN_BATCHES,
    EVENT_WAIT_SECONDS,
)
from hubbub.core.protocol import KickedMessage, Position, Status, encode
from hubbub.core.replica import Published
from hubbub.core.results import Renewed
from hubbub.core.seats import Lease
from hubbub.hub.local_room import Connection, FoundBy, LocalRoom, Membership, RoomClosedError
from hubbub.hub.sync import SyncTasks
from hubbub.loop import now, spread
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError
from hubbub.store.pubsub.event_stream import EventStream

__all__ = ["Connection", "FoundBy", "Hub", "LocalRoom", "Membership", "RoomClosedError"]


class Hub:
    """The rooms and connections of one instance.

    `prepare` makes a WebSocket frame of a text. `on_fault` is called with the name of a task that
    failed, and the cause.
    """

    def __init__(
        self,
        store: Store,
        event_stream: EventStream,
        prepare: Callable[[bytes], bytes],
        on_fault: Callable[[str, BaseException], None] = lambda *_: None,
    ) -> None:
        self._event_stream = event_stream
        self._prepare = prepare
        self._on_fault = on_fault
        self._rooms: dict[str, LocalRoom] = {}
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._end_listeners: list[Callable[[LocalRoom], None]] = []
        self._trouble: Status | None = None
        self._has_new_room = asyncio.Event()
        self._is_draining = False
        self._sync_tasks = SyncTasks(store, self._start, self._on_change, self._on_absent)

    # Connections, in a room or not yet.

    @property
    def draining(self) -> bool:
        """Whether this instance is stopping: its clients come back to another one, so none of them has left."""
        return self._is_draining

    def add_connection(self, connection: Connection) -> None:
        """Add a connection, and send it the state of the store unless that is "connected"."""
        self._connections.add(connection)
        if self._trouble is not None:
            connection.send(self._prepare(encode(self._trouble)))
        if self._is_draining:
            connection.close(CloseCode.SERVICE_RESTART)

    def remove_connection(self, connection: Connection) -> None:
        """Remove a connection that is gone."""
        self._connections.discard(connection)

    def send_status(self, status: Status) -> None:
        """Send every connection the state of the store."""
        self._trouble = None if status.store == "connected" else status
        frame = self._prepare(encode(status))
        for connection in list(self._connections):
            connection.send(frame)

    async def drain(self, seconds: float) -> None:
        """Close every connection, in batches over at most so many seconds, so that not all come back at once."""
        self._is_draining = True
        connections = list(self._connections)
        size = -(-len(connections) // DRAIN_BATCHES)
        for start in range(0, len(connections), size or 1):
            for connection in connections[start : start + size]:
                connection.close(CloseCode.SERVICE_RESTART)
            await asyncio.sleep(seconds / DRAIN_BATCHES)

    def on_end(self, listener: Callable[[LocalRoom], None]) -> None:
        """Call `listener` with every room that is open here when its party ends."""
        self._end_listeners.append(listener)

    async def aclose(self) -> None:
        """Cancel the tasks that still run."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # Entering and leaving rooms.

    @asynccontextmanager
    async def open_room(self, code: str, deadline: float) -> AsyncIterator[LocalRoom]:
        """Open the party's room and subscribe to its events; raises `StoreUnavailableError`."""
        room = self._rooms.get(code)
        if room is None:
            room = self._rooms[code] = LocalRoom(code, self._prepare)
        try:
            with room.entering():
                await self._event_stream.subscribe(code, deadline)
                yield room
        finally:
            self._close_when_idle(room)

    async def wait_synced(self, room: LocalRoom, epoch: str, version: int, deadline: float) -> None:
        """Wait until the replica has reached that position; raises `StoreUnavailableError` or `RoomClosedError`."""
        if room.is_closed:
            raise RoomClosedError
        if room.replica.party is not None:
            # The event was published when the store answered, so it usually comes without asking.
            event_deadline = min(deadline, now() + EVENT_WAIT_SECONDS)
            if await room.wait_for_position(epoch, version, event_deadline):
                return
        self._catch_up(room)
        if not await room.wait_for_position(epoch, version, deadline):
            raise StoreUnavailableError(StoreFailure.TIMEOUT, "the party's events do not come", in_doubt=True)

    def seat(self, room: LocalRoom, connection: Connection, lease: Lease, since: Position | None) -> Membership:
        """Make a connection a member of a synced room, and expel it if it has lost its lease meanwhile."""
        membership = room.seat(connection, lease, since)
        if room.needs_backup:
            self._has_new_room.set()
        if (reason := room.lease_loss_of(lease.holder)) is not None:
            self._expel(membership, reason, "event")
        return membership

    def unseat(self, membership: Membership) -> None:
        """Remove a member."""
        membership.room.unseat(membership)
        self._close_when_idle(membership.room)

    def _close_when_idle(self, room: LocalRoom) -> None:
        """Close an empty room after a while, since clients reconnect; one that had no member ever, at once."""
        if room.is_empty and room.replica.party is None:
            self._drop(room)
        elif room.is_empty:
            room.start_idle_timer(self._drop_if_empty)

    def _drop_if_empty(self, room: LocalRoom) -> None:
        if room.is_empty:
            self._drop(room)

    def _drop(self, room: LocalRoom) -> None:
        if self._rooms.get(room.code) is room:
            del self._rooms[room.code]
            self._event_stream.unsubscribe(room.code)
            self._sync_tasks.cancel(room)

    # What the event stream brings.

    def on_subscribed(self, code: str) -> None:
        """Ask for the events that were missed while there was no subscription, not in all rooms at once."""
        room = self._rooms.get(code)
        if room is not None and room.replica.party is not None:
            room.replica.mark_stale()
            self._catch_up(room, spread(CATCH_UP_JITTER_SECONDS))

    def on_events(self, code: str, published: Published) -> None:
        """Apply events to the replica, and send them."""
        room = self._rooms.get(code)
        if room is None:
            return
        if not room.replica.receive(published) and room.replica.party is not None:
            self._catch_up(room)
        self._on_change(room)

    def on_reaction(self, code: str, reaction: bytes) -> None:
        """Send a reaction."""
        room = self._rooms.get(code)
        if room is not None and room.replica.party is not None:
            room.replica.outbox.add_reaction(reaction)
            room.send_soon()

    def on_seat_lost(self, code: str, holder: str, reason: Reason) -> None:
        """Close a connection that has lost its lease."""
        if (room := self._rooms.get(code)) is None:
            return
        if (membership := room.membership_of(holder)) is not None:
            self._expel(membership, reason, "event")
        elif room.is_entering:
            room.note_lease_loss(holder, reason)

    def on_watchers(self, code: str, watchers: int) -> None:
        """Note the number of watchers."""
        room = self._rooms.get(code)
        if room is not None:
            room.replica.set_watcher_count(watchers)

    # What renewals and recovery bring.

    async def wait_for_missing_backup(self, seconds: float) -> None:
        """Wait until a connection has entered a room that needs a backup, but no longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._has_new_room.wait()
        self._has_new_room.clear()

    def rooms(self) -> Iterator[LocalRoom]:
        """Iterate over the rooms that have members."""
        return (room for room in list(self._rooms.values()) if room.has_members)

    def room(self, code: str) -> LocalRoom | None:
        """Return the party's room, if it has members."""
        room = self._rooms.get(code)
        return room if room is not None and room.has_members else None

    def apply_renewal(self, room: LocalRoom, outcome: Renewed) -> None:
        """Act on the answer to a renewal: expel those who lost their leases, and sync if an event is missing."""
        room.replica.set_expiry(outcome.expires_at)
        room.replica.set_watcher_count(outcome.watchers)
        for verdict in outcome.verdicts:
            if (membership := room.membership_of(verdict.holder)) is not None:
                self._expel(membership, verdict.reason, "renewal")
        if room.replica.version < outcome.version:
            self._start(self._catch_up_unless_synced(room, outcome.epoch, outcome.version), "late event")

    def resync_all(self, room: LocalRoom) -> None:
        """Load the party anew, since it has a new epoch, and send every member a new `ROOM`."""
        room.replica.force_full_sync()
        self._catch_up(room, spread(CATCH_UP_JITTER_SECONDS))

    def schedule_close(self, room: LocalRoom, *, has_ended: bool = False) -> None:
        """Close a room that the store does not have, once the event that says why has had time to come.

        `has_ended` says that the store knows that the party ended.
        """
        room.start_close_timer(self._close, has_ended=has_ended)

    def _on_absent(self, room: LocalRoom, has_ended: bool) -> None:
        self.schedule_close(room, has_ended=has_ended)

    async def _catch_up_unless_synced(self, room: LocalRoom, epoch: str, version: int) -> None:
        """Ask the store if the event has not come after `EVENT_WAIT_SECONDS`."""
        with suppress(RoomClosedError):
            if not await room.wait_for_position(epoch, version, now() + EVENT_WAIT_SECONDS):
                self._catch_up(room)

    def _expel(self, membership: Membership, reason: Reason, found_by: FoundBy) -> None:
        membership.room.send_now()
        if reason is Reason.KICKED:
            membership.room.note_kick(membership.lease)
            membership.connection.send(self._prepare(encode(KickedMessage())))
        membership.connection.close(CLOSE_CODES[reason], found_by)
        self.unseat(membership)

    def _on_change(self, room: LocalRoom) -> None:
        room.notify_waiters()
        if room.replica.ended:
            room.send_now()
            self._close(room)

    def _close(self, room: LocalRoom) -> None:
        if room.has_ended and not room.is_closed:
            for listener in self._end_listeners:
                listener(room)
        room.close_all()
        self._drop(room)

    # Tasks.

    def _catch_up(self, room: LocalRoom, delay: float = 0.0) -> None:
        """Have a room synced, unless it is open no more."""
        if self._rooms.get(room.code) is room:
            self._sync_tasks.request(room, delay)

    def _start(self, job: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(job, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._forget_task)
        return task

    def _forget_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._on_fault(task.get_name(), fault)
