"""One party on this instance: its members here, its backup, and when it sends."""

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Final, Literal, Protocol

from hubbub.core.backup import PartyBackup
from hubbub.core.errors import CloseCode, Reason
from hubbub.core.limits import (
    EVENT_WAIT_SECONDS,
    RECENT_KICKS_MAX,
    RECENT_LEASE_LOSSES_MAX,
    ROOM_LINGER_SECONDS,
    SEND_SECONDS_PER_PHONE,
    SEND_WINDOW_SECONDS_MAX,
)
from hubbub.core.outbox import join_frame
from hubbub.core.protocol import Position
from hubbub.core.replica import Replica
from hubbub.core.results import Renewed
from hubbub.core.seats import Lease
from hubbub.loop import now

NO_BACKUP: Final = -1
"""The backup version of a room for which no renewal has brought a backup of this epoch."""


FoundBy = Literal["backlog", "command", "entry timer", "event", "renewal", "store"]
"""How an instance found out that it must close a connection, for the log."""


class Connection(Protocol):
    """One client's connection, as the hub sees it. No method waits."""

    def send(self, frame: bytes) -> None:
        """Send a frame that was prepared for all members; close a connection that has not read enough instead."""

    def send_text(self, text: bytes) -> None:
        """Send a frame for this connection alone, such as a snapshot: it does not count against a slow reader."""

    def close(self, code: CloseCode, found_by: FoundBy | None = None) -> None:
        """Close the connection: from now on nothing is sent to it."""


class RoomClosedError(Exception):
    """The party ended while a connection was entering."""


class Membership:
    """The membership of one connection in a room: it has a lease, and gets what the room sends."""

    __slots__ = ("_is_busy", "connection", "lease", "room", "sent_version")

    def __init__(self, room: "LocalRoom", connection: Connection, lease: Lease, sent_version: int) -> None:
        self.room = room
        self.connection = connection
        self.lease = lease
        self.sent_version = sent_version
        """The version that was sent on entering if nothing has been sent since, otherwise 0."""
        self._is_busy = False

    @property
    def is_active(self) -> bool:
        """Whether the connection is still in the room."""
        return self.room.membership_of(self.lease.holder) is self

    @property
    def is_busy(self) -> bool:
        """Whether a command is under way: if the party ends, its answer goes out before the connection is closed."""
        return self._is_busy

    def begin_command(self) -> None:
        """Keep the connection open at the end of the party until `end_command`."""
        self._is_busy = True

    def end_command(self) -> None:
        """Note that the command has been answered."""
        self._is_busy = False


