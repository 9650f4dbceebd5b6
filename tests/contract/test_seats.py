"""Join a party: who gets which seat, and who gets none."""

import asyncio
from collections.abc import AsyncIterator
from itertools import cycle

import pytest
from msgspec.structs import replace

from hubbub.core.errors import Reason
from hubbub.core.protocol import Kick, Leave, Member, SendMessage, SetLock
from hubbub.core.results import Ended, Full, Joinable, Joined, Kicked, Locked, Missing, Rejected
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, Instance, attempt, draft, soon, start_party, take_seat
from tests.contract.party_actions import load_snapshot, renew_leases, run_commands
from tests.contract.store_dump import CODE, Subscriber, document_of, dump_party, party_key_names
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


@pytest.fixture
async def elsewhere(server: StoreServer) -> AsyncIterator[RedisStore]:
    """The store as another instance has it."""
    instance = Instance(server.url)
    yield instance.store
    await instance.aclose()


async def names_of(store: RedisStore) -> list[str]:
    return [member.name for member in (await load_snapshot(store)).members]


async def test_join_creates_seat(store: RedisStore, subscriber: Subscriber) -> None:
    party = draft()
    await store.create(party, soon())
    mine = attempt()
    joined = await store.join(mine, soon())
    assert isinstance(joined, Joined)
    assert joined == Joined(mine.new_id, False, False, party.id, 1, joined.expires_at)
    assert abs(joined.expires_at - store.now_ms() - 7_200_000) < 10_000
    member = {"id": mine.new_id, "name": "Guest 1", "isHost": False, "connected": True}
    assert subscriber.take_events() == [{"t": "MEMBER_JOINED", "member": member, "guestCount": 1, "version": 1}]
    assert list((await load_snapshot(store)).members) == [
        Member(party.host_id, "Ann", is_host=True, connected=False),
        Member(mine.new_id, "Guest 1", is_host=False, connected=True),
    ]


async def test_host_seat_waits_for_host_token(store: RedisStore, server: StoreServer, subscriber: Subscriber) -> None:
    party = draft()
    await store.create(party, soon())
    joined = await store.join(attempt(token=party.host_token_hash), soon())
    assert isinstance(joined, Joined)
    assert (joined.member_id, joined.is_host, joined.resumed) == (party.host_id, True, True)
    member = {"id": party.host_id, "name": "Ann", "isHost": True, "connected": True}
    assert subscriber.take_events() == [{"t": "MEMBER_UPDATED", "member": member, "guestCount": 0, "version": 1}]
    # Nobody had it before.
    assert subscriber.take_ephemeral() == []
    document = document_of(server)
    assert (document["hostConnected"], document["guestCount"], document["seats"]) == (True, 0, 1)


async def test_unnamed_guests_get_distinct_numbers(store: RedisStore, host: Lease) -> None:
    await take_seat(store)
    last = await take_seat(store)
    await take_seat(store, name="Bob")
    await run_commands(store, last, Leave())
    await take_seat(store)
    assert await names_of(store) == ["Ann", "Guest 1", "Bob", "Guest 4"]
    del host


async def test_token_rejoins_own_seat_on_any_instance(
    store: RedisStore, elsewhere: RedisStore, host: Lease, subscriber: Subscriber
) -> None:
    first = await take_seat(store, token="mine")
    subscriber.take_events()
    subscriber.take_ephemeral()
    joined = await elsewhere.join(attempt(token="mine"), soon())
    assert isinstance(joined, Joined)
    assert (joined.member_id, joined.resumed) == (first.member_id, True)
    # Nothing has changed for the others; the connection that had the seat hears of it, wherever it is.
    assert subscriber.take_events() == []
    assert subscriber.take_ephemeral() == [f"T{first.holder}"]
    del host


async def test_take_over_gives_seat_to_newer_connection(
    store: RedisStore, elsewhere: RedisStore, host: Lease, server: StoreServer
) -> None:
    old = await take_seat(store, token="mine")
    new = await take_seat(elsewhere, token="mine")
    assert await store.execute(old, SendMessage(text="still here"), soon()) == Rejected(Reason.TAKEN_OVER)
    assert await store.execute(old, Leave(), soon()) == Rejected(Reason.TAKEN_OVER)
    await store.drop_connection(old, soon())
    assert document_of(server)["guestCount"] == 1
    await run_commands(elsewhere, new, SendMessage(text="here"))
    del host


async def test_concurrent_joins_with_one_token_share_one_seat(store: RedisStore, host: Lease) -> None:
    leases = await asyncio.gather(*(take_seat(store, token="mine") for _ in range(20)))
    assert len({lease.member_id for lease in leases}) == 1
    renewed = await renew_leases(store, *leases)
    assert [verdict.reason for verdict in renewed.verdicts] == [Reason.TAKEN_OVER] * 19
    assert len((await load_snapshot(store)).members) == 2
    del host


