"""How a room gets level with its party, and stays so when events are lost, late, or of another life."""

import asyncio

import pytest

from hubbub.core.errors import CloseCode
from hubbub.core.limits import CATCH_UP_JITTER_SECONDS, EVENT_WAIT_SECONDS, PUBSUB_RETRY_SECONDS
from hubbub.core.position import ProvenPosition
from hubbub.hub.hub import RoomClosedError
from hubbub.store.port import StoreUnavailableError
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fake_world import FakePhone, World, world_with_ann
from tests.support.fakes import CODE, FakeParty, ended_event, joined_event, message_event

# Opening.


@in_fake_time
async def test_first_enter_fetches_party_once() -> None:
    world = World()
    await asyncio.gather(*(world.enter(FakePhone(), f"g{number}") for number in range(10)))
    await world.enter(FakePhone(), "late")
    assert [since for _, since in world.store.asked] == [None]
    assert world.event_stream.orders == [("subscribe", CODE)]


@in_fake_time
async def test_event_during_fetch_is_not_missed() -> None:
    world = World()
    world.store.answering.clear()
    phone = FakePhone()
    entering = asyncio.ensure_future(world.enter(phone))
    await settle()
    world.happens(message_event("a"))
    world.happens(message_event("b"))
    world.store.answering.set()
    await entering
    await settle()
    assert [message["text"] for message in phone.view.room["messages"]] == ["a", "b"]
    assert phone.view.version == world.party.version


@in_fake_time
async def test_event_in_flight_is_awaited_and_not_fetched() -> None:
    world = World()
    await world.phones(["ann"])
    mine = world.missed(joined_event("Ben"))
    entering = asyncio.ensure_future(world.enter(FakePhone(), "ben"))
    await later(EVENT_WAIT_SECONDS / 2)
    assert not entering.done()
    world.hub.on_events(CODE, mine)
    await entering
    assert len(world.store.asked) == 1


@in_fake_time
async def test_missing_event_is_fetched_after_wait() -> None:
    world, phone = await world_with_ann()
    world.missed(joined_event("Ben"))
    began = now()
    await world.enter(FakePhone(), "ben")
    assert now() == pytest.approx(began + EVENT_WAIT_SECONDS)
    assert world.store.asked[1:] == [(now(), ProvenPosition("epoch-1", 1, ""))]
    await settle()
    assert phone.heard[-1] == "MEMBER_JOINED"


@in_fake_time
async def test_enter_without_store_fails_in_doubt_at_deadline() -> None:
    world = World()
    world.store.down = True
    began = now()
    with pytest.raises(StoreUnavailableError) as caught:
        await world.enter(FakePhone(), seconds=1.5)
    assert now() == pytest.approx(began + 1.5)
    assert caught.value.in_doubt
    assert not world.event_stream.wanted


@in_fake_time
async def test_unconfirmed_subscription_drops_room() -> None:
    world = World()
    world.event_stream.silent = True
    with pytest.raises(StoreUnavailableError):
        await world.enter(FakePhone())
    assert world.event_stream.orders == [("subscribe", CODE), ("unsubscribe", CODE)]


@in_fake_time
async def test_entering_client_gets_party_end() -> None:
    world = World()
    await world.phones(["ann"])
    world.missed(joined_event("Ben"))
    entering = asyncio.ensure_future(world.enter(FakePhone(), "ben"))
    await settle()
    world.party.has_ended = True
    with pytest.raises(RoomClosedError):
        await entering


@in_fake_time
async def test_watch_during_first_event_succeeds() -> None:
    world = World(party=FakeParty(version=0))
    world.store.answering.clear()
    async with world.hub.open_room(CODE, now() + 1.5) as room:
        leveling = asyncio.ensure_future(world.hub.wait_synced(room, "epoch-1", 0, now() + 1.5))
        await settle()
        world.happens(message_event("the first"))
        await settle()
        world.store.answering.set()
        await leveling


@in_fake_time
async def test_client_entered_before_end_gets_party_end() -> None:
    world = World()
    await world.phones(["ann"])
    async with world.hub.open_room(CODE, now() + 1.5) as room:
        # The store answers the join; before the answer is read, the feed brings that event and the end.
        world.happens(joined_event("Ben"))
        joined_at = world.party.version
        world.happens(ended_event())
        with pytest.raises(RoomClosedError):
            await world.hub.wait_synced(room, "epoch-1", joined_at, now() + 1.5)


@in_fake_time
async def test_admitted_client_before_end_gets_ending_event() -> None:
    world = World()
    await world.phones(["ann"])
    mine = world.missed(joined_event("Ben"))
    async with world.hub.open_room(CODE, now() + 1.5) as room:
        leveling = asyncio.ensure_future(world.hub.wait_synced(room, "epoch-1", world.party.version, now() + 1.5))
        await settle()
        # Both in one read of the feed, so that no waiter runs in between.
        world.hub.on_events(CODE, mine)
        world.happens(ended_event())
        with pytest.raises(RoomClosedError):
            await leveling


# Events that are lost.


@in_fake_time
async def test_gap_is_fetched_at_once_and_sent_in_order() -> None:
    world, phone = await world_with_ann()
    world.missed(message_event("lost"))
    began = now()
    world.happens(message_event("b"))
    await settle()
    assert world.store.asked[1:] == [(began, ProvenPosition("epoch-1", 1, ""))]
    assert phone.texts == ["lost", "b"]


