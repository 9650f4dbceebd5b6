"""A party made on one instance is there on every other, whatever happens to instances and store."""

import socket
import threading
import time
from functools import partial

import psutil

from tests.integration.conftest import MakeInstance
from tests.support.instances import Answer, Instance
from tests.support.pairs import Pair
from tests.support.stores import StoreServer, wait_for


def test_party_of_one_instance_is_joined_on_another(shared_pair: Pair) -> None:
    here, there = shared_pair.instances
    party = here.create(name="Ann").body
    code = party["partyCode"]
    assert there.join(code).body == {"ok": True}
    found = there.look_up(code.lower()).body
    assert found["exists"] is True
    assert found["hostName"] == "Ann"
    assert (found["hostConnected"], found["guestCount"], found["locked"], found["full"]) == (
        False,
        0,
        False,
        False,
    )
    assert found["instanceId"] == there.call("GET", "/health").body["instanceId"]
    assert found["instanceId"] != here.call("GET", "/health").body["instanceId"]


def test_party_survives_restart_of_every_instance(pair: tuple[Instance, Instance]) -> None:
    code = pair[0].create().body["partyCode"]
    for instance in pair:
        assert instance.terminate() == 0
    for instance in pair:
        instance.start()
        assert instance.join(code).status == 200


def test_party_survives_kill_of_its_creator(pair: tuple[Instance, Instance]) -> None:
    code = pair[0].create().body["partyCode"]
    pair[0].kill()
    assert pair[1].join(code).status == 200


def test_create_repeated_with_key_elsewhere_is_same_party(shared_pair: Pair) -> None:
    key = "0123456789abcdef-_XYZ"
    assert shared_pair.here.create(key).body == shared_pair.there.create(key).body


def test_killed_store_gives_no_not_found(pair: tuple[Instance, Instance], store: StoreServer) -> None:
    code = pair[0].create().body["partyCode"]
    store.kill()
    for instance in pair:
        expect_unavailable(instance, code)
        assert instance.redis_state() == "disconnected"
    store.start()
    returned_at = time.monotonic()
    for instance in pair:
        wait_for(partial(joins, instance, code), 2.0)
        assert instance.create().status == 200
        wait_for(partial(is_ready, instance), 2.0)
    assert time.monotonic() - returned_at < 4.0


def has_checked_its_store(instance: Instance) -> bool:
    """Return whether the checks at its start, which write too, are done."""
    return any(line["event"] == "doctor" and "summary" in line for line in instance.log())


def test_frozen_store_fails_in_2_seconds_without_late_effect(
    pair: tuple[Instance, Instance], store: StoreServer
) -> None:
    code = pair[0].create("a-key-of-enough-characters").body["partyCode"]
    for instance in pair:
        wait_for(lambda instance=instance: has_checked_its_store(instance))  # type: ignore[misc]
    writes = store.admin.info("commandstats")["cmdstat_set"]["calls"]
    store.freeze()
    answers: list[Answer] = []

    def create(number: int) -> None:
        key = f"key-number-{number:016d}" if number % 3 else None
        answers.append(pair[number % 2].create(key))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    expect_unavailable(pair[1], code)
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {500}
    assert max(answer.seconds for answer in answers) < 2.0
    store.thaw()
    wait_for(lambda: pair[0].call("GET", "/ready").status == 200 and pair[1].call("GET", "/ready").status == 200)
    # What is withdrawn would not be seen afterwards; what was written is counted for ever.
    assert store.admin.info("commandstats")["cmdstat_set"]["calls"] == writes
    wait_for(lambda: pair[0].join(code).status == 200, 2.0)
    wait_for(lambda: pair[0].redis_state() == "connected")
    assert store.admin.keys("party:*") == [f"party:{code}"]


