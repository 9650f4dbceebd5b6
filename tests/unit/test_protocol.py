"""Read client frames: which are parsed, which are refused and why, which are no messages."""

import json
from typing import Any, get_args

import msgspec
import pytest

from hubbub.core.errors import REFUSALS, Reason
from hubbub.core.frames import InvalidMessage, answer_error, read_frame
from hubbub.core.protocol import (
    Command,
    Create,
    ErrorAnswer,
    Join,
    Leave,
    MemberCommand,
    Pause,
    Ping,
    Play,
    Position,
    QueueTrack,
    SendMessage,
    Watch,
    encode,
)

TOKEN = "a" * 22
FULL: dict[str, dict[str, Any]] = {
    "CREATE": {"name": "Ann", "token": TOKEN},
    "JOIN": {"code": "BCDFGH", "name": "Ben", "token": TOKEN, "since": {"epoch": "e", "version": 3}},
    "WATCH": {"code": "BCDFGH"},
    "LEAVE": {},
    "RENAME": {"name": "Cat"},
    "SEND_MESSAGE": {"text": "hi"},
    "SEND_REACTION": {"emoji": "👍"},
    "KICK": {"targetId": "x"},
    "PROMOTE": {"targetId": "x"},
    "CHAT_MODE_SET": {"mode": "LOCKED"},
    "LOCK_SET": {"locked": True},
    "HOST_TRACK_SELECTED": {"filename": "a.mp3"},
    "HOST_NEXT_TRACK_QUEUED": {"filename": "b.mp3"},
    "HOST_TRACK_CHANGED": {"filename": "a.mp3", "nextFilename": "b.mp3"},
    "HOST_PLAY": {"position": 1.5},
    "HOST_PAUSE": {"position": 2},
    "PING": {"id": "p1"},
}
REQUIRED = {
    ("JOIN", "code"): Reason.CODE_REQUIRED,
    ("WATCH", "code"): Reason.CODE_REQUIRED,
    ("RENAME", "name"): Reason.BAD_FIELD,
    ("SEND_MESSAGE", "text"): Reason.BAD_FIELD,
    ("SEND_REACTION", "emoji"): Reason.BAD_FIELD,
    ("KICK", "targetId"): Reason.BAD_FIELD,
    ("PROMOTE", "targetId"): Reason.BAD_FIELD,
    ("CHAT_MODE_SET", "mode"): Reason.BAD_FIELD,
    ("LOCK_SET", "locked"): Reason.BAD_FIELD,
    ("HOST_TRACK_SELECTED", "filename"): Reason.BAD_FIELD,
    ("HOST_NEXT_TRACK_QUEUED", "filename"): Reason.BAD_FIELD,
    ("HOST_TRACK_CHANGED", "filename"): Reason.BAD_FIELD,
}
FIELDS = [(kind, field) for kind, fields in FULL.items() for field in fields]
WRONG = [
    (kind, field, wrong)
    for kind, field in FIELDS
    for wrong in ([], {}, ["x"], {"x": 1}, 2.5, 10**30, True, "x")
    if not isinstance(wrong, type(FULL[kind][field])) and not (field == "position" and wrong == 2.5)
]
NULLABLE = set(FIELDS) - set(REQUIRED) | {("HOST_NEXT_TRACK_QUEUED", "filename")}


def only(frame: str | bytes) -> Command | InvalidMessage:
    """The one message of a frame."""
    messages = read_frame(frame)
    assert messages is not None
    (message,) = messages
    return message


def read(kind: str, **fields: Any) -> Command | InvalidMessage:
    """A message of that type with exactly those fields."""
    return only(json.dumps({"t": kind, **fields}))


def refused(kind: str, **fields: Any) -> InvalidMessage:
    """The same, which must be refused."""
    message = read(kind, **fields)
    assert isinstance(message, InvalidMessage), message
    return message


def wrong_type_reason(field: str) -> Reason:
    if field == "code":
        return Reason.CODE_INVALID
    return Reason.TOKEN_INVALID if field == "token" else Reason.BAD_FIELD