class LocalRoom:
    """One party on this instance: its members here, those who wait for a position, and the window in which it sends.

    It is the only writer of its state: other modules call its methods.
    """

    def __init__(self, code: str, prepare: Callable[[bytes], bytes]) -> None:
        self.code = code
        self.replica = Replica()
        self._prepare = prepare
        self._memberships: dict[str, Membership] = {}
        self._entering = 0
        self._recent_lease_losses: deque[tuple[str, Reason]] = deque(maxlen=RECENT_LEASE_LOSSES_MAX)
        self._recent_kicks: deque[Lease] = deque(maxlen=RECENT_KICKS_MAX)
        self._backup: PartyBackup | None = None
        self._backup_version = NO_BACKUP
        self._renewed_at = -math.inf
        self._needs_recovery = False
        self._has_ended = False
        self._is_closed = False
        self._idle_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._sending: asyncio.Handle | None = None
        self._sent_at = -math.inf

    # Members.

    @property
    def is_empty(self) -> bool:
        """Whether it has no members, and nobody is entering."""
        return not self._memberships and not self._entering

    @property
    def is_entering(self) -> bool:
        """Whether a connection is entering."""
        return self._entering > 0

    @property
    def has_members(self) -> bool:
        """Whether it has members on this instance."""
        return bool(self._memberships)

    @property
    def leases(self) -> list[Lease]:
        """The leases of its members."""
        return [membership.lease for membership in self._memberships.values()]

    @contextmanager
    def entering(self) -> Iterator[None]:
        """Keep the room open while a connection enters."""
        self._entering += 1
        try:
            yield
        finally:
            self._entering -= 1

    def seat(self, connection: Connection, lease: Lease, since: Position | None) -> Membership:
        """Send the room, or the events missed after `since`, and from now on all that follows."""
        replica = self.replica
        if replica.outbox.clients_need_snapshot:
            self.send_now()
        replay = None if since is None else replica.replay(since)
        text = replica.encoded_snapshot() if replay is None else join_frame(replay)
        if text is not None:
            connection.send_text(text)
        membership = Membership(self, connection, lease, replica.version)
        self._memberships[lease.holder] = membership
        return membership

    def unseat(self, membership: Membership) -> None:
        """Remove a member."""
        if membership.is_active:
            del self._memberships[membership.lease.holder]

    def membership_of(self, holder: str) -> Membership | None:
        """Return the membership of a holder, if it is a member here."""
        return self._memberships.get(holder)

    def note_lease_loss(self, holder: str, reason: Reason) -> None:
        """Remember that a holder lost its lease while a connection was entering: it may be seated here only now."""
        self._recent_lease_losses.append((holder, reason))

    def lease_loss_of(self, holder: str) -> Reason | None:
        """Return why a holder has lost its lease, if that was noted."""
        return next((reason for lost, reason in self._recent_lease_losses if lost == holder), None)

    def note_kick(self, lease: Lease) -> None:
        """Remember that the host has kicked a member: the backup may be older than that."""
        self._recent_kicks.append(lease)

    # Renewals and recovery.

    @property
    def recent_kicks(self) -> Sequence[Lease]:
        """The leases of members that the host has kicked, the newest last."""
        return tuple(self._recent_kicks)

    @property
    def backup(self) -> PartyBackup | None:
        """All that the store had of the party at `backup_version`, from which it can be restored."""
        return self._backup

    @property
    def backup_version(self) -> int:
        """The version of the backup in this epoch, or `NO_BACKUP`."""
        return self._backup_version

    @property
    def needs_backup(self) -> bool:
        """Whether a renewal must come soon, since no renewal has brought a backup of this epoch yet."""
        return self._backup_version == NO_BACKUP

    @property
    def renewed_at(self) -> float:
        """When its leases were last renewed, loop time, which may have begun a second ago."""
        return self._renewed_at

    @property
    def needs_recovery(self) -> bool:
        """Whether the store seems to have lost the party, or some of it, so that a renewal must find out soon."""
        return self._needs_recovery

    def mark_lost(self) -> None:
        """Note that the store seems to have lost the party."""
        self._needs_recovery = True

    def record_entry(self, at: float, backup: PartyBackup | None) -> None:
        """Note a lease that began at `at`, loop time, or later, and the backup that was known before the first renewal.

        A backup of a renewal is newer and stays.
        """
        self._renewed_at = max(self._renewed_at, at)
        if self._backup is None:
            self._backup = backup

    def record_renewal(self, outcome: Renewed, at: float) -> None:
        """Note a renewal that was asked for at `at`, loop time, and keep the backup that it brought."""
        self._renewed_at = at
        self._needs_recovery = False
        if outcome.copy is not None:
            self._backup, self._backup_version = outcome.copy, outcome.version

    def record_restore(self, at: float) -> None:
        """Note that the party was written back, as asked for at `at`, loop time: it has a new epoch now."""
        self._renewed_at = at
        self._needs_recovery = False
        # The store has the party again. Without this, a later close would record a tombstone for it.
        self._has_ended = False
        # The version is one of the epoch before. Without this, the next renewal brings no backup of the new one.
        self._backup_version = NO_BACKUP
        if self._close_timer is not None:
            self._close_timer.cancel()
            self._close_timer = None

    # The end.

    @property
    def is_closed(self) -> bool:
        """Whether the party is over, or unknown to the store."""
        return self._is_closed

    @property
    def has_ended(self) -> bool:
        """Whether the party is known to have ended: by its last event, or because the store says so."""
        return self._has_ended or self.replica.ended

    @property
    def end_found_by(self) -> FoundBy:
        """How this instance found out that the party is over: by its last event, or from the store."""
        return "event" if self.replica.ended else "store"

    def start_idle_timer(self, callback: Callable[["LocalRoom"], None]) -> None:
        """Call back when the room may have been empty for `ROOM_LINGER_SECONDS`."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle_timer = asyncio.get_running_loop().call_later(ROOM_LINGER_SECONDS, callback, self)

    def start_close_timer(self, callback: Callable[["LocalRoom"], None], *, has_ended: bool) -> None:
        """Call back after `EVENT_WAIT_SECONDS`, unless the party is restored before.

        `has_ended` says that the store knows that the party ended.
        """
        self._has_ended = self._has_ended or has_ended
        if self._close_timer is None:
            self._close_timer = asyncio.get_running_loop().call_later(EVENT_WAIT_SECONDS, callback, self)

    def close_all(self) -> None:
        """Close every connection since the party is over, and raise `RoomClosedError` for those that wait to enter."""
        self._is_closed = True
        for membership in list(self._memberships.values()):
            if not membership.is_busy:
                membership.connection.close(CloseCode.PARTY_ENDED, self.end_found_by)
            self.unseat(membership)
        for _, _, future in self._waiting:
            if not future.done():
                future.set_exception(RoomClosedError())
        self._waiting.clear()
        if self._sending is not None:
            self._sending.cancel()

    # Waiting for a position.

    async def wait_for_position(self, epoch: str, version: int, deadline: float) -> bool:
        """Wait until the replica has reached that position; return False if it has not by the deadline."""
        try:
            async with asyncio.timeout_at(deadline):
                while not self._is_at(epoch, version):
                    # Versions of another epoch cannot be compared, so look again after every change.
                    await self._wait_for_version(version if self.replica.epoch == epoch else 0)
        except TimeoutError:
            return False
        return True

    def is_host(self, member_id: str) -> bool:
        """Whether that member is the host, as far as this instance knows."""
        return self.replica.party is not None and self.replica.party.host_id == member_id

    async def wait_until_ended(self, member_id: str, deadline: float) -> None:
        """Wait until the party has ended here and its members were sent the end, unless that member is not the host."""
        with suppress(RoomClosedError, TimeoutError):
            async with asyncio.timeout_at(deadline):
                while not self._is_closed and self.is_host(member_id):
                    await self._wait_for_version(self.replica.version + 1)

    def _is_at(self, epoch: str, version: int) -> bool:
        if self._is_closed:
            raise RoomClosedError
        return self.replica.party is not None and self.replica.epoch == epoch and self.replica.version >= version

    async def _wait_for_version(self, version: int) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (version, next(self._numbers), future))
        await future

    def notify_waiters(self) -> None:
        """Wake those who wait for a version that the replica has now, and send the news soon."""
        if self.replica.party is None:
            return
        while self._waiting and (self._waiting[0][0] <= self.replica.version or self._waiting[0][2].done()):
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
        self.send_soon()

    # Sending.

    def send_soon(self) -> None:
        """Send at the end of this loop turn, or of the window if the room was sent something just now."""
        if self._sending is not None or not self.replica.outbox.has_pending():
            return
        loop = asyncio.get_running_loop()
        window = min(SEND_WINDOW_SECONDS_MAX, len(self._memberships) * SEND_SECONDS_PER_PHONE)
        wait = self._sent_at + window - loop.time()
        self._sending = loop.call_later(wait, self._send) if wait > 0 else loop.call_soon(self._send)

    def send_now(self) -> None:
        """Send all news."""
        if self._sending is not None:
            self._sending.cancel()
        self._send()

    def _send(self) -> None:
        self._sending = None
        if not self.replica.outbox.has_pending():
            return
        self._sent_at = now()
        if self.replica.outbox.clients_need_snapshot:
            self._send_anew()
            self.replica.outbox.mark_sent()
        if self.replica.outbox.has_pending():
            self._send_batch()
            self.replica.outbox.mark_sent()

    def _send_anew(self) -> None:
        text = self.replica.encoded_snapshot()
        for membership in list(self._memberships.values()):
            membership.sent_version = 0
            membership.connection.send_text(text)

    def _send_batch(self) -> None:
        text = self.replica.outbox.batch()
        assert text is not None
        frame = self._prepare(text)
        for membership in list(self._memberships.values()):
            if not membership.sent_version:
                membership.connection.send(frame)
                continue
            # It entered within this window: its snapshot has some of this already.
            newer = self.replica.outbox.batch(membership.sent_version)
            membership.sent_version = 0
            if newer is not None:
                membership.connection.send(self._prepare(newer))
