"""`make bench`: measure this version and its peers in the same run, and print one table."""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import redis

from bench.load import CALLERS, Load, run_load
from bench.page import page_rows
from bench.servers import (
    Server,
    allow_many_connections,
    node_peer_available,
    start_express,
    start_hubbub,
    start_store,
)
from bench.stats import print_table
from bench.ws_load import websocket_rows

ROUNDS = 5
JOINS = 19_200
CREATES = 9_600
LONE_CREATES = 2_000
PARTIES = 10_000


def main() -> None:
    """Measure everything and print the table."""
    allow_many_connections()
    rows: list[tuple[str, str]] = []
    with start_store() as store:
        rows.append(("store", store.name))
        rows += joins_beside_express(store)
        rows += lone_creates(store)
    rows += memory_per_party()
    rows += websocket_rows()
    rows += page_rows()
    print_table(rows)


def joins_beside_express(store: Server) -> Iterator[tuple[str, str]]:
    """Measure joins and creates with 64 callers, and the CPU per join of the server and of the peer in turn."""
    with start_hubbub(store) as hubbub, start_hubbub(store, quiet=True) as quiet:
        code = create_party(hubbub)
        contenders: dict[str, Callable[[], Load]] = {
            "hubbub": lambda: run_load(hubbub, "/api/join-party", {"partyCode": code}, JOINS),
            "hubbub, no log line": lambda: run_load(quiet, "/api/join-party", {"partyCode": code}, JOINS),
        }
        with express_peers(store, code) as peers:
            loads = measure_in_turn({**contenders, **peers})
        creates = [run_load(hubbub, "/api/create-party", {}, CREATES) for _ in range(ROUNDS)]
    yield f"creates/s, {CALLERS} callers", f"{median_rate(creates):,.0f}"
    for name, runs in loads.items():
        yield f"joins/s, {CALLERS} callers: {name}", f"{median_rate(runs):,.0f}"
    for name, runs in loads.items():
        yield f"CPU µs per join: {name}", f"{median_cpu(runs):.0f}   (runs: {cpu_runs(runs)})"
    if "express" in loads:
        yield "CPU per join, hubbub / express", ratio(loads["hubbub"], loads["express"])
        yield (
            "CPU per join, hubbub / express, no log lines",
            ratio(loads["hubbub, no log line"], loads["express, no log line"]),
        )


@contextmanager
def express_peers(store: Server, code: str) -> Iterator[dict[str, Callable[[], Load]]]:
    """Start the peer with and without its log line; without node, print why not and yield nothing."""
    if (missing := node_peer_available("express")) is not None:
        print(f"express peer skipped: {missing}", file=sys.stderr)
        yield {}
        return
    with start_express(store) as loud, start_express(store, quiet=True) as quiet:
        body = {"partyCode": code}
        yield {
            "express": lambda: run_load(loud, "/api/join-party", body, JOINS),
            "express, no log line": lambda: run_load(quiet, "/api/join-party", body, JOINS),
        }


def measure_in_turn(contenders: dict[str, Callable[[], Load]]) -> dict[str, list[Load]]:
    """Measure every contender once per round, so that noise affects all alike; the first round warms up."""
    loads: dict[str, list[Load]] = {name: [] for name in contenders}
    for number in range(ROUNDS + 1):
        print(f"round {number} of {ROUNDS} ...", file=sys.stderr)
        for name, measure in contenders.items():
            load = measure()
            if number:
                loads[name].append(load)
    return loads


def lone_creates(store: Server) -> Iterator[tuple[str, str]]:
    """Measure one create at a time on an idle machine, in turn with a bare SET and GET on the same store."""
    print("lone creates ...", file=sys.stderr)
    bare = redis.Redis(port=store.port)
    bare_ms: list[float] = []
    create_ms: list[float] = []
    with start_hubbub(store) as hubbub, hubbub.connection() as connection:
        for number in range(LONE_CREATES):
            started = time.perf_counter()
            bare.set(f"bench:{number}", "x" * 250, nx=True, ex=60)
            bare.get(f"bench:{number}")
            between = time.perf_counter()
            connection.request("POST", "/api/create-party", body=b"{}")
            assert connection.getresponse().read()
            create_ms.append((time.perf_counter() - between) * 1000)
            bare_ms.append((between - started) * 1000)
    for name, quantile in (("p50", 50), ("p99", 99)):
        create = statistics.quantiles(create_ms, n=100)[quantile - 1]
        probe = statistics.quantiles(bare_ms, n=100)[quantile - 1]
        yield (
            f"one create alone, {name}",
            f"{create:.2f} ms = {create / probe:.1f} x SET+GET ({probe:.2f} ms)",
        )


def memory_per_party() -> Iterator[tuple[str, str]]:
    """Measure the store's memory per party over 10,000 parties."""
    print("memory per party ...", file=sys.stderr)
    with start_store() as store, start_hubbub(store) as hubbub:
        client = redis.Redis(port=store.port)
        run_load(hubbub, "/api/create-party", {}, CALLERS)
        client.flushall()
        before = client.info("memory")["used_memory"]
        made = run_load(hubbub, "/api/create-party", {}, PARTIES).calls
        created = (client.info("memory")["used_memory"] - before) / made
    yield "bytes per party, just created", f"{created:.0f}   (one key, its secrets hashed; aim: at most 400)"
    yield "bytes per party, the system before", f"{memory_of_the_system_before():.0f}   (one key, no secrets)"


def memory_of_the_system_before() -> float:
    """Measure the same for the document of the system before Hubbub."""
    with start_store() as store:
        client = redis.Redis(port=store.port)
        before = client.info("memory")["used_memory"]
        pipeline = client.pipeline(transaction=False)
        document = {"chatMode": "OPEN", "createdAt": 1767225600000, "hostId": 1, "hostConnected": True}
        for number in range(PARTIES):
            pipeline.set(f"party:{number:06d}", msgspec.json.encode({**document, "guestCount": 0}), ex=7200)
        pipeline.execute()
        return float((client.info("memory")["used_memory"] - before) / PARTIES)


def create_party(hubbub: Server) -> str:
    """Create a party and return its code."""
    with hubbub.connection() as connection:
        connection.request("POST", "/api/create-party", body=b"{}")
        return str(msgspec.json.decode(connection.getresponse().read())["partyCode"])


def median_rate(loads: list[Load]) -> float:
    """Return the median of calls per second."""
    return statistics.median(load.calls / load.seconds for load in loads)


def median_cpu(loads: list[Load]) -> float:
    """Return the median of CPU µs per call."""
    return statistics.median(load.cpu_us_per_call for load in loads)


def cpu_runs(loads: list[Load]) -> str:
    """Format every run's CPU µs per call: they show how noisy the machine was."""
    return " ".join(f"{load.cpu_us_per_call:.0f}" for load in loads)


def ratio(ours: list[Load], theirs: list[Load]) -> str:
    """Format the median of the ratios of runs in the same round."""
    pairs = [a.cpu_us_per_call / b.cpu_us_per_call for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(pairs):.2f}   (aim: at most 0.70)"


if __name__ == "__main__":
    main()
