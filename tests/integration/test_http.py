"""The HTTP interface as the contract has it, and whatever else may arrive on the port."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.support.instances import Answer, Instance
from tests.support.stores import PATIENCE_SECONDS

DESCRIPTION = Path(__file__).parents[2] / "src/hubbub/transport/schema/openapi.json"
CODE_SHAPE = re.compile(r"[BCDFGHJKMNPQRSTVWXYZ2-9]{6}")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    instance = Instance(tmp_path_factory.mktemp("http")).start()
    yield instance
    instance.close()


def expect_refusal(answer: Answer, status: int, reason: str) -> None:
    assert (answer.status, answer.body["reason"]) == (status, reason)
    assert set(answer.body) == {"error", "reason", "retryable"}
    assert answer.body["error"]
    assert ("Retry-After" in answer.headers) == (status in {429, 500, 503})


def test_create_answers_all_fields(instance: Instance) -> None:
    answer = instance.call("POST", "/api/create-party")
    assert answer.status == 200
    assert set(answer.body) == {"partyCode", "hostId", "hostToken", "expiresAt"}
    assert CODE_SHAPE.fullmatch(answer.body["partyCode"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,64}", answer.body["hostToken"])


def test_create_takes_an_empty_object_or_nothing(instance: Instance) -> None:
    for body in (b"", b"{}", b" \n"):
        assert instance.call("POST", "/api/create-party", data=body).status == 200


@pytest.mark.parametrize("typed", ["lower", "spaced", "hyphened"])
def test_a_code_is_taken_as_it_is_typed(instance: Instance, typed: str) -> None:
    code = instance.create().body["partyCode"]
    variants = {
        "lower": code.lower(),
        "spaced": f" {code[:3]} {code[3:]} ",
        "hyphened": f"{code[:2]}-{code[2:]}",
    }
    answer = instance.join(variants[typed])
    assert (answer.status, answer.body) == (200, {"ok": True})
    assert instance.look_up(variants[typed].strip()).body["code"] == code


@pytest.mark.parametrize("body", [{}, {"partyCode": None}, {"partyCode": ""}, {"partyCode": " - "}, {"code": "ABC123"}])
def test_missing_code_is_refused(instance: Instance, body: dict[str, object]) -> None:
    answer = instance.call("POST", "/api/join-party", json=body)
    expect_refusal(answer, 400, "code_required")
    assert answer.body["error"] == "Party code is required"


@pytest.mark.parametrize("code", [123, 0, True, False, 1.5, [], {}, ["ABC123"]])
def test_non_text_code_is_invalid(instance: Instance, code: object) -> None:
    expect_refusal(instance.join(code), 400, "code_invalid")


@pytest.mark.parametrize("code", ["ZZZZZZ", "A", "ABC1234", "ÄÖÜABC", "abc12!", "<script>", "A" * 9000, "ABC\0\0\0"])
def test_unknown_code_is_not_found(instance: Instance, code: str) -> None:
    answer = instance.join(code)
    expect_refusal(answer, 404, "party_not_found")
    assert answer.body["error"] == "Party not found"


def test_look_up_contains_creation_time(instance: Instance) -> None:
    code = instance.create().body["partyCode"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", instance.look_up(code).body["createdAt"])


@pytest.mark.parametrize("code", ["ZZZZZZ", "A", "%FF%00", "..%2F..%2Fetc", "x" * 500])
def test_look_up_of_unknown_code_says_not_existing(instance: Instance, code: str) -> None:
    answer = instance.look_up(code)
    assert answer.status == 200
    assert answer.body["exists"] is False
    assert set(answer.body) == {"exists", "code", "instanceId"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b"\xff\xfe",
        b'{"name":"\xff"}',
        b'{"a":1}{"b":2}',
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b"\xef\xbb\xbf{}",
    ],
)
@pytest.mark.parametrize("path", ["/api/create-party", "/api/join-party"])
def test_non_object_body_is_refused(instance: Instance, path: str, body: bytes) -> None:
    expect_refusal(instance.call("POST", path, data=body), 400, "bad_request")


@pytest.mark.parametrize("name", [1, True, [], {}])
def test_non_text_name_is_refused(instance: Instance, name: object) -> None:
    expect_refusal(instance.create(name=name), 400, "bad_field")


@pytest.mark.parametrize("name", ["", "   ", "\u202e", None])
def test_unnamed_host_is_called_host(instance: Instance, name: str | None) -> None:
    assert instance.look_up(instance.create(name=name).body["partyCode"]).body["hostName"] == "Host"


@pytest.mark.parametrize("path", ["/api/create-party", "/api/join-party"])
def test_body_over_16_kib_is_refused(instance: Instance, path: str) -> None:
    largest = b'{"partyCode":"' + b"A" * (16 * 1024 - 16) + b'"}'
    assert len(largest) == 16 * 1024
    assert instance.call("POST", path, data=largest).status in {200, 404}
    expect_refusal(instance.call("POST", path, data=largest + b" "), 413, "body_too_large")
    chunks = (b" " * 1024 for _ in range(20))
    expect_refusal(instance.call("POST", path, data=chunks), 413, "body_too_large")


def test_announced_oversize_body_is_refused_unread(instance: Instance) -> None:
    for expect in (b"", b"Expect: 100-continue\r\n"):
        head = b"POST /api/create-party HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n" + expect + b"\r\n"
        assert send_raw(instance, head).startswith(b"HTTP/1.1 413 ")


def test_stalled_body_times_out(instance: Instance) -> None:
    head = b"POST /api/create-party HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
    assert send_raw(instance, head).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "key with spaces", "schlüssel-schlüssel", "a" * 16 + "="])
def test_malformed_idempotency_key_is_refused(instance: Instance, key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    answer = instance.call("POST", "/api/create-party", headers=headers)
    expect_refusal(answer, 400, "idempotency_key_invalid")


def test_one_idempotency_key_makes_one_party(instance: Instance) -> None:
    first = instance.create("a-secret-of-the-caller", name="Ann")
    assert instance.create("a-secret-of-the-caller").body == first.body
    assert instance.create("another-secret-of-theirs").body["partyCode"] != first.body["partyCode"]


def test_unknown_path_or_method_is_refused_as_json(instance: Instance) -> None:
    expect_refusal(instance.call("GET", "/nowhere"), 404, "not_found")
    expect_refusal(instance.call("GET", "/src/hubbub/app.py"), 404, "not_found")
    expect_refusal(instance.call("GET", "/api/party/"), 404, "not_found")
    answer = instance.call("GET", "/api/create-party")
    expect_refusal(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"
    expect_refusal(instance.call("DELETE", "/api/party/ABC123"), 405, "method_not_allowed")


def test_answers_carry_instance_id_and_security_headers(instance: Instance) -> None:
    for method, path in (("GET", "/health"), ("GET", "/"), ("GET", "/nowhere"), ("PUT", "/health")):
        headers = instance.call(method, path).headers
        assert re.fullmatch(r"server-[a-z0-9]{7,}", headers["X-Instance-Id"])
        assert headers["X-App-Version"]
        assert headers["X-Request-Id"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_request_id_is_kept_if_valid_else_replaced(instance: Instance) -> None:
    def told(given: str) -> str:
        return instance.call("GET", "/health", headers={"X-Request-Id": given.encode()}).headers["X-Request-Id"]

    assert told("call-42.a:b_c") == "call-42.a:b_c"
    for strange in ("", "x" * 129, "a b", "ä", '"quoted"'):
        assert told(strange) != strange


def test_health_ping_and_ready_answer(instance: Instance) -> None:
    health = instance.call("GET", "/health").body
    assert set(health) == {"status", "instanceId", "redis", "version"}
    assert (health["status"], health["redis"]) == ("ok", "connected")
    assert instance.call("GET", "/ready").status == 200
    pong = instance.call("GET", "/api/ping").body
    assert pong["message"] == "pong"
    assert pong["timestamp"] > 1_700_000_000_000


def test_any_well_formed_code_has_a_qr_code(instance: Instance) -> None:
    answer = instance.call("GET", "/api/party/abc-123/qr.svg")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "<svg" in answer.body
    expect_refusal(instance.call("GET", "/api/party/abc/qr.svg"), 404, "party_not_found")
    for host in ('a"b<c>:99999', "[:::]", "x:99999", "", "a" * 4000, "a." * 126):
        assert instance.call("GET", "/api/party/ABC123/qr.svg", headers={"Host": host}).status == 200


@pytest.mark.parametrize("path", ["/", "/p/ABC123", "/p/ABC123/wall"])
def test_pages_exist(instance: Instance, path: str) -> None:
    answer = instance.call("GET", path)
    assert answer.status == 200
    assert "Hubbub" in answer.body


def send_raw(instance: Instance, request: bytes) -> bytes:
    """Send bytes as they are, and return what comes back until the answer is whole or the connection ends."""
    with socket.create_connection(("127.0.0.1", instance.port), PATIENCE_SECONDS) as connection:
        connection.sendall(request)
        received = b""
        while not is_whole(received) and (data := connection.recv(65536)):
            received += data
        return received


def is_whole(answer: bytes) -> bool:
    """Return whether an answer has come to its end, as its head announces it."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"^Content-Length: (\d+)", head, re.MULTILINE)
    return bool(end) and length is not None and len(body) >= int(length[1])


