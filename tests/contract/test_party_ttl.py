"""Expire and end parties."""

import pytest
from msgspec.structs import replace

from hubbub.core.party import PartyPolicy
from hubbub.core.protocol import (
    Kick,
    Leave,
    MemberCommand,
    Promote,
    Rename,
    SelectTrack,
    SendMessage,
    SendReaction,
    SetLock,
)
from hubbub.core.results import Deleted, Ended, Missing, Renewed
from hubbub.core.seats import Lease
from hubbub.store import keys
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, attempt, draft, soon, start_party, take_seat
from tests.contract.invariants import EXPIRY_TOLERANCE_MS
from tests.contract.party_actions import pass_time_renewing, renew_leases, run_commands
from tests.contract.store_dump import (
    CODE,
    Subscriber,
    document_of,
    dump_party,
    party_key_names,
    pass_time,
    store_seconds,
)
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")
# Between the restart and the first look, a moment passes.
WHOLE_TTL, SHORT_TTL = range(7190, 7201), range(50, 61)


def seconds_left(server: StoreServer) -> int:
    """How long all the keys of the party have left, which must be the same."""
    expiries = dump_party(server).expiries.values()
    assert max(expiries) - min(expiries) <= EXPIRY_TOLERANCE_MS
    return round(min(expiries) / 1000 - store_seconds(server))


