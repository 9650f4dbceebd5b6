"""What an instance knows of the store's clock."""

from typing import Self

import msgspec


class ClockOffset(msgspec.Struct, frozen=True):
    """Bounds of (store's clock minus this instance's monotonic clock), in milliseconds.

    A reply that carries the store's time proves two bounds: the store read its clock after the request was
    sent and before the reply was received. Bounds of several replies are intersected, which sharpens them
    to the fastest round trip; where they contradict, the store's clock was set (or this machine slept) and
    only the newest counts.
    """

    at_least: float
    at_most: float

    @classmethod
    def from_reply(cls, *, sent: float, received: float, store_ms: int) -> Self:
        """The bounds that one reply proves; `sent` and `received` are monotonic seconds."""
        return cls(at_least=store_ms - received * 1000, at_most=store_ms + 1 - sent * 1000)

    def sharpened(self, newer: Self) -> Self:
        """These bounds in the light of newer ones."""
        at_least = max(self.at_least, newer.at_least)
        at_most = min(self.at_most, newer.at_most)
        return type(self)(at_least, at_most) if at_least <= at_most else newer

    def store_ms_no_later_than(self, instant: float) -> int:
        """A store time, ms, that is not after `instant` (monotonic seconds): safe as `not_after`.

        Exact but for what the two clocks have drifted apart since the fastest round trip, which the next
        reply bounds by its own round trip.
        """
        return int(self.at_least + instant * 1000)

    def store_ms_at(self, instant: float) -> int:
        """The store's time at `instant` (monotonic seconds), ms: the middle of what it can be."""
        return int((self.at_least + self.at_most) / 2 + instant * 1000)
