"""Who is closed, with what, and who is not; and when a room is let go."""

import pytest

from hubbub.core.errors import CLOSE_CODES, CloseCode, Reason
from hubbub.core.limits import DRAIN_BATCHES, ROOM_LINGER_SECONDS
from hubbub.core.party import PartyPolicy
from hubbub.recovery.recovery import Recovery
from hubbub.services.parties import PartyService
from hubbub.services.rollbacks import Rollbacks
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fake_world import FakePhone, World, world_with_ann
from tests.support.fakes import CODE, FakeDataLossDetector, ended_event, message_event

# Those who have lost their seat.


@in_fake_time
async def test_late_take_over_notices_keep_last_connection() -> None:
    world = World()
    first, second, third, other = await world.phones(["ann", "ann", "ann", "ben"])
    for phone in (first, second, first):
        world.expel(phone, Reason.TAKEN_OVER)
    assert first.closed == second.closed == [CloseCode.TAKEN_OVER]
    world.happens(message_event("a"))
    await settle()
    assert third.texts == other.texts == ["a"]
    assert first.texts == second.texts == []
    assert third.closed == other.closed == []


@pytest.mark.parametrize(("reason", "last"), [(Reason.TAKEN_OVER, "MESSAGE"), (Reason.KICKED, "KICKED")])
@in_fake_time
async def test_pending_events_are_sent_before_close(reason: Reason, last: str) -> None:
    world = World()
    phone, other = await world.phones(["ben", "ann"])
    world.happens(message_event("a"))
    world.expel(phone, reason)
    assert phone.texts == ["a"]
    assert phone.heard[-1] == last
    assert "KICKED" not in other.heard
    assert not other.closed
    assert phone.closed == [CLOSE_CODES[reason]]
    assert phone.found_by == ["event"]


@in_fake_time
async def test_notice_for_unknown_connection_is_ignored() -> None:
    world = World()
    world.hub.on_seat_lost(CODE, "holder-1", Reason.KICKED)
    (phone,) = await world.phones(["ann"])
    world.hub.on_seat_lost(CODE, "holder-elsewhere", Reason.TAKEN_OVER)
    world.hub.on_seat_lost("OTHERX", world.memberships[phone].lease.holder, Reason.KICKED)
    world.hub.on_seat_lost(CODE, "", Reason.TAKEN_OVER)
    assert not phone.closed


# The end.


@in_fake_time
async def test_host_who_left_closes_own_connection() -> None:
    world = World()
    host, guest = await world.phones(["ann", "ben"])
    world.memberships[host].begin_command()
    world.happens(ended_event())
    assert host.heard[-1] == guest.heard[-1] == "ENDED"
    assert (host.closed, guest.closed) == ([], [CloseCode.PARTY_ENDED])


@in_fake_time
async def test_event_after_party_end_is_not_sent() -> None:
    world, phone = await world_with_ann()
    world.happens(ended_event())
    heard = phone.heard
    world.happens(message_event("late"))
    world.expel(phone, Reason.KICKED)
    world.leave(phone)
    await later(60.0)
    assert phone.heard == heard
    assert phone.closed == [CloseCode.PARTY_ENDED]


# Draining.


@pytest.mark.parametrize("count", [0, 1, 20, 21, 95])
@in_fake_time
async def test_drain_closes_connections_in_batches(count: int) -> None:
    world = World()
    phones = [FakePhone() for _ in range(count)]
    for phone in phones:
        world.hub.add_connection(phone)
    began = now()
    moments: list[float] = []

    def note_close(code: CloseCode, found_by: object = None) -> None:
        assert (code, found_by) == (CloseCode.SERVICE_RESTART, None)
        moments.append(now() - began)

    for phone in phones:
        phone.close = note_close  # type: ignore[method-assign]
    await world.hub.drain(5.0)
    assert world.hub.draining
    assert len(moments) == count
    assert max((moments.count(moment) for moment in moments), default=0) == -(-count // DRAIN_BATCHES)
    assert all(moment == 0.0 for moment in moments[:1])
    assert all(moment < 5.0 for moment in moments)
    assert count < 95 or moments[-1] > 4.0
    assert now() <= began + 5.01


@in_fake_time
async def test_drain_sends_no_leave() -> None:
    world = World()
    store = world.store.as_store()
    recovery = Recovery(store, FakeDataLossDetector().as_detector(), world.hub, 10.0, lambda *_: None)
    service = PartyService(store, world.hub, Rollbacks(store, lambda *_: None), recovery, PartyPolicy(60, 60, 60, 2))
    lease = world.lease("ann")
    await service.disconnect(lease)
    assert world.store.released == [lease]
    await world.hub.drain(5.0)
    await service.disconnect(world.lease("ben"))
    assert world.store.released == [lease]


# Letting a room go.


@in_fake_time
async def test_empty_room_lingers_and_is_dropped() -> None:
    world, phone = await world_with_ann()
    # No multiple of the linger, so that one that does not start at the leave is found.
    await later(2.5 * ROOM_LINGER_SECONDS)
    world.leave(phone)
    await later(ROOM_LINGER_SECONDS - 0.1)
    assert world.event_stream.wanted == {CODE}
    await later(0.2)
    assert not world.event_stream.wanted
    assert world.event_stream.orders == [("subscribe", CODE), ("unsubscribe", CODE)]


@in_fake_time
async def test_rejoin_within_linger_finds_room_synced() -> None:
    world, phone = await world_with_ann()
    world.leave(phone)
    world.happens(message_event("meanwhile"))
    await later(ROOM_LINGER_SECONDS / 2)
    again = await world.come_back(phone)
    assert again.texts == ["meanwhile"]
    await later(10 * ROOM_LINGER_SECONDS)
    assert world.event_stream.orders == [("subscribe", CODE)]
    assert len(world.store.asked) == 1


@in_fake_time
async def test_room_with_entering_client_is_kept() -> None:
    world, phone = await world_with_ann()
    world.leave(phone)
    async with world.hub.open_room(CODE, now() + 60) as room:
        await later(2 * ROOM_LINGER_SECONDS)
        world.seat(FakePhone(), room)
    await later(2 * ROOM_LINGER_SECONDS)
    assert world.event_stream.orders == [("subscribe", CODE)]


@in_fake_time
async def test_dropped_room_is_opened_again() -> None:
    world, phone = await world_with_ann()
    world.leave(phone)
    await later(2 * ROOM_LINGER_SECONDS)
    world.missed(message_event("meanwhile"))
    again = await world.come_back(phone)
    assert [since for _, since in world.store.asked] == [None, None]
    assert again.view.version == world.party.version


@in_fake_time
async def test_watcher_count_is_in_next_snapshot() -> None:
    world = World()
    world.hub.on_watchers(CODE, 9)
    await world.phones(["ann"])
    world.hub.on_watchers(CODE, 3)
    (phone,) = await world.phones(["ben"])
    assert phone.view.room["watchers"] == 3


@in_fake_time
async def test_hub_close_stops_tasks() -> None:
    world, phone = await world_with_ann()
    world.store.down = True
    world.missed(message_event("lost"))
    world.happens(message_event("b"))
    await settle()
    await world.hub.aclose()
    asked = len(world.store.asked)
    await later(60.0)
    assert len(world.store.asked) == asked
    assert not phone.closed
