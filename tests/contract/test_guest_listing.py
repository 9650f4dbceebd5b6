"""List two hundred guests of a party and count the others."""

import asyncio

import pytest
from msgspec.structs import replace

from hubbub.core.protocol import Kick, Leave, Promote, Rename
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, soon, start_party, take_seat
from tests.contract.model_world import ModelInstance
from tests.contract.party_actions import load_snapshot, pass_time_renewing, renew_leases, run_commands
from tests.contract.store_dump import Event, Subscriber, document_of, pass_time
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


async def fill(store: RedisStore) -> list[Lease]:
    """As many guests as can be listed beside the host."""
    return list(await asyncio.gather(*(take_seat(store) for _ in range(199))))


def count(version: int, guests: int) -> Event:
    return {"t": "GUEST_COUNT", "guestCount": guests, "version": version}


async def test_guests_beyond_200_are_counted_and_not_listed(
    store: RedisStore, host: Lease, subscriber: Subscriber
) -> None:
    await fill(store)
    for _ in range(3):
        await take_seat(store, name="unlisted")
    events = subscriber.take_events()
    assert [event["t"] for event in events] == ["MEMBER_JOINED"] * 199 + ["GUEST_COUNT"] * 3
    assert events[-1] == count(version=203, guests=202)
    party = await load_snapshot(store)
    assert (len(party.members), party.guest_count) == (200, 202)
    assert "unlisted" not in {member.name for member in party.members}
    assert party.members[0].id == host.member_id


async def test_freed_listing_goes_to_next_join(store: RedisStore, host: Lease) -> None:
    listed = await fill(store)
    await take_seat(store, name="unlisted")
    await run_commands(store, listed[7], Leave())
    assert len((await load_snapshot(store)).members) == 199
    newcomer = await take_seat(store, name="listed")
    members = (await load_snapshot(store)).members
    assert len(members) == 200
    assert (members[-1].id, members[-1].name) == (newcomer.member_id, "listed")
    assert "unlisted" not in {member.name for member in members}
    del host


async def test_unlisted_seat_change_publishes_count(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    await fill(store)
    unlisted, other = await take_seat(store, token="mine"), await take_seat(store)
    subscriber.take_events()
    await run_commands(store, unlisted, Rename(name="Bob"))
    await store.drop_connection(unlisted, soon())
    again = await take_seat(store, token="mine", name="Bobby")
    assert again.member_id == unlisted.member_id
    await run_commands(store, other, Leave())
    assert subscriber.take_events() == [count(203, 201), count(204, 200), count(205, 201), count(206, 200)]
    await run_commands(store, host, Kick(target_id=unlisted.member_id))
    assert subscriber.take_events() == [count(207, 199)]
    # The instance that has the connection finds it by this.
    assert subscriber.take_ephemeral()[-1] == f"K{again.holder}"


async def test_new_host_is_listed_beyond_limit(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    await fill(store)
    unlisted = await take_seat(store, name="Bob")
    subscriber.take_events()
    await run_commands(store, host, Promote(target_id=unlisted.member_id))
    member = {"id": unlisted.member_id, "name": "Bob", "isHost": True, "connected": True}
    changed = {"t": "HOST_CHANGED", "hostId": unlisted.member_id, "member": member, "guestCount": 200, "version": 202}
    assert subscriber.take_events() == [changed]
    members = (await load_snapshot(store)).members
    assert (len(members), members[-1].id) == (201, unlisted.member_id)
    # Two places have to be freed before another guest is listed.
    listed = members[1].id
    await run_commands(store, unlisted, Kick(target_id=listed))
    await take_seat(store, name="unlisted")
    assert len((await load_snapshot(store)).members) == 200
    assert document_of(server)["seats"] == 201


async def test_unlisted_seats_dropping_together_publish_one_count(server: StoreServer, subscriber: Subscriber) -> None:
    # Three are listed in this world: the host and two guests.
    instance = ModelInstance(server)
    store = instance.store
    host = await start_party(store, replace(TERMS, seat_hold_seconds=10))
    listed = [await take_seat(store) for _ in range(2)]
    await asyncio.gather(*(take_seat(store) for _ in range(10)))
    await pass_time_renewing(server, store, 7, host, *listed)
    subscriber.take_events()
    # The leases of the others run out together, and ten seconds later their holds.
    for seats in (13, 3):
        pass_time(server, 5)
        await renew_leases(store, host, *listed)
        assert [(event["t"], event["guestCount"]) for event in subscriber.take_events()] == [("GUEST_COUNT", 2)]
        assert document_of(server)["seats"] == seats
        await pass_time_renewing(server, store, 5, host, *listed)
    await instance.aclose()
