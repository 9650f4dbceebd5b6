"""Watch a party without a seat."""

import asyncio

import pytest

from hubbub.core.errors import Reason
from hubbub.core.protocol import Leave, SendMessage, SetLock
from hubbub.core.results import Ended, LeaseLoss, Locked, Missing, TooManyWatchers, Watching
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import draft, end_party, soon
from tests.contract.party_actions import load_snapshot, pass_time_renewing, renew_leases, run_commands
from tests.contract.store_dump import CODE, Subscriber, document_of, dump_party, party_key_names, pass_time
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


async def watch(store: RedisStore, holder: str = "wall") -> Lease:
    """Watch, which must be allowed."""
    assert isinstance(await store.watch(CODE, holder, soon()), Watching)
    return Lease(CODE, "", holder)


async def test_watcher_is_counted_and_has_no_seat(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    outcome = await store.watch(CODE, "wall", soon())
    assert isinstance(outcome, Watching)
    assert (outcome.epoch, outcome.version) == ((await renew_leases(store, host)).epoch, 1)
    assert abs(outcome.expires_at - store.now_ms() - 7_200_000) < 10_000
    # No event, since nothing of the party has changed.
    assert subscriber.take_events() == []
    assert subscriber.take_ephemeral() == ["W1"]
    party = await load_snapshot(store)
    assert (party.watchers, party.guest_count, len(party.members)) == (1, 0, 1)


async def test_at_most_sixteen_may_watch(store: RedisStore, host: Lease) -> None:
    outcomes = await asyncio.gather(*(store.watch(CODE, f"wall-{n}", soon()) for n in range(20)))
    assert sum(isinstance(outcome, Watching) for outcome in outcomes) == 16
    assert outcomes.count(TooManyWatchers()) == 4
    await store.drop_connection(Lease(CODE, "", "wall-0"), soon())
    await watch(store, "wall-20")
    assert (await load_snapshot(store)).watchers == 16
    del host


async def test_watcher_renewal_in_locked_party_succeeds(store: RedisStore, host: Lease) -> None:
    wall = await watch(store)
    await run_commands(store, host, SetLock(locked=True))
    assert await store.watch(CODE, "another", soon()) == Locked()
    assert (await renew_leases(store, wall)).verdicts == ()
    assert (await load_snapshot(store)).watchers == 1


async def test_party_without_host_can_be_watched(store: RedisStore) -> None:
    await store.create(draft(), soon())
    await watch(store)
    assert (await load_snapshot(store)).watchers == 1


async def test_watch_of_absent_party_is_refused(store: RedisStore, server: StoreServer) -> None:
    assert await store.watch(CODE, "wall", soon()) == Missing()
    assert party_key_names(server) == []
    party = draft()
    await store.create(party, soon())
    await end_party(store, party)
    assert await store.watch(CODE, "wall", soon()) == Ended()


async def test_watcher_leave_is_counted(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    wall, other = await watch(store), await watch(store, "other")
    subscriber.take_ephemeral()
    await store.drop_connection(wall, soon())
    assert subscriber.take_ephemeral() == ["W1"]
    # Once is enough.
    await store.drop_connection(wall, soon())
    assert subscriber.take_ephemeral() == []
    assert (await renew_leases(store, host, other)).verdicts == ()
    assert (await load_snapshot(store)).watchers == 1


async def test_watcher_of_dead_instance_expires_with_lease(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    wall, alive = await watch(store), await watch(store, "alive")
    subscriber.take_ephemeral()
    await pass_time_renewing(server, store, 8, host, alive)
    assert subscriber.take_ephemeral() == []
    await pass_time_renewing(server, store, 3, host, alive)
    assert subscriber.take_ephemeral() == ["W1"]
    assert (await renew_leases(store, wall, alive)).verdicts == (LeaseLoss("", "wall", Reason.TIMED_OUT),)
    assert (await load_snapshot(store)).watchers == 1


async def test_watchers_expiring_together_publish_one_count(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    for number in range(5):
        await watch(store, f"wall-{number}")
    subscriber.take_ephemeral()
    await pass_time_renewing(server, store, 12, host)
    assert subscriber.take_ephemeral() == ["W0"]
    assert dump_party(server).version == 1


async def test_watcher_renewed_twice_in_one_millisecond_is_kept(store: RedisStore, host: Lease) -> None:
    wall = await watch(store)
    renewals = await asyncio.gather(*(renew_leases(store, wall) for _ in range(50)))
    assert all(renewed.verdicts == () for renewed in renewals)
    del host


async def test_watching_renews_party_ttl(store: RedisStore, server: StoreServer) -> None:
    await store.create(draft(), soon())
    wall = await watch(store)
    pass_time(server, 3600)
    renewed = await renew_leases(store, wall)
    assert abs(renewed.expires_at - store.now_ms() - 7_200_000) < 10_000
    pass_time(server, 3600)
    await watch(store, "another")
    assert 7190 <= server.admin.ttl(f"party:{CODE}") <= 7200


async def test_watcher_commands_are_refused(store: RedisStore, host: Lease, server: StoreServer) -> None:
    wall = await watch(store)
    outcomes = [await store.execute(wall, command, soon()) for command in (SendMessage(text="hello"), Leave())]
    assert all(getattr(outcome, "reason", None) is Reason.TIMED_OUT for outcome in outcomes)
    assert document_of(server)["seats"] == 1
    assert dump_party(server).version == 1
    del host
