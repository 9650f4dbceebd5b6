"""A live party from behind: what the store holds of it, what it publishes, and its time, which tests let pass."""

from typing import Any

import msgspec
import redis

from hubbub.core.replica import Published
from hubbub.core.seats import SeatRecord, decode_seat
from hubbub.store import keys
from tests.support.stores import StoreServer

CODE = "BCDFGH"
KICKED = "kicked"
"""Stands in place of a seat whose token may not come back."""

Event = dict[str, Any]


class StoreDump(msgspec.Struct, frozen=True):
    """What the store holds of a party; empty where it was never touched."""

    document: dict[str, Any]
    state: dict[str, str]
    seats: dict[str, SeatRecord | str]
    tokens: dict[str, str]
    roster: list[str]
    leases: dict[str, int]
    log: list[Event]
    log_bytes: int
    messages: list[Event]
    expiries: dict[str, int]
    """When each key of the party that is there expires, ms; -1 for never."""

    @property
    def taken_seats(self) -> dict[str, SeatRecord]:
        """The seats whose tokens are not banned, by id."""
        return {seat: record for seat, record in self.seats.items() if isinstance(record, SeatRecord)}

    @property
    def version(self) -> int:
        """The party's version."""
        return int(self.state.get("version", 0))

    @property
    def clock(self) -> int:
        """The party's own clock at its last touch, ms."""
        return int(self.state["touchedAt"]) - int(self.state["stoodStill"])


def dump_party(server: StoreServer, code: str = CODE) -> StoreDump:
    """Everything that the store holds of a party that is there."""
    dump = dump_party_if_stored(server, code)
    assert dump is not None
    return dump


def dump_party_if_stored(server: StoreServer, code: str = CODE) -> StoreDump | None:
    """The same, or None where it is not there."""
    names = keys.party_keys(code)
    document, _, _, state, seats, tokens, roster, leases, log, messages = names
    pipeline = server.admin.pipeline(transaction=False)  # a full store starts no transaction
    pipeline.get(document)
    for name in (state, seats, tokens):
        pipeline.hgetall(name)
    for name in (roster, log, messages):
        pipeline.lrange(name, 0, -1)
    pipeline.zrange(leases, 0, -1, withscores=True)
    for name in names:
        pipeline.pexpiretime(name)
    answers: list[Any] = pipeline.execute()
    if answers[0] is None:
        return None
    return StoreDump(
        document=msgspec.json.decode(answers[0]),
        state=answers[1],
        seats={seat: _seat(record) for seat, record in answers[2].items()},
        tokens=answers[3],
        roster=answers[4],
        leases={entry: int(score) for entry, score in answers[7]},
        log=[msgspec.json.decode(event) for event in answers[5]],
        log_bytes=sum(len(event.encode()) for event in answers[5]),
        messages=[msgspec.json.decode(message) for message in answers[6]],
        expiries={name: at for name, at in zip(names, answers[8:], strict=True) if at != -2},
    )


def _seat(record: str) -> SeatRecord | str:
    return record if record == KICKED else decode_seat(record)


def party_key_names(server: StoreServer) -> list[str]:
    """Every key that the store has for parties' sake, tombstones included."""
    return sorted(key for key in map(str, server.admin.keys("*")) if not key.endswith((":life", ":recovering")))


def document_of(server: StoreServer, code: str = CODE) -> dict[str, Any]:
    """The document as operators read it."""
    document: dict[str, Any] = msgspec.json.decode(server.text(keys.party(code)))
    return document


class Subscriber:
    """A subscriber of one party, on a connection of its own that loses nothing."""

    def __init__(self, server: StoreServer, code: str = CODE) -> None:
        connect: Any = redis.Connection
        self._connection = connect(
            port=server.port_of(keys.events(code)), protocol=2, socket_timeout=5, decode_responses=True
        )
        self._connection.send_command("SSUBSCRIBE", keys.events(code))
        self._published: list[Published] = []
        self._mentions: list[str] = []
        self._listen()

    def everything(self) -> tuple[list[Published], list[str]]:
        """What came since the last look, as `Replica` takes it, and the mentions."""
        self._listen()
        published, self._published = self._published, []
        mentions, self._mentions = self._mentions, []
        return published, mentions

    def encoded(self) -> list[str]:
        """The numbered events that came since the last look, as they came."""
        self._listen()
        published, self._published = self._published, []
        return [event.decode() for one in published for event in one.events]

    def events(self) -> list[Event]:
        """The numbered events that came since the last look."""
        return [msgspec.json.decode(event) for event in self.encoded()]

    def mentions(self) -> list[str]:
        """What came without a number since the last look: its kind in one letter, and its text."""
        self._listen()
        mentions, self._mentions = self._mentions, []
        return mentions

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()

    def _listen(self) -> None:
        # Replies come in order, so whatever was published before this ping comes before its answer.
        self._connection.send_command("PING")
        while (heard := self._connection.read_response())[0] != "pong":
            if heard[0] == "smessage":
                self._take(heard[2])

    def _take(self, text: str) -> None:
        if not text.startswith("E"):
            self._mentions.append(text)
            return
        head, *events = text[1:].split("\n")
        epoch, first = head.split(" ")
        published = Published(epoch, int(first), [event.encode() for event in events])
        numbers = [msgspec.json.decode(event)["version"] for event in published.events]
        assert numbers == list(range(published.first, published.first + len(events)))
        self._published.append(published)


def store_seconds(server: StoreServer) -> float:
    """The store's clock."""
    seconds, micros = server.admin.time()
    return float(seconds + micros / 1_000_000)


_PASS_TIME = """
local ms = tonumber(ARGV[1])
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('HINCRBY', KEYS[4], 'touchedAt', -ms)
  redis.call('HINCRBY', KEYS[4], 'stoodStill', -ms)
end
for _, name in ipairs(KEYS) do
  local expires_at = redis.call('PEXPIRETIME', name)
  if expires_at > 0 then redis.call('PEXPIREAT', name, string.format('%d', expires_at - ms)) end
end
"""


def pass_time(server: StoreServer, seconds: float, code: str = CODE) -> None:
    """Make it so many seconds later for a party; nobody touches it meanwhile.

    A store's clock cannot be set, so the stamps by which the party lives get older instead: when it was last touched,
    what its own clock showed then, and when its keys expire (those that have expired go). A clock that was set forward
    looks the same; negative seconds are one that was set back. Instants that are told (`createdAt`, `at`) stay.
    """
    names = keys.party_keys(code)
    server.admin.eval(_PASS_TIME, len(names), *names, str(round(seconds * 1000)))
