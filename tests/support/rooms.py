"""Rooms for tests of them, and what they tell."""

import json
from typing import Any

from hubbub.core.replica import Replica
from tests.support.fakes import FakeParty


def level(party: FakeParty) -> Replica:
    """A room that knows the party, and whose phones have been sent all there is."""
    room = Replica()
    assert room.start_sync() is None
    assert room.apply_sync(party.whole())
    room.outbox.mark_sent()
    return room


def told(room: Replica, after: int = 0) -> list[dict[str, Any]]:
    """The messages of the room's next frame."""
    text = room.outbox.batch(after)
    decoded = [] if text is None else json.loads(text)
    return decoded if isinstance(decoded, list) else [decoded]
