"""One party as seen from one instance: a copy kept level by events, and what its phones here are to be sent.

Events come in any order and more than once, and some never come. The room takes the next one only, holds later ones
back, and says when the store's log must be asked. What it takes goes out in batches: one frame a window.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from hubbub.core.apply import apply_event
from hubbub.core.limits import (
    LIFE_RENEWAL_MS_MIN,
    LOG_BYTES_MAX,
    LOG_EVENTS_MAX,
    REACTIONS_UNMERGED_MAX,
    REPLAY_BYTES_MAX,
)
from hubbub.core.party import ProvenPosition, event_digest
from hubbub.core.protocol import (
    Event,
    GuestCount,
    MemberLeft,
    PartyEnded,
    Position,
    Reaction,
    Reactions,
    RoomMessage,
    Snapshot,
    encode,
)
from hubbub.core.results import EventsSince, FullState


class _Unknown(msgspec.Struct, frozen=True):
    """An event of a kind that a newer instance beside this one knows: passed on as it is."""

    version: int


_decode_event: Callable[[bytes], Event] = msgspec.json.Decoder(Event).decode
_decode_version = msgspec.json.Decoder(_Unknown).decode
_decode_reaction = msgspec.json.Decoder(Reaction).decode


class Published(msgspec.Struct, frozen=True):
    """Events of one change, encoded, numbered from `first` on, in the life `epoch` of the party."""

    epoch: str
    first: int
    events: Sequence[bytes]


def _read_event(encoded: bytes) -> Event | _Unknown:
    try:
        return _decode_event(encoded)
    except msgspec.ValidationError:
        return _decode_version(encoded)


class _Pending(msgspec.Struct, frozen=True):
    """An event that was taken and not sent yet; `guest_count` where it says nothing else."""

    version: int
    encoded: bytes
    guest_count: int | None


class Replica:
    """The copy, its position, and what is to be sent.

    `party` is None until the store was asked for the first time. `ended` is set by the event that ends the party.
    `void` tells that what the phones here know is void, so that they need a new `ROOM` and nothing before it.
    """

    def __init__(self) -> None:
        self.epoch = ""
        self.version = 0
        self.party: Snapshot | None = None
        self.ended = False
        self.clients_need_snapshot = False
        self.kicked: set[str] = set()
        """Seats that the host has taken away since this instance opened the room."""
        self._is_syncing = False
        self._interruptions = 0
        self._interruptions_at_sync = 0
        self._interruptions_synced = 0
        self._needs_full_state = False
        self._buffered: list[Published] = []
        self._buffered_before_sync = 0
        self._log: deque[bytes] = deque()
        self._log_bytes = 0
        self._pending: list[_Pending] = []
        self._reactions: list[bytes] = []
        self._encoded_snapshot: bytes | None = None

    # Taking what comes.

    def receive(self, published: Published) -> bool:
        """Take events, or hold them back; False where something is missing and the store must be asked."""
        if self._is_syncing or self._is_stale:
            self._buffered.append(published)
            return self._is_syncing
        return self._take(published)

    def mark_stale(self) -> None:
        """Events were interrupted, so the store may have lost some: take no more until it was asked.

        What it tells by the versions of those lost must not be taken for what follows.
        """
        self._interruptions += 1

    @property
    def _is_stale(self) -> bool:
        return self._interruptions > self._interruptions_synced

    def force_full_sync(self) -> None:
        """The store has begun another life of the party: whatever position is known here, it must tell the whole."""
        self._needs_full_state = True
        self.mark_stale()

    @property
    def position(self) -> ProvenPosition:
        """Where the room is, with what proves it."""
        return ProvenPosition(self.epoch, self.version, event_digest(self._log[-1]) if self._log else "")

    def start_sync(self) -> ProvenPosition | None:
        """The position from which the store is about to be asked; from now on events are held back."""
        self._is_syncing = True
        self._buffered_before_sync = len(self._buffered)
        self._interruptions_at_sync = self._interruptions
        return None if self.party is None or self._needs_full_state else self.position

    def abort_sync(self, *, is_over: bool = False) -> None:
        """The store told nothing: what is held and follows is taken unless it is in doubt, the rest stays held.

        `is_over` tells that the party ended, so that only what came before the end may still come.
        """
        self._is_syncing = False
        if is_over:
            self._interruptions_synced = self._interruptions
        if not self._is_stale:
            self._take_buffered()

    def apply_sync(self, outcome: EventsSince | FullState) -> bool:
        """Take what the store told, then what was held; False where it must be asked again.

        An answer to a question of before the last doubt does not settle that.
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
        # What another life had to tell is void, or will be told by its next event or renewal. So is what was held
        # before the store was asked and lies beyond its answer: it has lost what it had told.
        self._buffered = [
            published
            for index, published in enumerate(self._buffered)
            if published.epoch == self.epoch
            and (index >= self._buffered_before_sync or published.first <= outcome.version)
        ]
        return not self._is_stale and self._take_buffered()

    def set_watcher_count(self, watchers: int) -> None:
        """Note how many watch, which no event tells."""
        if self.party is not None and self.party.watchers != watchers:
            self._change(replace(self.party, watchers=watchers))

    def set_expiry(self, expires_at: int) -> None:
        """Note when the party expires, ms of the store's clock, which no event tells."""
        if self.party is not None and abs(expires_at - self.party.expires_at) >= LIFE_RENEWAL_MS_MIN:
            self._change(replace(self.party, expires_at=expires_at))

    def add_reaction(self, reaction: bytes) -> None:
        """Take an encoded `REACTION`."""
        self._reactions.append(reaction)

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

    def _load(self, whole: FullState) -> None:
        self.clients_need_snapshot = True
        self.epoch, self.version = whole.epoch, whole.version
        self._change(whole.snapshot)
        self._pending.clear()
        self._log = deque(whole.events)
        self._log_bytes = sum(map(len, whole.events))

    def _apply(self, encoded: bytes) -> None:
        assert self.party is not None
        event = _read_event(encoded)
        self.version = event.version
        if not isinstance(event, _Unknown):
            self._change(apply_event(self.party, event))
        self.ended = self.ended or isinstance(event, PartyEnded)
        if isinstance(event, MemberLeft) and event.cause == "kicked":
            self.kicked.add(event.member_id)
        guest_count = event.guest_count if isinstance(event, GuestCount) else None
        self._pending.append(_Pending(event.version, encoded, guest_count))
        self._log.append(encoded)
        self._log_bytes += len(encoded)
        while len(self._log) > LOG_EVENTS_MAX or self._log_bytes > LOG_BYTES_MAX:
            self._log_bytes -= len(self._log.popleft())

    def _change(self, party: Snapshot) -> None:
        self.party = party
        self._encoded_snapshot = None

    # Telling the phones.

    def encoded_snapshot(self) -> bytes:
        """The encoded `ROOM` of this version, made once."""
        assert self.party is not None
        if self._encoded_snapshot is None:
            # The end changes nothing of the party, and its event, which the `ROOM` is no substitute for, follows.
            version = self.version - 1 if self.ended else self.version
            self._encoded_snapshot = encode(RoomMessage(self.epoch, version, self.party))
        return self._encoded_snapshot

    def replay(self, since: Position) -> list[bytes] | None:
        """The encoded events after `since`, or None where a `ROOM` is the shorter or the only way."""
        missed = self.version - since.version
        if since.epoch != self.epoch or not 0 <= missed <= len(self._log):
            return None
        events = list(self._log)[len(self._log) - missed :]
        return events if sum(map(len, events)) <= REPLAY_BYTES_MAX else None

    def has_pending(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.clients_need_snapshot or self._pending or self._reactions)

    def batch(self, after: int = 0) -> bytes | None:
        """One frame with all that is to be sent and is newer than version `after`; neighbouring counts are merged."""
        messages: list[bytes] = []
        counts: list[_Pending] = []
        for pending in self._pending:
            if pending.version <= after:
                continue
            if pending.guest_count is not None:
                counts.append(pending)
                continue
            messages += _merge_counts(counts)
            counts = []
            messages.append(pending.encoded)
        return join_frame([*messages, *_merge_counts(counts), *_merge_reactions(self._reactions)])

    def mark_sent(self) -> None:
        """Note that everybody here was sent all there was: where that was a `ROOM`, all but the end of the party."""
        ended = [pending for pending in self._pending[-1:] if self.clients_need_snapshot and self.ended]
        self.clients_need_snapshot = False
        self._pending = ended
        self._reactions.clear()


def join_frame(messages: Sequence[bytes]) -> bytes | None:
    """Encoded messages as the text of one frame: an object alone, an array of several, None of none."""
    if len(messages) > 1:
        return b"[" + b",".join(messages) + b"]"
    return messages[0] if messages else None


def _merge_counts(counts: list[_Pending]) -> list[bytes]:
    if len(counts) < 2:
        return [pending.encoded for pending in counts]
    last = counts[-1]
    assert last.guest_count is not None
    return [encode(GuestCount(version=last.version, guest_count=last.guest_count, since=counts[0].version))]


def _merge_reactions(reactions: list[bytes]) -> list[bytes]:
    if len(reactions) <= REACTIONS_UNMERGED_MAX:
        return reactions
    return [encode(Reactions(Counter(_decode_reaction(reaction).emoji for reaction in reactions)))]
