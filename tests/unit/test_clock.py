"""Bound the store's clock by round trips."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.clock import ClockOffset

MOMENTS = st.floats(min_value=0, max_value=1e6)
TRIPS = st.floats(min_value=0, max_value=5)


def test_reply_bounds_clock_offset() -> None:
    offset = ClockOffset.from_reply(sent=10.0, received=10.2, store_ms=50_000)
    assert offset.at_least == 50_000 - 10_200
    assert offset.at_most == 50_001 - 10_000


def test_fast_round_trip_narrows_offset_of_slow_one() -> None:
    slow = ClockOffset.from_reply(sent=0.0, received=1.0, store_ms=5_000)
    fast = ClockOffset.from_reply(sent=2.0, received=2.001, store_ms=6_500)
    assert slow.sharpened(fast) == ClockOffset(at_least=fast.at_least, at_most=fast.at_most)
    assert fast.sharpened(slow) == fast


def test_store_clock_set_back_keeps_newest_reply_only() -> None:
    before = ClockOffset.from_reply(sent=0.0, received=0.001, store_ms=3_600_000)
    after = ClockOffset.from_reply(sent=1.0, received=1.001, store_ms=1_000)
    assert before.sharpened(after) == after


@given(MOMENTS, TRIPS, TRIPS, st.integers(min_value=0, max_value=2_000_000_000_000), MOMENTS)
def test_not_after_is_never_later_than_deadline(
    sent: float, out: float, back: float, offset_ms: int, deadline: float
) -> None:
    read_at = sent + out
    store_ms = int(read_at * 1000) + offset_ms
    known = ClockOffset.from_reply(sent=sent, received=read_at + back, store_ms=store_ms)
    assert known.store_ms_no_later_than(deadline) <= deadline * 1000 + offset_ms + 0.01
