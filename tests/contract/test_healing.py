"""Writing back what a store has lost of a party: from one copy, from several, and where others were quicker."""

import asyncio
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from hubbub.core.backup import Healing, PartyBackup, Tombstone
from hubbub.core.errors import Reason
from hubbub.core.limits import LISTED_MAX
from hubbub.core.party import Lease
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
    Another,
    Created,
    Declined,
    Done,
    Ended,
    Healed,
    Joined,
    Kicked,
    Missing,
)
from hubbub.store import keys
from hubbub.store.port import DeadlineExceededError
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, Instance, attempt, begin, draft, soon, take_seat
from tests.contract.inside import CODE, Ear, keys_of_parties, look_inside
from tests.contract.live import do, snapshot, touch
from tests.contract.losses import EVENING, Keeper, OldState, keep, older, take_own_seat, what_lasts
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("sound")


@pytest.fixture
def full(server: StoreServer) -> Iterator[StoreServer]:
    """A store without room, from now on."""
    server.admin.config_set("maxmemory", "1")
    yield server
    server.admin.config_set("maxmemory", "0")


async def test_restore_of_lost_party_equals_backup(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest, gone = await take_seat(store, name="Ben"), await take_seat(store)
    await do(store, host, Kick(target_id=gone.member_id), *EVENING)
    keeper = await keep(store, host, guest)
    before, seen = look_inside(server), await snapshot(store)
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    after = look_inside(server)
    assert what_lasts(after) == what_lasts(before)
    assert replace(await snapshot(store), expires_at=seen.expires_at) == seen
    assert after.state["epoch"] != before.document["id"]
    assert (after.log, after.version) == ([], before.version)
    assert await store.execute(host, SetLock(locked=False), soon()) == Done()
    assert await store.execute(guest, SendMessage(text="hi"), soon()) == Declined(Reason.EMOJI_ONLY)


async def test_restore_includes_events_after_backup(
    store: RedisStore, host: Lease, server: StoreServer, ear: Ear
) -> None:
    ben, eve, bob = [await take_own_seat(store, token) for token in ("ben", "eve", "bob")]
    keeper = await keep(store, host, ben)
    ear.everything()
    await do(store, host, *EVENING, Kick(target_id=eve.member_id), Promote(target_id=ben.member_id))
    await do(store, bob, Leave())
    keeper.hear(ear)
    before, seen = look_inside(server), await snapshot(store)
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    # What counts only for the party's end is as old as the copy.
    inside = look_inside(server)
    assert what_lasts(replace(inside, state={**inside.state, "messages": "1"})) == what_lasts(before)
    assert replace(await snapshot(store), expires_at=seen.expires_at) == seen
    assert await store.join(attempt(token="eve"), soon()) == Kicked()


async def test_restore_keeps_queue_emptied_after_backup(
    store: RedisStore, host: Lease, server: StoreServer, ear: Ear
) -> None:
    await do(store, host, QueueTrack(filename="b"))
    keeper = await keep(store, host)
    ear.everything()
    await do(store, host, QueueTrack(filename=None))
    keeper.hear(ear)
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    assert (await snapshot(store)).playback.next_track is None


async def test_restore_by_two_instances_seats_both_in_any_order(
    store: RedisStore, server: StoreServer, ear: Ear
) -> None:
    for turn in (1, -1):
        server.admin.flushall()
        here, there = await keep(store, await begin(store)), Keeper(store)
        there.own = [await take_own_seat(store, f"guest-{n}") for n in range(3)]
        await there.look()
        here.room = there.room
        ear.everything()
        server.admin.flushall()
        for keeper in (here, there)[::turn]:
            assert await keeper.heal() == Healed()
        inside = look_inside(server)
        assert {f"on:{lease.member_id}" for lease in (*here.own, *there.own)} == inside.leases.keys()
        assert [member.name for member in (await snapshot(store)).members[1:]] == ["Guest 1", "Guest 2", "Guest 3"]
        assert (await touch(store, *here.own, *there.own)).verdicts == ()
        # The second one found the epoch begun, and told who came in it, if anybody.
        assert {one.epoch for one in ear.everything()[0]} <= {inside.state["epoch"]}


async def test_concurrent_restores_make_one_epoch(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_own_seat(store, "ben")
    here, there = await keep(store, host), await keep(store, guest)
    server.admin.flushall()
    healings = [here.healing(), there.healing()]
    assert await asyncio.gather(*(store.restore_party(healing, soon()) for healing in healings)) == [Healed(), Healed()]
    await here.look()
    await there.look()
    assert here.room.known == there.room.known
    assert here.seen == there.seen


async def test_guest_in_no_backup_keeps_seat_and_name(
    store: RedisStore, host: Lease, server: StoreServer, ear: Ear
) -> None:
    keeper = await keep(store, host)
    ear.everything()
    keeper.own += [await take_own_seat(store, "ben", "Ben"), await take_own_seat(store, "eve")]
    keeper.hear(ear)
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    assert [member.name for member in (await snapshot(store)).members] == ["Ann", "Ben", "Guest 2"]
    assert (await take_seat(store, token="eve")).member_id == keeper.own[2].member_id
    assert [event["t"] for event in ear.events()] == ["MEMBER_JOINED", "MEMBER_JOINED"]


async def test_restored_guest_number_is_not_assigned_again(store: RedisStore, host: Lease, server: StoreServer) -> None:
    await take_seat(store)
    await do(store, await take_seat(store), Leave())
    keeper = await keep(store, host)
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    await take_seat(store)
    assert [member.name for member in (await snapshot(store)).members] == ["Ann", "Guest 1", "Guest 3"]


async def test_restored_party_accepts_commands(store: RedisStore, host: Lease, server: StoreServer, ear: Ear) -> None:
    keeper = await keep(store, host, await take_own_seat(store, "ben"))
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    ear.everything()
    guest, new = keeper.own[1], await take_seat(store)
    await do(store, guest, Rename(name="Ben"), Rename(name=""))
    await do(store, host, Kick(target_id=guest.member_id), Promote(target_id=new.member_id))
    keeper.hear(ear)
    assert keeper.seen == replace(await snapshot(store), expires_at=0)
    assert await store.join(attempt(token="ben"), soon()) == Kicked()
    await do(store, new, Leave())
    assert keys_of_parties(server) == [f"{{party:{CODE}}}:ended"]


async def test_restore_keeps_connected_kicked_guest_out(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_own_seat(store, "eve")
    await do(store, host, Kick(target_id=guest.member_id))
    # The instance of the one kicked has not heard of it yet.
    keeper, late = await keep(store, host), Keeper(store, guest)
    late.room, late.copy = keeper.room, None
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    assert await late.store.restore_party(late.healing(), soon()) == Healed()
    assert (await snapshot(store)).guest_count == 0
    assert await store.join(attempt(token="eve"), soon()) == Kicked()


async def test_restore_gives_token_with_new_seat_no_second_one(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    old_state = OldState(server)
    guest = await take_own_seat(store, "ben")
    keeper = await keep(store, host, guest)
    keeper.copy = None
    old_state.bring_back()
    new = await take_seat(store, token="ben")
    assert await keeper.heal() == Healed()
    inside = look_inside(server)
    assert inside.tokens["ben"] == new.member_id != guest.member_id
    assert guest.member_id not in inside.seats


async def test_restore_of_ended_party_is_refused(store: RedisStore, host: Lease, server: StoreServer) -> None:
    keeper = await keep(store, host)
    await do(store, host, Leave())
    assert await keeper.heal() == Ended()
    assert keys_of_parties(server) == [f"{{party:{CODE}}}:ended"]


async def test_restore_leaves_other_party_of_same_code_alone(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    keeper = await keep(store, host)
    server.admin.flushall()
    await begin(store)
    before = look_inside(server)
    assert await keeper.heal() == Another()
    assert look_inside(server) == before


async def test_restore_without_backup_creates_nothing(store: RedisStore, host: Lease, server: StoreServer) -> None:
    keeper = await keep(store, host)
    keeper.copy = None
    server.admin.flushall()
    assert await keeper.heal() == Missing()
    assert keys_of_parties(server) == []


async def test_restore_of_expired_party_is_refused(store: RedisStore, host: Lease, server: StoreServer) -> None:
    keeper = await keep(store, host)
    server.admin.flushall()
    assert await store.restore_party(keeper.healing(expires_at=store.now_ms() - 1), soon()) == Missing()
    assert keys_of_parties(server) == []


async def test_restore_after_deadline_changes_nothing(instance: Instance, server: StoreServer) -> None:
    keeper = await keep(instance.store, await begin(instance.store))
    server.admin.flushall()
    for call in (
        lambda: instance.store.restore_party(keeper.healing(), soon()),
        lambda: instance.store.restore_tombstone(Tombstone(CODE, "", "", 2**42), soon()),
    ):
        # All it sends comes too late, as far as the store can tell.
        instance.believe_clocks_behind(3600)
        with pytest.raises(DeadlineExceededError):
            await call()
    assert keys_of_parties(server) == []


async def test_restore_into_full_store_succeeds(store: RedisStore, host: Lease, full: StoreServer) -> None:
    keeper = await keep(store, host)
    full.admin.delete(*keys.party_keys(CODE))
    assert await keeper.heal() == Healed()


async def test_restore_after_years_keeps_seats(store: RedisStore, host: Lease, server: StoreServer) -> None:
    dropped = await take_seat(store, token="ben")
    await store.drop_connection(dropped, soon())
    keeper = await keep(store, host, await take_own_seat(store, "eve"))
    assert keeper.copy is not None
    before = look_inside(server)
    keeper.copy = older(keeper.copy, 3600)
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    inside = look_inside(server)
    held = f"held:{dropped.member_id}"
    assert 0 <= inside.leases[held] - inside.clock <= before.leases[held] - before.clock
    assert before.leases[held] - before.clock - (inside.leases[held] - inside.clock) < 10_000
    assert (await take_seat(store, token="ben")).member_id == dropped.member_id


async def test_restore_of_hundreds_of_seats_succeeds(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guests = await asyncio.gather(*(take_own_seat(store, f"token {n}") for n in range(TERMS.capacity - 1)))
    unlisted = guests[-1]
    await do(store, host, Kick(target_id=guests[-2].member_id))
    keeper = await keep(store, host, *guests[:-2], unlisted)
    before = look_inside(server)
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    assert what_lasts(look_inside(server)) == what_lasts(before)
    seen = await snapshot(store)
    assert (len(seen.members), seen.guest_count) == (LISTED_MAX, TERMS.capacity - 2)
    assert await store.join(attempt(token=f"token {TERMS.capacity - 3}"), soon()) == Kicked()
    assert (await touch(store, unlisted)).verdicts == ()


async def test_restore_seats_hundreds_of_connections(store: RedisStore, host: Lease, server: StoreServer) -> None:
    keeper = await keep(store, host)
    keeper.own += [Lease(CODE, f"seat {n}", f"holder {n}", f"token {n}") for n in range(450)]
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    seen = await snapshot(store)
    assert (len(seen.members), seen.guest_count) == (LISTED_MAX, 450)


# Nobody was there yet.


async def test_restore_of_unentered_party_equals_its_create(store: RedisStore, server: StoreServer) -> None:
    made = draft()
    created = await store.create(made, soon())
    assert isinstance(created, Created)
    before = look_inside(server)
    copy = PartyBackup(server.text(keys.party(CODE)).encode())
    server.admin.flushall()
    assert await store.restore_party(Healing(CODE, copy, None, "epoch", created.expires_at), soon()) == Healed()
    assert look_inside(server) == before
    joined = await store.join(attempt(token=made.host_token_hash), soon())
    assert isinstance(joined, Joined)
    assert (joined.is_host, joined.member_id, joined.resumed) == (True, made.host_id, True)


async def test_restore_from_create_seats_connections(store: RedisStore, server: StoreServer) -> None:
    await begin(store)
    copy = PartyBackup(server.text(keys.party(CODE)).encode())
    keeper = await keep(store, Lease(CODE, look_inside(server).document["hostId"], "holder"))
    keeper.own += [await take_own_seat(store, "ben")]
    keeper.copy = replace(copy, document=copy.document.replace(b'"hostConnected":true', b'"hostConnected":false'))
    server.admin.flushall()
    assert await keeper.heal() == Healed()
    seen = await snapshot(store)
    assert (seen.host_connected, seen.guest_count, len(seen.members)) == (True, 1, 2)


async def test_restore_from_create_leaves_stored_party_alone(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    copy = PartyBackup(server.text(keys.party(CODE)).encode())
    await do(store, host, SetLock(locked=True))
    before = look_inside(server)
    assert await store.restore_party(Healing(CODE, copy, None, "epoch", store.now_ms() + 60_000), soon()) == Healed()
    assert look_inside(server) == before
