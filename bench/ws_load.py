"""Measure the WebSocket: the cost of a delivered event, an idle connection and a crowd, next to peers."""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

import redis

from bench.delivery import BARE, BARE_BY_REDIS_PY, run_deliveries
from bench.phones import SOCKETIO, Phones, start_phones
from bench.servers import (
    Server,
    node_peer_available,
    socketio_available,
    start_hubbub,
    start_socketio,
    start_store,
    start_ws,
)
from bench.stats import median_and_runs, percentile, ratio, runs

TALK_ROUNDS = 5
ROUNDS = 3
WARM_UP_SECONDS = 1.0
# For what joining has set in motion: the last counts told, memory given back.
SETTLING_SECONDS = 1.0

IDLE_PARTIES = 200
MEMBERS = 10
DELIVERIES = 250
GUESTS = 2000

HUBBUB = "hubbub"
WS = "node ws"
Rows = Iterator[tuple[str, str]]
Starter = Callable[[Server], AbstractContextManager[Server]]


class Talk(NamedTuple):
    """How many members speak, and how fast in total."""

    parties: int
    members: int
    messages_per_second: int
    seconds: float

    def __str__(self) -> str:
        parties = "one party" if self.parties == 1 else f"{self.parties} parties"
        return f"{parties} of {self.members}, {self.messages_per_second} messages/s"


# Paces that saturate no contender's core; the slow one leaves nothing to put into one frame.
ONE_PARTY = [Talk(1, 200, 150, 2.5), Talk(1, 200, 10, 4.0)]
MANY_PARTIES = [Talk(100, 10, 600, 2.5)]
MESSAGES_PER_SECOND_MAX = {(SOCKETIO, 1): 80, (SOCKETIO, 100): 300}
LATE = 1.2


class Spoken(NamedTuple):
    """The cost of one talk for the server."""

    cpu_us_per_event: float
    frames_per_event: float
    cores: float
    store_us_per_message: float
    lateness: float


def websocket_rows() -> Rows:
    """Measure everything about the WebSocket."""
    starters = available_contenders()
    with start_store() as store:
        for talks in (ONE_PARTY, MANY_PARTIES):
            yield from cost_per_event(store, starters, talks)
        yield from deliveries(store, starters)
        yield from crowds(store)
    yield from idle_connections(starters)


def available_contenders() -> dict[str, Starter]:
    """Return how to start each available contender; print the missing ones to stderr."""
    starters: dict[str, Starter] = {HUBBUB: start_hubbub}
    for name, starter, missing in (
        (WS, start_ws, node_peer_available("ws")),
        (SOCKETIO, start_socketio, socketio_available()),
    ):
        if missing is None:
            starters[name] = starter
        else:
            print(f"{name} peer skipped: {missing}", file=sys.stderr)
    return starters


def cost_per_event(store: Server, starters: dict[str, Starter], talks: list[Talk]) -> Rows:
    """Measure the server's CPU per delivered event, every contender in turn; all talks use the same connections."""
    spoken: dict[tuple[Talk, str], list[Spoken]] = {(talk, name): [] for talk in talks for name in starters}
    with ExitStack() as stack:
        contenders: dict[str, tuple[Server, Phones]] = {}
        for name, start in starters.items():
            contenders[name] = stack.enter_context(start(store)), stack.enter_context(start_phones())
            join(name, *contenders[name], talks[0].parties, talks[0].members)
        for number in range(TALK_ROUNDS + 1):
            print(f"{talks[0].parties} parties talking, round {number} of {TALK_ROUNDS} ...", file=sys.stderr)
            for talk in talks:
                for name, (server, phones) in contenders.items():
                    if number:
                        spoken[talk, name].append(speak(store, server, phones, paced_for(name, talk)))
                    else:
                        speak(store, server, phones, paced_for(name, talk)._replace(seconds=WARM_UP_SECONDS))
    for talk in talks:
        for name in starters:
            yield f"CPU µs per event, {paced_for(name, talk)}: {name}", describe(spoken[talk, name])
        if WS in starters:
            ours, theirs = ([run.cpu_us_per_event for run in spoken[talk, name]] for name in (HUBBUB, WS))
            yield f"CPU per event, {talk}, hubbub / node ws", ratio(ours, theirs, 0.8)


def join(name: str, server: Server, phones: Phones, parties: int, members: int) -> None:
    """Fill new parties of that server and wait until it is idle."""
    phones.ask("join", kind=name, port=server.port, parties=parties, members=members)
    time.sleep(SETTLING_SECONDS)


def paced_for(name: str, talk: Talk) -> Talk:
    """Return the talk at a rate that this contender can handle."""
    bearable = MESSAGES_PER_SECOND_MAX.get((name, talk.parties), talk.messages_per_second)
    return talk._replace(messages_per_second=min(talk.messages_per_second, bearable))


