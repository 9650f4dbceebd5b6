"""Renew leases: the reply has the state of each connection and of the party."""

import asyncio

import pytest
from msgspec.structs import replace

from hubbub.core.errors import Reason
from hubbub.core.protocol import Kick, Leave
from hubbub.core.results import Ended, LeaseLoss, Missing
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import LEASE_SECONDS, TERMS, draft, soon, start_party, take_seat
from tests.contract.party_actions import load_snapshot, pass_time_renewing, renew_leases, run_commands
from tests.contract.store_dump import CODE, Subscriber, document_of, dump_party, party_key_names, pass_time
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


def verdict(lease: Lease, reason: Reason) -> LeaseLoss:
    return LeaseLoss(lease.member_id, lease.holder, reason)


async def test_renewal_extends_lease_without_event(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    subscriber.take_events()
    pass_time(server, 3)
    renewed = await renew_leases(store, host)
    dump = dump_party(server)
    assert dump.leases[f"on:{host.member_id}"] == dump.clock + LEASE_SECONDS * 1000
    assert dump.leases[f"on:{guest.member_id}"] < dump.clock + 7100
    assert (renewed.epoch, renewed.version) == (dump.document["id"], 2)
    assert abs(renewed.expires_at - store.now_ms() - 7_200_000) < 10_000
    assert subscriber.take_events() == []


async def test_refused_renewals_have_reasons(store: RedisStore, host: Lease) -> None:
    fine, left, kicked, old = [await take_seat(store, token=token) for token in ("a", "b", "c", "d")]
    wall = Lease(CODE, "", "wall")
    new = await take_seat(store, token="d")
    await run_commands(store, left, Leave())
    await run_commands(store, host, Kick(target_id=kicked.member_id))
    renewed = await renew_leases(store, host, left, fine, kicked, wall, old, new)
    assert renewed.verdicts == (
        verdict(left, Reason.TIMED_OUT),
        verdict(kicked, Reason.KICKED),
        verdict(wall, Reason.TIMED_OUT),
        verdict(old, Reason.TAKEN_OVER),
    )


async def test_renewal_of_held_seat_reconnects_it(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    await pass_time_renewing(server, store, 60, host)
    assert (await load_snapshot(store)).guest_count == 0
    subscriber.take_events()
    # The instance was frozen for a minute and has thawed.
    assert (await renew_leases(store, guest)).verdicts == ()
    member = {"id": guest.member_id, "name": "Guest 1", "isHost": False, "connected": True}
    assert subscriber.take_events() == [{"t": "MEMBER_UPDATED", "member": member, "guestCount": 1, "version": 4}]


async def test_renewal_of_taken_over_connection_is_refused(store: RedisStore, host: Lease) -> None:
    old = await take_seat(store, token="mine")
    new = await take_seat(store, token="mine")
    await store.drop_connection(new, soon())
    assert (await renew_leases(store, old)).verdicts == (verdict(old, Reason.TAKEN_OVER),)
    assert (await load_snapshot(store)).guest_count == 0
    del host


async def test_renewal_creates_no_seat_or_party(store: RedisStore, server: StoreServer) -> None:
    stranger = Lease(CODE, "seat", "holder")
    assert await store.renew(CODE, [stranger], soon()) == Missing()
    assert party_key_names(server) == []
    await store.create(draft(), soon())
    assert (await renew_leases(store, stranger)).verdicts == (verdict(stranger, Reason.TIMED_OUT),)
    dump = dump_party(server)
    assert (len(dump.seats), dump.leases, dump.version) == (1, {}, 0)


async def test_renewal_of_host_with_lost_join_keeps_host(store: RedisStore, server: StoreServer) -> None:
    party = draft()
    await store.create(party, soon())
    # A replica took over that had not received the host's join yet.
    assert (await renew_leases(store, Lease(CODE, party.host_id, "holder"))).verdicts == ()
    assert document_of(server)["hostConnected"] is True
    assert (await renew_leases(store, Lease(CODE, party.host_id, "another"))).verdicts != ()


async def test_renewal_in_ended_party_answers_party_ended(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store)
    await run_commands(store, host, Leave())
    assert await store.renew(CODE, [guest], soon()) == Ended()
    assert party_key_names(server) == [f"{{party:{CODE}}}:ended"]


async def test_renewal_returns_next_expiry(store: RedisStore, server: StoreServer) -> None:
    host = await start_party(store, replace(TERMS, seat_hold_seconds=6))
    assert (await renew_leases(store, host)).due_ms == LEASE_SECONDS * 1000
    await store.drop_connection(await take_seat(store), soon())
    due_ms = (await renew_leases(store, host)).due_ms
    assert due_ms is not None
    assert 4000 < due_ms <= 6000
    pass_time(server, 4)
    due_ms = (await renew_leases(store, host)).due_ms
    assert due_ms is not None
    assert 0 < due_ms <= 2000
    pass_time(server, 4)
    assert (await renew_leases(store, host)).due_ms == LEASE_SECONDS * 1000


async def test_renewal_without_expiries_has_none_due(store: RedisStore) -> None:
    await store.create(draft(), soon())
    assert (await renew_leases(store)).due_ms is None


async def test_renewal_of_nobody_does_not_renew_ttl(store: RedisStore, host: Lease, server: StoreServer) -> None:
    pass_time(server, 3600)
    renewed = await renew_leases(store, replace(host, holder="somebody"))
    assert abs(renewed.expires_at - store.now_ms() - 3_600_000) < 10_000
    assert 3590 <= server.admin.ttl(f"party:{CODE}") <= 3600
    renewed = await renew_leases(store, host, replace(host, holder="somebody"))
    assert abs(renewed.expires_at - store.now_ms() - 7_200_000) < 10_000
    assert 7190 <= server.admin.ttl(f"party:{CODE}") <= 7200


async def test_renewal_of_hundreds_succeeds(store: RedisStore, host: Lease) -> None:
    guests = await asyncio.gather(*(take_seat(store) for _ in range(450)))
    gone = [replace(guest, member_id="gone") for guest in guests]
    renewed = await renew_leases(store, host, *guests, *gone)
    assert renewed.verdicts == tuple(verdict(lease, Reason.TIMED_OUT) for lease in gone)
