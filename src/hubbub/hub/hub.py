"""This instance's rooms and their phones: opening, keeping level, sending, and letting go."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress

from hubbub.core.errors import CLOSE_CODES, CloseCode, Reason
from hubbub.core.limits import (
    CATCH_UP_JITTER_SECONDS,
    DRAIN_BATCHES,
    EVENT_WAIT_SECONDS,
    FEED_RETRY_SECONDS,
    ROOM_LINGER_SECONDS,
    STORE_BUDGET_SECONDS,
)
from hubbub.core.party import Lease
from hubbub.core.protocol import KickedMessage, Position, Status, encode
from hubbub.core.replica import Published
from hubbub.core.results import Ended, HistoryLost, Missing, Renewed
from hubbub.hub.local_room import Connection, LocalRoom, Membership, RoomClosedError
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError
from hubbub.store.pubsub.event_stream import EventStream

__all__ = ["Connection", "Hub", "LocalRoom", "Membership", "RoomClosedError"]


class Hub:
    """All rooms of this instance.

    `prepare` makes a frame for the wire of a frame's text; `on_fault` hears of a task that failed, by its name.
    """

    def __init__(
        self,
        store: Store,
        event_stream: EventStream,
        prepare: Callable[[bytes], bytes],
        on_fault: Callable[[str, BaseException], None] = lambda *_: None,
    ) -> None:
        self._store = store
        self._event_stream = event_stream
        self._prepare = prepare
        self._on_fault = on_fault
        self._rooms: dict[str, LocalRoom] = {}
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._end_listeners: list[Callable[[LocalRoom], None]] = []
        self._trouble: Status | None = None
        self.has_new_room = asyncio.Event()
        """Set where somebody has entered a room whose leases were never renewed."""
        self.draining = False
        """Whether this instance is about to end: then phones come back elsewhere, and nobody has left."""

    # Phones, in a room or not yet.

    def add_connection(self, connection: Connection) -> None:
        """Take a new connection, and tell it how the store is unless all is well."""
        self._connections.add(connection)
        if self._trouble is not None:
            connection.send(self._prepare(encode(self._trouble)))
        if self.draining:
            connection.close(CloseCode.SERVICE_RESTART)

    def remove_connection(self, connection: Connection) -> None:
        """Note that a connection is gone."""
        self._connections.discard(connection)

    def send_status(self, status: Status) -> None:
        """Tell every phone how the link to the store is."""
        self._trouble = None if status.store == "connected" else status
        frame = self._prepare(encode(status))
        for connection in list(self._connections):
            connection.send(frame)

    async def drain(self, seconds: float) -> None:
        """Close every connection, in batches over at most so many seconds, so that not all come back at once."""
        self.draining = True
        phones = list(self._connections)
        size = -(-len(phones) // DRAIN_BATCHES)
        for start in range(0, len(phones), size or 1):
            for connection in phones[start : start + size]:
                connection.close(CloseCode.SERVICE_RESTART)
            await asyncio.sleep(seconds / DRAIN_BATCHES)

    def on_end(self, listener: Callable[[LocalRoom], None]) -> None:
        """Tell `listener` of every party that ended while its room was open here, from now on."""
        self._end_listeners.append(listener)

    async def aclose(self) -> None:
        """End what still runs."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # Entering and leaving rooms.

    @asynccontextmanager
    async def open_room(self, code: str, deadline: float) -> AsyncIterator[LocalRoom]:
        """The party's room, whose events reach this instance from now on; raises `StoreUnavailableError`."""
        room = self._rooms.get(code)
        if room is None:
            room = self._rooms[code] = LocalRoom(code, self._prepare)
        room.entering += 1
        try:
            await self._event_stream.subscribe(code, deadline)
            yield room
        finally:
            room.entering -= 1
            self._close_when_idle(room)

    async def wait_synced(self, room: LocalRoom, epoch: str, version: int, deadline: float) -> None:
        """Wait until the room has got to that position; raises `StoreUnavailableError` or `RoomClosedError`."""
        if room.is_closed:
            raise RoomClosedError
        if room.replica.party is not None:
            # The event is on its way here, as the answer was.
            patience = min(deadline, _now() + EVENT_WAIT_SECONDS)
            if await room.wait_for_position(epoch, version, patience):
                return
        self._catch_up(room)
        if not await room.wait_for_position(epoch, version, deadline):
            raise StoreUnavailableError(StoreFailure.TIMEOUT, "the party's events do not come", in_doubt=True)

    def seat(self, room: LocalRoom, connection: Connection, lease: Lease, since: Position | None) -> Membership:
        """Give a phone its place in a room that is level with it, unless it has lost that already."""
        membership = room.seat(connection, lease, since)
        if room.backup_version < 0:
            self.has_new_room.set()
        for holder, reason in list(room.recent_lease_losses):
            if holder == lease.holder:
                self._expel(membership, reason)
        return membership

    def unseat(self, membership: Membership) -> None:
        """Let a phone go."""
        membership.room.unseat(membership)
        self._close_when_idle(membership.room)

    def _close_when_idle(self, room: LocalRoom) -> None:
        """Keep an empty room for a while, since phones come back; one that nobody ever entered goes at once."""
        if room.is_empty and room.replica.party is None:
            self._drop(room)
        elif room.is_empty:
            if room.idle_timer is not None:
                room.idle_timer.cancel()
            loop = asyncio.get_running_loop()
            room.idle_timer = loop.call_later(ROOM_LINGER_SECONDS, self._drop_if_empty, room)

    def _drop_if_empty(self, room: LocalRoom) -> None:
        if room.is_empty:
            self._drop(room)

    def _drop(self, room: LocalRoom) -> None:
        if self._rooms.get(room.code) is room:
            del self._rooms[room.code]
            self._event_stream.unsubscribe(room.code)
            if room.sync_task is not None:
                room.sync_task.cancel()

    # What the event stream brings.

    def on_subscribed(self, code: str) -> None:
        """Events come again: ask for those that did not, but not with all other rooms at once."""
        room = self._rooms.get(code)
        if room is not None and room.replica.party is not None:
            room.replica.doubt()
            self._catch_up(room, random.uniform(0, CATCH_UP_JITTER_SECONDS))  # noqa: S311 - only spreads

    def on_events(self, code: str, published: Published) -> None:
        """Take events."""
        room = self._rooms.get(code)
        if room is None:
            return
        if not room.replica.receive(published) and room.replica.party is not None:
            self._catch_up(room)
        self._on_change(room)

    def on_reaction(self, code: str, reaction: bytes) -> None:
        """Pass a reaction on."""
        room = self._rooms.get(code)
        if room is not None and room.replica.party is not None:
            room.replica.reacted(reaction)
            room.send_soon()

    def on_seat_lost(self, code: str, holder: str, reason: Reason) -> None:
        """Close a connection that has lost its seat."""
        if (room := self._rooms.get(code)) is None:
            return
        if (membership := room.membership_of(holder)) is not None:
            self._expel(membership, reason)
        elif room.entering:
            room.recent_lease_losses.append((holder, reason))

    def on_watchers(self, code: str, watchers: int) -> None:
        """Note how many watch."""
        room = self._rooms.get(code)
        if room is not None:
            room.replica.watched_by(watchers)

    # What renewing leases brings.

    def rooms(self) -> Iterator[LocalRoom]:
        """The rooms with phones in them."""
        return (room for room in list(self._rooms.values()) if room.has_members)

    def room(self, code: str) -> LocalRoom | None:
        """The party's room, if there are phones in it."""
        room = self._rooms.get(code)
        return room if room is not None and room.has_members else None

    def apply_renewal(self, room: LocalRoom, outcome: Renewed) -> None:
        """Act on what a renewal said: positions compared, verdicts carried out."""
        room.replica.lives_until(outcome.expires_at)
        room.replica.watched_by(outcome.watchers)
        for verdict in outcome.verdicts:
            if (membership := room.membership_of(verdict.holder)) is not None:
                self._expel(membership, verdict.reason)
        if room.replica.version < outcome.version:
            self._start(self._catch_up_unless_synced(room, outcome.epoch, outcome.version), "late event")

    def resync_all(self, room: LocalRoom) -> None:
        """The party goes on under a new epoch: everyone gets a new `ROOM`."""
        if room.close_timer is not None:
            room.close_timer.cancel()
        room.replica.begin_anew()
        # After a loss all rooms begin anew, but not all at once.
        self._catch_up(room, random.uniform(0, CATCH_UP_JITTER_SECONDS))  # noqa: S311 - only spreads

    def schedule_close(self, room: LocalRoom, *, has_ended: bool = False) -> None:
        """The store knows the party no more: close its phones, but give the event that says why a moment to come.

        `has_ended` tells that the store still knows that it ended.
        """
        room.has_ended = room.has_ended or has_ended
        loop = asyncio.get_running_loop()
        room.close_timer = loop.call_later(EVENT_WAIT_SECONDS, self._close, room)

    async def _catch_up_unless_synced(self, room: LocalRoom, epoch: str, version: int) -> None:
        """Ask the store if the event does not come by itself in a moment."""
        with suppress(RoomClosedError):
            if not await room.wait_for_position(epoch, version, _now() + EVENT_WAIT_SECONDS):
                self._catch_up(room)

    def _expel(self, membership: Membership, reason: Reason) -> None:
        membership.room.send_now()
        if reason is Reason.KICKED:
            membership.room.recent_kicks.append(membership.lease)
            membership.connection.send(self._prepare(encode(KickedMessage())))
        membership.connection.close(CLOSE_CODES[reason])
        self.unseat(membership)

    def _on_change(self, room: LocalRoom) -> None:
        room.notify_waiters()
        if room.replica.ended:
            room.send_now()
            self._close(room)

    def _close(self, room: LocalRoom) -> None:
        if (room.replica.ended or room.has_ended) and not room.is_closed:
            for listener in self._end_listeners:
                listener(room)
        room.close_all(CloseCode.PARTY_ENDED)
        self._drop(room)

    # Asking the store for what was missed.

    def _catch_up(self, room: LocalRoom, delay: float = 0.0) -> None:
        if self._rooms.get(room.code) is not room:
            return
        room.sync_again = True
        if not delay:
            room.sync_now.set()
        if room.sync_task is None:
            room.sync_task = self._start(self._run_sync(room, delay), "catching up")

    async def _run_sync(self, room: LocalRoom, delay: float) -> None:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await room.sync_now.wait()
            room.sync_now.clear()
            await self._sync_until_complete(room)
        finally:
            room.sync_task = None
            room.sync_now.clear()

    async def _sync_until_complete(self, room: LocalRoom) -> None:
        while room.sync_again:
            room.sync_again = False
            since = room.replica.ask()
            try:
                outcome = await self._store.catch_up(room.code, since, _now() + STORE_BUDGET_SECONDS)
            except StoreUnavailableError:
                room.replica.unanswered()
                self._on_change(room)
                room.sync_again = True
                await asyncio.sleep(FEED_RETRY_SECONDS)
                continue
            if isinstance(outcome, Missing | Ended | HistoryLost):
                room.replica.unanswered(is_over=isinstance(outcome, Ended))
                self._on_change(room)
                if isinstance(outcome, Ended) or (isinstance(outcome, Missing) and not room.has_members):
                    self.schedule_close(room, has_ended=isinstance(outcome, Ended))
                    return
                await self._wait_for_recovery(room)
                continue
            complete = room.replica.answered(outcome)
            self._on_change(room)
            if not complete:
                room.sync_again = True
                await asyncio.sleep(EVENT_WAIT_SECONDS)

    async def _wait_for_recovery(self, room: LocalRoom) -> None:
        """Give whoever heals parties a moment, then ask again; where nobody is in the room, nothing is to be healed."""
        room.sync_again = True
        if room.has_members:
            room.needs_recovery = True
            await asyncio.sleep(EVENT_WAIT_SECONDS)
        else:
            room.replica.begin_anew()

    def _start(self, job: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(job, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._forget_task)
        return task

    def _forget_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._on_fault(task.get_name(), fault)


def _now() -> float:
    return asyncio.get_running_loop().time()
