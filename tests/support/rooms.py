"""Rooms for tests of them, and what they tell."""

import json
from typing import Any

from hubbub.core.replica import Room
from tests.support.fakes import FakeParty


def level(party: FakeParty) -> Room:
    """A room that knows the party, and whose phones have been sent all there is."""
    room = Room()
    assert room.ask() is None
    assert room.answered(party.whole())
    room.sent()
    return room


def told(room: Room, after: int = 0) -> list[dict[str, Any]]:
    """The messages of the room's next frame."""
    text = room.batch(after)
    decoded = [] if text is None else json.loads(text)
    return decoded if isinstance(decoded, list) else [decoded]
