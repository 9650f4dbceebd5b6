"""Every input is answered, affects no other client, and leaves the instance running."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.integration.conftest import MakeClient, MakeInstance
from tests.support.client_sync import FRAME_BYTES_MAX, LINGER_NOT, SyncClient, wait_until_synced
from tests.support.instances import PATIENT, Answer, Instance
from tests.support.pairs import Pair, started_pair

UNDECODABLE_MAX = 10
UNKNOWN_CODES_MAX = 5
LONG = "x" * 7000
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

MEMBER_COMMANDS: dict[str, dict[str, Any]] = {
    "LEAVE": {},
    "RENAME": {"name": "Zoe"},
    "SEND_MESSAGE": {"text": "hi"},
    "SEND_REACTION": {"emoji": "🎉"},
    "KICK": {"targetId": "somebody"},
    "PROMOTE": {"targetId": "somebody"},
    "CHAT_MODE_SET": {"mode": "OPEN"},
    "LOCK_SET": {"locked": True},
    "HOST_TRACK_SELECTED": {"filename": "a.mp3"},
    "HOST_NEXT_TRACK_QUEUED": {"filename": "b.mp3"},
    "HOST_TRACK_CHANGED": {"filename": "a.mp3", "nextFilename": "b.mp3"},
    "HOST_PLAY": {"position": 1},
    "HOST_PAUSE": {"position": 1},
}
OPTIONAL = {("HOST_TRACK_CHANGED", "nextFilename"), ("HOST_PLAY", "position"), ("HOST_PAUSE", "position")}
NULLABLE = OPTIONAL | {("HOST_NEXT_TRACK_QUEUED", "filename")}
NOT_TEXT: list[Any] = [1, True, 1.5, [], {}, ["text"], None]
NOT_NUMBER: list[Any] = ["1", True, [], {}, -1]
NOT_TRUTH: list[Any] = ["true", 1, 0, [], {}, None]


@pytest.fixture(scope="module")
def shared_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One flavour is enough here: nothing of this reaches the store."""
    origins = "https://party.example, http://other.example:81"
    with started_pair("valkey", tmp_path_factory.mktemp("pair"), PATIENT, ALLOWED_ORIGINS=origins) as pair:
        yield pair


@pytest.fixture
def host(shared_pair: Pair, new_client: MakeClient) -> SyncClient:
    host = new_client(shared_pair.here)
    host.create(name="Ann")
    host.do("HOST_TRACK_SELECTED", filename="a.mp3")
    host.wait_for_message("TRACK_SELECTED")
    return host


def wrong_values(kind: str, field: str, right: Any) -> list[Any]:
    """Values of other types than the field has."""
    wrong = NOT_TRUTH if isinstance(right, bool) else NOT_NUMBER if isinstance(right, int) else NOT_TEXT
    return [value for value in wrong if value is not None or (kind, field) not in NULLABLE]