def test_full_store_refuses_creates_but_not_joins(pair: tuple[Instance, Instance], store: StoreServer) -> None:
    code = pair[0].create().body["partyCode"]
    store.admin.config_set("maxmemory", "1")
    assert pair[0].create().status == 500
    assert pair[0].create("a-key-of-enough-characters").status == 500
    assert pair[1].join(code).status == 200
    assert pair[1].join("ZZZZZZ").status == 404
    assert pair[1].look_up("ZZZZZZ").body["exists"] is False
    assert pair[1].redis_state() == "connected"
    store.admin.config_set("maxmemory", "0")
    assert pair[0].create().status == 200


def test_replica_as_store_never_proves_absence(pair: tuple[Instance, Instance], store: StoreServer) -> None:
    code = pair[0].create().body["partyCode"]
    store.admin.replicaof("127.0.0.1", "1")
    assert pair[0].create().status == 500
    assert pair[0].join(code).status == 200
    assert pair[0].look_up(code).body["exists"] is True
    assert pair[0].join("ZZZZZZ").status == 503
    assert pair[0].look_up("ZZZZZZ").status == 503
    assert pair[0].call("GET", "/ready").status == 503


def test_instance_started_without_store_serves_once_it_comes(store: StoreServer, new_instance: MakeInstance) -> None:
    store.kill()
    instance = new_instance(REDIS_URL=f"redis://127.0.0.1:{store.port}").start()
    assert instance.redis_state() in {"connecting", "disconnected"}
    assert instance.join("ZZZZZZ").status == 503
    store.start()
    wait_for(lambda: instance.create().status == 200, 2.0)


def test_request_in_progress_is_answered_before_shutdown(store: StoreServer, new_instance: MakeInstance) -> None:
    instance = new_instance(REDIS_HOST="127.0.0.1", REDIS_PORT=str(store.port)).start()
    store.freeze()
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.append(instance.join("ZZZZZZ")))
    asking.start()
    wait_for(lambda: callers(instance) == 1)
    # It has come to this request, so it has come to the one before it.
    assert instance.call("GET", "/api/ping").status == 200
    assert instance.terminate() == 0
    asking.join()
    assert [answer.status for answer in answers] == [503]
    assert "Traceback" not in instance.errors()


def test_shutdown_waits_for_arriving_body(new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    with socket.create_connection(("127.0.0.1", instance.port)) as client:
        client.sendall(b"POST /api/create-party HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        wait_for(lambda: callers(instance) == 1)
        assert instance.call("GET", "/api/ping").status == 200
        psutil.Process(instance.pid).terminate()
        wait_for(lambda: any(line["event"] == "stopping" for line in instance.log()))
        client.sendall(b"}")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
    wait_for(instance.ended, 3.0)
    assert instance.terminate() == 0


def test_store_state_is_logged_once_per_change(store: StoreServer, new_instance: MakeInstance) -> None:
    instance = new_instance(REDIS_HOST="127.0.0.1", REDIS_PORT=str(store.port)).start()
    store.kill()
    for _ in range(20):
        assert instance.join("ZZZZZZ").status == 503
    store.start()
    wait_for(lambda: instance.redis_state() == "connected")
    changes = [line["redis"] for line in instance.log() if line["event"] == "store"]
    assert changes == ["connected", "disconnected", "connected"]


def callers(instance: Instance) -> int:
    """Return how many connections the instance has accepted."""
    connections = psutil.Process(instance.pid).net_connections("inet")
    return sum(one.status == "ESTABLISHED" and one.laddr.port == instance.port for one in connections)


def joins(instance: Instance, code: str) -> bool:
    return instance.join(code).status == 200


def is_ready(instance: Instance) -> bool:
    return instance.call("GET", "/ready").status == 200


def expect_unavailable(instance: Instance, code: str) -> None:
    """All that is asked of an instance without a store is answered in time, and nothing is made up."""
    for answer, status in (
        (instance.create(), 500),
        (instance.join(code), 503),
        (instance.join("ZZZZZZ"), 503),
        (instance.look_up(code), 503),
        (instance.call("GET", "/ready"), 503),
    ):
        assert answer.status == status
        assert answer.body["reason"] == "store_unavailable"
        assert answer.body["retryable"] is True
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.seconds < 2.0
    assert instance.call("GET", "/health").status == 200
