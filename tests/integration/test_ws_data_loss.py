"""A store that forgets: what lives is written back, what ended stays ended, and who was kicked stays out."""

from tests.integration.conftest import MakeClient
from tests.support.client_sync import SyncClient
from tests.support.instances import Instance
from tests.support.stores import StoreServer, wait_for

KICKED_TOKEN = "a-token-of-somebody-who-was-kicked"
KEY = {"Idempotency-Key": "a-secret-of-the-caller_1"}
PARTY_ENDED = 4503
PASSING = {(503, "recovering"), (503, "store_unavailable")}


def create(instance: Instance) -> str:
    while (answer := instance.call("POST", "/api/create-party", headers=KEY)).status != 200:
        assert answer.status == 500
    return str(answer.body["partyCode"])


def ask_to_join(instance: Instance, code: str) -> tuple[int, str]:
    answer = instance.call("POST", "/api/join-party", json={"partyCode": code})
    return answer.status, answer.body.get("reason", "")


def joining(instance: Instance, code: str) -> tuple[int, str]:
    """Return what is said to a join once it is no more put off."""
    while (answer := ask_to_join(instance, code)) in PASSING:
        pass
    return answer


def end_by_hand(store: StoreServer, code: str) -> None:
    """End a party as docs/redis.md advises operators."""
    store.command("SET", f"{{party:{code}}}:ended", "", "EX", "7200")
    store.command("DEL", f"party:{code}")


def test_empty_store_gets_back_parties_and_tombstones(
    pair: tuple[Instance, Instance], store: StoreServer, new_client: MakeClient
) -> None:
    here, there = pair
    host, guest, kicked = new_client(here), new_client(there), new_client(there)
    host.create(name="Ann")
    guest.join(host.code, name="Bob")
    kicked.join(host.code, token=KICKED_TOKEN)
    host.do("KICK", targetId=kicked.member_id)
    host.do("CHAT_MODE_SET", mode="EMOJI_ONLY")
    gone = new_client(here)
    gone.create()
    gone.do("LEAVE")
    created = create(here)
    epoch = host.view.epoch

    store.admin.flushall()
    for instance in pair:
        for code in (host.code, created):
            assert joining(instance, code) == (200, "")
        assert ask_to_join(instance, gone.code)[0] != 200
    host.wait_until(lambda: host.view.epoch != epoch)
    guest.wait_until(lambda: guest.view.epoch == host.view.epoch and len(guest.view.connected()) == 2)
    assert guest.view.room["chatMode"] == "EMOJI_ONLY"
    assert guest.refused("SEND_MESSAGE", text="hello") == "emoji_only"
    assert new_client(there).refused("JOIN", code=host.code, token=KICKED_TOKEN) == "kicked"
    assert joining(there, gone.code) == (404, "party_ended")
    assert create(there) == created


def test_deleted_party_is_restored_but_not_an_ended_one(
    pair: tuple[Instance, Instance], store: StoreServer, new_client: MakeClient
) -> None:
    host, guest = new_client(pair[0]), new_client(pair[1])
    host.create(name="Ann")
    guest.join(host.code, name="Bob")
    epoch = host.view.epoch
    store.admin.delete(f"party:{host.code}")
    host.wait_until(lambda: host.view.epoch != epoch)
    guest.wait_until(lambda: guest.view.epoch == host.view.epoch)
    wait_for(lambda: pair[1].call("GET", f"/api/party/{host.code}").body.get("guestCount") == 1)

    end_by_hand(store, host.code)
    assert [client.wait_for_close() for client in (host, guest)] == [PARTY_ENDED, PARTY_ENDED]
    assert joining(pair[0], host.code) == (404, "party_ended")


def test_older_store_state_revives_no_party_and_costs_no_seat(
    pair: tuple[Instance, Instance], store: StoreServer, new_client: MakeClient
) -> None:
    host, early, late = (new_client(pair[number]) for number in (0, 1, 1))
    gone = new_client(pair[0])
    host.create(name="Ann")
    gone.create()
    early.join(host.code, name="Bob")
    old = {key: store.admin.dump(key) for key in map(str, store.admin.keys("*"))}
    late.join(host.code, name="Cleo")
    host.do("LOCK_SET", locked=True)
    gone.do("LEAVE")
    beat = int(store.admin.hget("hubbub:{0}:life", "beat") or 0)
    wait_for(lambda: int(store.admin.hget("hubbub:{0}:life", "beat") or 0) > beat + 2)

    restore(store, old)
    everybody: list[SyncClient] = [host, early, late]
    epoch = host.view.epoch
    for client in everybody:
        client.wait_until(lambda client=client: client.view.epoch != epoch and len(client.view.connected()) == 3)  # type: ignore[misc]
        assert client.view.room["locked"]
    wait_for(lambda: ask_to_join(pair[1], gone.code) == (404, "party_ended"))


def restore(store: StoreServer, old: dict[str, bytes | None]) -> None:
    """Put an older state back, all at once."""
    pipeline = store.admin.pipeline()
    pipeline.flushall()
    for key, value in old.items():
        pipeline.restore(key, 0 if "hubbub" in key else 7_200_000, value or b"")
    pipeline.execute()