def bad_variants(kind: str, fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The command with one field missing or of another type."""
    for field, right in fields.items():
        rest = {name: value for name, value in fields.items() if name != field}
        if (kind, field) not in OPTIONAL:
            yield rest
        for value in wrong_values(kind, field, right):
            yield {**rest, field: value}


@pytest.mark.parametrize("kind", [kind for kind, fields in MEMBER_COMMANDS.items() if fields])
def test_field_missing_or_mistyped_is_refused(host: SyncClient, kind: str) -> None:
    version = host.view.version
    for fields in bad_variants(kind, MEMBER_COMMANDS[kind]):
        assert host.refused(kind, **fields) == "bad_field", fields
    host.do("SEND_MESSAGE", text="marker")
    assert host.wait_for_message("MESSAGE")["version"] == version + 1


@pytest.mark.parametrize(
    ("kind", "field", "reasons"),
    [
        ("SEND_MESSAGE", "text", {"too_long"}),
        ("SEND_REACTION", "emoji", {"too_long", "not_emoji"}),
        ("KICK", "targetId", {"too_long", "invalid_target"}),
        ("PROMOTE", "targetId", {"too_long", "invalid_target"}),
        ("CHAT_MODE_SET", "mode", {"too_long", "bad_field"}),
        ("HOST_TRACK_SELECTED", "filename", {"too_long"}),
        ("HOST_NEXT_TRACK_QUEUED", "filename", {"too_long"}),
        ("HOST_TRACK_CHANGED", "filename", {"too_long"}),
    ],
)
def test_overlong_field_is_refused(host: SyncClient, kind: str, field: str, reasons: set[str]) -> None:
    assert host.refused(kind, **{field: LONG}) in reasons


def test_value_outside_range_is_refused(host: SyncClient) -> None:
    for mode in ("open", "SHOUT", ""):
        assert host.refused("CHAT_MODE_SET", mode=mode) == "bad_field"
    for kind in ("HOST_TRACK_SELECTED", "HOST_NEXT_TRACK_QUEUED", "HOST_TRACK_CHANGED"):
        assert host.refused(kind, filename="") == "bad_field"


def test_number_beyond_json_is_answered(host: SyncClient) -> None:
    for number in ("NaN", "Infinity", "1e999", "-0.1", "1" * 400):
        host.send_frame(f'{{"t":"HOST_PLAY","position":{number},"requestId":"n{number}"}}')
        assert host.wait_for_message("ERROR")["reason"] in {"bad_message", "bad_field"}
    host.do("HOST_PLAY", position=0.5)


@pytest.mark.parametrize("kind", ["JOIN", "WATCH"])
def test_malformed_code_is_refused(host: SyncClient, shared_pair: Pair, new_client: MakeClient, kind: str) -> None:
    phone = new_client(shared_pair.there)
    for code in NOT_TEXT[:-1]:
        assert phone.refused(kind, code=code) in {"code_invalid", "bad_field"}
    missing: list[dict[str, Any]] = [{}, {"code": None}, {"code": ""}]
    for fields in missing:
        assert phone.refused(kind, **fields) in {"code_required", "bad_field"}
    for text in ("ÄÖÜABC", LONG):
        assert phone.refused(kind, code=text) == "party_not_found"
    phone.do(kind, code=host.code)


def test_bad_create_and_join_fields_are_refused(host: SyncClient, shared_pair: Pair, new_client: MakeClient) -> None:
    phone = new_client(shared_pair.there)
    position = host.view.position
    for value in NOT_TEXT[:-1]:
        assert phone.refused("CREATE", name=value) == "bad_field"
        assert phone.refused("JOIN", code=host.code, name=value) == "bad_field"
        assert phone.refused("CREATE", token=value) in {"bad_field", "token_invalid"}
        assert phone.refused("JOIN", code=host.code, token=value) in {"bad_field", "token_invalid"}
    halves: list[Any] = [1, "1", [], {}, {"epoch": position["epoch"]}, {**position, "version": "1"}]
    for since in halves:
        assert phone.refused("JOIN", code=host.code, since=since) == "bad_field"
    phone.join(host.code, name=LONG)
    assert phone.me["name"] == "x" * 50


def test_commands_before_entering_are_refused(shared_pair: Pair, new_client: MakeClient) -> None:
    phone = new_client(shared_pair.here)
    for kind, fields in MEMBER_COMMANDS.items():
        assert phone.refused(kind, **fields) == "not_joined"
    assert phone.do("PING")["t"] == "PONG"


def test_connection_enters_one_party_once(host: SyncClient, shared_pair: Pair, new_client: MakeClient) -> None:
    guest = new_client(shared_pair.there)
    guest.join(host.code)
    for phone in (host, guest):
        for kind, fields in (("JOIN", {"code": host.code}), ("CREATE", {}), ("WATCH", {"code": host.code})):
            assert phone.refused(kind, **fields) == "already_joined"
    assert len(host.room["members"]) == 2


@pytest.mark.parametrize(
    "frame", ["{", "", "[]", "1", "null", '"JOIN"', "[1]", "[[]]", "\x00", '{"t":"PING"}x', "[" * 4000]
)
def test_undecodable_frame_is_bad_message(host: SyncClient, frame: str) -> None:
    host.send_frame(frame)
    assert host.wait_for_message("ERROR")["reason"] == "bad_message"
    host.do("PING")


@pytest.mark.parametrize(
    "frame", ["{}", '{"t":1}', '{"t":null}', '{"t":"NOPE"}', '{"t":"ROOM"}', '{"t":"join"}', '[{"t":""}]']
)
def test_unknown_type_is_refused(host: SyncClient, frame: str) -> None:
    host.send_frame(frame)
    assert host.wait_for_message("ERROR")["reason"] in {"unknown_message", "bad_message"}
    assert host.refused("NOPE") == "unknown_message"


def test_binary_frame_is_bad_message(host: SyncClient) -> None:
    for content in (b'{"t":"PING"}', b"\xff\x00", b""):
        host.send_frame(content)
        assert host.wait_for_message("ERROR")["reason"] == "bad_message"


@pytest.mark.parametrize("strange", ["\\ud800", "\\udfff\\ud83c"])
def test_text_invalid_in_utf_8_reaches_nobody(host: SyncClient, strange: str) -> None:
    version = host.view.version
    for kind, field in (("SEND_MESSAGE", "text"), ("HOST_TRACK_SELECTED", "filename")):
        host.send_frame(f'{{"t":"{kind}","{field}":"{strange}"}}')
        assert host.wait_for_message("ERROR")["reason"] == "bad_field"
    host.send_frame(f'{{"t":"SEND_MESSAGE","text":"cut {strange}"}}')
    said = host.wait_for_message("MESSAGE")
    assert said["version"] == version + 1
    assert said["text"] == "cut "


def test_unusual_valid_text_arrives_unchanged(host: SyncClient, shared_pair: Pair, new_client: MakeClient) -> None:
    guest = new_client(shared_pair.there)
    guest.join(host.code)
    for text in ("a\x00b", '"\\/</script>', "\u2028\u2029\x7f", "\ufeff \U000e0041", "\ufffd\uffff"):
        host.do("SEND_MESSAGE", text=text)
        assert guest.wait_for_message("MESSAGE")["text"] == text
        host.do("HOST_TRACK_SELECTED", filename=text)
        assert guest.wait_for_message("TRACK_SELECTED")["filename"] == text
    late = new_client(shared_pair.there)
    late.join(host.code)
    wait_until_synced(host, guest, late)


def test_unknown_fields_are_ignored(host: SyncClient) -> None:
    host.do("SEND_MESSAGE", text="hi", memberId="somebody else", version=1, admin=True)
    assert host.wait_for_message("MESSAGE")["memberId"] == host.member_id


def test_request_id_of_any_type_is_echoed(host: SyncClient) -> None:
    for strange in [*NOT_TEXT, "", LONG]:
        host.send("PING", requestId=strange)
        host.wait_until(lambda: host.find("PONG", {}) or host.find("ERROR", {}))


def test_ten_undecodable_frames_close_connection(shared_pair: Pair, new_client: MakeClient) -> None:
    phone = new_client(shared_pair.here)
    for _ in range(UNDECODABLE_MAX - 1):
        phone.send_frame("{")
    phone.do("PING")
    phone.send_frame("{")
    assert phone.wait_for_close() == 4513
    assert len(phone.all_of("ERROR", reason="bad_message")) == UNDECODABLE_MAX


def test_five_joins_of_unknown_codes_close_connection(shared_pair: Pair, new_client: MakeClient) -> None:
    phone = new_client(shared_pair.there)
    for number in range(UNKNOWN_CODES_MAX - 1):
        assert phone.refused("JOIN", code=f"ZZZZZ{number}") == "party_not_found"
    phone.send("JOIN", code="ZZZZZZ")
    assert phone.wait_for_close() == 4513
    assert len(phone.all_of("ERROR", reason="party_not_found")) == UNKNOWN_CODES_MAX


def test_frame_limit_is_exactly_8_kib(host: SyncClient) -> None:
    frame = json.dumps({"t": "PING", "id": "full"}).ljust(FRAME_BYTES_MAX)
    assert len(frame) == FRAME_BYTES_MAX
    host.send_frame(frame)
    host.wait_for_message("PONG", id="full")
    host.send_frame(frame + " ")
    assert host.wait_for_close() == 1009


def test_invalid_frames_close_only_their_connection(
    host: SyncClient, shared_pair: Pair, new_client: MakeClient
) -> None:
    huge, garbled = new_client(shared_pair.here), new_client(shared_pair.here)
    send_until_refused(huge, "x" * 5_000_000)
    # A connection with unread bytes is closed by a reset, which may overtake the farewell.
    assert huge.wait_for_close() in {1009, 1006}
    garbled.send_frame(b'{"t":"PING","id":"\xff\xfe"}', text=True)
    garbled.wait_until(lambda: garbled.find("ERROR", {"reason": "bad_message"}) or ended_with(garbled, 1007))
    host.do("PING")


def send_until_refused(phone: SyncClient, frame: str) -> None:
    """Send a frame whose receiver may hang up in the middle."""
    with suppress(ConnectionClosed):
        phone.send_frame(frame)


def ended_with(phone: SyncClient, code: int) -> bool:
    return phone.close_code == code


def test_members_see_nothing_of_rejected_frames(host: SyncClient, shared_pair: Pair, new_client: MakeClient) -> None:
    version = host.view.version
    stranger = new_client(shared_pair.here)
    for frame in ('{"t":"JOIN","code":123}', "{", '{"t":"KICK","targetId":"' + host.member_id + '"}', "[]"):
        stranger.send_frame(frame)
        stranger.wait_for_message("ERROR")
    host.do("SEND_MESSAGE", text="marker")
    assert host.wait_for_message("MESSAGE")["version"] == version + 1


def knock(instance: Instance, **headers: str) -> Answer:
    """Ask for the WebSocket by a plain HTTP call, whose refusal can be read."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    return instance.call("GET", "/ws", headers={**upgrade, **headers})


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:1", "https://party.example.evil.example", "rubbish", "http://["],
)
def test_foreign_origin_gets_no_connection(shared_pair: Pair, origin: str) -> None:
    answer = knock(shared_pair.here, Origin=origin)
    assert answer.status == 403
    assert answer.body.keys() == {"error", "reason", "retryable"}
    assert answer.headers["X-Instance-Id"]


def test_own_and_allowed_origins_get_a_connection(shared_pair: Pair, new_client: MakeClient) -> None:
    own = f"http://127.0.0.1:{shared_pair.here.port}"
    for origin in (own, "https://party.example", "http://other.example:81", None):
        new_client(shared_pair.here, origin=origin).do("PING")


def test_origin_behind_tls_proxy_is_own_origin(shared_pair: Pair) -> None:
    assert knock(shared_pair.here, Host="hubbub.example", Origin="https://hubbub.example").status == 101
    assert knock(shared_pair.here, Host="hubbub.example", Origin="https://other.example").status == 403


def test_non_websocket_request_is_refused_as_json(shared_pair: Pair) -> None:
    answer = shared_pair.here.call("GET", "/ws")
    assert answer.status in {400, 426}
    assert answer.body.keys() == {"error", "reason", "retryable"}


def test_client_gone_during_upgrade_logs_no_error(new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", instance.port)) as phone:
            phone.sendall(UPGRADE)
            phone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    assert instance.create().status == 200
    assert "Traceback" not in instance.errors()
