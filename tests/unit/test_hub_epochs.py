"""Events that do not belong: of another life of the party, or of a version of the program that is still to come."""

import asyncio

from hubbub.core.limits import EVENT_WAIT_SECONDS
from hubbub.core.replica import Published
from tests.support.fake_time import in_fake_time, later, settle
from tests.support.fake_world import FakePhone, World, world_with_ann
from tests.support.fakes import CODE, FakeParty, message_event


@in_fake_time
async def test_late_event_of_old_epoch_stops_fetching() -> None:
    world, phone = await world_with_ann()
    world.hub.on_events(CODE, FakeParty(epoch="epoch-0", version=50).happen(message_event("straggler")))
    for _ in range(20):
        await settle()
    assert len(world.store.asked) < 5
    world.happens(message_event("a"))
    await settle()
    assert phone.texts == ["a"]


@in_fake_time
async def test_event_of_old_epoch_admits_nobody() -> None:
    world = World()
    await world.phones(["ann"])
    before, late = world.party, world.missed(message_event("of the life before"))
    world.store.party = world.party = FakeParty(epoch="epoch-2", version=1)
    phone = FakePhone()
    entering = asyncio.ensure_future(world.enter(phone))
    await settle()
    world.hub.on_events(CODE, late)
    await entering
    assert before.epoch != phone.view.epoch == "epoch-2"


@in_fake_time
async def test_event_of_old_epoch_closes_nobody() -> None:
    world = World()
    await world.phones(["ann"])
    late = [world.missed(message_event(f"of the life before, {number}")) for number in range(2)]
    world.store.party = world.party = FakeParty(epoch="epoch-2", version=1)
    world.store.answering.clear()
    phone = FakePhone()
    entering = asyncio.ensure_future(world.enter(phone))
    await settle()
    world.hub.on_events(CODE, late[0])
    await later(EVENT_WAIT_SECONDS * 1.1)
    world.hub.on_events(CODE, late[1])
    await later(0.1)
    world.store.answering.set()
    await entering
    assert phone.view.epoch == "epoch-2"


@in_fake_time
async def test_event_of_later_version_does_not_stop_instance() -> None:
    world, phone = await world_with_ann()
    # The phone of the test knows no such event either; the room goes on for a while without phones.
    room = world.room()
    world.hub.unseat(world.memberships[phone])
    firework = b'{"t":"FIREWORK","version":2}'
    world.party.version = 2
    world.party.log.append(firework)
    world.hub.on_events(CODE, Published("epoch-1", 2, [firework]))
    world.happens(message_event("a"))
    await later(1.0)
    assert room.replica.version == 3
