"""Check the documents generated from the protocol: current, complete, and equal to what is sent."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.core import frames, protocol
from hubbub.core.errors import CLOSINGS, CloseCode, Reason
from hubbub.core.party import ChatMode
from hubbub.core.protocol import Command, ServerMessage, encode
from hubbub.transport.schema.markdown import tag_of
from hubbub.transport.schema.schemas import asyncapi, documents

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(documents()["docs/protocol.schema.json"])
PAGE = documents()["docs/protocol.md"]
ASYNCAPI = asyncapi("1.2.3")
EXAMPLE_BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)

ANN = protocol.Member(id="a", name="Ann", is_host=True, connected=True)
BOB = protocol.Member(id="b", name="Bob", is_host=False, connected=False)
TOKEN = "abcdefghijklmnopqrstuv"

SENT: list[protocol.Command] = [
    protocol.Create(),
    protocol.Create(name="Ann", token=TOKEN, request_id="r"),
    protocol.Join(code="abc-123"),
    protocol.Join(code="", name="", token=TOKEN, since=protocol.Position("e", 0), request_id=-1),
    protocol.Watch(code="ABC123"),
    protocol.Leave(),
    protocol.Rename(name=""),
    protocol.SendMessage(text="hi"),
    protocol.SendReaction(emoji="🎉"),
    protocol.Kick(target_id="b"),
    protocol.Promote(target_id="b"),
    *(protocol.SetChatMode(mode=mode) for mode in ChatMode),
    protocol.SetLock(locked=True),
    protocol.SelectTrack(filename="a.mp3"),
    protocol.QueueTrack(filename=None),
    protocol.QueueTrack(filename="b.mp3"),
    protocol.ChangeTrack(filename="b.mp3"),
    protocol.ChangeTrack(filename="b.mp3", next_filename="c.mp3"),
    protocol.Play(),
    protocol.Play(position=1.5),
    protocol.Pause(position=0),
    protocol.Ping(id="p", request_id=2**53 - 1),
]
STOPPED = protocol.Playback(state="stopped", track=None, next_track=None, position=0.0, at=1)
SNAPSHOT = protocol.Snapshot(
    code="ABC123",
    created_at=1,
    expires_at=2,
    host_id="a",
    host_connected=True,
    guest_count=0,
    watchers=0,
    capacity=500,
    chat_mode=ChatMode.OPEN,
    locked=False,
    playback=STOPPED,
    members=[ANN, BOB],
    messages=[protocol.ChatMessage(id="m", member_id="a", name="Ann", text="hi", at=1)],
)
HEARD: list[protocol.ServerMessage] = [
    protocol.Welcome("c", "server-abcdefg", "1.0", 20),
    protocol.CreatedAnswer(code="ABC123", member_id="a", token=TOKEN, expires_at=1, epoch="e", version=1),
    protocol.JoinedAnswer(
        code="ABC123", member_id="b", token=TOKEN, is_host=False, resumed=True, epoch="e", version=2, request_id="r"
    ),
    protocol.WatchingAnswer(code="ABC123", epoch="e", version=2, request_id=1),
    protocol.Ok(request_id="r"),
    protocol.Pong(server_time=1),
    protocol.Pong(server_time=1, id="p"),
    *(frames.answer_error(reason) for reason in Reason),
    protocol.RoomMessage("e", 1, SNAPSHOT),
    protocol.MemberJoined(version=2, guest_count=1, member=BOB),
    protocol.MemberLeft(version=3, guest_count=0, member_id="b", cause="timeout"),
    protocol.MemberUpdated(version=4, guest_count=0, member=ANN),
    protocol.HostChanged(version=5, guest_count=1, host_id="b", member=BOB),
    protocol.GuestCount(version=6, guest_count=7),
    protocol.GuestCount(version=6, guest_count=7, since=2),
    protocol.ChatModeSet(version=7, mode=ChatMode.LOCKED),
    protocol.LockSet(version=8, locked=True),
    protocol.PlayEvent(version=9, position=0.5, at=1),
    protocol.Paused(version=10, position=0.5, at=1),
    protocol.TrackSelected(version=11, filename="a.mp3", at=1),
    protocol.NextTrackQueued(version=12, filename=None),
    protocol.TrackChanged(version=13, filename="b.mp3", next_filename=None, at=1),
    protocol.MessageEvent(version=14, id="m", member_id="a", name="Ann", text="hi", at=1),
    protocol.PartyEnded(version=15, cause="host_left", recap=protocol.Recap(1, 2, 3, 4)),
    protocol.Reaction("a", "Ann", "🎉"),
    protocol.Reactions({"🎉": 9}),
    protocol.Status("recovering"),
    protocol.KickedMessage(),
]


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """What decides whether a value is a `name` of the schema."""
    return jsonschema_rs.Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{name}"}]})


CLIENT_FRAME, SERVER_FRAME = validator("ClientFrame"), validator("ServerFrame")


def references(value: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    match value:
        case dict():
            for name, inner in value.items():
                if name == "$ref":
                    yield inner
                else:
                    yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)


def resolve(document: Any, reference: str) -> Any:
    """What a reference within the document points to."""
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document


@pytest.mark.parametrize("name", documents())
def test_generated_documents_are_current(name: str) -> None:
    kept = (ROOT / name).read_text(encoding="utf-8") if (ROOT / name).exists() else ""
    assert kept == documents()[name], f"{name} differs from the code: run `make docs`"


def test_every_message_is_in_every_document() -> None:
    for side, union in (("Client", Command), ("Server", ServerMessage)):
        names = [kind.__name__ for kind in get_args(union)]
        assert SCHEMA["$defs"][f"{side}Message"]["anyOf"] == [{"$ref": f"#/$defs/{name}"} for name in names]
        assert set(names) <= set(ASYNCAPI["channels"]["ws"]["messages"])
        for kind in get_args(union):
            assert f"| `{tag_of(kind)}` |" in PAGE
            assert ASYNCAPI["components"]["messages"][kind.__name__]["name"] == tag_of(kind)


def test_every_reason_and_close_code_is_documented() -> None:
    assert set(CLOSINGS) == set(CloseCode)
    for code in CloseCode:
        assert f"| {code.value} | `{code.name.lower()}` |" in PAGE
        assert f"- {code.value} `{code.name.lower()}`" in ASYNCAPI["channels"]["ws"]["description"]
    for reason in Reason:
        assert f"| `{reason}` |" in PAGE


def test_schema_is_valid_and_has_no_external_references() -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    for reference in references(SCHEMA):
        assert resolve(SCHEMA, reference)["title"]


def test_asyncapi_channel_has_every_message() -> None:
    for reference in references(ASYNCAPI):
        assert resolve(ASYNCAPI, reference)
    receiving, sending = ASYNCAPI["operations"].values()
    assert (receiving["action"], sending["action"]) == ("receive", "send")
    received, sent = ({reference["$ref"] for reference in side["messages"]} for side in (receiving, sending))
    assert not received & sent
    assert {reference["$ref"] for reference in receiving["reply"]["messages"]} < sent
    assert received | sent == {f"#/channels/ws/messages/{name}" for name in ASYNCAPI["channels"]["ws"]["messages"]}


def test_every_message_has_sample() -> None:
    assert {type(message) for message in SENT} == set(get_args(Command))
    assert {type(message) for message in HEARD} == set(get_args(ServerMessage))


@pytest.mark.parametrize("message", [*SENT, *HEARD], ids=lambda message: type(message).__name__)
def test_schema_accepts_every_sent_message(message: msgspec.Struct) -> None:
    sent = json.loads(encode(message))
    frame = CLIENT_FRAME if isinstance(message, Command) else SERVER_FRAME
    validator(type(message).__name__).validate(sent)
    frame.validate(sent)
    frame.validate([sent, sent])


@pytest.mark.parametrize("kind", get_args(ServerMessage))
def test_schema_requires_fields_that_are_always_sent(kind: type[msgspec.Struct]) -> None:
    always = {field.encode_name for field in msgspec.structs.fields(kind) if field.default is not msgspec.UNSET}
    assert set(SCHEMA["$defs"][kind.__name__]["required"]) == {"t", *always}


@pytest.mark.parametrize("frame", [[], {}, 1, None, "PING", [[]], [{"t": "PING"}, {}], {"t": "NOPE"}, {"t": 1}])
def test_schema_refuses_what_is_no_frame(frame: object) -> None:
    assert not CLIENT_FRAME.is_valid(frame)
    assert not SERVER_FRAME.is_valid(frame)


# JSON Schema counts 1.0 among the integers and the server does not, so no such number is tried.
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) - 1, 2**53 + 1),
    st.sampled_from([-(2**53), -(2**53) + 1, 2**53 - 1, 2**53, -1, 0, 1_000_000, 1_000_001]),
    st.floats(-2, 1_000_002).filter(lambda number: not number.is_integer()),
    st.sampled_from([*ChatMode, TOKEN, TOKEN[1:], TOKEN + "!", "x" * 64, "x" * 65]),
    st.sampled_from(["", "🎉", "x" * 128, "x" * 129, "🎉" * 500, "🎉" * 501]),
    st.sampled_from([[], {}, {"epoch": "e", "version": 1}, {"epoch": "e", "version": -1}, {"epoch": 1, "version": 1}]),
)


def messages_like(kind: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    """Messages of that type with any of its fields, which hold anything."""
    fields = [field.encode_name for field in msgspec.structs.fields(kind)]
    return st.fixed_dictionaries({"t": st.just(tag_of(kind))}, optional=dict.fromkeys([*fields, "unknown"], VALUES))


@given(st.sampled_from(get_args(Command)).flatmap(messages_like))
@settings(max_examples=1000)
def test_schema_and_server_accept_the_same_commands(message: dict[str, Any]) -> None:
    understood = frames.read_frame(json.dumps(message))
    assert understood is not None
    assert CLIENT_FRAME.is_valid(message) == isinstance(understood[0], Command), understood


def test_frames_of_example_match_schema() -> None:
    lines = [line for block in EXAMPLE_BLOCK.findall(PAGE) for line in block.splitlines()]
    assert lines
    for line in lines:
        _, direction, frame = line.split(" ", 2)
        if direction == ">":
            CLIENT_FRAME.validate(json.loads(frame))
            understood = frames.read_frame(frame)
            assert understood is not None
            assert all(isinstance(message, Command) for message in understood), frame
        else:
            assert direction == "<"
            SERVER_FRAME.validate(json.loads(frame))
            heard = msgspec.json.decode(frame, type=ServerMessage | list[ServerMessage])
            expect_words_of_the_table(heard if isinstance(heard, list) else [heard])


def expect_words_of_the_table(messages: list[protocol.ServerMessage]) -> None:
    """Every refusal in the example is worded as the server words it."""
    for message in messages:
        if isinstance(message, protocol.ErrorAnswer):
            refusal = frames.answer_error(message.reason)
            assert (message.error, message.retryable) == (refusal.error, refusal.retryable)
