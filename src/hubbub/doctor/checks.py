"""What the facts about a server mean for Hubbub: one pure function a check."""

import re
from math import ceil, isinf
from typing import Final

from hubbub.core.limits import (
    DOCTOR_CLOCKS_APART_NOTE_MS,
    DOCTOR_MEMORY_WARNING_SHARE,
    DOCTOR_ROUND_TRIP_NOTE_MS,
    DOCTOR_ROUND_TRIP_WARNING_MS,
)
from hubbub.doctor.access import encryption, privileges, rights
from hubbub.doctor.facts import Facts
from hubbub.doctor.findings import Finding, Severity
from hubbub.doctor.replication import replicas
from hubbub.doctor.result import NEEDED_RIGHTS, NOT_TRIED, OPTIONAL_RIGHTS, CheckResult
from hubbub.store.port import StoreFailure

_OLDEST: Final = {"redis": (7, 0), "valkey": (7, 2)}
_POINT_AT_PRIMARY: Final = "Point REDIS_URL or REDIS_HOST at the primary."
_REMEDIES: Final = {
    StoreFailure.LOADING: "Wait until it has read its data.",
    StoreFailure.READ_ONLY: _POINT_AT_PRIMARY,
    StoreFailure.NOT_PERMITTED: NEEDED_RIGHTS,
}
_REMEDY: Final = 'Mend what the server says; see docs/redis.md, "Troubleshoot".'
_MIB: Final = 1024 * 1024
_PERSISTENCE_STATUSES: Final = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")


def run_checks(facts: Facts, replicas_wanted: int) -> tuple[Finding, ...]:
    """Every check of one server; `replicas_wanted` is `REDIS_MIN_REPLICAS`."""
    judged = {
        "server": server(facts),
        "role": role(facts),
        "writes": writes(facts),
        "eviction": eviction(facts),
        "memory": memory(facts),
        "persistence": persistence(facts),
        "replicas": replicas(facts, replicas_wanted),
        "rights": rights(facts),
        "privileges": privileges(facts),
        "encryption": encryption(facts),
        "latency": latency(facts),
        "events": events(facts),
        "clock": clock(facts),
    }
    return tuple(Finding(facts.server, check, *what) for check, what in judged.items())


def server(facts: Facts) -> CheckResult:
    """Whether the server's kind and version can run Hubbub's scripts."""
    if not facts.version:
        return CheckResult(Severity.NOT_PERMITTED, "its version may not be seen", OPTIONAL_RIGHTS)
    seen = f"{facts.product.capitalize()} {facts.version}"
    oldest = _OLDEST.get(facts.product)
    if oldest is None:
        return CheckResult(Severity.WARNING, seen, "Hubbub is tested on Redis and Valkey only.")
    if tuple(map(int, re.findall(r"\d+", facts.version)[:2])) < oldest:
        return CheckResult(Severity.PROBLEM, seen, "Use Redis 7.0 or newer, or Valkey 7.2 or newer.")
    return CheckResult(Severity.OK, seen)


def role(facts: Facts) -> CheckResult:
    """Whether this is a server that takes writes."""
    if facts.role == "master":
        return CheckResult(Severity.OK, "primary")
    if not facts.role:
        return CheckResult(Severity.NOT_PERMITTED, "may not be seen", OPTIONAL_RIGHTS)
    return CheckResult(Severity.PROBLEM, f"a {facts.role}, which takes no writes", _POINT_AT_PRIMARY)


def writes(facts: Facts) -> CheckResult:
    """Whether it would take a write now."""
    refusal = facts.refusal
    if refusal is None:
        return CheckResult(Severity.OK, "taken")
    return CheckResult(Severity.PROBLEM, f"refused: {refusal.detail}", _REMEDIES.get(refusal.trouble, _REMEDY))


def eviction(facts: Facts) -> CheckResult:
    """Whether a full store would throw live parties away."""
    policy = (facts.config or {}).get("maxmemory-policy") or (facts.info or {}).get("maxmemory_policy")
    if policy is None:
        return CheckResult(Severity.NOT_PERMITTED, "maxmemory-policy may not be seen", OPTIONAL_RIGHTS)
    if policy == "noeviction":
        return CheckResult(Severity.OK, "noeviction")
    return CheckResult(
        Severity.WARNING,
        f"{policy}: when memory runs short the store will throw LIVE PARTIES away, whose keys all have a time to live",
        "CONFIG SET maxmemory-policy noeviction, and write the same into the server's configuration file.",
    )


