"""A room that is open on this instance: who is in it, who waits for it, and when it sends."""

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Protocol

from hubbub.core.backup import PartyBackup
from hubbub.core.errors import CloseCode, Reason
from hubbub.core.limits import (
    RECENT_KICKS_MAX,
    RECENT_LEASE_LOSSES_MAX,
    SEND_SECONDS_PER_PHONE,
    SEND_WINDOW_SECONDS_MAX,
)
from hubbub.core.party import Lease
from hubbub.core.protocol import Position
from hubbub.core.replica import Room, framed
from hubbub.core.results import Renewed


class Connection(Protocol):
    """One connection, as the hub sees it. Nothing here waits."""

    def send(self, frame: bytes) -> None:
        """Send a frame that was prepared for everybody; a phone that has not read enough is dropped instead."""

    def send_text(self, text: bytes) -> None:
        """Send a frame of the phone's own, such as a snapshot, which does not count against a slow reader."""

    def close(self, code: CloseCode) -> None:
        """Close the connection; nothing is sent to it from now on."""


class RoomClosedError(Exception):
    """The party ended while somebody was entering."""


class Membership:
    """A phone's place in a room. `since` is the version it was told on entering, until it was sent what follows."""

    __slots__ = ("busy", "connection", "lease", "room", "since")

    def __init__(self, room: "LocalRoom", connection: Connection, lease: Lease, since: int) -> None:
        self.room = room
        self.connection = connection
        self.lease = lease
        self.since = since
        self.busy = False
        """Whether a command of its is under way, whose answer comes before the connection is closed at an end."""

    @property
    def is_active(self) -> bool:
        """Whether the phone is still in the room."""
        return self.room.membership_of(self.lease.holder) is self


