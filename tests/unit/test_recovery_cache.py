"""What an instance remembers in case the store forgets, and when it forgets that itself."""

import pytest
from msgspec.structs import replace

from hubbub.core.backup import Tombstone
from hubbub.core.limits import IDEMPOTENCY_SECONDS, RECENT_CREATE_SECONDS
from hubbub.core.party import PartyPolicy
from hubbub.recovery import cache
from hubbub.recovery.cache import RecentCreate, RecoveryCache
from tests.support.fakes import DOCUMENT


def create(code: str, idempotency_hash: str | None = None) -> RecentCreate:
    return RecentCreate(code, DOCUMENT, 8_200_000, idempotency_hash)


def end(code: str, until_ms: int = 1000) -> Tombstone:
    return Tombstone(code, "party", "token", until_ms)


def codes_of_creates(kept: RecoveryCache, now: float) -> list[str]:
    return [one.code for one in kept.recent_creates(now)]


def test_create_is_recent_for_a_minute() -> None:
    kept = RecoveryCache()
    kept.note_create(create("A"), 100.0)
    last = 100.0 + RECENT_CREATE_SECONDS - 0.001
    assert kept.recent_create("A", last) == create("A")
    assert codes_of_creates(kept, last) == ["A"]
    assert kept.recent_create("A", 100.0 + RECENT_CREATE_SECONDS) is None
    assert codes_of_creates(kept, 100.0 + RECENT_CREATE_SECONDS) == []


def test_recent_create_is_kept_at_most_host_grace() -> None:
    kept = RecoveryCache()
    terms = PartyPolicy(ttl_seconds=7200, host_grace_seconds=5, seat_hold_seconds=5, capacity=2)
    kept.note_create(RecentCreate("A", replace(DOCUMENT, terms=terms), 8_200_000, None), 100.0)
    assert codes_of_creates(kept, 104.9) == ["A"]
    assert codes_of_creates(kept, 105.0) == []


def test_key_of_entered_party_is_kept_while_bound() -> None:
    kept = RecoveryCache()
    kept.note_create(create("A", idempotency_hash="key"), 100.0)
    kept.note_create(create("B"), 100.0)
    kept.forget_create("A")
    assert kept.key_of("A", 100.0 + IDEMPOTENCY_SECONDS - 1) == "key"
    assert kept.key_of("A", 100.0 + IDEMPOTENCY_SECONDS) is None
    assert kept.key_of("B", 100.0) is None


def test_recreated_code_is_recent_and_delays_no_other() -> None:
    kept = RecoveryCache()
    kept.note_create(create("A"), 0.0)
    kept.note_create(create("B"), 1.0)
    kept.note_create(create("A", idempotency_hash="again"), 30.0)
    assert codes_of_creates(kept, RECENT_CREATE_SECONDS + 2) == ["A"]
    assert kept.recent_create("A", RECENT_CREATE_SECONDS + 2) == create("A", idempotency_hash="again")


def test_entered_or_ended_party_is_no_recent_create() -> None:
    kept = RecoveryCache()
    for code in "AB":
        kept.note_create(create(code), 0.0)
    kept.forget_create("A")
    kept.forget_create("never seen")
    kept.note_end(end("B"))
    assert codes_of_creates(kept, 1.0) == []


def test_tombstone_is_kept_for_party_ttl() -> None:
    kept = RecoveryCache()
    kept.note_end(end("A", until_ms=1000))
    kept.note_end(end("B", until_ms=2000))
    assert kept.ends(999) == [end("A", 1000), end("B", 2000)]
    assert kept.ends(1000) == [end("B", 2000)]
    assert kept.ends(999) == [end("B", 2000)]


def test_full_cache_drops_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "RECENT_CREATES_MAX", 2)
    monkeypatch.setattr(cache, "REMEMBERED_TOMBSTONES_MAX", 2)
    kept = RecoveryCache()
    for code, held in (("A", ["A"]), ("B", ["A", "B"]), ("B", ["A", "B"]), ("C", ["B", "C"])):
        kept.note_create(create(code), 0.0)
        assert codes_of_creates(kept, 1.0) == held
    for code, held in (("D", ["D"]), ("E", ["D", "E"]), ("E", ["D", "E"]), ("F", ["E", "F"])):
        kept.note_end(end(code))
        assert [one.code for one in kept.ends(0)] == held


def test_memory_is_nonempty_until_all_is_forgotten() -> None:
    kept = RecoveryCache()
    assert not kept.holds_anything(0.0)
    kept.note_create(create("A"), 0.0)
    assert kept.holds_anything(1.0)
    assert not kept.holds_anything(RECENT_CREATE_SECONDS)
    kept.note_end(end("A", until_ms=1000))
    assert kept.holds_anything(RECENT_CREATE_SECONDS)
    kept.ends(1000)
    assert not kept.holds_anything(RECENT_CREATE_SECONDS)
