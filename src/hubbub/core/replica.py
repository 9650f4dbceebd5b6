"""A party's replica on one instance, kept in sync by events.

Events come in any order and more than once, and some never come. The replica applies the next one only, buffers later
ones, and says when it needs to sync from the store's log. What it applies goes to its `Outbox`.
"""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from hubbub.core.apply import apply_event
from hubbub.core.limits import LOG_BYTES_MAX, LOG_EVENTS_MAX, REPLAY_BYTES_MAX, TTL_REFRESH_MS_MIN
from hubbub.core.outbox import Outbox
from hubbub.core.position import ProvenPosition, event_digest
from hubbub.core.protocol import Event, GuestCount, MemberLeft, PartyEnded, Position, Snapshot
from hubbub.core.results import EventsSince, FullState


class _Unknown(msgspec.Struct, frozen=True):
    """An event of a type that only newer instances know. It is passed on as it is."""

    version: int


_decode_event: Callable[[bytes], Event] = msgspec.json.Decoder(Event).decode
_decode_version = msgspec.json.Decoder(_Unknown).decode


class Published(msgspec.Struct, frozen=True):
    """The encoded events of one change, numbered from `first`, in the epoch `epoch`."""

    epoch: str
    first: int
    events: Sequence[bytes]


def _read_event(encoded: bytes) -> Event | _Unknown:
    try:
        return _decode_event(encoded)
    except msgspec.ValidationError:
        return _decode_version(encoded)


class Replica:
    """The party at a position, its last events, and the outbox of the clients here.

    `party` is None until the first sync. The event that ends the party sets `ended`.
    """

    def __init__(self) -> None:
        self.epoch = ""
        self.version = 0
        self.party: Snapshot | None = None
        self.ended = False
        self.kicked: set[str] = set()
        """Seats that the host has kicked since this instance opened the room."""
        self.outbox = Outbox()
        self._is_syncing = False
        # Interruptions are counted, so that a reply to an earlier request cannot clear a later one.
        self._interruptions = 0
        self._interruptions_at_sync = 0
        self._interruptions_synced = 0
        self._needs_full_state = False
        self._buffered: list[Published] = []
        self._buffered_before_sync = 0
        self._log: deque[bytes] = deque()
        self._log_bytes = 0

    def receive(self, published: Published) -> bool:
        """Apply events, or buffer them. Return False if one is missing and a sync is needed."""
        if self._is_syncing or self._is_stale:
            self._buffered.append(published)
            return self._is_syncing
        return self._take(published)

    def mark_stale(self) -> None:
        """Buffer all events until the next sync, because the subscription was interrupted.

        The store may have lost data meanwhile. Without this, events that reuse the lost versions would be applied.
        """
        self._interruptions += 1

    @property
    def _is_stale(self) -> bool:
        return self._interruptions > self._interruptions_synced

    def force_full_sync(self) -> None:
        """Load the full state at the next sync, because the party has a new epoch."""
        self._needs_full_state = True
        self.mark_stale()

    @property
    def position(self) -> ProvenPosition:
        """The current position with its proof."""
        return ProvenPosition(self.epoch, self.version, event_digest(self._log[-1]) if self._log else "")

    def start_sync(self) -> ProvenPosition | None:
        """Return the position from which to ask the store, None for the full state; buffer events until the reply."""
        self._is_syncing = True
        self._buffered_before_sync = len(self._buffered)
        self._interruptions_at_sync = self._interruptions
        return None if self.party is None or self._needs_full_state else self.position

    def abort_sync(self, *, is_over: bool = False) -> None:
        """End a sync without a reply: apply buffered events unless the replica is stale.

        `is_over` says that the party ended, so that only events before its end may still come.
        """
        self._is_syncing = False
        if is_over:
            self._interruptions_synced = self._interruptions
        if not self._is_stale:
            self._take_buffered()

    def apply_sync(self, outcome: EventsSince | FullState) -> bool:
        """Apply the store's reply, then the buffered events. Return False if another sync is needed.

        A reply to a request that was sent before the latest interruption does not clear the stale flag.
        """
        self._is_syncing = False
        self._interruptions_synced = self._interruptions_at_sync
        self._needs_full_state = self._needs_full_state and self._is_stale
        match outcome:
            case EventsSince():
                for event in outcome.events[max(0, self.version - outcome.version + len(outcome.events)) :]:
                    self._apply(event)
            case FullState():
                self._load(outcome)
        # Drop events of other epochs: they are void, or the next event or renewal causes another sync. Drop also what
        # was buffered before the request and lies beyond the reply: the store has lost it.
        self._buffered = [
            published
            for index, published in enumerate(self._buffered)
            if published.epoch == self.epoch
            and (index >= self._buffered_before_sync or published.first <= outcome.version)
        ]
        return not self._is_stale and self._take_buffered()

    def set_watcher_count(self, watchers: int) -> None:
        """Set the number of watchers, which has no event."""
        if self.party is not None and self.party.watchers != watchers:
            self.party = replace(self.party, watchers=watchers)

    def set_expiry(self, expires_at: int) -> None:
        """Set when the party expires, ms of the store's clock, which has no event."""
        if self.party is not None and abs(expires_at - self.party.expires_at) >= TTL_REFRESH_MS_MIN:
            self.party = replace(self.party, expires_at=expires_at)

    def encoded_snapshot(self) -> bytes:
        """Return the encoded `ROOM` of this version."""
        assert self.party is not None
        # The event of the end must follow the `ROOM`, which does not say that the party ended.
        version = self.version - 1 if self.ended else self.version
        return self.outbox.encode_snapshot(self.epoch, version, self.party)

    def replay(self, since: Position) -> list[bytes] | None:
        """Return the encoded events after `since`, or None if a `ROOM` is shorter or the only way."""
        missed = self.version - since.version
        if since.epoch != self.epoch or not 0 <= missed <= len(self._log):
            return None
        events = list(self._log)[len(self._log) - missed :]
        return events if sum(map(len, events)) <= REPLAY_BYTES_MAX else None

    def _take_buffered(self) -> bool:
        buffered, self._buffered = sorted(self._buffered, key=lambda published: published.first), []
        complete = True
        for published in buffered:
            complete = self._take(published) and complete
        return complete

    def _take(self, published: Published) -> bool:
        first, events = published.first, published.events
        if self.party is not None and published.epoch == self.epoch:
            if first + len(events) - 1 <= self.version:
                return True
            if first <= self.version + 1:
                for event in events[self.version + 1 - first :]:
                    self._apply(event)
                return True
        self._buffered.append(published)
        return False

    def _load(self, state: FullState) -> None:
        self.epoch, self.version, self.party = state.epoch, state.version, state.snapshot
        self.outbox.start_over()
        self._log = deque(state.events)
        self._log_bytes = sum(map(len, state.events))

    def _apply(self, encoded: bytes) -> None:
        assert self.party is not None
        event = _read_event(encoded)
        self.version = event.version
        if not isinstance(event, _Unknown):
            self.party = apply_event(self.party, event)
        is_end = isinstance(event, PartyEnded)
        self.ended = self.ended or is_end
        if isinstance(event, MemberLeft) and event.cause == "kicked":
            self.kicked.add(event.member_id)
        guest_count = event.guest_count if isinstance(event, GuestCount) else None
        self.outbox.add_event(event.version, encoded, guest_count=guest_count, is_end=is_end)
        self._log.append(encoded)
        self._log_bytes += len(encoded)
        while len(self._log) > LOG_EVENTS_MAX or self._log_bytes > LOG_BYTES_MAX:
            self._log_bytes -= len(self._log.popleft())
