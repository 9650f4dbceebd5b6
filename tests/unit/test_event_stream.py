"""The event stream on fake connections: delivery, subscriptions, reconnects and stalls."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ClusterDownError, MovedError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from hubbub.core.errors import Reason
from hubbub.core.limits import (
    CLUSTER_LOOK_AGAIN_SECONDS,
    PROMISE_STALLED_SECONDS,
    PUBSUB_IDLE_SECONDS,
    PUBSUB_PROBE_TIMEOUT_SECONDS,
    PUBSUB_RETRY_SECONDS,
    STORE_BUDGET_SECONDS,
)
from hubbub.store import keys
from hubbub.store.client.script_client import THE_SHARD
from hubbub.store.port import StoreUnavailableError
from tests.support.fake_pubsub import EventStreamHarness, FakeConnection
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fakes import CODE

CHANNEL = keys.events(CODE).encode()
PROBE = keys.probe(THE_SHARD, "here").encode()


# Delivery.


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'Eepoch-1 7\n{"a":1}', ("on_events", CODE, "epoch-1", 7, [b'{"a":1}'])),
        (b'Eepoch-1 7\n{"a":1}\n{"b":"\\n"}', ("on_events", CODE, "epoch-1", 7, [b'{"a":1}', b'{"b":"\\n"}'])),
        (b'R{"t":"REACTION"}', ("on_reaction", CODE, b'{"t":"REACTION"}')),
        (b"Tholder-2", ("on_seat_lost", CODE, "holder-2", Reason.TAKEN_OVER)),
        (b"Kholder-3", ("on_seat_lost", CODE, "holder-3", Reason.KICKED)),
        (b"W12", ("on_watchers", CODE, 12)),
    ],
)
@in_fake_time
async def test_publication_is_delivered(data: bytes, expected: tuple[Any, ...]) -> None:
    async with EventStreamHarness(connection := FakeConnection()).running() as harness:
        await harness.event_stream.subscribe(CODE, now() + 1)
        connection.publish(data)
        await settle()
    assert harness.listener.received == [("on_subscribed", CODE), expected]


@in_fake_time
async def test_unknown_publication_is_skipped() -> None:
    async with EventStreamHarness(connection := FakeConnection()).running() as harness:
        await harness.event_stream.subscribe(CODE, now() + 1)
        connection.publish(b"Zsomething new")
        connection.publish(b"W1")
        await settle()
    assert harness.listener.received[1:] == [("on_watchers", CODE, 1)]


@pytest.mark.parametrize(
    "data",
    [
        b"E",
        b"Enonsense",
        b"Eepoch-1 x\n{}",
        b"E\xff 7\n{}",
        b"Wmany",
        b"",
    ],
)
@in_fake_time
async def test_undecodable_publication_is_logged(data: bytes) -> None:
    async with EventStreamHarness(connection := FakeConnection()).running() as harness:
        connection.publish(data)
        connection.publish(b"W1")
        await settle()
        assert harness.reported == ["reaching", "unreadable"]
    assert harness.listener.received == [("on_watchers", CODE, 1)]


# Subscribing.


@in_fake_time
async def test_party_is_subscribed_once_and_confirmed_to_all() -> None:
    async with EventStreamHarness(connection := FakeConnection(mute=True)).running() as harness:
        waiting = [asyncio.create_task(harness.event_stream.subscribe(CODE, now() + 1)) for _ in range(3)]
        await settle()
        assert connection.commands == [("SSUBSCRIBE", PROBE.decode()), ("SSUBSCRIBE", CHANNEL.decode())]
        assert not any(task.done() for task in waiting)
        connection.answer("SSUBSCRIBE", CHANNEL.decode())
        await asyncio.gather(*waiting)
        await harness.event_stream.subscribe(CODE, now())
    assert harness.listener.received == [("on_subscribed", CODE)]


@in_fake_time
async def test_unconfirmed_subscription_is_unavailable() -> None:
    async with EventStreamHarness(FakeConnection(mute=True)).running() as harness:
        began = now()
        with pytest.raises(StoreUnavailableError) as caught:
            await harness.event_stream.subscribe(CODE, now() + 1.5)
        assert now() == began + 1.5
        assert not caught.value.in_doubt


@in_fake_time
async def test_channel_wanted_before_connect_is_subscribed() -> None:
    connection = FakeConnection()
    async with EventStreamHarness().running() as harness:
        wanting = asyncio.create_task(harness.event_stream.subscribe(CODE, now() + 3))
        await later(1.0)
        harness.pool.coming.append(connection)
        await wanting
    assert connection.commands == [("SSUBSCRIBE", PROBE.decode()), ("SSUBSCRIBE", CHANNEL.decode())]


@in_fake_time
async def test_last_confirmation_counts_for_rewanted_channel() -> None:
    async with EventStreamHarness(connection := FakeConnection(mute=True)).running() as harness:
        first = asyncio.create_task(harness.event_stream.subscribe(CODE, now() + 0.1))
        with pytest.raises(StoreUnavailableError):
            await first
        harness.event_stream.unsubscribe(CODE)
        second = asyncio.create_task(harness.event_stream.subscribe(CODE, now() + 1))
        await settle()
        assert [verb for verb, _ in connection.commands[1:]] == ["SSUBSCRIBE", "SUNSUBSCRIBE", "SSUBSCRIBE"]
        connection.answer("SSUBSCRIBE", PROBE.decode())
        connection.answer("SSUBSCRIBE", CHANNEL.decode())
        connection.answer("SUNSUBSCRIBE", CHANNEL.decode())
        await settle()
        assert not second.done()
        assert harness.listener.received == []
        connection.answer("SSUBSCRIBE", CHANNEL.decode())
        await second
    assert harness.listener.received == [("on_subscribed", CODE)]


@in_fake_time
async def test_confirmation_of_unwanted_channel_is_ignored() -> None:
    async with EventStreamHarness(connection := FakeConnection(mute=True)).running() as harness:
        with pytest.raises(StoreUnavailableError):
            await harness.event_stream.subscribe(CODE, now() + 0.1)
        harness.event_stream.unsubscribe(CODE)
        harness.event_stream.unsubscribe(CODE)
        connection.answer("SSUBSCRIBE", CHANNEL.decode())
        connection.answer("SUNSUBSCRIBE", CHANNEL.decode())
        await settle()
    assert harness.listener.received == []


@in_fake_time
async def test_waiter_of_unwanted_channel_gets_unavailable() -> None:
    async with EventStreamHarness(FakeConnection(mute=True)).running() as harness:
        waiting = asyncio.create_task(harness.event_stream.subscribe(CODE, now() + 1))
        await settle()
        harness.event_stream.unsubscribe(CODE)
        await asyncio.wait([waiting])
        assert not waiting.cancelled()
        assert isinstance(waiting.exception(), StoreUnavailableError)


# Interruptions.


@pytest.mark.parametrize("error", [RedisConnectionError("reset"), OSError("reset"), ResponseError("NOPERM")])
@in_fake_time
async def test_reconnect_renews_all_subscriptions(error: Exception) -> None:
    first, second = FakeConnection(), FakeConnection()
    async with EventStreamHarness(first, second).running() as harness:
        await harness.event_stream.subscribe(CODE, now() + 1)
        await harness.event_stream.subscribe("OTHERX", now() + 1)
        harness.event_stream.unsubscribe("OTHERX")
        assert harness.event_stream.is_receiving
        first.fail(error)
        await settle()
        assert not harness.event_stream.is_receiving
        assert first.gone
        wanting = asyncio.create_task(harness.event_stream.subscribe(CODE, now() + 1))
        await settle()
        assert not wanting.done()
        await later(PUBSUB_RETRY_SECONDS)
        await wanting
        assert harness.event_stream.is_receiving
    assert second.commands == [("SSUBSCRIBE", PROBE.decode()), ("SSUBSCRIBE", CHANNEL.decode())]
    assert harness.listener.received == [("on_subscribed", CODE), ("on_subscribed", "OTHERX"), ("on_subscribed", CODE)]
    assert harness.reported == ["reaching", f"interrupted: {error}", "reaching"]


@in_fake_time
async def test_lost_confirmations_are_not_awaited() -> None:
    first, second = FakeConnection(mute=True), FakeConnection()
    async with EventStreamHarness(first, second).running() as harness:
        for _ in range(2):
            with pytest.raises(StoreUnavailableError):
                await harness.event_stream.subscribe(CODE, now() + 0.1)
            harness.event_stream.unsubscribe(CODE)
        wanting = asyncio.create_task(harness.event_stream.subscribe(CODE, now() + 1))
        await settle()
        first.fail(RedisConnectionError("reset"))
        await wanting
    assert harness.listener.received == [("on_subscribed", CODE)]


@in_fake_time
async def test_unreachable_server_is_redialled_with_pauses() -> None:
    async with EventStreamHarness().running() as harness:
        await later(60.0)
    assert 60 / PUBSUB_RETRY_SECONDS <= len(harness.pool.dialled) <= 2 * 60 / PUBSUB_RETRY_SECONDS + 1
    assert harness.reported == ["interrupted: refused"]


@in_fake_time
async def test_unanswered_handshake_is_replaced() -> None:
    harness = EventStreamHarness(FakeConnection())
    harness.pool.silent = 2
    async with harness.running():
        await later(2 * (STORE_BUDGET_SECONDS + PUBSUB_RETRY_SECONDS))
        await harness.event_stream.subscribe(CODE, now() + PUBSUB_IDLE_SECONDS)
    assert harness.reported[-1] == "reaching"


# Stalled connections.


@in_fake_time
async def test_idle_connection_is_probed() -> None:
    async with EventStreamHarness(FakeConnection()).running() as harness:
        await later(60.0)
        assert harness.event_stream.is_receiving
    assert len(harness.probed) == pytest.approx(60 / PUBSUB_IDLE_SECONDS, abs=2)
    assert len(harness.pool.given) == 1


@in_fake_time
async def test_busy_connection_is_not_probed() -> None:
    async with EventStreamHarness(connection := FakeConnection()).running() as harness:
        for _ in range(60):
            connection.publish(b"W1")
            await later(1.0)
    assert harness.probed == []


@in_fake_time
async def test_stalled_connection_is_rebuilt_within_bound() -> None:
    first, second = FakeConnection(), FakeConnection()
    async with EventStreamHarness(first, second).running() as harness:
        await harness.event_stream.subscribe(CODE, now() + 1)
        harness.echoes = False
        began = now()
        while not first.gone:
            await later(0.1)
        assert now() - began <= PUBSUB_IDLE_SECONDS + PUBSUB_PROBE_TIMEOUT_SECONDS + 0.2
        while harness.listener.received.count(("on_subscribed", CODE)) < 2:
            await later(0.1)
        assert now() - began < PROMISE_STALLED_SECONDS
        assert harness.reported == ["reaching", "deaf", "reaching"]


@in_fake_time
async def test_unreachable_store_does_not_prove_stall() -> None:
    async with EventStreamHarness(connection := FakeConnection()).running() as harness:
        harness.down = True
        await later(60.0)
        assert not harness.event_stream.is_receiving
        assert not connection.gone
        assert harness.reported == ["reaching", "interrupted: the store does not answer"]
        harness.down = False
        await later(1.0)
        assert harness.event_stream.is_receiving
    assert len(harness.pool.given) == 1


# Slots that move.


@in_fake_time
async def test_subscription_ended_by_server_is_renewed() -> None:
    async with EventStreamHarness(connection := FakeConnection()).running() as harness:
        await harness.event_stream.subscribe(CODE, now() + 1)
        connection.answer("SUNSUBSCRIBE", CHANNEL.decode())
        await settle()
        await harness.event_stream.subscribe(CODE, now() + 1)
    assert connection.commands[-1] == ("SSUBSCRIBE", CHANNEL.decode())
    assert harness.listener.received == [("on_subscribed", CODE), ("on_subscribed", CODE)]


@pytest.mark.parametrize("error", [MovedError("1 10.0.0.1:7000"), ClusterDownError("Hash slot not served")])
@in_fake_time
async def test_refused_subscription_is_repeated_alone(error: Exception) -> None:
    async with EventStreamHarness(connection := FakeConnection(mute=True)).running() as harness:
        connection.answer("SSUBSCRIBE", PROBE.decode())
        wanting = asyncio.create_task(harness.event_stream.subscribe(CODE, now() + 1))
        await settle()
        connection.fail(error)
        await later(CLUSTER_LOOK_AGAIN_SECONDS)
        connection.answer("SSUBSCRIBE", CHANNEL.decode())
        await wanting
        assert not connection.gone
        assert harness.reported == ["reaching"]


@in_fake_time
async def test_connection_with_lost_probe_slot_is_rebuilt() -> None:
    first, second = FakeConnection(), FakeConnection()
    async with EventStreamHarness(first, second).running() as harness:
        first.answer("SUNSUBSCRIBE", PROBE.decode())
        await later(PUBSUB_RETRY_SECONDS)
        assert first.gone
        assert harness.event_stream.is_receiving
