"""The test client without I/O: it numbers requests, keeps what it receives, and models its party."""

import json
from collections.abc import Iterable
from typing import Any, Protocol

from tests.support.party_view import OPENINGS, Message, PartyView

RETRYABLE = frozenset({"store_unavailable", "recovering", "rate_limited", "too_many_watchers"})
# No event says when the limit has passed, so clients try again after this pause.
RATE_LIMITED_PAUSE_SECONDS = 0.1
LAST_RECEIVED_CHARS = 200


class ClientCore:
    """One client's side of a connection.

    `received` holds every message in the order it came, batches unpacked. `find` looks for the next one that
    matches, so each message is found once; answers are found by their `requestId` and disturb no search.
    """

    def __init__(self, view: PartyView | None = None) -> None:
        self.view = view if view is not None else PartyView()
        self.received: list[Message] = []
        self.opening: Message = {}
        self._answers: dict[str, Message] = {}
        self._requests = 0
        self._searched = 0

    @property
    def room(self) -> dict[str, Any]:
        """Return the party as this client knows it, its members by id."""
        return self.view.room

    @property
    def code(self) -> str:
        """Return the party's code."""
        return str(self.opening["code"])

    @property
    def member_id(self) -> str:
        """Who this client is in the party."""
        return str(self.opening["memberId"])

    @property
    def token(self) -> str:
        """Return the secret that owns the seat."""
        return str(self.opening["token"])

    @property
    def me(self) -> Message:
        """Return this client's own member, as the server sent it."""
        return self.view.members[self.member_id]

    def name_of(self, member_id: str) -> str | None:
        """Return a listed member's name, as far as this client knows."""
        name = self.view.members.get(member_id, {}).get("name")
        return str(name) if name is not None else None

    def receive(self, frame: str | bytes) -> None:
        """Take a frame: one message, or a non-empty array of them."""
        assert isinstance(frame, str), f"a binary frame: {frame!r}"
        for message in decode_frame(frame):
            self._receive_one(message)

    def _receive_one(self, message: Message) -> None:
        assert isinstance(message.get("t"), str), message
        self.received.append(message)
        if message["t"] == "ERROR":
            assert message["error"], message
            assert message["retryable"] is (message["reason"] in RETRYABLE), message
        if message["t"] in OPENINGS:
            self.opening = message
        if isinstance(request := message.get("requestId"), str):
            assert request not in self._answers, f"answered twice: {message}"
            self._answers[request] = message
        self.view.take(message)

    def request(self, kind: str, fields: dict[str, Any]) -> Message:
        """Return the command with a new request id."""
        self._requests += 1
        return {"t": kind, "requestId": f"q{self._requests}", **fields}

    def answer_to(self, request: Message) -> Message | None:
        """Return the answer to the request, if it has come."""
        return self._answers.get(request["requestId"])

    def find(self, kind: str, fields: dict[str, Any]) -> Message | None:
        """Return the next message of that type with those fields, if it has come."""
        for place in range(self._searched, len(self.received)):
            if matches(self.received[place], kind, fields):
                self._searched = place + 1
                return self.received[place]
        return None

    def all_of(self, kind: str, **fields: Any) -> list[Message]:
        """Return every message so far of that type with those fields."""
        return [message for message in self.received if matches(message, kind, fields)]

    def kinds(self) -> list[str]:
        """Return the types of all messages so far, without `STATUS`, which may come at any time."""
        return [message["t"] for message in self.received if message["t"] != "STATUS"]

    def reactions(self, emoji: str) -> int:
        """Return how often the emoji was received, one by one or merged."""
        merged = sum(message["counts"].get(emoji, 0) for message in self.all_of("REACTIONS"))
        return len(self.all_of("REACTION", emoji=emoji)) + int(merged)

    def last_received(self) -> str:
        """Return the end of what was received, for a failure's message."""
        last = [str(message)[:LAST_RECEIVED_CHARS] for message in self.received[-5:]]
        return f"position {self.view.position}, received last: {last}"


def decode_frame(frame: str | bytes) -> list[Message]:
    """Return the messages of a frame: one, or a non-empty array of them."""
    content = json.loads(frame)
    batch: list[Message] = content if isinstance(content, list) else [content]
    assert batch, "an empty array"
    return batch


def matches(message: Message, kind: str, fields: dict[str, Any]) -> bool:
    """Return whether the message is of that type and has those fields."""
    return message["t"] == kind and all(message.get(name) == value for name, value in fields.items())


class HasView(Protocol):
    """A client that keeps a view of a party."""

    @property
    def view(self) -> PartyView:
        """Return the view."""
        ...


def has_reached(client: HasView, version: int) -> bool:
    """Return whether the client has received that version."""
    return client.view.version >= version


def expect_synced(clients: Iterable[HasView]) -> None:
    """Fail unless clients at the same position have the same view of their party."""
    states = [client.view.state() for client in clients]
    for state in states[1:]:
        assert state == states[0]


def are_synced(clients: Iterable[HasView]) -> bool:
    """Return whether all clients are at the same position."""
    positions = [client.view.position for client in clients]
    return all(position == positions[0] for position in positions)
