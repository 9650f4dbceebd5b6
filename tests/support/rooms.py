"""Build synced replicas and read what they send."""

import json
from typing import Any

from hubbub.core.replica import Replica
from tests.support.fakes import FakeParty


def synced_replica(party: FakeParty) -> Replica:
    """Return a replica that knows the party and has sent all of it."""
    room = Replica()
    assert room.start_sync() is None
    assert room.apply_sync(party.whole())
    room.outbox.mark_sent()
    return room


def sent_messages(room: Replica, after: int = 0) -> list[dict[str, Any]]:
    """Return the messages of the next frame."""
    text = room.outbox.batch(after)
    decoded = [] if text is None else json.loads(text)
    return decoded if isinstance(decoded, list) else [decoded]