class LocalRoom:
    """A room with the phones in it, those who wait for it to get somewhere, and the window in which it sends."""

    def __init__(self, code: str, prepare: Callable[[bytes], bytes]) -> None:
        self.code = code
        self.replica = Room()
        self.entering = 0
        self.sync_task: asyncio.Task[None] | None = None
        self.recent_lease_losses: deque[tuple[str, Reason]] = deque(maxlen=RECENT_LEASE_LOSSES_MAX)
        """Connections that lost their seats while somebody was entering: perhaps before they were seated here."""
        self.backup: PartyBackup | None = None
        """All that the store had of the party at version `backup_version`, should it lose it."""
        self.backup_version = -1
        self.recent_kicks: deque[Lease] = deque(maxlen=RECENT_KICKS_MAX)
        """Connections of this instance whose guests the host has kicked: the newest may not be in the copy."""
        self.renewed_at = -math.inf
        """When its leases were last renewed, loop time, which may have begun a second ago."""
        self.needs_recovery = False
        """Whether the store seems to have lost the party, or some of it: to be looked after soon."""
        self.sync_now = asyncio.Event()
        """Set where somebody waits for the store to be asked, so that it is not put off."""
        self.sync_again = False
        """Whether something may have been missed since the store was last asked."""
        self.idle_timer: asyncio.TimerHandle | None = None
        self.close_timer: asyncio.TimerHandle | None = None
        """When its phones are to be closed, unless the party is healed before."""
        self.has_ended = False
        """Whether the store has said that the party ended; the event may have said so before."""
        self.is_closed = False
        """Whether the party is over, or unknown to the store."""
        self._prepare = prepare
        self._memberships: dict[str, Membership] = {}
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._sending: asyncio.Handle | None = None
        self._sent_at = -math.inf

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in it or about to enter."""
        return not self._memberships and not self.entering

    @property
    def has_members(self) -> bool:
        """Whether anybody is in it."""
        return bool(self._memberships)

    @property
    def leases(self) -> list[Lease]:
        """The leases of the phones in it."""
        return [membership.lease for membership in self._memberships.values()]

    def seat(self, connection: Connection, lease: Lease, since: Position | None) -> Membership:
        """Send the phone the room, or what it missed `since` then, and from now on all that follows."""
        room = self.replica
        if room.void:
            self.send_now()
        replay = None if since is None else room.replay(since)
        text = room.prepared() if replay is None else framed(replay)
        if text is not None:
            connection.send_text(text)
        membership = Membership(self, connection, lease, room.version)
        self._memberships[lease.holder] = membership
        return membership

    def unseat(self, membership: Membership) -> None:
        """Let the phone go."""
        if membership.is_active:
            del self._memberships[membership.lease.holder]

    def membership_of(self, holder: str) -> Membership | None:
        """The place of a holder."""
        return self._memberships.get(holder)

    def close_all(self, code: CloseCode) -> None:
        """Close every connection, and tell those who are entering that there is no room any more."""
        self.is_closed = True
        for membership in list(self._memberships.values()):
            if not membership.busy:
                membership.connection.close(code)
            self.unseat(membership)
        for _, _, future in self._waiting:
            if not future.done():
                future.set_exception(RoomClosedError())
        self._waiting.clear()
        if self._sending is not None:
            self._sending.cancel()

    async def wait_for_position(self, epoch: str, version: int, deadline: float) -> bool:
        """Wait until the room has got to that position; False where it has not by the deadline."""
        try:
            async with asyncio.timeout_at(deadline):
                while not self._is_at(epoch, version):
                    # In another life versions mean nothing, so whatever happens is worth a look.
                    await self._wait_for_version(version if self.replica.epoch == epoch else 0)
        except TimeoutError:
            return False
        return True

    def keep(self, outcome: Renewed, now: float) -> None:
        """Keep what a renewal brought at `now`, loop time."""
        self.renewed_at = now
        if outcome.copy is not None:
            self.backup, self.backup_version = outcome.copy, outcome.version

    def is_host(self, member_id: str) -> bool:
        """Whether that is the host, as far as this instance knows."""
        return self.replica.party is not None and self.replica.party.host_id == member_id

    async def wait_until_ended(self, member_id: str, deadline: float) -> None:
        """Wait until the party has ended here and everybody was told; not where that one is no host after all."""
        with suppress(RoomClosedError, TimeoutError):
            async with asyncio.timeout_at(deadline):
                while not self.is_closed and self.is_host(member_id):
                    await self._wait_for_version(self.replica.version + 1)

    def _is_at(self, epoch: str, version: int) -> bool:
        if self.is_closed:
            raise RoomClosedError
        return self.replica.party is not None and self.replica.epoch == epoch and self.replica.version >= version

    async def _wait_for_version(self, version: int) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (version, next(self._numbers), future))
        await future

    def notify_waiters(self) -> None:
        """Wake those who waited for what the room has now, and send its news soon."""
        if self.replica.party is None:
            return
        while self._waiting and (self._waiting[0][0] <= self.replica.version or self._waiting[0][2].done()):
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
        self.send_soon()

    def send_soon(self) -> None:
        """Send at the end of this loop turn, or of the window where the room has just been sent something."""
        if self._sending is not None or not self.replica.has_news():
            return
        loop = asyncio.get_running_loop()
        window = min(SEND_WINDOW_SECONDS_MAX, len(self._memberships) * SEND_SECONDS_PER_PHONE)
        wait = self._sent_at + window - loop.time()
        self._sending = loop.call_later(wait, self._send) if wait > 0 else loop.call_soon(self._send)

    def send_now(self) -> None:
        """Send what there is."""
        if self._sending is not None:
            self._sending.cancel()
        self._send()

    def _send(self) -> None:
        self._sending = None
        if not self.replica.has_news():
            return
        self._sent_at = asyncio.get_running_loop().time()
        if self.replica.void:
            self._send_anew()
            self.replica.sent()
        if self.replica.has_news():
            self._send_batch()
            self.replica.sent()

    def _send_anew(self) -> None:
        text = self.replica.prepared()
        for membership in list(self._memberships.values()):
            membership.since = 0
            membership.connection.send_text(text)

    def _send_batch(self) -> None:
        text = self.replica.batch()
        assert text is not None
        frame = self._prepare(text)
        for membership in list(self._memberships.values()):
            if not membership.since:
                membership.connection.send(frame)
                continue
            # It entered within this window: its snapshot has some of this already.
            newer = self.replica.batch(membership.since)
            membership.since = 0
            if newer is not None:
                membership.connection.send(self._prepare(newer))
