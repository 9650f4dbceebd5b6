"""Collect what to send to the clients of one replica: one frame per window, with counts and reactions merged."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from hubbub.core.limits import REACTIONS_UNMERGED_MAX
from hubbub.core.protocol import GuestCount, Reaction, Reactions, RoomMessage, Snapshot, encode

_decode_reaction = msgspec.json.Decoder(Reaction).decode


class _PendingEvent(msgspec.Struct, frozen=True):
    """An applied event that was not sent yet. `guest_count` is set only if the event says nothing else."""

    version: int
    encoded: bytes
    guest_count: int | None
    is_end: bool


class Outbox:
    """The pending events and reactions of one replica, and its encoded snapshot.

    If `clients_need_snapshot`, what the clients know is void: they need a new `ROOM`, and nothing before it.
    """

    def __init__(self) -> None:
        self.clients_need_snapshot = False
        self._events: list[_PendingEvent] = []
        self._reactions: list[bytes] = []
        self._snapshot: tuple[str, int, Snapshot, bytes] | None = None

    def start_over(self) -> None:
        """Replace all pending events by a new snapshot for every client."""
        self.clients_need_snapshot = True
        self._events.clear()

    def add_event(self, version: int, encoded: bytes, *, guest_count: int | None, is_end: bool) -> None:
        """Append an event. `guest_count` allows merging, `is_end` says that it ends the party."""
        self._events.append(_PendingEvent(version, encoded, guest_count, is_end))

    def add_reaction(self, reaction: bytes) -> None:
        """Append an encoded `REACTION`."""
        self._reactions.append(reaction)

    def has_pending(self) -> bool:
        """Return whether there is anything to send."""
        return bool(self.clients_need_snapshot or self._events or self._reactions)

    def encode_snapshot(self, epoch: str, version: int, party: Snapshot) -> bytes:
        """Return the encoded `ROOM`, encoding each state only once."""
        if self._snapshot is not None:
            encoded_epoch, encoded_version, encoded_party, encoded = self._snapshot
            if (encoded_epoch, encoded_version) == (epoch, version) and encoded_party is party:
                return encoded
        encoded = encode(RoomMessage(epoch, version, party))
        self._snapshot = (epoch, version, party, encoded)
        return encoded

    def batch(self, after: int = 0) -> bytes | None:
        """Return one frame with everything pending that is newer than version `after`; adjacent counts are merged."""
        messages: list[bytes] = []
        counts: list[_PendingEvent] = []
        for event in self._events:
            if event.version <= after:
                continue
            if event.guest_count is not None:
                counts.append(event)
                continue
            messages += _merge_counts(counts)
            counts = []
            messages.append(event.encoded)
        return join_frame([*messages, *_merge_counts(counts), *_merge_reactions(self._reactions)])

    def mark_sent(self) -> None:
        """Clear what was sent to every client. If that was a snapshot, the end of the party stays pending."""
        end = [event for event in self._events[-1:] if event.is_end]
        self._events = end if self.clients_need_snapshot else []
        self.clients_need_snapshot = False
        self._reactions.clear()


def join_frame(messages: Sequence[bytes]) -> bytes | None:
    """Return encoded messages as the text of one frame: one object, an array of several, or None if there are none."""
    if len(messages) > 1:
        return b"[" + b",".join(messages) + b"]"
    return messages[0] if messages else None


def _merge_counts(counts: list[_PendingEvent]) -> list[bytes]:
    if len(counts) < 2:
        return [count.encoded for count in counts]
    last = counts[-1]
    assert last.guest_count is not None
    return [encode(GuestCount(version=last.version, guest_count=last.guest_count, since=counts[0].version))]


def _merge_reactions(reactions: list[bytes]) -> list[bytes]:
    if len(reactions) <= REACTIONS_UNMERGED_MAX:
        return list(reactions)
    return [encode(Reactions(Counter(_decode_reaction(reaction).emoji for reaction in reactions)))]
