"""How long things wait: seats for their guests, parties for their hosts, instances for a first word."""

import time
from collections.abc import Iterator

import pytest

from tests.integration.conftest import MakeClient
from tests.support.client_sync import SyncClient, wait_until_each, wait_until_synced
from tests.support.instances import PATIENT
from tests.support.pairs import Pair, started_pair
from tests.support.stores import wait_for

HOLD_SECONDS = 5
CAPACITY = 4
FIRST_WORD_SECONDS = 10
# Expired entries are removed by the next command on the party, which may take this long.
LATE_SECONDS = 5


@pytest.fixture(scope="module")
def short_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two instances whose parties wait 5 s and have four seats."""
    with started_pair(
        "redis",
        tmp_path_factory.mktemp("short"),
        PATIENT,
        HOST_GRACE_SECONDS=str(HOLD_SECONDS),
        SEAT_HOLD_SECONDS=str(HOLD_SECONDS),
        LEASE_SECONDS="3",
        PARTY_CAPACITY=str(CAPACITY),
    ) as pair:
        yield pair


@pytest.fixture
def host(short_pair: Pair, new_client: MakeClient) -> SyncClient:
    host = new_client(short_pair.here)
    host.create(name="Ann")
    return host


def expect_held_from(vanished_at: float, disconnected_at: float) -> None:
    """See that what was given up now was held long enough since before the end, and not much longer since it was told.

    The test may hear late that a connection has ended, and the time runs from the end itself.
    """
    now = time.monotonic()
    assert now - vanished_at > HOLD_SECONDS - 1
    assert now - disconnected_at < HOLD_SECONDS + LATE_SECONDS


def test_full_party_refuses_guests_and_keeps_seats(host: SyncClient, short_pair: Pair, new_client: MakeClient) -> None:
    guests = [new_client(short_pair.instances[number % 2]) for number in range(CAPACITY - 1)]
    for guest in guests:
        guest.join(host.code)
    late = new_client(short_pair.there)
    assert late.refused("JOIN", code=host.code) == "party_full"
    for instance in short_pair.instances:
        answer = instance.join(host.code)
        assert (answer.status, answer.body["reason"]) == (409, "party_full")
        assert instance.look_up(host.code).body["full"] is True
    guests[0].vanish()
    host.wait_until(lambda: host.room["guestCount"] == CAPACITY - 2)
    assert late.refused("JOIN", code=host.code) == "party_full"
    back = new_client(short_pair.there)
    assert back.join(host.code, token=guests[0].token)["resumed"] is True
    assert guests[1].ask("LEAVE")["t"] == "OK"
    late.join(host.code)
    assert host.room["capacity"] == CAPACITY
    wait_until_synced(host, back, guests[2], late)


def test_seat_held_for_grace_then_released(host: SyncClient, short_pair: Pair, new_client: MakeClient) -> None:
    gone, returning = (new_client(short_pair.there) for _ in range(2))
    for guest in (gone, returning):
        guest.join(host.code)
    vanished_at = time.monotonic()
    for guest in (gone, returning):
        guest.vanish()
    host.wait_until(lambda: host.room["guestCount"] == 0)
    disconnected_at = time.monotonic()
    back = new_client(short_pair.here)
    assert back.join(host.code, token=returning.token)["resumed"] is True
    host.wait_for_message("MEMBER_LEFT", memberId=gone.member_id, cause="timeout")
    expect_held_from(vanished_at, disconnected_at)
    assert new_client(short_pair.there).join(host.code, token=gone.token)["resumed"] is False
    assert [told["memberId"] for told in host.all_of("MEMBER_LEFT")] == [gone.member_id]
    wait_until_synced(host, back)


def test_party_waits_for_host_then_ends(short_pair: Pair, new_client: MakeClient) -> None:
    ended, kept = ((new_client(short_pair.here), new_client(short_pair.there)) for _ in range(2))
    for host, guest in (ended, kept):
        host.create()
        guest.join(host.code)
    vanished_at = time.monotonic()
    for host, _ in (ended, kept):
        host.vanish()
    wait_until_each((ended[1], kept[1]), lambda guest: not guest.room["hostConnected"])
    disconnected_at = time.monotonic()
    back = new_client(short_pair.there)
    assert back.join(kept[0].code, token=kept[0].token)["isHost"] is True
    host, guest = ended
    assert guest.wait_for_message("ENDED")["cause"] == "host_timeout"
    expect_held_from(vanished_at, disconnected_at)
    assert guest.wait_for_close() == 4503
    assert short_pair.store.admin.exists(f"party:{host.code}") == 0
    for instance in short_pair.instances:
        assert instance.join(host.code).body["reason"] == "party_ended"
    back.do("SEND_MESSAGE", text="we go on")
    kept[1].wait_for_message("MESSAGE", text="we go on")
    assert kept[1].view.ended is None


def test_deserted_party_ends_too(short_pair: Pair, new_client: MakeClient) -> None:
    host, guest = new_client(short_pair.here), new_client(short_pair.there)
    host.create()
    guest.join(host.code)
    never_entered = short_pair.here.create().body["partyCode"]
    for client in (host, guest):
        client.vanish()
    wait_for(lambda: short_pair.there.join(host.code).status == 404)
    assert short_pair.here.look_up(host.code).body["exists"] is False
    assert short_pair.here.join(never_entered).status == 200


def test_idle_connection_closed_after_10_seconds(short_pair: Pair, new_client: MakeClient) -> None:
    started_at = time.monotonic()
    silent, pinging, refused = (new_client(short_pair.here) for _ in range(3))
    watcher, host = (new_client(short_pair.there) for _ in range(2))
    host.create()
    watcher.watch(host.code)
    assert pinging.do("PING")["t"] == "PONG"
    assert refused.refused("JOIN", code="ZZZZZZ") == "party_not_found"
    for client in (silent, pinging, refused):
        assert client.wait_for_close() == 4400
        assert FIRST_WORD_SECONDS - 1 < time.monotonic() - started_at < FIRST_WORD_SECONDS + LATE_SECONDS
    for client in (watcher, host):
        client.do("PING")
