"""Let leases and holds run out, and let a party wait for its host."""

import pytest
from msgspec.structs import replace

from hubbub.core.errors import Reason
from hubbub.core.protocol import Leave, Rename, SendMessage
from hubbub.core.results import Ended, Full, Joinable, Joined, LeaseLoss
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import LEASE_SECONDS, TERMS, attempt, draft, soon, start_party, take_seat
from tests.contract.party_actions import load_snapshot, pass_time_renewing, renew_leases, run_commands
from tests.contract.store_dump import CODE, Event, Subscriber, document_of, dump_party, pass_time
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


def updated(version: int, lease: Lease, name: str, *, connected: bool, guests: int, is_host: bool = False) -> Event:
    member = {"id": lease.member_id, "name": name, "isHost": is_host, "connected": connected}
    return {"t": "MEMBER_UPDATED", "member": member, "guestCount": guests, "version": version}


async def test_lost_connection_starts_hold(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    subscriber.take_events()
    await store.drop_connection(guest, soon())
    assert subscriber.take_events() == [updated(3, guest, "Guest 1", connected=False, guests=0)]
    dump = dump_party(server)
    assert dump.leases[f"held:{guest.member_id}"] == dump.clock + 120_000
    assert (dump.document["guestCount"], dump.document["seats"]) == (0, 2)
    # Lost once is lost: a second word of it, or one from a connection that never had the seat, changes nothing.
    await store.drop_connection(guest, soon())
    await store.drop_connection(replace(host, holder="somebody"), soon())
    await store.drop_connection(replace(guest, member_id="nobody"), soon())
    assert subscriber.take_events() == []


async def test_party_waits_for_disconnected_host(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    await take_seat(store)
    subscriber.take_events()
    await store.drop_connection(host, soon())
    assert subscriber.take_events() == [updated(3, host, "Ann", connected=False, guests=1, is_host=True)]
    dump = dump_party(server)
    assert dump.leases[f"held:{host.member_id}"] == dump.clock + 300_000
    assert dump.document["hostConnected"] is False


async def test_expired_lease_is_published_once_by_next_command(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    await pass_time_renewing(server, store, 8, host)
    subscriber.take_events()
    pass_time(server, 4)
    await run_commands(store, host, SendMessage(text="anybody here?"))
    dropped, message = subscriber.take_events()
    assert dropped == updated(3, guest, "Guest 1", connected=False, guests=0)
    assert (message["t"], message["version"]) == ("MESSAGE", 4)
    await pass_time_renewing(server, store, 20, host)
    assert subscriber.take_events() == []


async def test_refused_command_publishes_expiries(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest, other = await take_seat(store), await take_seat(store)
    await pass_time_renewing(server, store, 8, host, other)
    subscriber.take_events()
    pass_time(server, 4)
    await store.drop_connection(replace(host, holder="somebody"), soon())
    assert subscriber.take_events() == [updated(4, guest, "Guest 1", connected=False, guests=1)]


async def test_hold_starts_at_lease_end(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store)
    lease_ends = dump_party(server).leases[f"on:{guest.member_id}"]
    await pass_time_renewing(server, store, 8, host)
    pass_time(server, 5)
    await renew_leases(store, host)
    assert dump_party(server).leases[f"held:{guest.member_id}"] == lease_ends + 120_000


async def test_lease_and_hold_may_end_together(store: RedisStore, subscriber: Subscriber, server: StoreServer) -> None:
    host = await start_party(store, replace(TERMS, seat_hold_seconds=1))
    guest = await take_seat(store)
    await pass_time_renewing(server, store, 8, host)
    subscriber.take_events()
    pass_time(server, 5)
    await renew_leases(store, host)
    assert subscriber.take_events() == [
        updated(3, guest, "Guest 1", connected=False, guests=0),
        {"t": "MEMBER_LEFT", "memberId": guest.member_id, "cause": "timeout", "guestCount": 0, "version": 4},
    ]


async def test_seat_after_hold_is_free(store: RedisStore, subscriber: Subscriber, server: StoreServer) -> None:
    host = await start_party(store, replace(TERMS, capacity=2))
    guest = await take_seat(store, token="mine")
    await store.drop_connection(guest, soon())
    subscriber.take_events()
    await pass_time_renewing(server, store, 115, host)
    assert subscriber.take_events() == []
    assert await store.join(attempt(), soon()) == Full()
    await pass_time_renewing(server, store, 10, host)
    left = {"t": "MEMBER_LEFT", "memberId": guest.member_id, "cause": "timeout", "guestCount": 0, "version": 4}
    assert subscriber.take_events() == [left]
    assert (await renew_leases(store, guest)).verdicts == (LeaseLoss(guest.member_id, guest.holder, Reason.TIMED_OUT),)
    newcomer = await take_seat(store)
    await run_commands(store, newcomer, Leave())
    mine = await store.join(attempt(token="mine"), soon())
    assert isinstance(mine, Joined)
    assert not mine.resumed


async def test_rejoin_within_hold_keeps_seat(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store, token="mine", name="Bob")
    await pass_time_renewing(server, store, 8 + 115, host)
    assert (await load_snapshot(store)).guest_count == 0
    assert (await take_seat(store, token="mine")).member_id == guest.member_id
    await pass_time_renewing(server, store, 8, host)
    assert (await load_snapshot(store)).guest_count == 1


async def test_party_ends_after_host_grace(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    await store.drop_connection(host, soon())
    subscriber.take_events()
    await pass_time_renewing(server, store, 295, guest)
    assert subscriber.take_events() == []
    await pass_time_renewing(server, store, 10, guest)
    (ended,) = subscriber.take_events()
    assert (ended["t"], ended["cause"], ended["version"]) == ("ENDED", "host_timeout", 4)
    assert await store.renew(CODE, [guest], soon()) == Ended()
    assert server.admin.keys("*") == [f"{{party:{CODE}}}:ended"]


async def test_host_rejoin_within_grace_finds_party(
    store: RedisStore, subscriber: Subscriber, server: StoreServer
) -> None:
    host = await start_party(store, token="host's")
    guest = await take_seat(store)
    await store.drop_connection(host, soon())
    await pass_time_renewing(server, store, 295, guest)
    subscriber.take_events()
    again = await take_seat(store, token="host's")
    assert subscriber.take_events() == [updated(4, host, "Ann", connected=True, guests=1, is_host=True)]
    await pass_time_renewing(server, store, 600, guest, again)
    assert subscriber.take_events() == []


async def test_command_after_lease_end_reconnects_seat(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    await pass_time_renewing(server, store, 8, guest)
    subscriber.take_events()
    pass_time(server, 4)
    # Its instance was frozen, and has found out before anybody else came.
    await run_commands(store, host, Rename(name="Anna"))
    assert subscriber.take_events() == [
        updated(3, host, "Ann", connected=False, guests=1, is_host=True),
        updated(4, host, "Ann", connected=True, guests=1, is_host=True),
        updated(5, host, "Anna", connected=True, guests=1, is_host=True),
    ]


@pytest.mark.parametrize("seconds", [7, 60, 600, 7000])
async def test_party_clock_stops_without_commands(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer, seconds: float
) -> None:
    guest, dropped = await take_seat(store), await take_seat(store, token="mine")
    wall = Lease(CODE, "", "wall")
    await store.watch(CODE, "wall", soon())
    await store.drop_connection(dropped, soon())
    subscriber.take_events()
    subscriber.take_ephemeral()
    before = dump_party(server).leases
    # The store was away, or the laptop asleep: nobody could touch the party, and nobody has lost anything.
    pass_time(server, seconds)
    renewed = await renew_leases(store, host, guest, wall)
    assert renewed.verdicts == ()
    assert (subscriber.take_events(), subscriber.take_ephemeral()) == ([], [])
    dump = dump_party(server)
    assert dump.leases[f"held:{dropped.member_id}"] == before[f"held:{dropped.member_id}"]
    assert dump.clock - (before[f"on:{host.member_id}"] - LEASE_SECONDS * 1000) < 6000
    assert (await take_seat(store, token="mine")).member_id == dropped.member_id


async def test_leases_expire_again_after_standstill(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    subscriber.take_events()
    pass_time(server, 3600)
    await renew_leases(store, host)
    await pass_time_renewing(server, store, 8, host)
    assert subscriber.take_events() == []
    await pass_time_renewing(server, store, 4, host)
    assert subscriber.take_events() == [updated(3, guest, "Guest 1", connected=False, guests=0)]


@pytest.mark.parametrize("jump_seconds", [3600, -3600, -8, -1])
async def test_store_clock_change_costs_no_seat(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer, jump_seconds: float
) -> None:
    guest = await take_seat(store)
    subscriber.take_events()
    pass_time(server, jump_seconds)
    assert (await renew_leases(store, host)).verdicts == ()
    assert subscriber.take_events() == []
    assert server.admin.ttl(f"party:{CODE}") <= 7200
    # Time goes on from there.
    await pass_time_renewing(server, store, 8, host)
    assert subscriber.take_events() == []
    await pass_time_renewing(server, store, 4, host)
    assert subscriber.take_events() == [updated(3, guest, "Guest 1", connected=False, guests=0)]


async def test_lookup_counts_unexpired_leases(store: RedisStore, host: Lease, server: StoreServer) -> None:
    await take_seat(store)
    guest = await take_seat(store)
    await pass_time_renewing(server, store, 8, guest)
    pass_time(server, 4)
    found = await store.read(CODE, soon())
    assert (found.party.host_connected, found.party.guest_count) == (False, 1)  # type: ignore[union-attr]
    # Looking has changed nothing: the document says what was true at the last touch.
    document = document_of(server)
    assert (document["hostConnected"], document["guestCount"]) == (True, 2)
    await renew_leases(store, guest)
    document = document_of(server)
    assert (document["hostConnected"], document["guestCount"]) == (False, 1)
    del host


async def test_join_check_counts_expired_hold_as_free(store: RedisStore, server: StoreServer) -> None:
    host = await start_party(store, replace(TERMS, capacity=2))
    await store.drop_connection(await take_seat(store), soon())
    await pass_time_renewing(server, store, 118, host)
    assert await store.check_join(CODE, soon()) == Full()
    pass_time(server, 4)
    assert await store.check_join(CODE, soon()) == Joinable()
    await take_seat(store)


async def test_join_check_counts_missing_hosts_seat_as_taken(store: RedisStore, server: StoreServer) -> None:
    host = await start_party(store, replace(TERMS, host_grace_seconds=5, capacity=2))
    guest = await take_seat(store)
    await store.drop_connection(host, soon())
    await pass_time_renewing(server, store, 3, guest)
    pass_time(server, 4)
    assert await store.check_join(CODE, soon()) == Ended()
    assert await store.join(attempt(), soon()) == Ended()


async def test_hold_ends_in_party_without_connections(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(terms=replace(TERMS, capacity=2)), soon())
    await store.drop_connection(await take_seat(store), soon())
    # A client tries every 20 s: the hold ends after 120 s.
    for _ in range(5):
        pass_time(server, 20)
        assert await store.check_join(CODE, soon()) == Full()
        assert await store.join(attempt(), soon()) == Full()
    pass_time(server, 30)
    assert await store.check_join(CODE, soon()) == Joinable()
    await take_seat(store)
