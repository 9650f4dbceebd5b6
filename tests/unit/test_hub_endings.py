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
from tests.support.fakes import CODE, FakeDataLossDetector, over, said

# Those who have lost their seat.


@in_fake_time
async def test_a_take_over_closes_the_old_connection_and_no_other() -> None:
    world = World()
    old, other, new = await world.phones(["ann", "ben", "ann"])
    world.expel(old, Reason.TAKEN_OVER)
    assert (old.closed, other.closed, new.closed) == ([CloseCode.TAKEN_OVER], [], [])
    world.happens(said("a"))
    await settle()
    assert (old.texts, other.texts, new.texts) == ([], ["a"], ["a"])


@in_fake_time
async def test_notices_of_two_take_overs_that_come_after_both_leave_the_last_connection() -> None:
    world = World()
    first, second, third = await world.phones(["ann", "ann", "ann"])
    world.expel(first, Reason.TAKEN_OVER)
    world.expel(second, Reason.TAKEN_OVER)
    world.expel(first, Reason.TAKEN_OVER)
    assert (first.closed, second.closed, third.closed) == ([CloseCode.TAKEN_OVER], [CloseCode.TAKEN_OVER], [])


@in_fake_time
async def test_who_is_kicked_hears_so_and_is_closed_and_nobody_else() -> None:
    world = World()
    ben, ann = await world.phones(["ben", "ann"])
    world.expel(ben, Reason.KICKED)
    assert ben.heard[-1] == "KICKED"
    assert ben.closed == [CloseCode.KICKED]
    assert not ann.closed
    assert "KICKED" not in ann.heard


@pytest.mark.parametrize(("reason", "heard"), [(Reason.TAKEN_OVER, ["a"]), (Reason.KICKED, ["a"])])
@in_fake_time
async def test_news_from_before_are_told_before_the_close(reason: Reason, heard: list[str]) -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.happens(said("a"))
    world.expel(phone, reason)
    assert phone.texts == heard
    assert phone.closed == [CLOSE_CODES[reason]]


@in_fake_time
async def test_notices_for_connections_that_are_not_here_change_nothing() -> None:
    world = World()
    world.hub.expelled(CODE, "holder-1", Reason.KICKED)
    (phone,) = await world.phones(["ann"])
    world.hub.expelled(CODE, "holder-elsewhere", Reason.TAKEN_OVER)
    world.hub.expelled("OTHERX", world.memberships[phone].lease.holder, Reason.KICKED)
    world.hub.expelled(CODE, "", Reason.TAKEN_OVER)
    assert not phone.closed


# The end.


@in_fake_time
async def test_the_end_is_told_to_everybody_before_they_are_closed_and_the_room_goes() -> None:
    world = World()
    phones = await world.phones(["ann", "ben"])
    world.happens(said("bye"), over())
    for phone in phones:
        assert phone.heard[-2:] == ["MESSAGE", "ENDED"]
        assert phone.closed == [CloseCode.PARTY_ENDED]
    assert list(world.hub.rooms()) == []
    assert not world.event_stream.wanted


@in_fake_time
async def test_who_ended_the_party_by_leaving_is_left_to_close_by_itself() -> None:
    world = World()
    host, guest = await world.phones(["ann", "ben"])
    world.memberships[host].busy = True
    world.happens(over())
    assert host.heard[-1] == guest.heard[-1] == "ENDED"
    assert (host.closed, guest.closed) == ([], [CloseCode.PARTY_ENDED])


@in_fake_time
async def test_what_comes_after_the_end_reaches_nobody() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.happens(over())
    heard = phone.heard
    world.happens(said("late"))
    world.expel(phone, Reason.KICKED)
    world.leave(phone)
    await later(60.0)
    assert phone.heard == heard
    assert phone.closed == [CloseCode.PARTY_ENDED]


# Draining.


@in_fake_time
async def test_a_drain_closes_all_phones_in_batches_over_the_time_given() -> None:
    world = World()
    phones = [FakePhone() for _ in range(95)]
    for phone in phones:
        world.hub.add_connection(phone)
    began = now()
    moments: list[float] = []
    for phone in phones:
        phone.close = lambda code: moments.append(now() - began) if code is CloseCode.SERVICE_RESTART else None  # type: ignore[method-assign]
    await world.hub.drain(5.0)
    assert world.hub.draining
    assert len(moments) == 95
    assert max(moments.count(moment) for moment in moments) == -(-95 // DRAIN_BATCHES)
    assert moments[0] == 0.0
    assert 4.0 < moments[-1] < 5.0
    assert now() <= began + 5.01


@pytest.mark.parametrize("count", [0, 1, 20, 21])
@in_fake_time
async def test_a_drain_closes_few_phones_too_and_each_once(count: int) -> None:
    world = World()
    phones = [FakePhone() for _ in range(count)]
    for phone in phones:
        world.hub.add_connection(phone)
    began = now()
    await world.hub.drain(5.0)
    assert all(phone.closed == [CloseCode.SERVICE_RESTART] for phone in phones)
    assert now() <= began + 5.01


@in_fake_time
async def test_while_an_instance_drains_no_leave_is_told() -> None:
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
async def test_a_room_that_nobody_entered_goes_at_once() -> None:
    world = World()
    async with world.hub.open_room(CODE, now() + 1.5):
        assert world.event_stream.wanted == {CODE}
    assert not world.event_stream.wanted


@in_fake_time
async def test_an_empty_room_is_kept_for_a_while_and_then_goes() -> None:
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
async def test_who_comes_back_in_time_finds_the_room_level() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.leave(phone)
    world.happens(said("meanwhile"))
    await later(ROOM_LINGER_SECONDS / 2)
    again = await world.come_back(phone)
    assert again.texts == ["meanwhile"]
    await later(10 * ROOM_LINGER_SECONDS)
    assert world.event_stream.orders == [("subscribe", CODE)]
    assert len(world.store.asked) == 1


@in_fake_time
async def test_a_room_in_which_somebody_is_about_to_enter_is_kept() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.leave(phone)
    async with world.hub.open_room(CODE, now() + 60) as room:
        await later(2 * ROOM_LINGER_SECONDS)
        world.seat(FakePhone(), room)
    await later(2 * ROOM_LINGER_SECONDS)
    assert world.event_stream.orders == [("subscribe", CODE)]


@in_fake_time
async def test_a_room_is_kept_for_as_long_after_the_last_leave_even_if_that_was_soon() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    await later(ROOM_LINGER_SECONDS / 2)
    world.leave(phone)
    await later(ROOM_LINGER_SECONDS - 0.1)
    assert world.event_stream.wanted == {CODE}


@in_fake_time
async def test_a_room_that_went_is_opened_anew() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.leave(phone)
    await later(2 * ROOM_LINGER_SECONDS)
    world.missed(said("meanwhile"))
    again = await world.come_back(phone)
    assert [since for _, since in world.store.asked] == [None, None]
    assert again.view.version == world.party.version


@in_fake_time
async def test_how_many_watch_is_in_the_next_room() -> None:
    world = World()
    world.hub.watched(CODE, 9)
    await world.phones(["ann"])
    world.hub.watched(CODE, 3)
    (phone,) = await world.phones(["ben"])
    assert phone.view.room["watchers"] == 3


@in_fake_time
async def test_at_the_end_what_still_runs_is_stopped() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.store.down = True
    world.missed(said("lost"))
    world.happens(said("b"))
    await settle()
    await world.hub.aclose()
    asked = len(world.store.asked)
    await later(60.0)
    assert len(world.store.asked) == asked
    assert not phone.closed