async def test_rejoin_may_change_name(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    guest = await take_seat(store, token="mine", name="Bob")
    subscriber.take_events()
    await take_seat(store, token="mine", name="Bobby")
    member = {"id": guest.member_id, "name": "Bobby", "isHost": False, "connected": True}
    assert subscriber.take_events() == [{"t": "MEMBER_UPDATED", "member": member, "guestCount": 1, "version": 3}]
    await take_seat(store, token="mine")
    assert subscriber.take_events() == []
    assert await names_of(store) == ["Ann", "Bobby"]
    del host


async def test_host_name_at_join_is_party_host_name(store: RedisStore, server: StoreServer) -> None:
    party = draft()
    await store.create(party, soon())
    await take_seat(store, token=party.host_token_hash, name="Anna")
    assert document_of(server)["hostName"] == "Anna"
    assert await names_of(store) == ["Anna"]


async def test_held_seat_is_reconnected_by_its_token(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    guest = await take_seat(store, token="mine")
    await store.drop_connection(guest, soon())
    subscriber.take_events()
    assert (await take_seat(store, token="mine")).member_id == guest.member_id
    member = {"id": guest.member_id, "name": "Guest 1", "isHost": False, "connected": True}
    assert subscriber.take_events() == [{"t": "MEMBER_UPDATED", "member": member, "guestCount": 1, "version": 4}]
    del host


async def test_locked_party_admits_seat_owners_only(store: RedisStore, host: Lease) -> None:
    guest = await take_seat(store, token="mine")
    await store.drop_connection(guest, soon())
    await run_commands(store, host, SetLock(locked=True))
    assert await store.join(attempt(), soon()) == Locked()
    assert await store.check_join(CODE, soon()) == Locked()
    assert (await take_seat(store, token="mine")).member_id == guest.member_id
    await run_commands(store, host, SetLock(locked=False))
    await take_seat(store)


async def test_full_party_admits_seat_owners_only(store: RedisStore) -> None:
    await start_party(store, replace(TERMS, capacity=3))
    guest = await take_seat(store, token="mine")
    other = await take_seat(store)
    # A held seat is taken too.
    await store.drop_connection(guest, soon())
    assert await store.join(attempt(), soon()) == Full()
    assert await store.check_join(CODE, soon()) == Full()
    assert (await take_seat(store, token="mine")).member_id == guest.member_id
    await run_commands(store, other, Leave())
    assert await store.check_join(CODE, soon()) == Joinable()
    await take_seat(store)


async def test_host_seat_is_reserved(store: RedisStore) -> None:
    party = draft(terms=replace(TERMS, capacity=2))
    await store.create(party, soon())
    await take_seat(store)
    assert await store.join(attempt(), soon()) == Full()
    await take_seat(store, token=party.host_token_hash)


async def test_concurrent_joins_fill_seats_exactly(
    store: RedisStore, elsewhere: RedisStore, server: StoreServer
) -> None:
    await start_party(store, replace(TERMS, capacity=20))
    doors = cycle([store, elsewhere])
    outcomes = await asyncio.gather(*(next(doors).join(attempt(), soon()) for _ in range(200)))
    assert sum(isinstance(outcome, Joined) for outcome in outcomes) == 19
    assert outcomes.count(Full()) == 181
    assert document_of(server)["seats"] == 20


async def test_join_after_leave_creates_other_seat(store: RedisStore, host: Lease) -> None:
    guest = await take_seat(store, token="mine")
    await run_commands(store, guest, Leave())
    mine = attempt(token="mine")
    joined = await store.join(mine, soon())
    assert isinstance(joined, Joined)
    assert (joined.member_id, joined.resumed) == (mine.new_id, False)
    assert await store.execute(guest, SendMessage(text="from the past"), soon()) == Rejected(Reason.TIMED_OUT)
    del host


async def test_kicked_token_is_refused_before_other_reasons(store: RedisStore) -> None:
    host = await start_party(store, replace(TERMS, capacity=2))
    guest = await take_seat(store, token="mine")
    await run_commands(store, host, Kick(target_id=guest.member_id))
    await take_seat(store)
    assert await store.join(attempt(token="mine"), soon()) == Kicked()
    await run_commands(store, host, SetLock(locked=True))
    assert await store.join(attempt(token="mine"), soon()) == Kicked()


async def test_join_of_unknown_party_is_refused(store: RedisStore, server: StoreServer) -> None:
    assert await store.join(attempt(), soon()) == Missing()
    assert party_key_names(server) == []


async def test_join_of_ended_party_is_refused(store: RedisStore, host: Lease, server: StoreServer) -> None:
    await run_commands(store, host, Leave())
    assert await store.join(attempt(), soon()) == Ended()
    assert party_key_names(server) == [f"{{party:{CODE}}}:ended"]


async def test_refused_join_changes_nothing(store: RedisStore, host: Lease, server: StoreServer) -> None:
    await run_commands(store, host, SetLock(locked=True))
    before = dump_party(server)
    await store.join(attempt(), soon())
    after = dump_party(server)
    assert (after.version, after.seats, after.tokens) == (before.version, before.seats, before.tokens)
    assert after.document == before.document
