"""Who is closed, with what, and who is not; and when a room is let go."""

import pytest

from hubbub.core.errors import CLOSE_CODES, CloseCode, Reason
from hubbub.core.limits import DRAIN_BATCHES, ROOM_LINGER_SECONDS
from hubbub.core.party import PartyPolicy
from hubbub.recovery.recovery import Recovery
from hubbub.services.parties import PartyService
from hubbub.services.rollbacks import Rollbacks
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fake_world import FakePhone, World
from tests.support.fakes import CODE, FakeDataLossDetector, ended_event, message_event

# Those who have lost their seat.


@in_fake_time
async def test_take_over_closes_old_connection_only() -> None:
    world = World()
    old, other, new = await world.phones(["ann", "ben", "ann"])
    world.expel(old, Reason.TAKEN_OVER)
    assert (old.closed, other.closed, new.closed) == ([CloseCode.TAKEN_OVER], [], [])
    world.happens(message_event("a"))
    await settle()
    assert (old.texts, other.texts, new.texts) == ([], ["a"], ["a"])


@in_fake_time
async def test_late_take_over_notices_keep_last_connection() -> None:
    world = World()
    first, second, third = await world.phones(["ann", "ann", "ann"])
    world.expel(first, Reason.TAKEN_OVER)
    world.expel(second, Reason.TAKEN_OVER)
    world.expel(first, Reason.TAKEN_OVER)
    assert (first.closed, second.closed, third.closed) == ([CloseCode.TAKEN_OVER], [CloseCode.TAKEN_OVER], [])


@in_fake_time
async def test_kick_closes_kicked_connection_only() -> None:
    world = World()
    ben, ann = await world.phones(["ben", "ann"])
    world.expel(ben, Reason.KICKED)
    assert ben.heard[-1] == "KICKED"
    assert ben.closed == [CloseCode.KICKED]
    assert not ann.closed
    assert "KICKED" not in ann.heard


@pytest.mark.parametrize(("reason", "heard"), [(Reason.TAKEN_OVER, ["a"]), (Reason.KICKED, ["a"])])
@in_fake_time
async def test_pending_events_are_sent_before_close(reason: Reason, heard: list[str]) -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.happens(message_event("a"))
    world.expel(phone, reason)
    assert phone.texts == heard
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
async def test_party_end_is_sent_before_connections_close() -> None:
    world = World()
    phones = await world.phones(["ann", "ben"])
    world.happens(message_event("bye"), ended_event())
    for phone in phones:
        assert phone.heard[-2:] == ["MESSAGE", "ENDED"]
        assert phone.closed == [CloseCode.PARTY_ENDED]
    assert list(world.hub.rooms()) == []
    assert not world.event_stream.wanted


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
    world = World()
    (phone,) = await world.phones(["ann"])
    world.happens(ended_event())
    heard = phone.heard
    world.happens(message_event("late"))
    world.expel(phone, Reason.KICKED)
    world.leave(phone)
    await later(60.0)
    assert phone.heard == heard
    assert phone.closed == [CloseCode.PARTY_ENDED]


# Draining.


@in_fake_time
async def test_drain_closes_connections_in_batches() -> None:
    world = World()
    phones = [FakePhone() for _ in range(95)]
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
    assert len(moments) == 95
    assert max(moments.count(moment) for moment in moments) == -(-95 // DRAIN_BATCHES)
    assert moments[0] == 0.0
    assert 4.0 < moments[-1] < 5.0
    assert now() <= began + 5.01


@pytest.mark.parametrize("count", [0, 1, 20, 21])
@in_fake_time
async def test_drain_closes_few_connections_once_each(count: int) -> None:
    world = World()
    phones = [FakePhone() for _ in range(count)]
    for phone in phones:
        world.hub.add_connection(phone)
    began = now()
    await world.hub.drain(5.0)
    assert all(phone.closed == [CloseCode.SERVICE_RESTART] for phone in phones)
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
async def test_unentered_room_is_dropped_at_once() -> None:
    world = World()
    async with world.hub.open_room(CODE, now() + 1.5):
        assert world.event_stream.wanted == {CODE}
    assert not world.event_stream.wanted


@in_fake_time
async def test_empty_room_lingers_and_is_dropped() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    await later(2 * ROOM_LINGER_SECONDS)
    world.leave(phone)
    await later(ROOM_LINGER_SECONDS - 0.1)
    assert world.event_stream.wanted == {CODE}
    await later(0.2)
    assert not world.event_stream.wanted
    assert world.event_stream.orders == [("subscribe", CODE), ("unsubscribe", CODE)]


@in_fake_time
async def test_rejoin_within_linger_finds_room_synced() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
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
    world = World()
    (phone,) = await world.phones(["ann"])
    world.leave(phone)
    async with world.hub.open_room(CODE, now() + 60) as room:
        await later(2 * ROOM_LINGER_SECONDS)
        world.seat(FakePhone(), room)
    await later(2 * ROOM_LINGER_SECONDS)
    assert world.event_stream.orders == [("subscribe", CODE)]


@in_fake_time
async def test_room_linger_starts_at_last_leave() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    await later(ROOM_LINGER_SECONDS / 2)
    world.leave(phone)
    await later(ROOM_LINGER_SECONDS - 0.1)
    assert world.event_stream.wanted == {CODE}


@in_fake_time
async def test_dropped_room_is_opened_again() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
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
    world = World()
    (phone,) = await world.phones(["ann"])
    world.store.down = True
    world.missed(message_event("lost"))
    world.happens(message_event("b"))
    await settle()
    await world.hub.aclose()
    asked = len(world.store.asked)
    await later(60.0)
    assert len(world.store.asked) == asked
    assert not phone.closed
