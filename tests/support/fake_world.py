"""Run one instance's hub with recording clients around a fake party."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from hubbub.core.errors import CloseCode, Reason
from hubbub.core.protocol import Event, Position, encode
from hubbub.core.replica import Published
from hubbub.core.seats import Lease
from hubbub.hub.hub import FoundBy, Hub, LocalRoom, Membership
from tests.support.fake_time import later, now, settle
from tests.support.fakes import CODE, FakeEventStream, FakeParty, FakeStore
from tests.support.party_view import PartyView


class View(PartyView):
    """A view of a party in which not every seat is listed, so that it cannot count, and which may begin anew often."""

    def __init__(self) -> None:
        super().__init__()
        self._was_caught_up = False

    @property
    def is_caught_up(self) -> bool:
        """Whether what was promised on entering has come, in whatever life of the party that was."""
        self._was_caught_up = self._was_caught_up or super().is_caught_up
        return self._was_caught_up

    def _check(self) -> None:
        self._all_are_listed = False
        super()._check()


class FakePhone:
    """Store each sent message with its time, and check their order."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, list[dict[str, Any]]]] = []
        self.closed: list[CloseCode] = []
        self.found_by: list[FoundBy | None] = []
        self.view: PartyView = View()

    def send(self, frame: bytes) -> None:
        assert not self.closed, f"sent after {self.closed}: {frame!r}"
        decoded = msgspec.json.decode(frame)
        messages = decoded if isinstance(decoded, list) else [decoded]
        self.frames.append((now(), messages))
        for message in messages:
            self.view.take(message)

    def send_text(self, text: bytes) -> None:
        self.send(text)

    def close(self, code: CloseCode, found_by: FoundBy | None = None) -> None:
        self.closed.append(code)
        self.found_by.append(found_by)

    @property
    def heard(self) -> list[str]:
        """The types of all messages, in order."""
        return [message["t"] for _, messages in self.frames for message in messages]

    @property
    def told_at(self) -> list[float]:
        """When each frame came."""
        return [at for at, _ in self.frames]

    @property
    def texts(self) -> list[str]:
        """Return the texts of received messages, without those in a `ROOM`."""
        return [message["text"] for _, messages in self.frames for message in messages if message["t"] == "MESSAGE"]

    def forget(self) -> None:
        """Begin the record anew; what it knows of the party stays."""
        self.frames.clear()


class World:
    """A party, its store, and one instance's hub with phones. What `happens` is published, what is `missed` is not."""

    def __init__(self, prepare: Callable[[bytes], bytes] = bytes, party: FakeParty | None = None) -> None:
        self.party = party or FakeParty(version=1)
        self.store = FakeStore(self.party)
        self.event_stream = FakeEventStream()
        self._prepare = prepare
        self.hub = Hub(self.store.as_store(), self.event_stream.as_event_stream(), prepare)
        self.memberships: dict[Any, Membership] = {}
        self._holders = 0

    def happens(self, *events: Event) -> None:
        """A change, of which this instance hears."""
        self.hub.on_events(CODE, self.party.happen(*events))

    def missed(self, *events: Event) -> Published:
        """A change, of which this instance does not hear (yet)."""
        return self.party.happen(*events)

    def lease(self, member_id: str) -> Lease:
        """A new connection's hold on a seat."""
        self._holders += 1
        return Lease(CODE, member_id, f"holder-{self._holders}")

    async def enter(
        self, phone: Any, member_id: str = "ann", *, since: Position | None = None, seconds: float = 1.5
    ) -> None:
        """Seat a phone as the service does, once the store has answered at the party's position."""
        deadline = now() + seconds
        async with self.hub.open_room(CODE, deadline) as room:
            await self.hub.wait_synced(room, self.party.epoch, self.party.version, deadline)
        self.seat(phone, room, member_id, since)
        await settle()

    def seat(self, phone: Any, room: LocalRoom, member_id: str = "ann", since: Position | None = None) -> None:
        """Send the phone `WATCHING`, the shortest of the answers that come before a room, and seat it."""
        replica = room.replica
        answer = {"t": "WATCHING", "code": CODE, "epoch": replica.epoch, "version": replica.version}
        phone.send(self._prepare(encode(answer)))
        self.memberships[phone] = self.hub.seat(room, phone, self.lease(member_id), since)

    def leave(self, phone: Any) -> None:
        """The phone's connection is gone."""
        self.hub.unseat(self.memberships.pop(phone))

    def expel(self, phone: Any, reason: Reason) -> None:
        """Deliver the event that the phone's connection has lost its seat."""
        self.hub.on_seat_lost(CODE, self.memberships[phone].lease.holder, reason)

    async def come_back(self, phone: FakePhone, member_id: str = "ann") -> FakePhone:
        """Return another connection of the same phone, with the received messages."""
        again = FakePhone()
        again.view = phone.view
        await self.enter(again, member_id, since=Position(**phone.view.position))
        return again

    async def phones(self, member_ids: Iterable[str]) -> list[FakePhone]:
        """Return that many phones in the room, with no message pending."""
        phones = []
        for member_id in member_ids:
            phone = FakePhone()
            await self.enter(phone, member_id)
            phones.append(phone)
        await later(1.0)
        return phones

    def room(self) -> LocalRoom:
        """The room, which must be open and have phones in it."""
        (room,) = self.hub.rooms()
        return room


async def world_with_ann() -> tuple[World, FakePhone]:
    """Return a world and the one phone in its room."""
    world = World()
    (phone,) = await world.phones(["ann"])
    return world, phone
