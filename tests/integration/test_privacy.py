"""What docs/privacy.md says of logs, cookies and the store, from outside."""

import re
from pathlib import Path

from tests.integration.conftest import MakeClient, MakeInstance
from tests.support.instances import Instance
from tests.support.stores import StoreServer

DOCUMENTS = Path(__file__).parents[2] / "docs"
CALLER = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "a-client-of-one-kind", "Referer": "https://secret.example/"}


def party_of_two(instance: Instance, new_client: MakeClient) -> str:
    """Return a party in which two have said and done things; its code."""
    host, guest = new_client(instance), new_client(instance)
    host.create(name="Ann Somebody")
    guest.join(host.code, name="Bob Somebody")
    host.do("RENAME", name="Cleo Somebody")
    host.do("SEND_MESSAGE", text="between you and me")
    host.do("HOST_TRACK_SELECTED", filename="our-song.mp3")
    host.do("SEND_REACTION", emoji="🎉")
    return host.code


def ask_everything(instance: Instance, code: str) -> list[dict[str, str]]:
    """Call every kind of address as a browser would; the headers of the answers."""
    paths = (
        "/",
        f"/p/{code}",
        f"/p/{code}/wall",
        f"/api/party/{code}",
        f"/api/party/{code}/qr.svg",
        "/service-worker.js",
    )
    answers = [instance.call("GET", path, headers=CALLER) for path in (*paths, "/health", "/ready", "/nowhere", "/ws")]
    answers.append(instance.call("POST", "/api/create-party", json={"name": "Dan Somebody"}, headers=CALLER))
    answers.append(instance.call("POST", "/api/join-party", json={"partyCode": code}, headers=CALLER))
    return [answer.headers for answer in answers]


def test_answers_set_no_cookie(new_instance: MakeInstance, new_client: MakeClient) -> None:
    instance = new_instance().start()
    for headers in ask_everything(instance, party_of_two(instance, new_client)):
        assert "set-cookie" not in {name.lower() for name in headers}


def test_log_contains_no_personal_data(new_instance: MakeInstance, new_client: MakeClient) -> None:
    instance = new_instance().start()
    code = party_of_two(instance, new_client)
    ask_everything(instance, code)
    assert instance.terminate() == 0
    for secret in ("Somebody", "between you and me", "our-song", "🎉", f"/p/{code}", *CALLER.values()):
        assert secret not in instance.errors()
    # An instance's own address is logged once, with its port; a caller's never.
    lines = [line for line in instance.log() if line["event"] != "listening"]
    assert "127.0.0.1" not in str(lines)


def test_logged_request_fields_are_in_privacy_document(new_instance: MakeInstance, new_client: MakeClient) -> None:
    instance = new_instance().start()
    ask_everything(instance, party_of_two(instance, new_client))
    assert instance.terminate() == 0
    fields = {name for line in instance.log() if line["event"] in {"request", "expelled"} for name in line}
    documented = set(re.findall(r"`([A-Za-z]+)`", (DOCUMENTS / "privacy.md").read_text()))
    assert {"code", "route", "clientId"} <= fields
    assert fields <= documented


def test_every_store_key_is_documented(store: StoreServer, new_instance: MakeInstance, new_client: MakeClient) -> None:
    instance = new_instance(REDIS_HOST="127.0.0.1", REDIS_PORT=str(store.port)).start()
    code = party_of_two(instance, new_client)
    instance.create("my-very-secret-idempotency-key")
    listed = (DOCUMENTS / "redis.md").read_text()
    for key in map(str, store.admin.scan_iter()):
        kind = re.sub(r"^hubbub:once:.*", "hubbub:once:…", re.sub(r"party:[A-Z0-9]{6}", "party:ABC123", key))
        assert f"`{kind}`" in listed, key
    assert store.admin.exists(f"party:{code}")
