"""How a room gets level with its party, and stays so when events are lost, late, or of another life."""

import asyncio

import pytest

from hubbub.core.errors import CloseCode
from hubbub.core.limits import CATCH_UP_JITTER_SECONDS, EVENT_WAIT_SECONDS, FEED_RETRY_SECONDS
from hubbub.core.party import ProvenPosition
from hubbub.hub.hub import RoomClosedError
from hubbub.store.port import StoreUnavailableError
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fake_world import FakePhone, World
from tests.support.fakes import CODE, FakeParty, came, over, said

# Opening.


@in_fake_time
async def test_the_first_to_enter_has_the_party_asked_for_and_the_others_do_not() -> None:
    world = World()
    await asyncio.gather(*(world.enter(FakePhone(), f"g{number}") for number in range(10)))
    await world.enter(FakePhone(), "late")
    assert [since for _, since in world.store.asked] == [None]
    assert world.event_stream.orders == [("subscribe", CODE)]


@in_fake_time
async def test_what_happens_while_the_party_is_asked_for_is_not_missed() -> None:
    world = World()
    world.store.answering.clear()
    phone = FakePhone()
    entering = asyncio.ensure_future(world.enter(phone))
    await settle()
    world.happens(said("a"))
    world.happens(said("b"))
    world.store.answering.set()
    await entering
    await settle()
    assert [message["text"] for message in phone.view.room["messages"]] == ["a", "b"]
    assert phone.view.version == world.party.version


@in_fake_time
async def test_an_event_on_its_way_is_waited_for_and_not_asked_for() -> None:
    world = World()
    await world.phones(["ann"])
    mine = world.missed(came("Ben"))
    entering = asyncio.ensure_future(world.enter(FakePhone(), "ben"))
    await later(EVENT_WAIT_SECONDS / 2)
    assert not entering.done()
    world.hub.published(CODE, mine)
    await entering
    assert len(world.store.asked) == 1


@in_fake_time
async def test_an_event_that_does_not_come_is_asked_for_after_a_moment() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.missed(came("Ben"))
    began = now()
    await world.enter(FakePhone(), "ben")
    assert now() == pytest.approx(began + EVENT_WAIT_SECONDS)
    assert world.store.asked[1:] == [(now(), ProvenPosition("epoch-1", 1, ""))]
    await settle()
    assert phone.heard[-1] == "MEMBER_JOINED"


@in_fake_time
async def test_who_enters_while_the_store_is_away_hears_so_by_the_deadline_and_in_doubt() -> None:
    world = World()
    world.store.down = True
    began = now()
    with pytest.raises(StoreUnavailableError) as caught:
        await world.enter(FakePhone(), seconds=1.5)
    assert now() == pytest.approx(began + 1.5)
    assert caught.value.in_doubt
    assert not world.event_stream.wanted


@in_fake_time
async def test_a_subscription_that_is_not_confirmed_is_told_as_unavailable_and_the_room_goes() -> None:
    world = World()
    world.event_stream.silent = True
    with pytest.raises(StoreUnavailableError):
        await world.enter(FakePhone())
    assert world.event_stream.orders == [("subscribe", CODE), ("unsubscribe", CODE)]


@in_fake_time
async def test_who_waits_for_a_room_hears_when_the_party_ends() -> None:
    world = World()
    await world.phones(["ann"])
    world.missed(came("Ben"))
    entering = asyncio.ensure_future(world.enter(FakePhone(), "ben"))
    await settle()
    world.party.has_ended = True
    with pytest.raises(RoomClosedError):
        await entering


@in_fake_time
async def test_a_party_in_which_nothing_has_happened_can_be_watched_while_the_first_thing_does() -> None:
    world = World(party=FakeParty(version=0))
    world.store.answering.clear()
    async with world.hub.open_room(CODE, now() + 1.5) as room:
        leveling = asyncio.ensure_future(world.hub.wait_synced(room, "epoch-1", 0, now() + 1.5))
        await settle()
        world.happens(said("the first"))
        await settle()
        world.store.answering.set()
        await leveling


@in_fake_time
async def test_who_was_let_in_just_before_the_end_is_told_of_the_end() -> None:
    world = World()
    await world.phones(["ann"])
    async with world.hub.open_room(CODE, now() + 1.5) as room:
        # The store answers the join; before the answer is read, the feed brings that event and the end.
        world.happens(came("Ben"))
        joined_at = world.party.version
        world.happens(over())
        with pytest.raises(RoomClosedError):
            await world.hub.wait_synced(room, "epoch-1", joined_at, now() + 1.5)


@in_fake_time
async def test_who_is_let_in_by_an_event_and_shut_out_by_the_next_is_told_of_the_end() -> None:
    world = World()
    await world.phones(["ann"])
    mine = world.missed(came("Ben"))
    async with world.hub.open_room(CODE, now() + 1.5) as room:
        leveling = asyncio.ensure_future(world.hub.wait_synced(room, "epoch-1", world.party.version, now() + 1.5))
        await settle()
        # Both in one read of the feed, so that whoever waits does not get to run in between.
        world.hub.published(CODE, mine)
        world.happens(over())
        with pytest.raises(RoomClosedError):
            await leveling


# Events that are lost.


