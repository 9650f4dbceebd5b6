"""The recovery cache: parties that this instance has created just now, and parties that ended."""

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from hubbub.core.backup import PartyBackup, Tombstone
from hubbub.core.limits import IDEMPOTENCY_SECONDS, RECENT_CREATE_SECONDS, RECENT_CREATES_MAX, REMEMBERED_TOMBSTONES_MAX
from hubbub.core.party import PartyDocument


class RecentCreate(msgspec.Struct, frozen=True):
    """A party that this instance has created and no client has entered here yet.

    `expires_at` is ms of the store's clock. `idempotency_hash` is the hash of its idempotency key, if it has one.
    """

    code: str
    party: PartyDocument
    expires_at: int
    idempotency_hash: str | None

    @property
    def copy(self) -> PartyBackup:
        """The backup from which the party can be restored."""
        return PartyBackup(msgspec.json.encode(self.party))


class RecoveryCache:
    """The cache of one instance. It is bounded, and drops the oldest entry first."""

    def __init__(self) -> None:
        self._creates: dict[str, tuple[float, RecentCreate]] = {}
        self._keys: dict[str, tuple[float, str]] = {}
        self._ends: dict[str, Tombstone] = {}

    def note_create(self, create: RecentCreate, now: float) -> None:
        """Cache a create that the store has confirmed; `now` is loop time.

        No longer than its host's grace, since its host may enter elsewhere and drop: then it goes without a tombstone.
        """
        seconds = min(RECENT_CREATE_SECONDS, create.party.terms.host_grace_seconds)
        _remember(self._creates, create.code, (now + seconds, create), now)
        if create.idempotency_hash is not None:
            _remember(self._keys, create.code, (now + IDEMPOTENCY_SECONDS, create.idempotency_hash), now)

    def forget_create(self, code: str) -> None:
        """Drop a create, since a room has the party now, or the party is gone."""
        self._creates.pop(code, None)

    def recent_create(self, code: str, now: float) -> RecentCreate | None:
        """Return the create of that party, if it is recent."""
        forget_at, create = self._creates.get(code, (now, None))
        return create if now < forget_at else None

    def key_of(self, code: str, now: float) -> str | None:
        """Return the hash of the idempotency key that this instance has bound to that party, if any."""
        forget_at, idempotency_hash = self._keys.get(code, (now, None))
        return idempotency_hash if now < forget_at else None

    def recent_creates(self, now: float) -> Iterator[RecentCreate]:
        """Iterate over the recent creates."""
        _forget_old(self._creates, now)
        return (create for _, create in list(self._creates.values()))

    def note_end(self, end: Tombstone) -> None:
        """Cache the tombstone of a party that ended."""
        self._ends.pop(end.code, None)
        if len(self._ends) >= REMEMBERED_TOMBSTONES_MAX:
            del self._ends[next(iter(self._ends))]
        self._ends[end.code] = end
        self.forget_create(end.code)

    def ends(self, now_ms: int) -> list[Tombstone]:
        """Return the tombstones that have not expired at that time of the store's clock, ms."""
        self._ends = {code: end for code, end in self._ends.items() if now_ms < end.until_ms}
        return list(self._ends.values())

    def holds_anything(self, now: float) -> bool:
        """Whether the cache has an entry that the store can lose."""
        _forget_old(self._creates, now)
        return bool(self._creates or self._ends)


_T = TypeVar("_T")


def _remember(known: dict[str, tuple[float, _T]], code: str, what: tuple[float, _T], now: float) -> None:
    _forget_old(known, now)
    known.pop(code, None)
    if len(known) >= RECENT_CREATES_MAX:
        del known[next(iter(known))]
    known[code] = what


def _forget_old(known: dict[str, tuple[float, _T]], now: float) -> None:
    # Entries are in the order of their coming, and each kind is kept equally long.
    while known:
        code, (forget_at, _) = next(iter(known.items()))
        if now < forget_at:
            return
        del known[code]
