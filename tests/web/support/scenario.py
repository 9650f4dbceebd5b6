"""A party with its host on one of two instances and its guests on the other."""

from tests.web.conftest import NewPhone
from tests.web.support.pairs import ProxiedPair
from tests.web.support.person import Person
from tests.web.support.phones import WALL, Place


class Scenario:
    def __init__(self, new_phone: NewPhone, pair: ProxiedPair, place: Place | None = None) -> None:
        self._new_phone = new_phone
        self.pair = pair
        self.host = Person(new_phone(place or pair.here))
        self.code = self.host.start_party("Ann")
        self.guests: list[Person] = []

    def newcomer(self, place: Place | None = None) -> Person:
        """Somebody who has followed the link, and is not in yet."""
        return Person(self._new_phone(place or self.pair.there, f"/p/{self.code}"))

    def guest(self, name: str, place: Place | None = None) -> Person:
        """Another guest, in by the link; the host sees it."""
        guest = self.newcomer(place)
        guest.join_by_link(name)
        self.guests.append(guest)
        return guest

    def wall(self) -> Person:
        """A wall, on the guests' instance."""
        path = f"/p/{self.code}/wall"
        wall = Person(self._new_phone(self.pair.there, path, viewport=WALL, touch=False))
        wall.expect_screen("wall")
        return wall

    @property
    def everyone(self) -> list[Person]:
        return [self.host, *self.guests]
