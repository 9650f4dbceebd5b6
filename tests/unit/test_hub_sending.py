"""When a room sends what to whom: one frame a window, nothing twice, nothing missed, nobody slowed by another."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.core.errors import CloseCode
from hubbub.core.limits import SEND_SECONDS_PER_PHONE, SEND_WINDOW_SECONDS_MAX, UNSENT_BYTES_MAX
from hubbub.core.protocol import Event, Reaction, Status, encode
from hubbub.transport.connection import text_frame
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fake_transport import FakeSocketConnection
from tests.support.fake_world import FakePhone, World, world_with_ann
from tests.support.fakes import CODE, count_event, message_event


def guests(count: int) -> list[str]:
    return [f"g{number}" for number in range(count)]


class MutePhone(FakePhone):
    """One of a large crowd, which nobody asks what it heard."""

    def send(self, frame: bytes) -> None:
        assert frame


REACTION = encode(Reaction(member_id="ann", name="Ann", emoji="👍"))


@in_fake_time
async def test_events_of_one_loop_turn_share_frame() -> None:
    world, phone = await world_with_ann()
    await later(1.0)
    phone.forget()
    world.happens(message_event("a"))
    world.happens(message_event("b"))
    world.hub.on_reaction(CODE, REACTION)
    await settle()
    assert len(phone.frames) == 1
    assert phone.heard == ["MESSAGE", "MESSAGE", "REACTION"]


@in_fake_time
async def test_following_events_share_next_window() -> None:
    world = World()
    phones = await world.phones(guests(100))
    window = 100 * SEND_SECONDS_PER_PHONE
    await later(1.0)
    began = now()
    world.happens(message_event("a"))
    await later(window / 5)
    world.happens(message_event("b"))
    await later(window / 5)
    world.happens(message_event("c"))
    await later(1.0)
    for phone in phones:
        assert phone.told_at[-2:] == pytest.approx([began, began + window])
        assert [len(messages) for _, messages in phone.frames[-2:]] == [1, 2]
        assert phone.texts == ["a", "b", "c"]


@pytest.mark.parametrize(("phones", "window"), [(2, 100e-6), (200, 0.01), (2000, SEND_WINDOW_SECONDS_MAX)])
@in_fake_time
async def test_window_has_at_most_one_frame(phones: int, window: float) -> None:
    world = World()
    first, last = FakePhone(), FakePhone()
    await world.enter(first)
    for name in guests(phones - 2):
        await world.enter(MutePhone(), name)
    await world.enter(last, "last")
    await later(1.0)
    first.forget()
    last.forget()
    for number in range(100):
        world.happens(message_event(str(number)))
        await later(window / 10)
    await later(1.0)
    for phone in (first, last):
        moments = phone.told_at
        assert phone.texts == [str(number) for number in range(100)]
        assert 10 <= len(moments) <= 12
        assert all(after - before > window * 0.999 for before, after in pairwise(moments))


@in_fake_time
async def test_event_after_pause_is_sent_at_once() -> None:
    world = World()
    phones = await world.phones(guests(100))
    for text in "abc":
        await later(0.006)
        began = now()
        world.happens(message_event(text))
        await settle()
        assert all(phone.told_at[-1] == began and phone.texts[-1] == text for phone in phones)


@in_fake_time
async def test_newcomer_gets_its_part_of_merged_counts() -> None:
    world = World()
    crowd = await world.phones(guests(100))
    await later(1.0)
    world.happens(message_event("a"))
    await settle()
    for number in range(3):
        world.happens(count_event(number))
    newcomer = FakePhone()
    await world.enter(newcomer, "new")
    for number in range(3):
        world.happens(count_event(number))
    await later(1.0)
    assert newcomer.frames[-1][1] == [{"t": "GUEST_COUNT", "version": 8, "guestCount": 2, "from": 6}]
    assert crowd[0].frames[-1][1] == [{"t": "GUEST_COUNT", "version": 8, "guestCount": 2, "from": 3}]


@in_fake_time
async def test_rejoin_is_sent_missed_events_only() -> None:
    world, phone = await world_with_ann()
    world.happens(message_event("a"))
    await settle()
    world.leave(phone)
    world.happens(message_event("b"), message_event("c"))
    again = await world.come_back(phone)
    assert again.heard == ["WATCHING", "MESSAGE", "MESSAGE"]
    world.happens(message_event("d"))
    await later(1.0)
    assert again.texts == ["b", "c", "d"]


@in_fake_time
async def test_reaction_reaches_its_room_only() -> None:
    world = World()
    world.hub.on_reaction(CODE, REACTION)
    (phone,) = await world.phones(["ann"])
    world.hub.on_reaction("OTHERX", REACTION)
    world.hub.on_reaction(CODE, REACTION)
    await settle()
    assert phone.heard == ["WATCHING", "ROOM", "REACTION"]


@in_fake_time
async def test_slow_connection_is_dropped_without_delay_to_others() -> None:
    world = World(text_frame)
    quick = [FakeSocketConnection() for _ in range(5)]
    asleep = FakeSocketConnection(reads=False, answers_after=None)
    for number, phone in enumerate([*quick[:2], asleep, *quick[2:]]):
        await world.enter(phone, f"g{number}")
    room_bytes = asleep.transport.unsent
    sent = 0
    while asleep.closed_with is None:
        await later(0.001)
        began = now()
        world.happens(message_event("x" * 500))
        sent += 1
        await settle()
        assert now() == began
        assert all(phone.transport.messages[-1]["version"] == world.party.version for phone in quick)
    assert asleep.closed_with is CloseCode.SLOW_CONSUMER
    assert asleep.transport.unsent <= room_bytes + UNSENT_BYTES_MAX + 1000
    assert sent < 130
    await later(3.0)
    assert asleep.transport.aborted
    assert all(phone.closed_with is None for phone in quick)
    assert asleep._closing is not None
    asleep._closing.cancel()


@in_fake_time
async def test_store_status_reaches_every_connection() -> None:
    world = World()
    inside, outside, gone = FakePhone(), FakePhone(), FakePhone()
    for phone in (inside, outside, gone):
        world.hub.add_connection(phone)
    await world.enter(inside)
    world.hub.remove_connection(gone)
    world.hub.remove_connection(gone)
    world.hub.send_status(Status("disconnected"))
    assert inside.heard == ["WATCHING", "ROOM", "STATUS"]
    assert outside.frames[0][1] == [{"t": "STATUS", "store": "disconnected"}]
    assert gone.frames == []
    early, late = FakePhone(), FakePhone()
    world.hub.add_connection(early)
    world.hub.send_status(Status("connected"))
    world.hub.add_connection(late)
    assert [message["store"] for _, messages in early.frames for message in messages] == ["disconnected", "connected"]
    assert late.frames == []


@in_fake_time
async def test_resync_sends_one_frame_per_window() -> None:
    world = World()
    (phone, *_) = await world.phones(guests(1000))
    await later(1.0)
    world.happens(message_event("a"))
    await later(0.005)
    world.happens(message_event("b"))
    world.party.epoch = "epoch-2"
    world.happens(message_event("c"))
    await later(0.005)
    await world.enter(FakePhone(), "new")
    phone.forget()
    for _ in range(40):
        await later(0.005)
        world.happens(message_event("d"))
    assert all(after - before > 0.999 * SEND_WINDOW_SECONDS_MAX for before, after in pairwise(phone.told_at))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
@in_fake_time
async def test_each_connection_gets_all_events_after_snapshot(seed: int) -> None:
    dice = random.Random(seed)
    world = World()
    present = await world.phones(["keeper"])
    for number in range(60):
        if dice.random() < 0.3:
            present += await world.phones([f"g{number}"])
        elif dice.random() < 0.3 and len(present) > 1:
            world.leave(present.pop(dice.randrange(len(present))))
        elif dice.random() < 0.1:
            world.missed(message_event("late"))
        else:
            possible: list[Event] = [message_event(str(number)), count_event(number)]
            world.happens(*dice.choices(possible, k=dice.randint(1, 3)))
        if dice.random() < 0.4:
            await later(dice.choice([0.0, 1e-5, 1e-4, 0.5]))
    world.happens(message_event("the last"))
    await later(2.0)
    for phone in present:
        assert phone.view.version == world.party.version
        assert phone.view.epoch == world.party.epoch
