"""Restore a lost party: from one backup, from several, and after another instance was faster."""

import asyncio
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from hubbub.core.backup import PartyBackup, RestoreRequest, Tombstone
from hubbub.core.errors import Reason
from hubbub.core.limits import LISTED_MAX
from hubbub.core.protocol import (
    Kick,
    Leave,
    Promote,
    QueueTrack,
    Rename,
    SendMessage,
    SetLock,
)
from hubbub.core.results import (
    Accepted,
    Created,
    DifferentParty,
    Ended,
    Joined,
    Kicked,
    Missing,
    Rejected,
    Restored,
)
from hubbub.core.seats import Lease
from hubbub.store import keys
from hubbub.store.port import DeadlineExceededError
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, Instance, attempt, draft, soon, start_party, take_seat
from tests.contract.data_loss import (
    HOST_COMMANDS,
    Restorer,
    StoreSnapshot,
    age_backup,
    durable_state,
    new_restorer,
    take_own_seat,
)
from tests.contract.party_actions import load_snapshot, renew_leases, run_commands
from tests.contract.store_dump import CODE, Subscriber, dump_party, party_key_names
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


@pytest.fixture
def full(server: StoreServer) -> Iterator[StoreServer]:
    """A store without room, from now on."""
    server.admin.config_set("maxmemory", "1")
    yield server
    server.admin.config_set("maxmemory", "0")


