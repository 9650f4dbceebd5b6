"""Number every change, keep it for clients that return, and publish it as it is kept."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from hubbub.core.limits import LOG_BYTES_MAX, LOG_EVENTS_MAX
from hubbub.core.party import ChatMode
from hubbub.core.position import ProvenPosition, event_digest
from hubbub.core.protocol import (
    ChangeTrack,
    Kick,
    Leave,
    Member,
    Pause,
    Play,
    Promote,
    QueueTrack,
    Rename,
    SelectTrack,
    SendMessage,
    SendReaction,
    SetChatMode,
    SetLock,
)
from hubbub.core.replica import Replica
from hubbub.core.results import Created, Ended, EventsSince, FullState, HistoryLost, Missing
from hubbub.core.seats import Lease
from hubbub.store import keys
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import draft, end_party, soon, take_seat
from tests.contract.party_actions import load_whole, pass_time_renewing, renew_leases, run_commands
from tests.contract.store_dump import CODE, Subscriber, dump_party
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")

Step = Callable[[], Awaitable[object]]


async def test_change_increments_version_and_is_published(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest, kicked = await take_seat(store, token="mine"), await take_seat(store)
    steps: list[tuple[Step, str]] = [
        (lambda: run_commands(store, guest, Rename(name="Bob")), "MEMBER_UPDATED"),
        (lambda: run_commands(store, guest, SendMessage(text="hello")), "MESSAGE"),
        (lambda: run_commands(store, host, Kick(target_id=kicked.member_id)), "MEMBER_LEFT"),
        (lambda: run_commands(store, host, SetChatMode(mode=ChatMode.LOCKED)), "CHAT_MODE_SET"),
        (lambda: run_commands(store, host, SetLock(locked=True)), "LOCK_SET"),
        (lambda: run_commands(store, host, SelectTrack(filename="a")), "TRACK_SELECTED"),
        (lambda: run_commands(store, host, QueueTrack(filename="b")), "NEXT_TRACK_QUEUED"),
        (lambda: run_commands(store, host, ChangeTrack(filename="b")), "TRACK_CHANGED"),
        (lambda: run_commands(store, host, Play()), "PLAY"),
        (lambda: run_commands(store, host, Pause()), "PAUSE"),
        (lambda: run_commands(store, host, Promote(target_id=guest.member_id)), "HOST_CHANGED"),
        (lambda: store.drop_connection(host, soon()), "MEMBER_UPDATED"),
        (lambda: take_seat(store, token="mine", name="Bobby"), "MEMBER_UPDATED"),
        (lambda: pass_time_renewing(server, store, 12), "MEMBER_UPDATED"),
    ]
    published = subscriber.take_encoded()
    for step, _ in steps:
        before = dump_party(server).version
        await step()
        assert dump_party(server).version == before + 1
    published += subscriber.take_encoded()
    assert [event["t"] for event in dump_party(server).log] == [
        *["MEMBER_UPDATED", "MEMBER_JOINED", "MEMBER_JOINED"],
        *[kind for _, kind in steps],
    ]
    # The ear came after the host.
    assert published == server.admin.lrange(keys.party_keys(CODE)[8], 1, -1)


async def test_command_without_change_has_no_version(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    guest = await take_seat(store)
    subscriber.take_events()
    await run_commands(store, guest, SendReaction(emoji="🎉"))
    await store.watch(CODE, "wall", soon())
    await renew_leases(store, host, guest)
    await store.execute(guest, SetLock(locked=True), soon())
    await store.check_join(CODE, soon())
    await store.read(CODE, soon())
    assert (await load_whole(store)).version == 2
    assert subscriber.take_events() == []


async def test_concurrent_changes_have_distinct_versions(
    store: RedisStore, host: Lease, subscriber: Subscriber
) -> None:
    guests = await asyncio.gather(*(take_seat(store) for _ in range(30)))
    await asyncio.gather(*(run_commands(store, guest, SendMessage(text="hello"), Leave()) for guest in guests))
    assert [event["version"] for event in subscriber.take_events()] == list(range(2, 92))
    del host


async def test_event_log_keeps_last_256_events(store: RedisStore, host: Lease, server: StoreServer) -> None:
    for number in range(LOG_EVENTS_MAX + 50):
        await run_commands(store, host, SetLock(locked=number % 2 == 0))
    dump = dump_party(server)
    assert len(dump.log) == LOG_EVENTS_MAX
    assert dump.log[-1]["version"] == dump.version == LOG_EVENTS_MAX + 51


async def test_event_log_keeps_at_most_64_kib(store: RedisStore, host: Lease, server: StoreServer) -> None:
    for size in (1, 3000) * 20:
        await run_commands(store, host, SendMessage(text="é" * size))
    dump = dump_party(server)
    assert LOG_BYTES_MAX - 7000 < dump.log_bytes <= LOG_BYTES_MAX
    assert dump.log[-1]["version"] == dump.version
    events = (await load_whole(store)).events
    assert sum(map(len, events)) == dump.log_bytes


async def test_catch_up_returns_missed_events(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    epoch = (await load_whole(store)).epoch
    for number in range(10):
        await run_commands(store, host, SendMessage(text=str(number)))
    events = tuple(event.encode() for event in subscriber.take_encoded())
    for seen in range(1, 12):
        assert await store.catch_up(CODE, ProvenPosition(epoch, seen, ""), soon()) == EventsSince(
            11, events[seen - 1 :]
        )
    first = await store.catch_up(CODE, ProvenPosition(epoch, 0, ""), soon())
    assert isinstance(first, EventsSince)
    assert len(first.events) == 11


async def test_catch_up_beyond_log_returns_snapshot(store: RedisStore, host: Lease) -> None:
    epoch = (await load_whole(store)).epoch
    for number in range(LOG_EVENTS_MAX):
        await run_commands(store, host, SetLock(locked=number % 2 == 0))
    missed = await store.catch_up(CODE, ProvenPosition(epoch, 1, ""), soon())
    assert isinstance(missed, EventsSince)
    assert len(missed.events) == LOG_EVENTS_MAX
    everything = await store.catch_up(CODE, ProvenPosition(epoch, 0, ""), soon())
    assert isinstance(everything, FullState)
    assert (everything.epoch, everything.version, len(everything.events)) == (epoch, 257, LOG_EVENTS_MAX)


async def test_unknown_position_differs_from_truncated_one(store: RedisStore, host: Lease) -> None:
    epoch = (await load_whole(store)).epoch
    never = [(epoch, 2, ""), (epoch, 2**53 - 1, ""), ("another", 1, ""), (epoch, 1, event_digest(b"something else"))]
    for position in never:
        assert await store.catch_up(CODE, ProvenPosition(*position), soon()) == HistoryLost()
    everything = await store.catch_up(CODE, None, soon())
    assert isinstance(everything, FullState)
    assert everything.version == 1
    proved = ProvenPosition(epoch, 1, event_digest(everything.events[-1]))
    assert await store.catch_up(CODE, proved, soon()) == EventsSince(1, ())
    del host


async def test_snapshot_of_unentered_party_has_host_seat(store: RedisStore, server: StoreServer) -> None:
    party = draft()
    created = await store.create(party, soon())
    everything = await load_whole(store)
    assert (everything.epoch, everything.version, everything.events) == (party.id, 0, ())
    assert everything.snapshot.members == [Member(party.host_id, "Ann", is_host=True, connected=False)]
    assert isinstance(created, Created)
    assert everything.snapshot.created_at == created.party.created_at
    assert abs(everything.snapshot.expires_at - created.expires_at) <= 1
    assert await store.catch_up(CODE, ProvenPosition(party.id, 0, ""), soon()) == EventsSince(0, ())
    # Asking leaves no trace.
    assert server.admin.keys("*") == [keys.party(CODE)]


async def test_ended_party_has_no_event_log(store: RedisStore) -> None:
    assert await store.catch_up(CODE, None, soon()) == Missing()
    party = draft()
    await store.create(party, soon())
    await end_party(store, party)
    assert await store.catch_up(CODE, None, soon()) == Ended()
    assert await store.catch_up(CODE, ProvenPosition(party.id, 0, ""), soon()) == Ended()


async def test_replica_of_all_events_equals_snapshot(store: RedisStore, host: Lease, server: StoreServer) -> None:
    room = Replica()
    room.start_sync()
    assert room.apply_sync(await load_whole(store))
    guest = await take_seat(store)
    await run_commands(store, guest, SendMessage(text="hello"), Rename(name="Bob"))
    await run_commands(store, host, SelectTrack(filename="a"), Play(position=3.0), Promote(target_id=guest.member_id))
    await pass_time_renewing(server, store, 12, guest)
    position = room.start_sync()
    missed = await store.catch_up(CODE, position, soon())
    assert isinstance(missed, EventsSince)
    assert room.apply_sync(missed)
    party = (await load_whole(store)).snapshot
    assert room.party is not None
    assert replace(room.party, expires_at=party.expires_at) == party
