"""Dump what the store holds of a party, record what it publishes, and let its time pass."""

from typing import Any

import msgspec
import redis

from hubbub.core.replica import Published
from hubbub.core.seats import SeatRecord, decode_seat
from hubbub.store import keys
from tests.support.stores import StoreServer

CODE = "BCDFGH"
KICKED = "kicked"
"""Replaces the seat of a kicked token."""

Event = dict[str, Any]


class StoreDump(msgspec.Struct, frozen=True):
    """All that the store holds of a party. Most fields are empty until someone enters."""

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
    """When each existing key of the party expires, in ms; -1 for never."""

    @property
    def taken_seats(self) -> dict[str, SeatRecord]:
        """The seats whose tokens are not banned, by id."""
        return {seat: record for seat, record in self.seats.items() if isinstance(record, SeatRecord)}

    @property
    def version(self) -> int:
        """Return the party's version."""
        return int(self.state.get("version", 0))

    @property
    def clock(self) -> int:
        """Return the party clock at the last command, in ms."""
        return int(self.state["touchedAt"]) - int(self.state["stoodStill"])


def dump_party(server: StoreServer, code: str = CODE) -> StoreDump:
    """Dump a party that must be stored."""
    dump = dump_party_if_stored(server, code)
    assert dump is not None
    return dump


def dump_party_if_stored(server: StoreServer, code: str = CODE) -> StoreDump | None:
    """Dump a party, or return None if it is not stored."""
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
    """List the store's keys, tombstones included, but not those of generations and recovery."""
    return sorted(key for key in map(str, server.admin.keys("*")) if not key.endswith((":life", ":recovering")))


def document_of(server: StoreServer, code: str = CODE) -> dict[str, Any]:
    """Return the party's document as operators read it."""
    document: dict[str, Any] = msgspec.json.decode(server.text(keys.party(code)))
    return document


class Subscriber:
    """Subscribe to one party on an own connection that loses nothing."""

    def __init__(self, server: StoreServer, code: str = CODE) -> None:
        connect: Any = redis.Connection
        self._connection = connect(
            port=server.port_of(keys.events(code)), protocol=2, socket_timeout=5, decode_responses=True
        )
        self._connection.send_command("SSUBSCRIBE", keys.events(code))
        self._published: list[Published] = []
        self._ephemeral: list[str] = []
        self._listen()

    def take_all(self) -> tuple[list[Published], list[str]]:
        """Return the events since the last call, as `Replica` takes them, and the ephemeral messages."""
        self._listen()
        published, self._published = self._published, []
        ephemeral, self._ephemeral = self._ephemeral, []
        return published, ephemeral

    def take_encoded(self) -> list[str]:
        """Return the events since the last call, encoded as they were published."""
        self._listen()
        published, self._published = self._published, []
        return [event.decode() for one in published for event in one.events]

    def take_events(self) -> list[Event]:
        """Return the events since the last call."""
        return [msgspec.json.decode(event) for event in self.take_encoded()]

    def take_ephemeral(self) -> list[str]:
        """Return the messages without a version since the last call: a letter for the kind, then the text."""
        self._listen()
        ephemeral, self._ephemeral = self._ephemeral, []
        return ephemeral

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()

    def _listen(self) -> None:
        # Replies come in order, so all that was published before this ping comes before its answer.
        self._connection.send_command("PING")
        while (heard := self._connection.read_response())[0] != "pong":
            if heard[0] == "smessage":
                self._take(heard[2])

    def _take(self, text: str) -> None:
        if not text.startswith("E"):
            self._ephemeral.append(text)
            return
        head, *events = text[1:].split("\n")
        epoch, first = head.split(" ")
        published = Published(epoch, int(first), [event.encode() for event in events])
        numbers = [msgspec.json.decode(event)["version"] for event in published.events]
        assert numbers == list(range(published.first, published.first + len(events)))
        self._published.append(published)


def store_seconds(server: StoreServer) -> float:
    """Return the store's clock."""
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
    """Let time pass for a party without a command.

    A store's clock cannot be set. Instead this moves the party's timestamps into the past: its last command, the party
    clock, and the expiry of its keys. Negative seconds act like a clock that was set back. Timestamps that clients see
    (`createdAt`, `at`) stay.
    """
    names = keys.party_keys(code)
    server.admin.eval(_PASS_TIME, len(names), *names, str(round(seconds * 1000)))