def test_every_command_is_listed() -> None:
    kinds = [kind for part in get_args(Command) for kind in (get_args(part) or (part,))]
    assert {kind.__struct_config__.tag for kind in kinds} == FULL.keys()
    assert set(get_args(MemberCommand)) == set(kinds) - {Create, Join, Watch, Leave, Ping}


@pytest.mark.parametrize("kind", FULL)
def test_message_with_all_fields_is_parsed(kind: str) -> None:
    message = read(kind, **FULL[kind], requestId="r")
    assert msgspec.to_builtins(message) == {"t": kind, "requestId": "r", **FULL[kind]}


@pytest.mark.parametrize("kind", FULL)
def test_unknown_fields_are_ignored(kind: str) -> None:
    assert read(kind, **FULL[kind], tomorrow={"a": [1, None]}, request_id=5) == read(kind, **FULL[kind])


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_missing_required_field_is_refused(kind: str, field: str) -> None:
    rest = {name: value for name, value in FULL[kind].items() if name != field}
    if (reason := REQUIRED.get((kind, field))) is None:
        assert not isinstance(read(kind, **rest), InvalidMessage)
    else:
        answer = refused(kind, **rest, requestId=7)
        assert (answer.reason, answer.request_id) == (reason, 7)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_null_is_accepted_for_optional_fields_only(kind: str, field: str) -> None:
    message = read(kind, **{**FULL[kind], field: None})
    if (kind, field) in NULLABLE:
        assert not isinstance(message, InvalidMessage)
    else:
        assert isinstance(message, InvalidMessage)
        assert message.reason is REQUIRED[kind, field]


@pytest.mark.parametrize(("kind", "field", "wrong"), WRONG, ids=repr)
def test_field_of_wrong_type_is_refused_by_name(kind: str, field: str, wrong: object) -> None:
    message = refused(kind, **{**FULL[kind], field: wrong}, requestId="r")
    assert message.reason is wrong_type_reason(field)
    assert message.request_id == "r"
    if message.reason is Reason.BAD_FIELD:
        assert message.sentence is not None
        assert f"$.{field}" in message.sentence


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("SEND_MESSAGE", {"text": "x" * 500}, None),
        ("SEND_MESSAGE", {"text": "x" * 501}, Reason.TOO_LONG),
        ("SEND_MESSAGE", {"text": "👍" * 500}, None),
        ("SEND_MESSAGE", {"text": ""}, Reason.BAD_FIELD),
        ("HOST_TRACK_SELECTED", {"filename": "x" * 500}, None),
        ("HOST_TRACK_SELECTED", {"filename": "x" * 501}, Reason.TOO_LONG),
        ("HOST_TRACK_SELECTED", {"filename": ""}, Reason.BAD_FIELD),
        ("HOST_NEXT_TRACK_QUEUED", {"filename": "x" * 501}, Reason.TOO_LONG),
        ("HOST_NEXT_TRACK_QUEUED", {"filename": ""}, Reason.BAD_FIELD),
        ("HOST_TRACK_CHANGED", {"filename": "x" * 501}, Reason.TOO_LONG),
        ("HOST_TRACK_CHANGED", {"filename": "a", "nextFilename": "x" * 501}, Reason.TOO_LONG),
        ("HOST_PLAY", {"position": 0}, None),
        ("HOST_PLAY", {"position": 1_000_000}, None),
        ("HOST_PLAY", {"position": 1_000_000.001}, Reason.BAD_FIELD),
        ("HOST_PLAY", {"position": -0.001}, Reason.BAD_FIELD),
        ("HOST_PAUSE", {"position": 10**400}, Reason.BAD_FIELD),
        ("CREATE", {"token": "a" * 21}, Reason.TOKEN_INVALID),
        ("CREATE", {"token": "a" * 64}, None),
        ("CREATE", {"token": "a" * 65}, Reason.TOKEN_INVALID),
        ("CREATE", {"token": ""}, Reason.TOKEN_INVALID),
        ("CREATE", {"token": TOKEN[:-1] + "\n"}, Reason.TOKEN_INVALID),
        ("JOIN", {"code": "BCDFGH", "token": TOKEN + "!"}, Reason.TOKEN_INVALID),
        ("JOIN", {"code": "BCDFGH", "token": TOKEN + "ä"}, Reason.TOKEN_INVALID),
        ("JOIN", {"code": "x" * 5000}, None),
        ("JOIN", {"code": "BCDFGH", "since": {"epoch": "e" * 129, "version": 1}}, Reason.TOO_LONG),
        ("JOIN", {"code": "BCDFGH", "since": {"epoch": "e", "version": -1}}, Reason.BAD_FIELD),
        ("JOIN", {"code": "BCDFGH", "since": {"epoch": "e", "version": 2**53}}, Reason.BAD_FIELD),
        ("JOIN", {"code": "BCDFGH", "since": {"epoch": "e"}}, Reason.BAD_FIELD),
        ("JOIN", {"code": "BCDFGH", "since": {"version": 1}}, Reason.BAD_FIELD),
        ("RENAME", {"name": "x" * 5000}, None),
        ("CHAT_MODE_SET", {"mode": "open"}, Reason.BAD_FIELD),
        # Without this, a client could choose the reason by its text.
        ("CHAT_MODE_SET", {"mode": "of length <="}, Reason.BAD_FIELD),
        ("PING", {"id": "x" * 129}, Reason.TOO_LONG),
    ],
)
def test_field_bounds_are_checked(kind: str, fields: dict[str, Any], reason: Reason | None) -> None:
    message = read(kind, **fields)
    assert (message.reason if isinstance(message, InvalidMessage) else None) is reason


