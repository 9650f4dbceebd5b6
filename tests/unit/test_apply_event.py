"""Apply every event to a snapshot, as JSON vectors define it. Other clients can be tested with the same vectors."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.apply import apply_event
from hubbub.core.protocol import Event, MessageEvent, Snapshot, encode
from tests.support.fakes import count_event, ended_event, joined_event, message_event, new_snapshot
from tests.support.party_view import PartyView

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "apply_event.json").read_text("utf-8")
)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_event_matches_vector(vector: dict[str, Any]) -> None:
    before = msgspec.convert(vector["before"], Snapshot)
    event: Event = msgspec.convert(vector["event"], Event)
    untouched = encode(before)
    assert apply_event(before, event) == msgspec.convert(vector["after"], Snapshot)
    assert encode(before) == untouched


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vectors_have_exactly_the_wire_fields(vector: dict[str, Any]) -> None:
    for name, kind in (("before", Snapshot), ("event", Event), ("after", Snapshot)):
        assert json.loads(encode(msgspec.convert(vector[name], kind))) == vector[name]


def test_every_event_has_vector() -> None:
    covered = {vector["event"]["t"] for vector in VECTORS}
    assert covered == {kind.__struct_config__.tag for kind in get_args(Event)}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_independent_client_reaches_same_state(vector: dict[str, Any]) -> None:
    event = vector["event"]
    position = {"epoch": "e", "version": event.get("from", event["version"]) - 1}
    mine, told = PartyView(), PartyView()
    for view, snapshot, at in ((mine, vector["before"], position), (told, vector["after"], None)):
        view.take({"t": "WATCHING", "code": snapshot["code"], **position})
        view.take({"t": "ROOM", "snapshot": _countable(snapshot), **(at or {**position, "version": event["version"]})})
    mine.take(event)
    assert mine.state() == told.state()


def _countable(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The snapshot as one of a party in which not every seat is listed, where a client cannot count for itself."""
    strangers = [{"id": f"s{n}", "name": "", "isHost": False, "connected": False} for n in range(200)]
    return {**snapshot, "members": [*snapshot["members"], *strangers]}


@given(st.lists(st.sampled_from(["said", "came", "counted", "over"]), max_size=60))
def test_snapshot_keeps_20_messages_and_all_guests(kinds: list[str]) -> None:
    party = new_snapshot()
    texts = []
    names = ["Ann"]
    for number, kind in enumerate(kinds):
        if kind == "said":
            texts.append(str(number))
        if kind == "came":
            names.append(f"G{number}")
        events: dict[str, Event] = {
            "said": message_event(str(number)),
            "came": joined_event(f"G{number}"),
            "counted": count_event(number),
            "over": ended_event(),
        }
        party = apply_event(party, events[kind])
    assert [message.text for message in party.messages] == texts[-20:]
    assert [member.name for member in party.members] == names
    assert party.playback == new_snapshot().playback


def test_applied_message_keeps_authors_name() -> None:
    spoken = MessageEvent(version=1, id="m", member_id="ann", name="Old", text="x", at=1)
    assert apply_event(new_snapshot(), spoken).messages[0].name == "Old"
