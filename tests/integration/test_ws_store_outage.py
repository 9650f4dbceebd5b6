"""The store away for longer than any lease, hold or grace, its data kept, while clients are connected."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.integration.conftest import MakeClient
from tests.support.client_sync import SyncClient, wait_until_each, wait_until_synced
from tests.support.pairs import Pair, started_pair
from tests.support.stores import Flavour, StoreServer, wait_for

PROMISE_ANSWER_SECONDS = 2.0
PROMISE_RETURN_SECONDS = 2.0
LEASE_SECONDS = 3
GRACE_SECONDS = 5
# Longer than a lease and a hold together: a clock that ran on would end everything.
AWAY_SECONDS = LEASE_SECONDS + GRACE_SECONDS + 4
PING_PAUSE_SECONDS = 0.5


def restart_with_its_data(store: StoreServer) -> None:
    store.start()


def thaw(store: StoreServer) -> None:
    store.thaw()


@pytest.mark.parametrize(
    ("flavour", "take_away", "bring_back"),
    [("valkey", StoreServer.freeze, thaw), ("redis", StoreServer.kill, restart_with_its_data)],
    ids=["frozen", "killed"],
)
def test_store_outage_ends_no_seat_and_no_party(
    tmp_path: Path,
    new_client: MakeClient,
    flavour: Flavour,
    take_away: Callable[[StoreServer], None],
    bring_back: Callable[[StoreServer], None],
) -> None:
    with started_pair(
        flavour,
        tmp_path,
        LEASE_SECONDS=str(LEASE_SECONDS),
        HOST_GRACE_SECONDS=str(GRACE_SECONDS),
        SEAT_HOLD_SECONDS=str(GRACE_SECONDS),
    ) as pair:
        # By default the store may answer two seconds before it writes.
        pair.store.admin.config_set("appendfsync", "always")
        host, guest, other, watcher = (new_client(pair.instances[number % 2]) for number in range(4))
        host.create(name="Ann")
        guest.join(host.code)
        other.join(host.code)
        watcher.watch(host.code)
        away = new_client(pair.there)
        away.join(host.code)
        away.vanish()
        clients = (host, guest, other, watcher)
        host.wait_until(lambda: host.room["guestCount"] == 2)
        wait_until_synced(*clients)
        take_away(pair.store)
        taken_away_at = time.monotonic()
        for client in clients:
            client.wait_for_message("STATUS", store="disconnected")
        expect_refusals(pair, host, guest, new_client)
        while time.monotonic() < taken_away_at + AWAY_SECONDS:
            for client in clients:
                assert client.do("PING", id="still there")["t"] == "PONG"
            time.sleep(PING_PAUSE_SECONDS)  # an outage is a length of time
        bring_back(pair.store)
        for client in (host, guest):
            wait_for(partial(can_speak, client), PROMISE_RETURN_SECONDS)
        expect_all_is_as_before(clients)
        returned = new_client(pair.here)
        assert returned.join(host.code, token=away.token)["resumed"] is True
        wait_until_synced(*clients, returned)


def expect_refusals(pair: Pair, host: SyncClient, guest: SyncClient, new_client: MakeClient) -> None:
    """Whatever needs the store is refused in time, retryably, and never as absent."""
    stranger = new_client(pair.there)
    for client, kind, fields in (
        (host, "SEND_MESSAGE", {"text": "lost"}),
        (host, "LOCK_SET", {"locked": True}),
        (guest, "RENAME", {"name": "Lost"}),
        (guest, "SEND_REACTION", {"emoji": "🎉"}),
        (stranger, "JOIN", {"code": host.code}),
        (stranger, "JOIN", {"code": "ZZZZZZ"}),
        (stranger, "WATCH", {"code": host.code}),
        (stranger, "CREATE", {}),
    ):
        asked_at = time.monotonic()
        assert client.refused(kind, **fields) == "store_unavailable"
        assert time.monotonic() - asked_at < PROMISE_ANSWER_SECONDS
    stranger.hang_up()


def can_speak(client: SyncClient) -> bool:
    """Return whether a message is taken; a refusal must be one to try again after."""
    answer = client.ask("SEND_MESSAGE", text="we are back")
    assert answer["t"] == "OK" or answer["reason"] in {"store_unavailable", "recovering"}
    return bool(answer["t"] == "OK")


def expect_all_is_as_before(clients: tuple[SyncClient, ...]) -> None:
    """No leave, no end, no lost word that was granted, no word that was refused."""
    host, guest, other, _ = clients
    for client in clients:
        client.wait_for_message("STATUS", store="connected")
    present = {host.member_id, guest.member_id, other.member_id}
    wait_until_each(clients, lambda client: client.view.connected() == present)
    speakers = {host.member_id, guest.member_id}
    wait_until_each(clients, lambda client: {message["memberId"] for message in client.room["messages"]} == speakers)
    wait_until_synced(*clients)
    for client in clients:
        assert (client.all_of("MEMBER_LEFT"), client.all_of("ENDED")) == ([], [])
        assert (client.room["locked"], client.room["guestCount"], len(client.room["members"])) == (False, 2, 4)
        assert {message["text"] for message in client.room["messages"]} == {"we are back"}
        assert all(member["name"] != "Lost" for member in client.room["members"].values())