@in_fake_time
async def test_a_gap_is_asked_for_at_once_and_phones_hear_all_in_order() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.missed(said("lost"))
    began = now()
    world.happens(said("b"))
    await settle()
    assert world.store.asked[1:] == [(began, ProvenPosition("epoch-1", 1, ""))]
    assert phone.texts == ["lost", "b"]


@in_fake_time
async def test_a_gap_is_asked_for_even_in_the_very_moment_in_which_the_last_one_was_closed() -> None:
    world = World()
    phone = FakePhone()
    async with world.hub.open_room(CODE, now() + 1.5) as room:
        await world.hub.wait_synced(room, "epoch-1", 1, now() + 1.5)
    world.seat(phone, room)
    world.missed(said("lost"))
    world.happens(said("b"))
    await later(10.0)
    assert phone.texts == ["lost", "b"]


@in_fake_time
async def test_a_gap_too_wide_for_the_log_is_bridged_by_a_new_room() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.missed(said("lost"))
    world.happens(said("b"))
    world.party.log.clear()
    await settle()
    assert phone.heard == ["WATCHING", "ROOM", "ROOM"]
    world.happens(said("c"))
    await later(1.0)
    assert phone.texts == ["c"]
    assert phone.view.version == world.party.version


@in_fake_time
async def test_while_the_store_is_away_it_is_asked_again_and_again_and_nobody_is_closed() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.store.down = True
    world.missed(said("lost"))
    world.happens(said("b"))
    await later(600.0)
    assert len(world.store.asked) == pytest.approx(600 / FEED_RETRY_SECONDS, rel=0.01)
    assert phone.heard == ["WATCHING", "ROOM"]
    assert not phone.closed
    world.store.down = False
    await later(FEED_RETRY_SECONDS)
    assert phone.texts == ["lost", "b"]


@in_fake_time
async def test_a_party_that_ended_unheard_is_closed_when_it_is_asked_for() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.hub.confirmed(CODE)
    world.party.has_ended = True
    await later(CATCH_UP_JITTER_SECONDS + EVENT_WAIT_SECONDS * 1.01)
    assert phone.closed == [CloseCode.PARTY_ENDED]
    assert not world.event_stream.wanted


@in_fake_time
async def test_where_the_store_tells_of_the_end_first_the_event_that_says_why_is_told_too() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    published = world.missed(over())
    world.hub.confirmed(CODE)
    while len(world.store.asked) < 2:
        await later(0.01)
    world.hub.published(CODE, published)
    await later(1.0)
    assert phone.heard[-1] == "ENDED"
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_when_the_subscription_begins_anew_what_was_missed_is_asked_for_within_a_second() -> None:
    world = World()
    phones = await world.phones(["ann", "ben"])
    began = now()
    world.missed(said("lost"))
    world.hub.confirmed(CODE)
    await later(CATCH_UP_JITTER_SECONDS)
    assert began <= world.store.asked[-1][0] <= began + CATCH_UP_JITTER_SECONDS
    assert all(phone.texts == ["lost"] for phone in phones)
    await later(60.0)
    assert len(world.store.asked) == 2


@in_fake_time
async def test_rooms_that_begin_anew_together_are_asked_for_apart() -> None:
    moments = []
    for _ in range(8):
        world = World()
        await world.phones(["ann"])
        began = now()
        world.hub.confirmed(CODE)
        await later(CATCH_UP_JITTER_SECONDS)
        moments.append(world.store.asked[-1][0] - began)
    assert len(set(moments)) == len(moments)


@in_fake_time
async def test_the_beginning_of_a_subscription_asks_for_nothing() -> None:
    world = World()
    world.hub.confirmed(CODE)
    async with world.hub.open_room(CODE, now() + 1.0):
        world.hub.confirmed(CODE)
        await later(CATCH_UP_JITTER_SECONDS)
    assert world.store.asked == []


@in_fake_time
async def test_what_was_published_between_an_answer_and_a_new_subscription_is_asked_for() -> None:
    world = World()
    (phone,) = await world.phones(["ann"])
    world.missed(said("lost"))
    world.happens(said("b"))
    world.store.answering.clear()
    await settle()
    # The store has answered, and the answer is on its way; the feed is not subscribed yet.
    world.missed(said("c"))
    world.hub.confirmed(CODE)
    await later(0.5)
    world.store.answering.set()
    await later(CATCH_UP_JITTER_SECONDS + 1.0)
    assert phone.texts == ["lost", "b", "c"]


@in_fake_time
async def test_who_enters_just_after_an_interruption_does_not_wait_for_the_spread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    world = World()
    await world.phones(["ann"])
    world.missed(said("lost"))
    world.hub.confirmed(CODE)
    world.happens(came("Ben"))
    began = now()
    await world.enter(FakePhone(), "ben")
    assert now() <= began + EVENT_WAIT_SECONDS + 0.01


@in_fake_time
async def test_rooms_are_spread_out_again_after_somebody_could_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    world = World()
    await world.phones(["ann"])
    world.store.answering.clear()
    world.missed(said("lost"))
    world.happens(came("Ben"))
    entering = asyncio.ensure_future(world.enter(FakePhone(), "ben"))
    await later(EVENT_WAIT_SECONDS * 1.1)
    world.store.answering.set()
    await entering
    began = now()
    world.hub.confirmed(CODE)
    await later(CATCH_UP_JITTER_SECONDS * 1.1)
    assert world.store.asked[-1][0] == pytest.approx(began + CATCH_UP_JITTER_SECONDS)
