"""Run random scenarios of a hub: whatever fails, every connection ends synced and is sent events in order."""

import random
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.core.errors import CLOSE_CODES, CloseCode, Reason
from hubbub.core.protocol import Event
from hubbub.core.replica import Published
from hubbub.core.results import Renewed
from hubbub.store.port import StoreUnavailableError
from tests.support.fake_time import in_fake_time, later
from tests.support.fake_world import FakePhone, World
from tests.support.fakes import CODE, FakeParty, count_event, ended_event, joined_event, message_event


class Scenario:
    """Run random actions on a hub. Each `FakePhone` checks that it is sent events in order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._world = World()
        self._delayed: list[Published] = []
        self._present: list[FakePhone] = []
        self._epochs = 1
        self._numbers = 0
        self._actions: list[tuple[int, Callable[[], object]]] = [
            (8, self._happen),
            (2, self._miss),
            (3, self._deliver_delayed),
            (2, self._fail_or_recover),
            (2, lambda: self._world.hub.on_subscribed(CODE)),
            (2, self._renew),
            (1, self._start_epoch),
            (2, self._leave),
            (1, self._take_over_or_kick),
        ]

    async def run(self) -> None:
        """Take sixty actions, one after the other or at once."""
        weights = [weight for weight, _ in self._actions]
        for _ in range(60):
            if self._random.random() < 0.25:
                await self._enter()
            else:
                self._random.choices(self._actions, weights)[0][1]()
            if self._random.random() < 0.4:
                await later(self._random.choice([0.0, 1e-5, 1e-3, 0.3, 2.0]))

    async def assert_synced_at_end(self) -> None:
        """Bring the store back and renew the leases: every connection must be open and synced."""
        self._world.store.down = False
        await self._enter()
        self._renew()
        await later(10.0)
        party = self._world.party
        for phone in self._present:
            assert not phone.closed
            assert phone.view.position == {"epoch": party.epoch, "version": party.version}
            assert [message["id"] for message in phone.view.room["messages"]] == [
                message.id for message in party.snapshot.messages
            ]
            assert list(phone.view.members) == [member.id for member in party.snapshot.members]
        self._world.happens(ended_event())
        for phone in self._present:
            assert phone.heard[-1] == "ENDED"
            assert phone.closed == [CloseCode.PARTY_ENDED]
        await later(1.0)
        assert not self._world.event_stream.wanted

    def _some_events(self) -> list[Event]:
        self._numbers += 1
        possible: list[Event] = [
            message_event(f"{self._numbers}"),
            count_event(self._numbers),
            joined_event(f"G{self._numbers}"),
        ]
        return self._random.sample(possible, k=self._random.randint(1, 3))

    def _happen(self) -> None:
        self._world.happens(*self._some_events())

    def _miss(self) -> None:
        published = self._world.missed(*self._some_events())
        if self._random.random() < 0.5:
            self._delayed.append(published)

    def _deliver_delayed(self) -> None:
        if self._delayed:
            self._world.hub.on_events(CODE, self._delayed.pop(self._random.randrange(len(self._delayed))))

    def _fail_or_recover(self) -> None:
        self._world.store.down = not self._world.store.down

    def _renew(self) -> None:
        for room in self._world.hub.rooms():
            party = self._world.party
            self._world.hub.apply_renewal(room, Renewed(party.epoch, party.version, 9_000_000, 0, None, ()))

    def _start_epoch(self) -> None:
        self._epochs += 1
        self._world.store.party = self._world.party = FakeParty(epoch=f"epoch-{self._epochs}", version=1)

    async def _enter(self) -> None:
        phone = FakePhone()
        try:
            await self._world.enter(phone, "ann")
        except StoreUnavailableError:
            assert not phone.frames
        else:
            self._present.append(phone)

    def _leave(self) -> None:
        if self._present:
            self._world.leave(self._present.pop(self._random.randrange(len(self._present))))

    def _take_over_or_kick(self) -> None:
        if self._present:
            phone = self._present.pop(self._random.randrange(len(self._present)))
            reason = self._random.choice([Reason.TAKEN_OVER, Reason.KICKED])
            self._world.expel(phone, reason)
            assert phone.closed == [CLOSE_CODES[reason]]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
@in_fake_time
async def test_hub_scenario_ends_synced(seed: int) -> None:
    scenario = Scenario(seed)
    await scenario.run()
    await scenario.assert_synced_at_end()