async def test_accepted_command_renews_ttl_of_every_key(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest, other = await take_seat(store), await take_seat(store)
    host_does: list[MemberCommand] = [
        SendMessage(text="hello"),
        SendReaction(emoji="🎉"),
        Rename(name="Anna"),
        SetLock(locked=False),
        SelectTrack(filename="a"),
        Kick(target_id=other.member_id),
        Promote(target_id=guest.member_id),
    ]
    for command in host_does:
        pass_time(server, 3600)
        assert seconds_left(server) <= 3600
        await run_commands(store, host, command)
        assert seconds_left(server) in WHOLE_TTL
    pass_time(server, 3600)
    await run_commands(store, host, Leave())
    assert seconds_left(server) in WHOLE_TTL
    pass_time(server, 3600)
    newcomer = await take_seat(store)
    assert seconds_left(server) in WHOLE_TTL
    pass_time(server, 3600)
    await renew_leases(store, newcomer)
    assert seconds_left(server) in WHOLE_TTL


async def test_lookup_refusal_and_drop_do_not_renew_ttl(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store)
    await run_commands(store, host, SetLock(locked=True))
    pass_time(server, 3600)
    await store.read(CODE, soon())
    await store.check_join(CODE, soon())
    await store.catch_up(CODE, None, soon())
    await store.execute(guest, SetLock(locked=False), soon())
    await store.execute(replace(guest, holder="somebody"), SendMessage(text="hello"), soon())
    await store.join(attempt(), soon())
    await store.watch(CODE, "wall", soon())
    await store.drop_connection(guest, soon())
    await renew_leases(store)
    assert seconds_left(server) in range(3590, 3601)
    del host


async def test_ttl_with_missing_host_is_at_most_grace(store: RedisStore, server: StoreServer) -> None:
    host = await start_party(store, token="host's")
    guest = await take_seat(store)
    await store.drop_connection(host, soon())
    assert seconds_left(server) in WHOLE_TTL
    await pass_time_renewing(server, store, 100, guest)
    assert seconds_left(server) in WHOLE_TTL
    # The last one drops, and with the party's clock stands what is left of the grace.
    await store.drop_connection(guest, soon())
    assert seconds_left(server) in range(195, 201)
    pass_time(server, 100)
    await store.join(attempt("CCCCCC"), soon())
    await store.drop_connection(guest, soon())
    assert seconds_left(server) in range(95, 101)
    await take_seat(store, token="host's")
    assert seconds_left(server) in WHOLE_TTL


async def test_party_with_absent_host_keeps_ttl(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(), soon())
    guest = await take_seat(store)
    pass_time(server, 3600)
    await store.drop_connection(guest, soon())
    assert seconds_left(server) in range(3595, 3601)
    await run_commands(store, await take_seat(store), Leave())
    assert seconds_left(server) in WHOLE_TTL


async def test_last_leave_sets_grace(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store)
    await store.drop_connection(host, soon())
    await run_commands(store, guest, Leave())
    assert seconds_left(server) in range(295, 301)


async def test_party_with_only_watchers_ends_after_grace(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    wall = Lease(CODE, "", "wall")
    await store.watch(CODE, "wall", soon())
    await store.drop_connection(host, soon())
    assert seconds_left(server) in WHOLE_TTL
    await pass_time_renewing(server, store, 295, wall)
    assert seconds_left(server) in WHOLE_TTL
    subscriber.take_events()
    await pass_time_renewing(server, store, 10, wall)
    assert [event["t"] for event in subscriber.take_events()] == ["ENDED"]


@pytest.mark.parametrize(
    "terms",
    [
        PartyPolicy(ttl_seconds=60, host_grace_seconds=7200, seat_hold_seconds=7200, capacity=3),
        PartyPolicy(ttl_seconds=60, host_grace_seconds=60, seat_hold_seconds=5, capacity=3),
    ],
)
async def test_grace_and_hold_do_not_extend_party_ttl(
    store: RedisStore, server: StoreServer, terms: PartyPolicy
) -> None:
    host = await start_party(store, terms)
    assert seconds_left(server) in SHORT_TTL
    await pass_time_renewing(server, store, 120, host)
    assert seconds_left(server) in SHORT_TTL
    await store.drop_connection(host, soon())
    assert seconds_left(server) in SHORT_TTL
    pass_time(server, 61)
    assert await store.read(CODE, soon()) == Missing()
    assert party_key_names(server) == []


async def test_expired_party_is_absent_and_frees_code(store: RedisStore, host: Lease, server: StoreServer) -> None:
    await run_commands(store, host, SendMessage(text="hello"))
    pass_time(server, 7200)
    assert party_key_names(server) == []
    assert await store.renew(CODE, [host], soon()) == Missing()
    assert await store.execute(host, SendMessage(text="hello"), soon()) == Missing()
    await start_party(store)


async def test_remains_of_deleted_party_do_not_reach_next_party(
    store: RedisStore, host: Lease, server: StoreServer
) -> None:
    await run_commands(store, host, SendMessage(text="hello"))
    server.admin.delete(keys.party(CODE))
    await start_party(store)
    dump = dump_party(server)
    assert (dump.version, len(dump.seats), dump.messages) == (1, 1, [])


async def test_persisted_key_does_not_end_party(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store)
    # Editing a document by hand, with SET, does the same.
    server.admin.persist(keys.party(CODE))
    await store.drop_connection(guest, soon())
    assert seconds_left(server) in WHOLE_TTL
    del host


async def test_create_ids_have_party_ttl(store: RedisStore, server: StoreServer) -> None:
    for _ in range(2):
        await store.create(draft(token="mine"), soon())
    pass_time(server, 3600)
    await store.drop_connection(await take_seat(store, token="mine"), soon())
    assert keys.party_keys(CODE)[2] in dump_party(server).expiries
    assert seconds_left(server) in range(295, 301)


async def test_leave_of_host_ends_party(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest, other = await take_seat(store), await take_seat(store)
    await run_commands(
        store, guest, SendMessage(text="hello"), SendReaction(emoji="🎉"), SendReaction(emoji="🎉"), Leave()
    )
    await run_commands(store, host, Kick(target_id=other.member_id), SelectTrack(filename="a"))
    await store.watch(CODE, "wall", soon())
    # An hour of it is over.
    document = server.text(keys.party(CODE))
    created_at = document_of(server)["createdAt"]
    server.admin.set(keys.party(CODE), document.replace(str(created_at), str(created_at - 3_600_000)), keepttl=True)
    subscriber.take_events()
    await run_commands(store, host, Leave())
    (ended,) = subscriber.take_events()
    assert ended["recap"].pop("seconds") in range(3600, 3610)
    recap = {"guests": 2, "messages": 1, "reactions": 2}
    assert ended == {"t": "ENDED", "cause": "host_left", "recap": recap, "version": 8}
    assert server.admin.keys("*") == [keys.ended(CODE)]
    assert 7190 <= server.admin.ttl(keys.ended(CODE)) <= 7200


async def test_ended_party_answers_party_ended(store: RedisStore, host: Lease) -> None:
    guest = await take_seat(store)
    await run_commands(store, host, Leave())
    for lease in (host, guest):
        assert await store.execute(lease, SendMessage(text="hello"), soon()) == Ended()
        assert await store.execute(lease, Leave(), soon()) == Ended()
        await store.drop_connection(lease, soon())


async def test_expiries_before_end_are_published_before_it(
    store: RedisStore, subscriber: Subscriber, server: StoreServer
) -> None:
    terms = replace(TERMS, host_grace_seconds=12, seat_hold_seconds=1)
    host = await start_party(store, terms)
    guest, alive = await take_seat(store), await take_seat(store)
    await store.drop_connection(host, soon())
    await pass_time_renewing(server, store, 9, alive)
    subscriber.take_events()
    # The guest's lease ran out after 10 s and the hold after 11 s; the host's grace after 12 s.
    pass_time(server, 5)
    assert await store.renew(CODE, [alive], soon()) == Ended()
    assert [event["t"] for event in subscriber.take_events()] == ["MEMBER_UPDATED", "MEMBER_LEFT", "ENDED"]
    assert server.admin.keys("*") == [keys.ended(CODE)]
    del guest


async def test_party_end_is_published_once(store: RedisStore, subscriber: Subscriber, server: StoreServer) -> None:
    host = await start_party(store, replace(TERMS, host_grace_seconds=5))
    guest = await take_seat(store)
    await store.drop_connection(host, soon())
    subscriber.take_events()
    await pass_time_renewing(server, store, 20, guest)
    assert [event["t"] for event in subscriber.take_events()] == ["ENDED"]


async def test_party_with_joined_host_is_not_rolled_back(store: RedisStore, server: StoreServer) -> None:
    party = draft()
    await store.create(party, soon())
    host = await take_seat(store, token=party.host_token_hash)
    assert await store.rollback_create(party, "", soon()) == Missing()
    assert isinstance(await store.renew(CODE, [host], soon()), Renewed)
    # Where it is the failed create's own connection that seated the host, the party goes whole.
    await take_seat(store)
    assert await store.rollback_create(party, host.holder, soon()) == Deleted()
    assert party_key_names(server) == []
