"""Estimate the store's clock from its replies."""

from typing import Self

import msgspec


class ClockOffset(msgspec.Struct, frozen=True):
    """Bounds of (store's clock minus this instance's monotonic clock), in milliseconds.

    A reply with the store's time proves two bounds: the store read its clock after the request was sent and
    before the reply was received. Bounds of several replies are intersected, so the fastest round trip decides. If they
    contradict, the store's clock was set or this machine slept: then only the newest bounds count.
    """

    at_least: float
    at_most: float

    @classmethod
    def from_reply(cls, *, sent: float, received: float, store_ms: int) -> Self:
        """Return the bounds that one reply proves; `sent` and `received` are monotonic seconds."""
        return cls(at_least=store_ms - received * 1000, at_most=store_ms + 1 - sent * 1000)

    def sharpened(self, newer: Self) -> Self:
        """Return the intersection with `newer` bounds, or `newer` if they contradict these."""
        at_least = max(self.at_least, newer.at_least)
        at_most = min(self.at_most, newer.at_most)
        return type(self)(at_least, at_most) if at_least <= at_most else newer

    def store_ms_no_later_than(self, instant: float) -> int:
        """Return a store time, ms, that is not after `instant` (monotonic seconds): safe as `not_after`.

        The two clocks may have drifted since the fastest round trip. The next reply bounds that drift by its own round
        trip.
        """
        return int(self.at_least + instant * 1000)

    def store_ms_at(self, instant: float) -> int:
        """Return the store's time at `instant` (monotonic seconds), ms: the middle of the bounds."""
        return int((self.at_least + self.at_most) / 2 + instant * 1000)
