"""Watching without a seat, and what operators and clocks see of a live party."""

import json
from typing import Any

from tests.integration.conftest import MakeClient, Party
from tests.support.client_sync import wait_until_synced
from tests.support.pairs import Pair
from tests.support.stores import StoreServer, wait_for

WATCHERS_MAX = 16
TTL_SECONDS = 7200


def store_ms(store: StoreServer) -> float:
    """Return the time of the store's clock in milliseconds."""
    seconds, microseconds = store.admin.time()
    return float(seconds * 1000 + microseconds / 1000)


def document(store: StoreServer, code: str) -> dict[str, Any]:
    """Return what an operator sees of a party."""
    content = json.loads(store.text(f"party:{code}"))
    assert isinstance(content, dict)
    return content


def test_watcher_gets_all_events_and_no_commands(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    watcher = new_client(shared_pair.there)
    watching = watcher.watch(host.code.lower())
    assert watcher.kinds() == ["WELCOME", "WATCHING", "ROOM"]
    assert watching.keys() >= {"code", "epoch", "version", "requestId"}
    assert watching["code"] == host.code
    assert "memberId" not in watching
    for kind, fields in (("SEND_MESSAGE", {"text": "hi"}), ("LOCK_SET", {"locked": True})):
        assert watcher.refused(kind, **fields) == "not_joined"
    assert watcher.do("PING", id="p")["t"] == "PONG"
    guest.do("SEND_MESSAGE", text="seen by all")
    watcher.wait_for_message("MESSAGE", text="seen by all")
    assert (host.room["guestCount"], len(host.room["members"])) == (1, 2)
    wait_until_synced(host, guest, watcher)


def test_sixteen_may_watch_over_all_instances(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    watchers = [new_client(shared_pair.instances[number % 2]) for number in range(WATCHERS_MAX)]
    for watcher in watchers:
        watcher.watch(party.host.code)
    late = new_client(shared_pair.here)
    assert late.refused("WATCH", code=party.host.code) == "too_many_watchers"
    seated = new_client(shared_pair.there)
    seated.join(party.host.code)
    assert (seated.room["watchers"], seated.room["guestCount"]) == (WATCHERS_MAX, 2)
    watchers[0].hang_up()
    wait_for(lambda: late.ask("WATCH", code=party.host.code)["t"] == "WATCHING")
    late.wait_until(lambda: late.view.is_caught_up)
    wait_until_synced(party.host, seated, late, *watchers[1:])


def test_locked_party_refuses_new_watchers(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    watcher, late = new_client(shared_pair.here), new_client(shared_pair.there)
    watcher.watch(party.host.code)
    party.host.do("LOCK_SET", locked=True)
    watcher.wait_until(lambda: watcher.room["locked"])
    assert late.refused("WATCH", code=party.host.code) == "party_locked"
    party.host.do("LOCK_SET", locked=False)
    late.watch(party.host.code)


def test_watchers_receive_party_end(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    watcher = new_client(shared_pair.there)
    watcher.watch(party.host.code)
    party.host.do("LEAVE")
    watcher.wait_for_message("ENDED", cause="host_left")
    assert watcher.wait_for_close() == 4503


def test_ping_is_answered_with_store_time(shared_pair: Pair, new_client: MakeClient) -> None:
    for instance in shared_pair.instances:
        client = new_client(instance)
        before = store_ms(shared_pair.store)
        pong = client.do("PING", id="any text")
        after = store_ms(shared_pair.store)
        assert (pong["t"], pong["id"]) == ("PONG", "any text")
        assert before - 100 <= pong["serverTime"] <= after + 100
        assert client.do("PING")["t"] == "PONG"
        client.send("PING", id="without a requestId")
        assert "requestId" not in client.wait_for_message("PONG", id="without a requestId")


def test_stored_party_document_matches_contract(party: Party, shared_pair: Pair) -> None:
    host, guest = party
    store, code = shared_pair.store, host.code

    def shows(**expected: Any) -> bool:
        seen = document(store, code)
        return {name: seen[name] for name in expected} == expected

    wait_for(lambda: shows(hostId=host.member_id, hostConnected=True, guestCount=1, chatMode="OPEN"))
    assert document(store, code)["createdAt"] == host.room["createdAt"]
    host.do("CHAT_MODE_SET", mode="LOCKED")
    wait_for(lambda: shows(chatMode="LOCKED"))
    guest.vanish()
    wait_for(lambda: shows(guestCount=0, hostConnected=True))
    host.vanish()
    wait_for(lambda: shows(hostConnected=False))


def test_party_is_one_countable_key(party: Party, shared_pair: Pair) -> None:
    party.guest.do("SEND_MESSAGE", text="there is a log now")
    keys = {str(key) for key in shared_pair.store.admin.keys("*")}
    code = party.host.code
    assert [key for key in keys if key.startswith("party:") and code in key] == [f"party:{code}"]
    assert all(key.startswith(("party:", "{party:", "hubbub:")) for key in keys)
    assert any(key.startswith(f"{{party:{code}}}:") for key in keys)
    for key in keys:
        if code in key:
            assert 0 < shared_pair.store.admin.ttl(key) <= TTL_SECONDS


def test_party_ttl_renewed_by_command_not_by_look_up(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    admin = shared_pair.store.admin
    made = shared_pair.here.create().body
    admin.expire(f"party:{made['partyCode']}", 1000)
    for instance in shared_pair.instances:
        assert instance.look_up(made["partyCode"]).body["exists"] is True
        assert instance.join(made["partyCode"]).status == 200
    assert admin.ttl(f"party:{made['partyCode']}") <= 1000
    new_client(shared_pair.there).join(made["partyCode"], token=made["hostToken"])
    assert TTL_SECONDS - 10 <= admin.ttl(f"party:{made['partyCode']}") <= TTL_SECONDS
    admin.expire(f"party:{party.host.code}", 1000)
    party.guest.do("RENAME", name="Still here")
    assert TTL_SECONDS - 10 <= admin.ttl(f"party:{party.host.code}") <= TTL_SECONDS


def test_party_kept_alive_by_lease_renewals_alone(party: Party, shared_pair: Pair) -> None:
    admin = shared_pair.store.admin
    admin.expire(f"party:{party.host.code}", 1000)
    wait_for(lambda: admin.ttl(f"party:{party.host.code}") > TTL_SECONDS - 10)
