"""An instance whose link to the store loses answers or events, while its neighbour's is whole."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.conftest import MakeClient, MakeInstance
from tests.support.client_sync import SyncClient, wait_until_each, wait_until_synced
from tests.support.instances import Instance
from tests.support.proxy import StoreProxy
from tests.support.stores import StoreServer, wait_for

PROMISE_ANSWER_SECONDS = 2.0
REPAIR_SECONDS_MAX = 10.0


class Lame(NamedTuple):
    """A store with a whole instance, and a lame one behind a proxy."""

    store: StoreServer
    whole: Instance
    lame: Instance


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[StoreServer]:
    folder = tmp_path / "own"
    folder.mkdir()
    store = StoreServer("redis", folder)
    store.start()
    yield store
    store.stop()


@pytest.fixture
def proxy(own_store: StoreServer) -> Iterator[StoreProxy]:
    proxy = StoreProxy(own_store.port)
    yield proxy
    proxy.close()


def lame_pair(store: StoreServer, proxy: StoreProxy, new_instance: MakeInstance) -> Lame:
    ports = (store.port, proxy.port)
    whole, lame = (new_instance(REDIS_HOST="127.0.0.1", REDIS_PORT=str(port)).start() for port in ports)
    return Lame(store, whole, lame)


def test_join_answered_as_failed_leaves_no_seat(
    own_store: StoreServer, proxy: StoreProxy, new_instance: MakeInstance, new_client: MakeClient
) -> None:
    pair = lame_pair(own_store, proxy, new_instance)
    host, stranger, returning = new_client(pair.whole), new_client(pair.lame), new_client(pair.lame)
    host.create(name="Ann")
    proxy.cut_after_send()
    for client, fields in ((stranger, {}), (returning, {"token": "a-secret-of-the-client-itself"})):
        asked_at = time.monotonic()
        assert client.refused("JOIN", code=host.code, **fields) == "store_unavailable"
        assert time.monotonic() - asked_at < PROMISE_ANSWER_SECONDS
    assert proxy.cuts > 0
    proxy.mend()
    wait_for(partial(gets_in, returning, host.code, token="a-secret-of-the-client-itself"))
    present = {host.member_id, returning.member_id}
    host.wait_until(lambda: set(host.room["members"]) == present)
    returning.wait_until(lambda: returning.view.is_caught_up and set(returning.room["members"]) == present)
    wait_until_synced(host, returning)
    host.do("SEND_MESSAGE", text="and it stays so")
    returning.wait_for_message("MESSAGE")
    assert set(host.room["members"]) == present


def gets_in(client: SyncClient, code: str, **fields: str) -> bool:
    """Return whether the client gets a seat; a refusal must be one to try again after."""
    answer = client.ask("JOIN", code=code, **fields)
    assert answer["t"] == "JOINED" or answer["retryable"], answer
    return bool(answer["t"] == "JOINED")


def test_command_with_lost_answer_runs_at_most_once(
    own_store: StoreServer, proxy: StoreProxy, new_instance: MakeInstance, new_client: MakeClient
) -> None:
    pair = lame_pair(own_store, proxy, new_instance)
    host, guest = new_client(pair.whole), new_client(pair.lame)
    host.create()
    guest.join(host.code)
    proxy.cut_after_send()
    assert guest.refused("SEND_MESSAGE", text="perhaps") == "store_unavailable"
    proxy.mend()
    wait_for(lambda: guest.ask("SEND_MESSAGE", text="certainly")["t"] == "OK")
    for client in (host, guest):
        client.wait_for_message("MESSAGE", text="certainly")
    wait_until_synced(host, guest)
    assert len(host.all_of("MESSAGE", text="perhaps")) <= 1
    assert (host.all_of("MEMBER_LEFT"), guest.close_code) == ([], None)


def test_silent_subscription_is_resynced_within_10_seconds(
    own_store: StoreServer, proxy: StoreProxy, new_instance: MakeInstance, new_client: MakeClient
) -> None:
    pair = lame_pair(own_store, proxy, new_instance)
    host, guest, watcher = new_client(pair.whole), new_client(pair.lame), new_client(pair.lame)
    host.create(name="Ann")
    guest.join(host.code)
    watcher.watch(host.code)
    wait_until_synced(host, guest, watcher)
    proxy.stall_subscriptions()
    stalled_at = time.monotonic()
    for number in range(3):
        host.do("SEND_MESSAGE", text=f"unheard {number}")
    wait_for(lambda: proxy.lost > 0)
    wait_until_each((guest, watcher), lambda client: client.find("MESSAGE", {"text": "unheard 2"}))
    assert time.monotonic() - stalled_at < REPAIR_SECONDS_MAX
    wait_until_synced(host, guest, watcher)
    wait_for(lambda: pair.lame.call("GET", "/ready").status == 200)
    guest.do("SEND_MESSAGE", text="and the new ear hears")
    wait_until_each((host, guest, watcher), lambda client: client.find("MESSAGE", {"text": "and the new ear hears"}))
    assert guest.all_of("STATUS", store="disconnected") == []
