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
from hubbub.hub.local_room import LocalRoom, Phone, Place, RoomClosed
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError
from hubbub.store.pubsub.event_stream import EventStream

__all__ = ["Hub", "LocalRoom", "Phone", "Place", "RoomClosed"]


class Hub:
    """All rooms of this instance.

    `prepare` makes a frame for the wire of a frame's text; `tell_fault` hears of a task that failed, by its name.
    """

    def __init__(
        self,
        store: Store,
        event_stream: EventStream,
        prepare: Callable[[bytes], bytes],
        tell_fault: Callable[[str, BaseException], None] = lambda *_: None,
    ) -> None:
        self._store = store
        self._event_stream = event_stream
        self._prepare = prepare
        self._tell_fault = tell_fault
        self._rooms: dict[str, LocalRoom] = {}
        self._phones: set[Phone] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._end_listeners: list[Callable[[LocalRoom], None]] = []
        self._trouble: Status | None = None
        self.has_new_room = asyncio.Event()
        """Set where somebody has entered a room whose leases were never renewed."""
        self.draining = False
        """Whether this instance is about to end: then phones come back elsewhere, and nobody has left."""

    # Phones, in a room or not yet.

    def welcome(self, phone: Phone) -> None:
        """Take a new connection, and tell it how the store is unless all is well."""
        self._phones.add(phone)
        if self._trouble is not None:
            phone.send(self._prepare(encode(self._trouble)))
        if self.draining:
            phone.close(CloseCode.SERVICE_RESTART)

    def forget(self, phone: Phone) -> None:
        """Note that a connection is gone."""
        self._phones.discard(phone)

    def tell_status(self, status: Status) -> None:
        """Tell every phone how the link to the store is."""
        self._trouble = None if status.store == "connected" else status
        frame = self._prepare(encode(status))
        for phone in list(self._phones):
            phone.send(frame)

    async def drain(self, seconds: float) -> None:
        """Close every phone, in batches over at most so many seconds, so that not all come back at once."""
        self.draining = True
        phones = list(self._phones)
        size = -(-len(phones) // DRAIN_BATCHES)
        for start in range(0, len(phones), size or 1):
            for phone in phones[start : start + size]:
                phone.close(CloseCode.SERVICE_RESTART)
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
    async def opened(self, code: str, deadline: float) -> AsyncIterator[LocalRoom]:
        """The party's room, whose events reach this instance from now on; raises `StoreUnavailableError`."""
        opened = self._rooms.get(code)
        if opened is None:
            opened = self._rooms[code] = LocalRoom(code, self._prepare)
        opened.entering += 1
        try:
            await self._event_stream.subscribe(code, deadline)
            yield opened
        finally:
            opened.entering -= 1
            self._drop_later(opened)

    async def level(self, opened: LocalRoom, epoch: str, version: int, deadline: float) -> None:
        """Wait until the room has got to that position; raises `StoreUnavailableError` or `RoomClosed`."""
        if opened.is_closed:
            raise RoomClosed
        if opened.room.party is not None:
            # The event is on its way here, as the answer was.
            patience = min(deadline, _now() + EVENT_WAIT_SECONDS)
            if await opened.reach(epoch, version, patience):
                return
        self._catch_up(opened)
        if not await opened.reach(epoch, version, deadline):
            raise StoreUnavailableError(StoreFailure.TIMEOUT, "the party's events do not come", in_doubt=True)

    def seat(self, opened: LocalRoom, phone: Phone, lease: Lease, since: Position | None) -> Place:
        """Give a phone its place in a room that is level with it, unless it has lost that already."""
        place = opened.seat(phone, lease, since)
        if opened.copied < 0:
            self.has_new_room.set()
        for holder, reason in list(opened.lost):
            if holder == lease.holder:
                self._expel(place, reason)
        return place

    def unseat(self, place: Place) -> None:
        """Let a phone go."""
        place.opened.unseat(place)
        self._drop_later(place.opened)

    def _drop_later(self, opened: LocalRoom) -> None:
        """Keep an empty room for a while, since phones come back; one that nobody ever entered goes at once."""
        if opened.is_empty and opened.room.party is None:
            self._drop(opened)
        elif opened.is_empty:
            if opened.lingering is not None:
                opened.lingering.cancel()
            loop = asyncio.get_running_loop()
            opened.lingering = loop.call_later(ROOM_LINGER_SECONDS, self._drop_if_empty, opened)

    def _drop_if_empty(self, opened: LocalRoom) -> None:
        if opened.is_empty:
            self._drop(opened)

    def _drop(self, opened: LocalRoom) -> None:
        if self._rooms.get(opened.code) is opened:
            del self._rooms[opened.code]
            self._event_stream.unsubscribe(opened.code)
            if opened.catching_up is not None:
                opened.catching_up.cancel()

    # What the event stream brings.

    def confirmed(self, code: str) -> None:
        """Events come again: ask for those that did not, but not with all other rooms at once."""
        opened = self._rooms.get(code)
        if opened is not None and opened.room.party is not None:
            opened.room.doubt()
            self._catch_up(opened, random.uniform(0, CATCH_UP_JITTER_SECONDS))  # noqa: S311 - only spreads

    def published(self, code: str, published: Published) -> None:
        """Take events."""
        opened = self._rooms.get(code)
        if opened is None:
            return
        if not opened.room.receive(published) and opened.room.party is not None:
            self._catch_up(opened)
        self._moved(opened)

    def reacted(self, code: str, reaction: bytes) -> None:
        """Pass a reaction on."""
        opened = self._rooms.get(code)
        if opened is not None and opened.room.party is not None:
            opened.room.reacted(reaction)
            opened.send_soon()

    def expelled(self, code: str, holder: str, reason: Reason) -> None:
        """Close a connection that has lost its seat."""
        if (opened := self._rooms.get(code)) is None:
            return
        if (place := opened.place_of(holder)) is not None:
            self._expel(place, reason)
        elif opened.entering:
            opened.lost.append((holder, reason))

    def watched(self, code: str, watchers: int) -> None:
        """Note how many watch."""
        opened = self._rooms.get(code)
        if opened is not None:
            opened.room.watched_by(watchers)

    # What renewing leases brings.

    def rooms(self) -> Iterator[LocalRoom]:
        """The rooms with phones in them."""
        return (opened for opened in list(self._rooms.values()) if opened.has_phones)

    def room(self, code: str) -> LocalRoom | None:
        """The party's room, if there are phones in it."""
        opened = self._rooms.get(code)
        return opened if opened is not None and opened.has_phones else None

    def judge(self, opened: LocalRoom, outcome: Renewed) -> None:
        """Act on what a renewal said: positions compared, verdicts carried out."""
        opened.room.lives_until(outcome.expires_at)
        opened.room.watched_by(outcome.watchers)
        for verdict in outcome.verdicts:
            if (place := opened.place_of(verdict.holder)) is not None:
                self._expel(place, verdict.reason)
        if opened.room.version < outcome.version:
            self._start(self._catch_up_unless_level(opened, outcome.epoch, outcome.version), "late event")

    def begin_anew(self, opened: LocalRoom) -> None:
        """The party goes on under a new epoch: everyone gets a new `ROOM`."""
        if opened.ending is not None:
            opened.ending.cancel()
        opened.room.begin_anew()
        # After a loss all rooms begin anew, but not all at once.
        self._catch_up(opened, random.uniform(0, CATCH_UP_JITTER_SECONDS))  # noqa: S311 - only spreads

    def end_soon(self, opened: LocalRoom, *, has_ended: bool = False) -> None:
        """The store knows the party no more: close its phones, but give the event that says why a moment to come.

        `has_ended` tells that the store still knows that it ended.
        """
        opened.has_ended = opened.has_ended or has_ended
        loop = asyncio.get_running_loop()
        opened.ending = loop.call_later(EVENT_WAIT_SECONDS, self._close, opened)

    async def _catch_up_unless_level(self, opened: LocalRoom, epoch: str, version: int) -> None:
        """Ask the store if the event does not come by itself in a moment."""
        with suppress(RoomClosed):
            if not await opened.reach(epoch, version, _now() + EVENT_WAIT_SECONDS):
                self._catch_up(opened)

    def _expel(self, place: Place, reason: Reason) -> None:
        place.opened.send_now()
        if reason is Reason.KICKED:
            place.opened.kicked.append(place.lease)
            place.phone.send(self._prepare(encode(KickedMessage())))
        place.phone.close(CLOSE_CODES[reason])
        self.unseat(place)

    def _moved(self, opened: LocalRoom) -> None:
        opened.moved()
        if opened.room.ended:
            opened.send_now()
            self._close(opened)

    def _close(self, opened: LocalRoom) -> None:
        if (opened.room.ended or opened.has_ended) and not opened.is_closed:
            for listener in self._end_listeners:
                listener(opened)
        opened.close_all(CloseCode.PARTY_ENDED)
        self._drop(opened)

    # Asking the store for what was missed.

    def _catch_up(self, opened: LocalRoom, delay: float = 0.0) -> None:
        if self._rooms.get(opened.code) is not opened:
            return
        opened.ask_again = True
        if not delay:
            opened.wanted_now.set()
        if opened.catching_up is None:
            opened.catching_up = self._start(self._catching_up(opened, delay), "catching up")

    async def _catching_up(self, opened: LocalRoom, delay: float) -> None:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await opened.wanted_now.wait()
            opened.wanted_now.clear()
            await self._ask_until_level(opened)
        finally:
            opened.catching_up = None
            opened.wanted_now.clear()

    async def _ask_until_level(self, opened: LocalRoom) -> None:
        while opened.ask_again:
            opened.ask_again = False
            since = opened.room.ask()
            try:
                outcome = await self._store.catch_up(opened.code, since, _now() + STORE_BUDGET_SECONDS)
            except StoreUnavailableError:
                opened.room.unanswered()
                self._moved(opened)
                opened.ask_again = True
                await asyncio.sleep(FEED_RETRY_SECONDS)
                continue
            if isinstance(outcome, Missing | Ended | HistoryLost):
                opened.room.unanswered(is_over=isinstance(outcome, Ended))
                self._moved(opened)
                if isinstance(outcome, Ended) or (isinstance(outcome, Missing) and not opened.has_phones):
                    self.end_soon(opened, has_ended=isinstance(outcome, Ended))
                    return
                await self._wait_for_healing(opened)
                continue
            complete = opened.room.answered(outcome)
            self._moved(opened)
            if not complete:
                opened.ask_again = True
                await asyncio.sleep(EVENT_WAIT_SECONDS)

    async def _wait_for_healing(self, opened: LocalRoom) -> None:
        """Give whoever heals parties a moment, then ask again; where nobody is in the room, nothing is to be healed."""
        opened.ask_again = True
        if opened.has_phones:
            opened.is_lost = True
            await asyncio.sleep(EVENT_WAIT_SECONDS)
        else:
            opened.room.begin_anew()

    def _start(self, job: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(job, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._forget_task)
        return task

    def _forget_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._tell_fault(task.get_name(), fault)


def _now() -> float:
    return asyncio.get_running_loop().time()
