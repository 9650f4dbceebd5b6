"""A crowd that joins, speaks, drops, comes back, leaves and is kicked, all at once: who ends up where."""

import asyncio
import json
import random
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from hubbub.core.party import PartyPolicy
from hubbub.hub.hub import Hub
from hubbub.recovery.recovery import Recovery
from hubbub.services.lease_renewer import LeaseRenewer
from hubbub.services.parties import PartyService
from hubbub.services.rollbacks import Rollbacks
from hubbub.transport.connection import text_frame
from hubbub.transport.websocket import ConnectionHandler
from tests.support.fake_seats import SeatStore
from tests.support.fake_time import in_fake_time, later
from tests.support.fake_transport import FakeSocketConnection
from tests.support.fake_world import View
from tests.support.fakes import CODE, FakeDataLossDetector, FakeEventStream, FakeParty

LEASE_SECONDS = 9.0
FINAL = range(4500, 4600)


class Instance:
    """All of an instance but its sockets and its store."""

    def __init__(self, store: SeatStore) -> None:
        port = store.as_store()
        self.hub = Hub(port, FakeEventStream().as_event_stream(), text_frame)
        rollbacks = Rollbacks(port, lambda *_: None)
        recovery = Recovery(port, FakeDataLossDetector().as_detector(), self.hub, LEASE_SECONDS, lambda *_: None)
        self.service = PartyService(port, self.hub, rollbacks, recovery, PartyPolicy(7200, 300, 120, 500))
        jobs = (store.feed_of(self.hub), LeaseRenewer(port, self.hub, recovery, LEASE_SECONDS).run(), rollbacks.run())
        self._tasks = [asyncio.create_task(job) for job in jobs]

    async def aclose(self) -> None:
        """Nothing of it may have failed."""
        assert not any(task.done() for task in self._tasks)
        for task in self._tasks:
            task.cancel()
        await self.hub.aclose()


class Guest:
    """A phone with a token, which remembers what it was told, and what it is told now."""

    def __init__(self, evening: "Evening", dice: random.Random, token: str) -> None:
        self._evening = evening
        self._dice = dice
        self._token = token
        self._view = View()
        self._handler: ConnectionHandler | None = None
        self._phone = FakeSocketConnection()
        self.member_id = ""

    @property
    def is_here(self) -> bool:
        """Whether it is connected."""
        return self._handler is not None and not self._phone.is_closed

    @property
    def position(self) -> dict[str, Any]:
        """What it knows by now."""
        self._listen()
        return self._view.position

    async def spend_the_evening(self) -> None:
        """Come, do this and that, drop, and come back."""
        await asyncio.sleep(self._dice.random() * 5)
        for _ in range(self._dice.randint(1, 4)):
            await self._come()
            for _ in range(self._dice.randint(0, 4)):
                if not self.is_here:
                    break
                await self._do_something()
            if self.is_here and self._dice.random() < 0.4:
                return
            await self._go()
            if self._phone.closed_with in FINAL:
                return
            await asyncio.sleep(self._dice.random())

    async def _come(self) -> None:
        self._phone = FakeSocketConnection()
        instance = self._dice.choice(self._evening.instances)
        self._handler = ConnectionHandler(instance.service, instance.hub, self._phone)
        self._handler.arm_entry_timeout()
        join: dict[str, Any] = {"t": "JOIN", "code": CODE, "name": "x", "token": self._token}
        if self._view.room and self._dice.random() < 0.7:
            join["since"] = self._view.position
        else:
            self._view = View()
        await self._say(join)

    async def _do_something(self) -> None:
        deed = self._dice.random()
        if deed < 0.5:
            await self._say({"t": "SEND_MESSAGE", "text": "hi"})
        elif deed < 0.65:
            await self._say({"t": "LEAVE"})
        elif deed < 0.7:
            await self._say({"t": "KICK", "targetId": self._dice.choice([*self._evening.store.holders, "x"])})
        else:
            await asyncio.sleep(self._dice.random())
            self._listen()

    async def _go(self) -> None:
        assert self._handler is not None
        self._listen()
        self._phone.transport.close()
        await self._handler.end()
        self._handler = None

    async def _say(self, message: dict[str, Any]) -> None:
        assert self._handler is not None
        await self._handler.on_frame(json.dumps(message).encode())
        self._listen()

    def _listen(self) -> None:
        messages = self._phone.transport.messages
        self._phone.transport.written.clear()
        for message in messages:
            if message["t"] == "JOINED":
                self.member_id = message["memberId"]
            self._view.take(message)


class Evening:
    """A party with two instances, and twenty guests with eight tokens."""

    def __init__(self, dice: random.Random) -> None:
        self.party = FakeParty(version=1)
        self.store = SeatStore(self.party, dice, loss=dice.choice([0.0, 0.0, 0.05]))
        self.instances = [Instance(self.store) for _ in range(2)]
        self._guests = [Guest(self, dice, f"token-{number % 8:022d}") for number in range(20)]

    async def pass_by(self) -> None:
        """Everybody does what they do, and then all is quiet for a while."""
        await asyncio.gather(*(guest.spend_the_evening() for guest in self._guests))
        await later(4 * LEASE_SECONDS)

    def present(self) -> list[Guest]:
        """The guests who are connected."""
        return [guest for guest in self._guests if guest.is_here]

    def leases(self) -> set[str]:
        """The connections for which the instances renew leases."""
        rooms = [room for instance in self.instances for room in instance.hub.rooms()]
        return {lease.holder for room in rooms for lease in room.leases}

    async def aclose(self) -> None:
        """Nothing of it may have failed."""
        for instance in self.instances:
            await instance.aclose()


@pytest.fixture(params=range(30))
def dice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> random.Random:
    """Dice for all that is left to chance, the program's own choices included, so that an evening can be repeated."""
    numbers = count()
    monkeypatch.setattr(
        "hubbub.services.parties.secrets", SimpleNamespace(token_urlsafe=lambda *_: f"{next(numbers):022d}")
    )
    monkeypatch.setattr("hubbub.loop.random", random.Random(request.param))
    return random.Random(request.param)


@in_fake_time
async def test_in_the_end_whoever_is_connected_has_the_seat_and_knows_the_party(dice: random.Random) -> None:
    evening = Evening(dice)
    await evening.pass_by()
    party, store, present = evening.party, evening.store, evening.present()
    assert all(guest.position == {"epoch": party.epoch, "version": party.version} for guest in present)
    owners = [guest.member_id for guest in present]
    assert len(owners) == len(set(owners)), "two connections have one seat"
    assert set(owners) == store.connected
    assert evening.leases() == {store.holders[seat] for seat in store.connected}
    await evening.aclose()


@in_fake_time
async def test_when_the_party_ends_nobody_is_left_behind(dice: random.Random) -> None:
    evening = Evening(dice)
    asyncio.get_running_loop().call_later(2 + 4 * dice.random(), evening.store.end)
    await evening.pass_by()
    assert evening.present() == []
    assert evening.leases() == set()
    await evening.aclose()