def speak(store: Server, server: Server, phones: Phones, talk: Talk) -> Spoken:
    """Let the members talk and return the cost for the server and for the store."""
    before, store_before = server.cpu_seconds(), store.cpu_seconds()
    heard = phones.ask("speak", rate=talk.messages_per_second, seconds=talk.seconds)
    spent, spent_by_store = server.cpu_seconds() - before, store.cpu_seconds() - store_before
    events = heard["events"]
    messages = events / talk.members
    return Spoken(
        cpu_us_per_event=spent / events * 1e6,
        frames_per_event=heard["frames"] / events,
        cores=spent / heard["seconds"],
        store_us_per_message=spent_by_store / messages * 1e6,
        lateness=heard["seconds"] / talk.seconds,
    )


def describe(talks: list[Spoken]) -> str:
    """Format the median cost, every run, and figures that explain them."""
    _, frames, cores, store, lateness = (statistics.median(values) for values in zip(*talks, strict=True))
    cost = median_and_runs([talk.cpu_us_per_event for talk in talks])
    late = "; fell behind its pace" if lateness > LATE else ""
    return f"{cost[:-1]}; {frames:.2f} frames an event; {cores:.0%} of a core; store {store:.0f} µs a message{late})"


def deliveries(store: Server, starters: dict[str, Starter]) -> Rows:
    """Measure ms from a host to a guest on another instance, in turn with publish → subscribe on the same store."""
    print("deliveries to another instance ...", file=sys.stderr)
    pairs = [name for name in (HUBBUB, WS) if name in starters]
    with ExitStack() as stack:
        routes = {name: [stack.enter_context(starters[name](store)) for _ in range(2)] for name in pairs}
        taken = [run_deliveries(store, DELIVERIES, routes) for _ in range(ROUNDS)]
    for percent in (50, 99):
        at = {name: [percentile(run[name], percent) for run in taken] for name in taken[0]}
        for name, milliseconds in at.items():
            yield f"host → guest on another instance, p{percent} ms: {name}", median_and_runs(milliseconds, 2)
        if percent == 50:
            yield f"host → guest, p50, hubbub / {BARE_BY_REDIS_PY}", ratio(at[HUBBUB], at[BARE_BY_REDIS_PY], 3)
            yield f"host → guest, p50, hubbub / {BARE}", ratio(at[HUBBUB], at[BARE])


def crowds(store: Server) -> Rows:
    """Measure a crowd that joins one party over two instances as fast as it can."""
    told = []
    for number in range(ROUNDS):
        print(f"crowd of {GUESTS}, round {number + 1} of {ROUNDS} ...", file=sys.stderr)
        with crowd_instances(store) as servers, start_phones() as phones:
            told.append(phones.ask("crowd", ports=[server.port for server in servers], guests=GUESTS))
    crowd = f"crowd of {GUESTS:,} joining one party over two instances"
    yield f"{crowd}, s until all have a seat", median_and_runs([run["seated_seconds"] for run in told])
    yield f"{crowd}, s until all know of all", median_and_runs([run["seconds"] for run in told])
    yield f"{crowd}, told to come back", median_and_runs([run["refusals"] for run in told], 0)
    for what in ("frames", "bytes"):
        middle, most = ([run[what][which] for run in told] for which in (0, 1))
        most_of_all = f"most: {statistics.median(most):,.0f}, {runs(most, 0)}"
        yield f"{crowd}, {what} each", f"{median_and_runs(middle, 0)[:-1]}; {most_of_all})"


@contextmanager
def crowd_instances(store: Server) -> Iterator[list[Server]]:
    """Start two instances whose parties have room for the crowd."""
    with start_hubbub(store, PARTY_CAPACITY="3000") as one, start_hubbub(store, PARTY_CAPACITY="3000") as other:
        yield [one, other]


def idle_connections(starters: dict[str, Starter]) -> Rows:
    """Measure the memory of the server, and for Hubbub of the store, with 2,000 idle members."""
    kilobytes: dict[str, list[float]] = {name: [] for name in starters}
    store_bytes: list[float] = []
    for number in range(ROUNDS):
        print(f"idle connections, round {number + 1} of {ROUNDS} ...", file=sys.stderr)
        for name, start in starters.items():
            with start_store() as store, start(store) as server, start_phones() as phones:
                client = redis.Redis(port=store.port)
                join(name, server, phones, 1, MEMBERS)  # what the first connection loads is not the price of another
                resident_before, stored_before = server.resident_bytes(), client.info("memory")["used_memory"]
                join(name, server, phones, IDLE_PARTIES, MEMBERS)
                grown = server.resident_bytes() - resident_before
                kilobytes[name].append(grown / 1024 / (IDLE_PARTIES * MEMBERS))
                if name == HUBBUB:
                    store_bytes.append((client.info("memory")["used_memory"] - stored_before) / IDLE_PARTIES)
    for name, grown_by in kilobytes.items():
        yield f"KB per idle connection, {IDLE_PARTIES} parties of {MEMBERS}: {name}", median_and_runs(grown_by)
    yield f"bytes of store per party, {MEMBERS} members connected", median_and_runs(store_bytes, 0)
