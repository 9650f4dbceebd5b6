"""Use a party in a store that is full, late, or without its scripts."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from hubbub.core.protocol import Kick, Leave, Promote, Rename, SendMessage, SetLock
from hubbub.core.results import Accepted, Ended, FullState, Joined, Renewed
from hubbub.core.seats import Lease
from hubbub.store.port import DeadlineExceededError, StoreFailure, StoreUnavailableError
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import Instance, attempt, draft, soon, start_party, take_seat
from tests.contract.party_actions import load_snapshot, pass_time_renewing, renew_leases, run_commands
from tests.contract.store_dump import CODE, document_of, dump_party, party_key_names, pass_time
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


class Memory:
    """The store's memory, which a test may use up."""

    def __init__(self, server: StoreServer) -> None:
        self._server = server

    def use_up(self) -> None:
        self._server.admin.config_set("maxmemory", "1")

    def free(self) -> None:
        self._server.admin.config_set("maxmemory", "0")


@pytest.fixture
def memory(server: StoreServer) -> Iterator[Memory]:
    memory = Memory(server)
    yield memory
    memory.free()


async def trouble_of(call: Awaitable[object]) -> StoreUnavailableError:
    with pytest.raises(StoreUnavailableError) as caught:
        await call
    return caught.value


async def test_full_store_refuses_new_seats(
    store: RedisStore, host: Lease, memory: Memory, server: StoreServer
) -> None:
    memory.use_up()
    unavailable = await trouble_of(store.join(attempt(), soon()))
    assert unavailable.failure is StoreFailure.OUT_OF_MEMORY
    assert not unavailable.in_doubt
    assert (await trouble_of(store.watch(CODE, "wall", soon()))).failure is StoreFailure.OUT_OF_MEMORY
    assert dump_party(server).seats.keys() == {host.member_id}
    memory.free()
    await take_seat(store)


async def test_full_store_accepts_rejoin(store: RedisStore, memory: Memory) -> None:
    party = draft()
    await store.create(party, soon())
    dropped, taken = await take_seat(store, token="one"), await take_seat(store, token="two")
    await store.drop_connection(dropped, soon())
    memory.use_up()
    for token, seat in (("one", dropped.member_id), ("two", taken.member_id), (party.host_token_hash, party.host_id)):
        joined = await store.join(attempt(token=token), soon())
        assert isinstance(joined, Joined)
        assert (joined.member_id, joined.resumed) == (seat, True)


async def test_full_store_accepts_renewals_and_leaves(
    store: RedisStore, host: Lease, memory: Memory, server: StoreServer
) -> None:
    guest, other, third = await take_seat(store), await take_seat(store), await take_seat(store)
    in_doubt = attempt()
    await store.join(in_doubt, soon())
    memory.use_up()
    assert (await renew_leases(store, host, guest, other)).verdicts == ()
    await run_commands(store, guest, Leave())
    await run_commands(store, host, Kick(target_id=other.member_id))
    await store.drop_connection(third, soon())
    await store.rollback_join(in_doubt, soon())
    assert isinstance(await store.catch_up(CODE, None, soon()), FullState)
    document = document_of(server)
    assert (document["seats"], document["guestCount"]) == (2, 0)
    for command in (SendMessage(text="hello"), Rename(name="Anna"), SetLock(locked=True), Promote(target_id="x")):
        assert (await trouble_of(store.execute(host, command, soon()))).failure is StoreFailure.OUT_OF_MEMORY
    await run_commands(store, host, Leave())
    assert server.admin.keys("*") == [f"{{party:{CODE}}}:ended"]


async def test_full_store_expires_leases_and_holds(
    store: RedisStore, host: Lease, memory: Memory, server: StoreServer
) -> None:
    guest, dropped = await take_seat(store), await take_seat(store)
    await store.drop_connection(dropped, soon())
    await pass_time_renewing(server, store, 118, host, guest)
    pass_time(server, 4)
    memory.use_up()
    await renew_leases(store, host)
    assert dump_party(server).seats.keys() == {host.member_id, guest.member_id}
    memory.free()
    await store.drop_connection(host, soon())
    await pass_time_renewing(server, store, 298, guest)
    pass_time(server, 4)
    memory.use_up()
    assert await store.renew(CODE, [guest], soon()) == Ended()


async def test_command_after_deadline_changes_nothing(instance: Instance, server: StoreServer) -> None:
    store = instance.store
    host = await start_party(store)
    guest = await take_seat(store, token="mine")
    in_doubt = attempt()
    await store.join(in_doubt, soon())
    before = dump_party(server)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.join(attempt(), soon()),
        lambda: store.join(attempt(token="mine"), soon()),
        lambda: store.rollback_join(in_doubt, soon()),
        lambda: store.watch(CODE, "wall", soon()),
        lambda: store.drop_connection(guest, soon()),
        lambda: store.renew(CODE, [host, guest], soon()),
        lambda: store.execute(guest, Leave(), soon()),
        lambda: store.execute(host, Leave(), soon()),
        lambda: store.execute(host, Kick(target_id=guest.member_id), soon()),
        lambda: store.execute(host, SendMessage(text="hello"), soon()),
    ]
    for call in calls:
        # The instance believes that the store's clock is an hour behind, so all it sends comes too late; and that
        # reply tells it the true time.
        instance.set_clock_offset_behind(3600)
        unavailable = await trouble_of(call())
        assert isinstance(unavailable, DeadlineExceededError)
        assert not unavailable.in_doubt
    assert dump_party(server) == before
    assert isinstance(await store.renew(CODE, [host, guest], soon()), Renewed)


async def test_command_after_deadline_does_not_prove_absence(instance: Instance, server: StoreServer) -> None:
    await instance.store.read(CODE, soon())
    instance.set_clock_offset_behind(3600)
    assert isinstance(await trouble_of(instance.store.join(attempt(), soon())), DeadlineExceededError)
    assert party_key_names(server) == []


async def test_join_reloads_flushed_scripts(store: RedisStore, host: Lease, server: StoreServer) -> None:
    for command in (SendMessage(text="hello"), Rename(name="Anna"), SetLock(locked=False)):
        server.admin.script_flush()
        assert await store.execute(host, command, soon()) == Accepted()
    server.admin.script_flush()
    guest = await take_seat(store)
    server.admin.script_flush()
    assert (await renew_leases(store, host, guest)).version == 5
    assert (await load_snapshot(store)).guest_count == 1