def test_refusal_truncates_long_input() -> None:
    assert len(refused("CHAT_MODE_SET", mode="x" * 5000).sentence or "") < 500


@pytest.mark.parametrize("request_id", ["", "r", "x" * 128, 0, -1, 2**53 - 1, -(2**53 - 1), "👍"])
def test_request_id_is_text_or_safe_integer(request_id: str | int) -> None:
    message = read("LEAVE", requestId=request_id)
    assert message == Leave(request_id=request_id)
    assert read("NONSENSE", requestId=request_id) == InvalidMessage(Reason.UNKNOWN_MESSAGE, request_id=request_id)


@pytest.mark.parametrize("request_id", [True, 1.5, 2**53, -(2**53), 10**30, [], {}, ["x"]], ids=repr)
def test_bad_request_id_is_refused_and_not_echoed(request_id: object) -> None:
    assert refused("LEAVE", requestId=request_id).reason is Reason.BAD_FIELD
    assert refused("LEAVE", requestId=request_id).request_id is None
    assert refused("LEAVE", requestId="x" * 129).reason is Reason.TOO_LONG
    assert refused("NONSENSE", requestId=request_id) == InvalidMessage(Reason.UNKNOWN_MESSAGE)


def test_only_enter_commands_are_marked_as_attempts() -> None:
    entering = {kind: refused(kind, **FULL[kind], requestId=[]).entering for kind in FULL}
    assert {kind for kind, marked in entering.items() if marked} == {"CREATE", "JOIN", "WATCH"}


def test_bad_code_is_reported_before_other_faults() -> None:
    assert refused("JOIN", name=5, token=5, requestId=[]).reason is Reason.CODE_REQUIRED
    assert refused("JOIN", code=5, token=5).reason is Reason.CODE_INVALID
    assert refused("WATCH", code=[]).reason is Reason.CODE_INVALID


@pytest.mark.parametrize("kind", ["", "join", "JOIN ", "WELCOME", "ROOM", "ERROR", "\0", "__class__", "👍", "x" * 8000])
def test_unknown_type_is_refused_by_name(kind: str) -> None:
    assert read(kind, requestId="r") == InvalidMessage(Reason.UNKNOWN_MESSAGE, request_id="r")