def memory(facts: Facts) -> CheckResult:
    """How much of the store's memory is used."""
    if facts.info is None:
        return CheckResult(Severity.NOT_PERMITTED, "may not be seen", OPTIONAL_RIGHTS)
    used, limit = (int(facts.info.get(name, 0)) for name in ("used_memory", "maxmemory"))
    if not limit:
        seen = f"{used / _MIB:.1f} MiB used, no limit"
        if facts.connection.peer is None:
            return CheckResult(Severity.OK, seen)
        return CheckResult(
            Severity.NOTE, seen, "Set maxmemory: a machine without memory ends the store, and all parties."
        )
    seen = f"{used / _MIB:.1f} of {limit / _MIB:.1f} MiB used"
    if used > limit * DOCTOR_MEMORY_WARNING_SHARE:
        return CheckResult(Severity.WARNING, seen, "Raise maxmemory: a full store refuses new parties and new seats.")
    return CheckResult(Severity.OK, seen)


def persistence(facts: Facts) -> CheckResult:
    """What a restarted store would still know."""
    info, config = facts.info, facts.config or {}
    if info is None:
        return CheckResult(Severity.NOT_PERMITTED, "may not be seen", OPTIONAL_RIGHTS)
    failed = [name for name in _PERSISTENCE_STATUSES if info.get(name, "ok") != "ok"]
    if failed:
        advice = "Look into the server's log and at its disk: what is not written a restart forgets."
        return CheckResult(Severity.PROBLEM, f"the last write failed ({', '.join(failed)})", advice)
    advice = "appendonly yes and appendfsync everysec lose at most a second."
    if info.get("aof_enabled"):
        fsync = config.get("appendfsync", "")
        seen = f"append-only file{fsync and f', appendfsync {fsync}'}"
        return CheckResult(Severity.NOTE, seen, advice) if fsync == "no" else CheckResult(Severity.OK, seen)
    snapshots = config.get("save")
    if snapshots:
        seen = f"snapshots only (save {snapshots}): a restart loses what came after the last one"
    elif snapshots is None:
        seen = "no append-only file; whether there are snapshots may not be seen"
    else:
        seen = "none: a restarted store has forgotten every party"
    return CheckResult(Severity.WARNING, seen, advice)


def latency(facts: Facts) -> CheckResult:
    """How long an instance waits for the store."""
    took = sorted(facts.round_trips_ms)
    if not took:
        return CheckResult(Severity.NOTE, NOT_TRIED)
    half, most = (took[ceil(len(took) * share) - 1] for share in (0.5, 0.99))
    seen = f"p50 {half:.2f} ms, p99 {most:.2f} ms, {len(took)} round trips"
    if most > DOCTOR_ROUND_TRIP_WARNING_MS:
        return CheckResult(Severity.WARNING, seen, "Bring the store nearer, or find what holds it up: SLOWLOG GET.")
    if half > DOCTOR_ROUND_TRIP_NOTE_MS:
        return CheckResult(Severity.NOTE, seen, "Every command in a party waits as long: bring the store nearer.")
    return CheckResult(Severity.OK, seen)


def events(facts: Facts) -> CheckResult:
    """Whether what a script publishes reaches this machine."""
    if facts.event_ms is None:
        return CheckResult(Severity.NOTE, "none came: see rights" if facts.rights else NOT_TRIED)
    if isinf(facts.event_ms):
        advice = "Something on the way lets no pub/sub through, perhaps a proxy: connect to the server itself."
        return CheckResult(Severity.PROBLEM, "a word that was published did not come", advice)
    return CheckResult(Severity.OK, f"{facts.event_ms:.2f} ms from a script until heard here")


def clock(facts: Facts) -> CheckResult:
    """How far this machine's clock and the store's are apart; Hubbub itself does not mind."""
    apart = facts.clocks
    if apart is None:
        return CheckResult(Severity.NOTE, NOT_TRIED)
    least = max(apart.at_least_ms, -apart.at_most_ms, 0.0)
    middle = (apart.at_least_ms + apart.at_most_ms) / 2
    seen = f"the store's is {abs(middle):.0f} ms {'ahead' if middle >= 0 else 'behind'}"
    if least > DOCTOR_CLOCKS_APART_NOTE_MS:
        return CheckResult(
            Severity.NOTE, seen, "Hubbub needs no synchronised clocks, but logs are hard to compare: use NTP."
        )
    return CheckResult(Severity.OK, seen)