@pytest.mark.parametrize(
    "request_",
    [
        b"RUBBISH\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /api/create-party HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"POST /api/create-party HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /api/create-party HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /api/create-party HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd",
    ],
)
def test_malformed_http_is_answered_as_json(instance: Instance, request_: bytes) -> None:
    head, _, body = send_raw(instance, request_).partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert b"X-Instance-Id: server-" in head
    assert json.loads(body)["reason"] == "bad_request"


def test_request_log_has_one_line_and_no_token(tmp_path: Path) -> None:
    instance = Instance(tmp_path).start()
    try:
        party = instance.create("my-very-secret-idempotency-key").body
        instance.join(party["partyCode"])
        instance.join("ZZZZZZ")
        instance.call("GET", "/nowhere?token=abc", headers={"X-Request-Id": "mine"})
        send_raw(instance, b"RUBBISH\r\n\r\n")
    finally:
        assert instance.terminate() == 0
        instance.close()
    lines = [line for line in instance.log() if line["event"] == "request"]
    created, joined, missed, nowhere, rubbish = lines
    assert all(line["instanceId"].startswith("server-") and line["requestId"] for line in lines)
    assert all(isinstance(line["durationMs"], float) for line in lines)
    assert (created["route"], created["status"]) == ("/api/create-party", 200)
    assert (created["code"], created["storeWriteOk"]) == (party["partyCode"], True)
    assert (joined["code"], joined["storeReadResult"]) == (party["partyCode"], "joinable")
    assert (missed["status"], missed["storeReadResult"]) == (404, "missing")
    assert (nowhere["route"], nowhere["status"], nowhere["requestId"]) == ("unmatched", 404, "mine")
    assert (rubbish["route"], rubbish["status"]) == ("malformed", 400)
    for secret in (party["hostToken"], "my-very-secret-idempotency-key", "token=abc", "Traceback"):
        assert secret not in instance.errors()


def test_api_description_is_served(instance: Instance) -> None:
    assert instance.call("GET", "/openapi.json").body == json.loads(DESCRIPTION.read_bytes())


schema = schemathesis.openapi.from_path(DESCRIPTION)


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_http_interface_conforms_to_openapi(case: schemathesis.Case[Any], instance: Instance) -> None:
    case.call_and_validate(base_url=f"http://127.0.0.1:{instance.port}")