def test_batch_messages_are_read_in_order_independently() -> None:
    frame = [
        {"t": "JOIN", "code": "BCDFGH"},
        {"t": "NONSENSE"},
        {"t": "SEND_MESSAGE", "text": ""},
        {"t": "SEND_MESSAGE", "text": "hi"},
        {"t": "HOST_PLAY"},
    ]
    messages = read_frame(json.dumps(frame))
    assert messages is not None
    assert messages[0] == Join(code="BCDFGH")
    assert [message.reason for message in messages if isinstance(message, InvalidMessage)] == [
        "unknown_message",
        "bad_field",
    ]
    assert messages[3:] == [SendMessage(text="hi"), Play()]
    assert read_frame('[{"t":"HOST_PAUSE"}]') == [Pause()]


NO_MESSAGES = [
    "",
    " ",
    "[]",
    "[[]]",
    "null",
    "1",
    '"PING"',
    "{}",
    '{"t":null}',
    '{"t":5}',
    '{"t":["PING"]}',
    '{"T":"PING"}',
    '[{"t":"PING"},1]',
    '[{"t":"PING"},{}]',
    '[{"t":"PING"},[{"t":"PING"}]]',
    '{"t":"PING"}{"t":"PING"}',
    '{"t":"PING"',
    '{"t":"PING",}',
    "{'t':'PING'}",
    '{"t":"PING","id":NaN}',
    '{"t":"PING","id":01}',
    '{"t":"PING","x":"\ud800"}',
    '\ufeff{"t":"PING"}',
    b'{"t":"PING","x":"\xff"}',
    b"\x00",
    b"\x80\x81",
    "[" * 100_000,
    '{"t":' * 100_000,
    "[" * 4000 + "]" * 4000,
]


@pytest.mark.parametrize("frame", NO_MESSAGES, ids=lambda frame: ascii(frame[:30]))
def test_malformed_frame_is_none(frame: str | bytes) -> None:
    assert read_frame(frame) is None


def test_bytes_and_text_frames_are_equal() -> None:
    text = json.dumps({"t": "SEND_MESSAGE", "text": "grüße 👍"}, ensure_ascii=False)
    assert read_frame(text) == read_frame(text.encode()) == [SendMessage(text="grüße 👍")]


def test_duplicate_type_counts_as_in_json_readers() -> None:
    assert only('{"t":"LEAVE","t":"PING"}') == Ping()


def test_omitted_optional_fields_are_none() -> None:
    assert read("CREATE") == Create(name=None, token=None)
    assert read("JOIN", code="x", since={"epoch": "", "version": 0}) == Join(code="x", since=Position("", 0))
    assert read("HOST_NEXT_TRACK_QUEUED", filename=None) == QueueTrack(filename=None)


@pytest.mark.parametrize("reason", Reason)
def test_error_has_sentence_of_reason(reason: Reason) -> None:
    answer = answer_error(reason)
    assert answer == ErrorAnswer(reason=reason, error=REFUSALS[reason].sentence, retryable=REFUSALS[reason].retryable)
    assert json.loads(encode(answer)).keys() == {"t", "reason", "error", "retryable"}
    assert answer.error
    assert 400 <= REFUSALS[reason].status < 600


def test_error_may_have_own_sentence_and_request_id() -> None:
    decoded = json.loads(encode(answer_error(Reason.BAD_FIELD, "no", 0)))
    expected = {"t": "ERROR", "reason": "bad_field", "error": "no", "retryable": False, "requestId": 0}
    assert decoded == expected


def test_retryable_socket_reasons_are_exact() -> None:
    # The HTTP-only ones and `internal_error` aside.
    http_only = {Reason.BODY_TOO_SLOW, Reason.INTERNAL_ERROR}
    assert {reason for reason, refusal in REFUSALS.items() if refusal.retryable} - http_only == {
        Reason.STORE_UNAVAILABLE,
        Reason.RECOVERING,
        Reason.RATE_LIMITED,
        Reason.TOO_MANY_WATCHERS,
    }


def test_lone_surrogate_is_replaced() -> None:
    frame = r'{"t":"SEND_MESSAGE","text":"cut \ud83d","requestId":1}'
    assert read_frame(frame) == [SendMessage(text="cut ", request_id=1)]
    assert read_frame(frame.encode()) == [SendMessage(text="cut ", request_id=1)]
    assert read_frame(r'{"t":"PING","id":"\u0041","x":NaN}') is None
