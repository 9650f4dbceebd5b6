"""Run the commands of a host: kick, promote, lock, set the chat mode."""

import pytest
from msgspec.structs import replace

from hubbub.core.errors import Reason
from hubbub.core.party import ChatMode
from hubbub.core.protocol import (
    ChangeTrack,
    Kick,
    Leave,
    MemberCommand,
    Pause,
    Play,
    Promote,
    QueueTrack,
    Rename,
    SelectTrack,
    SetChatMode,
    SetLock,
)
from hubbub.core.results import Created, Ended, Full, Joined, Kicked, Rejected
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import TERMS, attempt, draft, soon, start_party, take_seat
from tests.contract.party_actions import load_snapshot, pass_time_renewing, renew_leases, run_commands
from tests.contract.store_dump import CODE, Subscriber, document_of, dump_party
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


async def refusal(store: RedisStore, lease: Lease, command: MemberCommand | Leave) -> Reason:
    """Why a command is refused, which it must be."""
    outcome = await store.execute(lease, command, soon())
    assert isinstance(outcome, Rejected)
    return outcome.reason


async def test_guest_has_no_host_commands(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest, other = await take_seat(store), await take_seat(store)
    before = dump_party(server)
    commands: list[MemberCommand] = [
        Kick(target_id=other.member_id),
        Kick(target_id=host.member_id),
        Promote(target_id=guest.member_id),
        SetChatMode(mode=ChatMode.LOCKED),
        SetLock(locked=True),
        SelectTrack(filename="a"),
        QueueTrack(filename="a"),
        ChangeTrack(filename="a"),
        Play(),
        Pause(),
    ]
    assert {await refusal(store, guest, command) for command in commands} == {Reason.NOT_HOST}
    after = dump_party(server)
    assert (after.version, after.document, after.seats) == (before.version, before.document, before.seats)


async def test_kicked_guest_cannot_rejoin(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store, token="mine")
    subscriber.take_events()
    subscriber.take_ephemeral()
    await run_commands(store, host, Kick(target_id=guest.member_id))
    left = {"t": "MEMBER_LEFT", "memberId": guest.member_id, "cause": "kicked", "guestCount": 0, "version": 3}
    assert subscriber.take_events() == [left]
    assert subscriber.take_ephemeral() == [f"K{guest.holder}"]
    document = document_of(server)
    assert (document["seats"], document["guestCount"]) == (1, 0)
    assert await refusal(store, guest, Rename(name="Bob")) is Reason.KICKED
    assert await refusal(store, guest, Leave()) is Reason.KICKED
    assert await store.join(attempt(token="mine"), soon()) == Kicked()
    await store.drop_connection(guest, soon())
    # Another phone, or the same with another token, is another guest.
    await take_seat(store)


async def test_kick_frees_seat(store: RedisStore) -> None:
    host = await start_party(store, replace(TERMS, capacity=2))
    guest = await take_seat(store)
    assert await store.join(attempt(), soon()) == Full()
    await run_commands(store, host, Kick(target_id=guest.member_id))
    await take_seat(store)
    assert await store.join(attempt(), soon()) == Full()


async def test_disconnected_guest_can_be_kicked(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store, token="mine")
    await store.drop_connection(guest, soon())
    await run_commands(store, host, Kick(target_id=guest.member_id))
    assert await store.join(attempt(token="mine"), soon()) == Kicked()
    assert list(dump_party(server).leases) == [f"on:{host.member_id}"]


async def test_kick_lasts_as_long_as_party(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store, token="mine")
    await run_commands(store, host, Kick(target_id=guest.member_id))
    await pass_time_renewing(server, store, 600, host)
    assert await store.join(attempt(token="mine"), soon()) == Kicked()


async def test_kick_requires_guest_of_party(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    guest = await take_seat(store)
    left = await take_seat(store)
    await run_commands(store, left, Leave())
    await run_commands(store, host, Kick(target_id=guest.member_id))
    subscriber.take_events()
    for target in (host.member_id, guest.member_id, left.member_id, "nobody", "", "kicked"):
        assert await refusal(store, host, Kick(target_id=target)) is Reason.INVALID_TARGET
    assert subscriber.take_events() == []


async def test_promoted_guest_is_host(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store, name="Bob")
    other = await take_seat(store)
    subscriber.take_events()
    await run_commands(store, host, Promote(target_id=guest.member_id))
    member = {"id": guest.member_id, "name": "Bob", "isHost": True, "connected": True}
    changed = {"t": "HOST_CHANGED", "hostId": guest.member_id, "member": member, "guestCount": 2, "version": 4}
    assert subscriber.take_events() == [changed]
    document = document_of(server)
    assert (document["hostId"], document["hostName"], document["hostConnected"]) == (guest.member_id, "Bob", True)
    assert (document["guestCount"], document["seats"]) == (2, 3)
    party = await load_snapshot(store)
    assert [(member.name, member.is_host) for member in party.members] == [
        ("Ann", False),
        ("Bob", True),
        ("Guest 2", False),
    ]
    assert await refusal(store, host, Kick(target_id=other.member_id)) is Reason.NOT_HOST
    await run_commands(store, guest, Kick(target_id=host.member_id))


async def test_token_owns_seat_and_not_role(store: RedisStore) -> None:
    host = await start_party(store, token="creator's")
    guest = await take_seat(store, token="mine")
    await run_commands(store, host, Promote(target_id=guest.member_id))
    for token, seat, is_host in (("creator's", host, False), ("mine", guest, True)):
        joined = await store.join(attempt(token=token), soon())
        assert isinstance(joined, Joined)
        assert (joined.member_id, joined.is_host, joined.resumed) == (seat.member_id, is_host, True)


async def test_host_role_can_be_handed_back(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store)
    await run_commands(store, host, Promote(target_id=guest.member_id))
    await run_commands(store, guest, Promote(target_id=host.member_id))
    document = document_of(server)
    assert (document["hostId"], document["hostName"], document["guestCount"]) == (host.member_id, "Ann", 1)
    assert [member.is_host for member in (await load_snapshot(store)).members] == [True, False]


async def test_promotion_requires_connected_guest(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    guest, kicked = await take_seat(store), await take_seat(store)
    await run_commands(store, host, Kick(target_id=kicked.member_id))
    await store.drop_connection(guest, soon())
    subscriber.take_events()
    assert await refusal(store, host, Promote(target_id=guest.member_id)) is Reason.NOT_CONNECTED
    for target in (host.member_id, kicked.member_id, "nobody", ""):
        assert await refusal(store, host, Promote(target_id=target)) is Reason.INVALID_TARGET
    assert subscriber.take_events() == []


async def test_grace_follows_host_change(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store)
    await run_commands(store, host, Promote(target_id=guest.member_id))
    await store.drop_connection(host, soon())
    await store.drop_connection(guest, soon())
    dump = dump_party(server)
    holds = [dump.leases[f"held:{lease.member_id}"] - dump.clock for lease in (host, guest)]
    assert 119_000 < holds[0] <= 120_000
    assert 299_000 < holds[1] <= 300_000


async def test_leave_of_old_host_does_not_end_party(store: RedisStore, host: Lease, server: StoreServer) -> None:
    guest = await take_seat(store)
    await run_commands(store, host, Promote(target_id=guest.member_id), Leave())
    await pass_time_renewing(server, store, 600, guest)
    assert [member.id for member in (await load_snapshot(store)).members] == [guest.member_id]
    await run_commands(store, guest, Leave())
    assert await store.read(CODE, soon()) == Ended()


async def test_unnamed_old_host_gets_guest_number(store: RedisStore, host: Lease) -> None:
    guest = await take_seat(store, name="Bob")
    await run_commands(store, host, Promote(target_id=guest.member_id), Rename(name=""))
    await run_commands(store, guest, Rename(name=""))
    await take_seat(store)
    await run_commands(store, host, Rename(name="Ann"), Rename(name=""))
    names = [member.name for member in (await load_snapshot(store)).members]
    assert names == ["Guest 2", "Host", "Guest 3"]


async def test_repeated_create_finds_party_after_host_change(store: RedisStore) -> None:
    host = await start_party(store, token="creator's")
    guest = await take_seat(store)
    await run_commands(store, host, Promote(target_id=guest.member_id))
    again = await store.create(draft(token="creator's"), soon())
    assert isinstance(again, Created)
    assert (again.repeated, again.party.host_id) == (True, guest.member_id)


async def test_lock_and_chat_mode_are_published_and_stored(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    await run_commands(store, host, SetLock(locked=True), SetChatMode(mode=ChatMode.EMOJI_ONLY))
    assert subscriber.take_events() == [
        {"t": "LOCK_SET", "locked": True, "version": 2},
        {"t": "CHAT_MODE_SET", "mode": "EMOJI_ONLY", "version": 3},
    ]
    document = document_of(server)
    assert (document["locked"], document["chatMode"]) == (True, "EMOJI_ONLY")
    party = await load_snapshot(store)
    assert (party.locked, party.chat_mode) == (True, ChatMode.EMOJI_ONLY)
    await run_commands(store, host, SetLock(locked=False), SetChatMode(mode=ChatMode.OPEN))
    document = document_of(server)
    assert (document["locked"], document["chatMode"]) == (False, "OPEN")
    assert (await renew_leases(store, host)).version == 5