async def test_restore_of_lost_party_equals_backup(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest, gone = await take_seat(store, name="Ben"), await take_seat(store)
    await run_commands(store, host, Kick(target_id=gone.member_id), *HOST_COMMANDS)
    restorer = await new_restorer(store, host, guest)
    before, seen = dump_party(server), await load_snapshot(store)
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    after = dump_party(server)
    assert durable_state(after) == durable_state(before)
    assert replace(await load_snapshot(store), expires_at=seen.expires_at) == seen
    assert after.state["epoch"] != before.document["id"]
    assert (after.log, after.version) == ([], before.version)
    assert await store.execute(host, SetLock(locked=False), soon()) == Accepted()
    assert await store.execute(guest, SendMessage(text="hi"), soon()) == Rejected(Reason.EMOJI_ONLY)


async def test_restore_includes_events_after_backup(
    store: RedisStore, host: Lease, server: StoreServer, subscriber: Subscriber
) -> None:
    ben, eve, bob = [await take_own_seat(store, token) for token in ("ben", "eve", "bob")]
    restorer = await new_restorer(store, host, ben)
    subscriber.take_all()
    await run_commands(store, host, *HOST_COMMANDS, Kick(target_id=eve.member_id), Promote(target_id=ben.member_id))
    await run_commands(store, bob, Leave())
    restorer.hear(subscriber)
    before, seen = dump_party(server), await load_snapshot(store)
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    # What counts only for the party's end is as old as the copy.
    dump = dump_party(server)
    assert durable_state(replace(dump, state={**dump.state, "messages": "1"})) == durable_state(before)
    assert replace(await load_snapshot(store), expires_at=seen.expires_at) == seen
    assert await store.join(attempt(token="eve"), soon()) == Kicked()


async def test_restore_keeps_queue_emptied_after_backup(
    store: RedisStore, host: Lease, server: StoreServer, subscriber: Subscriber
) -> None:
    await run_commands(store, host, QueueTrack(filename="b"))
    restorer = await new_restorer(store, host)
    subscriber.take_all()
    await run_commands(store, host, QueueTrack(filename=None))
    restorer.hear(subscriber)
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    assert (await load_snapshot(store)).playback.next_track is None


async def test_restore_by_two_instances_seats_both_in_any_order(
    store: RedisStore, server: StoreServer, subscriber: Subscriber
) -> None:
    for turn in (1, -1):
        server.admin.flushall()
        here, there = await new_restorer(store, await start_party(store)), Restorer(store)
        there.own = [await take_own_seat(store, f"guest-{n}") for n in range(3)]
        await there.look()
        here.room = there.room
        subscriber.take_all()
        server.admin.flushall()
        for restorer in (here, there)[::turn]:
            assert await restorer.restore() == Restored()
        dump = dump_party(server)
        assert {f"on:{lease.member_id}" for lease in (*here.own, *there.own)} == dump.leases.keys()
        assert [member.name for member in (await load_snapshot(store)).members[1:]] == ["Guest 1", "Guest 2", "Guest 3"]
        assert (await renew_leases(store, *here.own, *there.own)).verdicts == ()
        # The second one found the new epoch, and returns who entered in it, if anyone.
        assert {one.epoch for one in subscriber.take_all()[0]} <= {dump.state["epoch"]}


async def test_concurrent_restores_make_one_epoch(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_own_seat(store, "ben")
    here, there = await new_restorer(store, host), await new_restorer(store, guest)
    server.admin.flushall()
    requests = [here.restore_request(), there.restore_request()]
    assert await asyncio.gather(*(store.restore_party(request, soon()) for request in requests)) == [
        Restored(),
        Restored(),
    ]
    await here.look()
    await there.look()
    assert here.room.position == there.room.position
    assert here.seen == there.seen


async def test_guest_in_no_backup_keeps_seat_and_name(
    store: RedisStore, host: Lease, server: StoreServer, subscriber: Subscriber
) -> None:
    restorer = await new_restorer(store, host)
    subscriber.take_all()
    restorer.own += [await take_own_seat(store, "ben", "Ben"), await take_own_seat(store, "eve")]
    restorer.hear(subscriber)
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    assert [member.name for member in (await load_snapshot(store)).members] == ["Ann", "Ben", "Guest 2"]
    assert (await take_seat(store, token="eve")).member_id == restorer.own[2].member_id
    assert [event["t"] for event in subscriber.take_events()] == ["MEMBER_JOINED", "MEMBER_JOINED"]


async def test_restored_guest_number_is_not_assigned_again(store: RedisStore, host: Lease, server: StoreServer) -> None:
    await take_seat(store)
    await run_commands(store, await take_seat(store), Leave())
    restorer = await new_restorer(store, host)
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    await take_seat(store)
    assert [member.name for member in (await load_snapshot(store)).members] == ["Ann", "Guest 1", "Guest 3"]


async def test_restored_party_accepts_commands(
    store: RedisStore, host: Lease, server: StoreServer, subscriber: Subscriber
) -> None:
    restorer = await new_restorer(store, host, await take_own_seat(store, "ben"))
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    subscriber.take_all()
    guest, new = restorer.own[1], await take_seat(store)
    await run_commands(store, guest, Rename(name="Ben"), Rename(name=""))
    await run_commands(store, host, Kick(target_id=guest.member_id), Promote(target_id=new.member_id))
    restorer.hear(subscriber)
    assert restorer.seen == replace(await load_snapshot(store), expires_at=0)
    assert await store.join(attempt(token="ben"), soon()) == Kicked()
    await run_commands(store, new, Leave())
    assert party_key_names(server) == [f"{{party:{CODE}}}:ended"]


async def test_restore_keeps_connected_kicked_guest_out(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_own_seat(store, "eve")
    await run_commands(store, host, Kick(target_id=guest.member_id))
    # The kicked guest's instance has not received the event yet.
    restorer, late = await new_restorer(store, host), Restorer(store, guest)
    late.room, late.copy = restorer.room, None
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    assert await late.store.restore_party(late.restore_request(), soon()) == Restored()
    assert (await load_snapshot(store)).guest_count == 0
    assert await store.join(attempt(token="eve"), soon()) == Kicked()


async def test_restore_gives_token_with_new_seat_no_second_one(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    old_state = StoreSnapshot(server)
    guest = await take_own_seat(store, "ben")
    restorer = await new_restorer(store, host, guest)
    restorer.copy = None
    old_state.load()
    new = await take_seat(store, token="ben")
    assert await restorer.restore() == Restored()
    dump = dump_party(server)
    assert dump.tokens["ben"] == new.member_id != guest.member_id
    assert guest.member_id not in dump.seats


async def test_restore_of_ended_party_is_refused(store: RedisStore, host: Lease, server: StoreServer) -> None:
    restorer = await new_restorer(store, host)
    await run_commands(store, host, Leave())
    assert await restorer.restore() == Ended()
    assert party_key_names(server) == [f"{{party:{CODE}}}:ended"]


async def test_restore_leaves_other_party_of_same_code_alone(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    restorer = await new_restorer(store, host)
    server.admin.flushall()
    await start_party(store)
    before = dump_party(server)
    assert await restorer.restore() == DifferentParty()
    assert dump_party(server) == before


async def test_restore_without_backup_creates_nothing(store: RedisStore, host: Lease, server: StoreServer) -> None:
    restorer = await new_restorer(store, host)
    restorer.copy = None
    server.admin.flushall()
    assert await restorer.restore() == Missing()
    assert party_key_names(server) == []


async def test_restore_of_expired_party_is_refused(store: RedisStore, host: Lease, server: StoreServer) -> None:
    restorer = await new_restorer(store, host)
    server.admin.flushall()
    assert await store.restore_party(restorer.restore_request(expires_at=store.now_ms() - 1), soon()) == Missing()
    assert party_key_names(server) == []


async def test_restore_after_deadline_changes_nothing(instance: Instance, server: StoreServer) -> None:
    restorer = await new_restorer(instance.store, await start_party(instance.store))
    server.admin.flushall()
    for call in (
        lambda: instance.store.restore_party(restorer.restore_request(), soon()),
        lambda: instance.store.restore_tombstone(Tombstone(CODE, "", "", 2**42), soon()),
    ):
        # All it sends comes too late, as far as the store can tell.
        instance.set_clock_offset_behind(3600)
        with pytest.raises(DeadlineExceededError):
            await call()
    assert party_key_names(server) == []


async def test_restore_into_full_store_succeeds(store: RedisStore, host: Lease, full: StoreServer) -> None:
    restorer = await new_restorer(store, host)
    full.admin.delete(*keys.party_keys(CODE))
    assert await restorer.restore() == Restored()


async def test_restore_after_years_keeps_seats(store: RedisStore, host: Lease, server: StoreServer) -> None:
    dropped = await take_seat(store, token="ben")
    await store.drop_connection(dropped, soon())
    restorer = await new_restorer(store, host, await take_own_seat(store, "eve"))
    assert restorer.copy is not None
    before = dump_party(server)
    restorer.copy = age_backup(restorer.copy, 3600)
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    dump = dump_party(server)
    held = f"held:{dropped.member_id}"
    assert 0 <= dump.leases[held] - dump.clock <= before.leases[held] - before.clock
    assert before.leases[held] - before.clock - (dump.leases[held] - dump.clock) < 10_000
    assert (await take_seat(store, token="ben")).member_id == dropped.member_id


async def test_restore_of_hundreds_of_seats_succeeds(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guests = await asyncio.gather(*(take_own_seat(store, f"token {n}") for n in range(TERMS.capacity - 1)))
    unlisted = guests[-1]
    await run_commands(store, host, Kick(target_id=guests[-2].member_id))
    restorer = await new_restorer(store, host, *guests[:-2], unlisted)
    before = dump_party(server)
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    assert durable_state(dump_party(server)) == durable_state(before)
    seen = await load_snapshot(store)
    assert (len(seen.members), seen.guest_count) == (LISTED_MAX, TERMS.capacity - 2)
    assert await store.join(attempt(token=f"token {TERMS.capacity - 3}"), soon()) == Kicked()
    assert (await renew_leases(store, unlisted)).verdicts == ()


async def test_restore_seats_hundreds_of_connections(store: RedisStore, host: Lease, server: StoreServer) -> None:
    restorer = await new_restorer(store, host)
    restorer.own += [Lease(CODE, f"seat {n}", f"holder {n}", f"token {n}") for n in range(450)]
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    seen = await load_snapshot(store)
    assert (len(seen.members), seen.guest_count) == (LISTED_MAX, 450)


# Nobody was there yet.


async def test_restore_of_unentered_party_equals_its_create(store: RedisStore, server: StoreServer) -> None:
    made = draft()
    created = await store.create(made, soon())
    assert isinstance(created, Created)
    before = dump_party(server)
    copy = PartyBackup(server.text(keys.party(CODE)).encode())
    server.admin.flushall()
    assert (
        await store.restore_party(RestoreRequest(CODE, copy, None, "epoch", created.expires_at), soon()) == Restored()
    )
    assert dump_party(server) == before
    joined = await store.join(attempt(token=made.host_token_hash), soon())
    assert isinstance(joined, Joined)
    assert (joined.is_host, joined.member_id, joined.resumed) == (True, made.host_id, True)


async def test_restore_from_create_seats_connections(store: RedisStore, server: StoreServer) -> None:
    await start_party(store)
    copy = PartyBackup(server.text(keys.party(CODE)).encode())
    restorer = await new_restorer(store, Lease(CODE, dump_party(server).document["hostId"], "holder"))
    restorer.own += [await take_own_seat(store, "ben")]
    restorer.copy = replace(copy, document=copy.document.replace(b'"hostConnected":true', b'"hostConnected":false'))
    server.admin.flushall()
    assert await restorer.restore() == Restored()
    seen = await load_snapshot(store)
    assert (seen.host_connected, seen.guest_count, len(seen.members)) == (True, 1, 2)


async def test_restore_from_create_leaves_stored_party_alone(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    copy = PartyBackup(server.text(keys.party(CODE)).encode())
    await run_commands(store, host, SetLock(locked=True))
    before = dump_party(server)
    assert (
        await store.restore_party(RestoreRequest(CODE, copy, None, "epoch", store.now_ms() + 60_000), soon())
        == Restored()
    )
    assert dump_party(server) == before