@in_fake_time
async def test_gap_right_after_filled_gap_is_fetched() -> None:
    world = World()
    phone = FakePhone()
    async with world.hub.open_room(CODE, now() + 1.5) as room:
        await world.hub.wait_synced(room, "epoch-1", 1, now() + 1.5)
    world.seat(phone, room)
    world.missed(message_event("lost"))
    world.happens(message_event("b"))
    await later(10.0)
    assert phone.texts == ["lost", "b"]


@in_fake_time
async def test_gap_beyond_log_is_filled_by_snapshot() -> None:
    world, phone = await world_with_ann()
    world.missed(message_event("lost"))
    world.happens(message_event("b"))
    world.party.log.clear()
    await settle()
    assert phone.heard == ["WATCHING", "ROOM", "ROOM"]
    world.happens(message_event("c"))
    await later(1.0)
    assert phone.texts == ["c"]
    assert phone.view.version == world.party.version


@in_fake_time
async def test_unavailable_store_is_retried_and_closes_nobody() -> None:
    world, phone = await world_with_ann()
    world.store.down = True
    world.missed(message_event("lost"))
    world.happens(message_event("b"))
    await later(600.0)
    assert len(world.store.asked) == pytest.approx(600 / PUBSUB_RETRY_SECONDS, rel=0.01)
    assert phone.heard == ["WATCHING", "ROOM"]
    assert not phone.closed
    world.store.down = False
    await later(PUBSUB_RETRY_SECONDS)
    assert phone.texts == ["lost", "b"]


@in_fake_time
async def test_party_ended_unnoticed_is_closed_at_fetch() -> None:
    world, phone = await world_with_ann()
    world.hub.on_subscribed(CODE)
    world.party.has_ended = True
    await later(CATCH_UP_JITTER_SECONDS + EVENT_WAIT_SECONDS * 1.01)
    assert phone.closed == [CloseCode.PARTY_ENDED]
    assert not world.event_stream.wanted


@in_fake_time
async def test_end_found_by_fetch_waits_for_ending_event() -> None:
    world, phone = await world_with_ann()
    published = world.missed(ended_event())
    world.hub.on_subscribed(CODE)
    while len(world.store.asked) < 2:
        await later(0.01)
    world.hub.on_events(CODE, published)
    await later(1.0)
    assert phone.heard[-1] == "ENDED"
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_resubscription_fetches_missed_within_a_second() -> None:
    world = World()
    phones = await world.phones(["ann", "ben"])
    began = now()
    world.missed(message_event("lost"))
    world.hub.on_subscribed(CODE)
    await later(CATCH_UP_JITTER_SECONDS)
    assert began <= world.store.asked[-1][0] <= began + CATCH_UP_JITTER_SECONDS
    assert all(phone.texts == ["lost"] for phone in phones)
    await later(60.0)
    assert len(world.store.asked) == 2


@in_fake_time
async def test_resyncs_of_many_rooms_are_spread() -> None:
    moments = []
    for _ in range(8):
        world = World()
        await world.phones(["ann"])
        began = now()
        world.hub.on_subscribed(CODE)
        await later(CATCH_UP_JITTER_SECONDS)
        moments.append(world.store.asked[-1][0] - began)
    assert len(set(moments)) == len(moments)


@in_fake_time
async def test_first_subscription_fetches_nothing() -> None:
    world = World()
    world.hub.on_subscribed(CODE)
    async with world.hub.open_room(CODE, now() + 1.0):
        world.hub.on_subscribed(CODE)
        await later(CATCH_UP_JITTER_SECONDS)
        assert world.event_stream.wanted == {CODE}
    assert world.store.asked == []
    # Nobody entered, so the room does not linger.
    assert not world.event_stream.wanted


@in_fake_time
async def test_event_before_resubscription_is_fetched() -> None:
    world, phone = await world_with_ann()
    world.missed(message_event("lost"))
    world.happens(message_event("b"))
    world.store.answering.clear()
    await settle()
    # The store has answered, and the answer is on its way; the feed is not subscribed yet.
    world.missed(message_event("c"))
    world.hub.on_subscribed(CODE)
    await later(0.5)
    world.store.answering.set()
    await later(CATCH_UP_JITTER_SECONDS + 1.0)
    assert phone.texts == ["lost", "b", "c"]


@in_fake_time
async def test_enter_after_interruption_skips_spread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    world = World()
    await world.phones(["ann"])
    world.missed(message_event("lost"))
    world.hub.on_subscribed(CODE)
    world.happens(joined_event("Ben"))
    began = now()
    await world.enter(FakePhone(), "ben")
    assert now() <= began + EVENT_WAIT_SECONDS + 0.01


@in_fake_time
async def test_resyncs_spread_again_after_urgent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    world = World()
    await world.phones(["ann"])
    world.store.answering.clear()
    world.missed(message_event("lost"))
    world.happens(joined_event("Ben"))
    entering = asyncio.ensure_future(world.enter(FakePhone(), "ben"))
    await later(EVENT_WAIT_SECONDS * 1.1)
    world.store.answering.set()
    await entering
    began = now()
    world.hub.on_subscribed(CODE)
    await later(CATCH_UP_JITTER_SECONDS * 1.1)
    assert world.store.asked[-1][0] == pytest.approx(began + CATCH_UP_JITTER_SECONDS)
