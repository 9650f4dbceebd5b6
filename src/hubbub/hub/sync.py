"""The tasks that ask the store for what a room has missed, until its replica is complete."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from hubbub.core.limits import EVENT_WAIT_SECONDS, PUBSUB_RETRY_SECONDS, STORE_BUDGET_SECONDS
from hubbub.core.results import Ended, HistoryLost, Missing
from hubbub.hub.local_room import LocalRoom
from hubbub.loop import now
from hubbub.store.port import Store, StoreUnavailableError


class _Requests:
    """The requests to sync one room: its task ends when none is left."""

    def __init__(self) -> None:
        self._is_open = False
        self._is_urgent = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def attach(self, task: asyncio.Task[None]) -> None:
        """Note the task that serves the requests."""
        self._task = task

    def cancel(self) -> None:
        """Cancel that task."""
        if self._task is not None:
            self._task.cancel()

    def add(self, *, urgent: bool) -> None:
        """Ask for another look at the store; if it is urgent, end the delay before the first."""
        self._is_open = True
        if urgent:
            self._is_urgent.set()

    def take(self) -> bool:
        """Return whether the store must be asked, and count all requests until now as done."""
        was_open, self._is_open = self._is_open, False
        return was_open

    async def wait_until_urgent(self, delay: float) -> None:
        """Wait for the delay, or until a request is urgent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._is_urgent.wait()


class SyncTasks:
    """The sync tasks of one instance, at most one for each room.

    `start` starts a task by its name. `on_change` is called when a replica may have changed, `on_absent` when the store
    has no such party and nothing can be restored, with whether it ended.
    """

    def __init__(
        self,
        store: Store,
        start: Callable[[Coroutine[None, None, None], str], asyncio.Task[None]],
        on_change: Callable[[LocalRoom], None],
        on_absent: Callable[[LocalRoom, bool], None],
    ) -> None:
        self._store = store
        self._start = start
        self._on_change = on_change
        self._on_absent = on_absent
        self._requests: dict[LocalRoom, _Requests] = {}

    def request(self, room: LocalRoom, delay: float = 0.0) -> None:
        """Ask the store for what the room has missed: after the delay, or as soon as a request has none."""
        requests = self._requests.get(room)
        if requests is None:
            requests = self._requests[room] = _Requests()
            requests.attach(self._start(self._run(room, requests, delay), "catching up"))
        requests.add(urgent=not delay)

    def cancel(self, room: LocalRoom) -> None:
        """Cancel the task of a room, if it has one."""
        requests = self._requests.pop(room, None)
        if requests is not None:
            requests.cancel()

    async def _run(self, room: LocalRoom, requests: _Requests, delay: float) -> None:
        try:
            await requests.wait_until_urgent(delay)
            while requests.take():
                await self._sync(room, requests)
        finally:
            if self._requests.get(room) is requests:
                del self._requests[room]

    async def _sync(self, room: LocalRoom, requests: _Requests) -> None:
        """Ask the store once; request another look if the replica is not complete then."""
        since = room.replica.start_sync()
        try:
            outcome = await self._store.catch_up(room.code, since, now() + STORE_BUDGET_SECONDS)
        except StoreUnavailableError:
            room.replica.abort_sync()
            self._on_change(room)
            requests.add(urgent=False)
            await asyncio.sleep(PUBSUB_RETRY_SECONDS)
            return
        if isinstance(outcome, Missing | Ended | HistoryLost):
            await self._handle_absent(room, requests, outcome)
            return
        is_complete = room.replica.apply_sync(outcome)
        self._on_change(room)
        if not is_complete:
            requests.add(urgent=False)
            await asyncio.sleep(EVENT_WAIT_SECONDS)

    async def _handle_absent(
        self, room: LocalRoom, requests: _Requests, outcome: Missing | Ended | HistoryLost
    ) -> None:
        has_ended = isinstance(outcome, Ended)
        room.replica.abort_sync(is_over=has_ended)
        self._on_change(room)
        if has_ended or (isinstance(outcome, Missing) and not room.has_members):
            requests.take()
            self._on_absent(room, has_ended)
            return
        requests.add(urgent=False)
        if room.has_members:
            # The next renewal has the party restored, or finds that it has ended.
            room.mark_lost()
            await asyncio.sleep(EVENT_WAIT_SECONDS)
        else:
            # No member here can restore it, so take what the store has.
            room.replica.force_full_sync()
