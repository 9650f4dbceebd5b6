"""Checks of one server: each is a pure function from facts to a result."""

import ipaddress
import re
import time
from datetime import UTC, datetime
from math import ceil, isinf
from typing import Final

from hubbub.core.limits import (
    DOCTOR_CERTIFICATE_WARNING_DAYS,
    DOCTOR_CLOCKS_APART_NOTE_MS,
    DOCTOR_MEMORY_WARNING_SHARE,
    DOCTOR_REPLICA_LAG_WARNING_SECONDS,
    DOCTOR_ROUND_TRIP_NOTE_MS,
    DOCTOR_ROUND_TRIP_WARNING_MS,
)
from hubbub.doctor.facts import Facts, Rights
from hubbub.doctor.result import NEEDED_RIGHTS, NOT_TRIED, OPTIONAL_RIGHTS, CheckResult, Finding, Severity
from hubbub.store.port import StoreFailure

_OLDEST: Final = {"redis": (7, 0), "valkey": (7, 2)}
_POINT_AT_PRIMARY: Final = "Point REDIS_URL or REDIS_HOST at the primary."
_REMEDIES: Final = {
    StoreFailure.LOADING: "Wait until the server has loaded its data.",
    StoreFailure.READ_ONLY: _POINT_AT_PRIMARY,
    StoreFailure.NOT_PERMITTED: NEEDED_RIGHTS,
}
_REMEDY: Final = 'Fix the cause that the server names; see docs/redis.md, "Troubleshoot".'
_MIB: Final = 1024 * 1024
_PERSISTENCE_STATUSES: Final = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
_PATTERNS: Final = ("party:", "{party:", "hubbub:")
_OWN_USER: Final = 'Create a user with a password for Hubbub; docs/redis.md, "Rights", has the command.'
_DAY_SECONDS: Final = 86_400


def run_checks(facts: Facts, replicas_wanted: int) -> tuple[Finding, ...]:
    """Run every check on one server; `replicas_wanted` is `REDIS_MIN_REPLICAS`."""
    results = {
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
    return tuple(Finding(facts.server, check, *result) for check, result in results.items())


def server(facts: Facts) -> CheckResult:
    """Check that the server's product and version can run Hubbub's scripts."""
    if not facts.version:
        return CheckResult(Severity.NOT_PERMITTED, "its version may not be seen", OPTIONAL_RIGHTS)
    observed = f"{facts.product.capitalize()} {facts.version}"
    oldest = _OLDEST.get(facts.product)
    if oldest is None:
        return CheckResult(Severity.WARNING, observed, "Hubbub is tested on Redis and Valkey only.")
    if tuple(map(int, re.findall(r"\d+", facts.version)[:2])) < oldest:
        return CheckResult(Severity.PROBLEM, observed, "Use Redis 7.0 or newer, or Valkey 7.2 or newer.")
    return CheckResult(Severity.OK, observed)


def role(facts: Facts) -> CheckResult:
    """Check that the server is a primary."""
    if facts.role == "master":
        return CheckResult(Severity.OK, "primary")
    if not facts.role:
        return CheckResult(Severity.NOT_PERMITTED, "may not be seen", OPTIONAL_RIGHTS)
    return CheckResult(Severity.PROBLEM, f"a {facts.role}, which takes no writes", _POINT_AT_PRIMARY)


def writes(facts: Facts) -> CheckResult:
    """Check that the server accepts a write now."""
    refusal = facts.refusal
    if refusal is None:
        return CheckResult(Severity.OK, "taken")
    return CheckResult(Severity.PROBLEM, f"refused: {refusal.detail}", _REMEDIES.get(refusal.failure, _REMEDY))


def eviction(facts: Facts) -> CheckResult:
    """Check that a full store evicts no live parties."""
    policy = (facts.config or {}).get("maxmemory-policy") or (facts.info or {}).get("maxmemory_policy")
    if policy is None:
        return CheckResult(Severity.NOT_PERMITTED, "maxmemory-policy may not be seen", OPTIONAL_RIGHTS)
    if policy == "noeviction":
        return CheckResult(Severity.OK, "noeviction")
    return CheckResult(
        Severity.WARNING,
        f"{policy}: when memory runs short the store will evict LIVE PARTIES: all their keys have a time to live",
        "Run CONFIG SET maxmemory-policy noeviction, and set it in the server's configuration file.",
    )


def memory(facts: Facts) -> CheckResult:
    """Check how much of its memory the server uses."""
    if facts.info is None:
        return CheckResult(Severity.NOT_PERMITTED, "may not be seen", OPTIONAL_RIGHTS)
    used, limit = (int(facts.info.get(name, 0)) for name in ("used_memory", "maxmemory"))
    if not limit:
        observed = f"{used / _MIB:.1f} MiB used, no limit"
        if facts.connection.peer is None:
            return CheckResult(Severity.OK, observed)
        return CheckResult(
            Severity.NOTE,
            observed,
            "Set maxmemory: a machine that runs out of memory kills the store with all parties.",
        )
    observed = f"{used / _MIB:.1f} of {limit / _MIB:.1f} MiB used"
    if used > limit * DOCTOR_MEMORY_WARNING_SHARE:
        return CheckResult(
            Severity.WARNING, observed, "Raise maxmemory: a full store refuses new parties and new seats."
        )
    return CheckResult(Severity.OK, observed)


def persistence(facts: Facts) -> CheckResult:
    """Check what a restarted store still has."""
    info, config = facts.info, facts.config or {}
    if info is None:
        return CheckResult(Severity.NOT_PERMITTED, "may not be seen", OPTIONAL_RIGHTS)
    failed = [name for name in _PERSISTENCE_STATUSES if info.get(name, "ok") != "ok"]
    if failed:
        advice = "Check the server's log and disk: a restart loses what was not written."
        return CheckResult(Severity.PROBLEM, f"the last write failed ({', '.join(failed)})", advice)
    advice = "appendonly yes and appendfsync everysec lose at most a second."
    if info.get("aof_enabled"):
        fsync = config.get("appendfsync", "")
        observed = f"append-only file{fsync and f', appendfsync {fsync}'}"
        return CheckResult(Severity.NOTE, observed, advice) if fsync == "no" else CheckResult(Severity.OK, observed)
    snapshots = config.get("save")
    if snapshots:
        observed = f"snapshots only (save {snapshots}): a restart loses changes since the last one"
    elif snapshots is None:
        observed = "no append-only file; whether there are snapshots may not be seen"
    else:
        observed = "none: a restart loses every party"
    return CheckResult(Severity.WARNING, observed, advice)


def replicas(facts: Facts, wanted: int) -> CheckResult:
    """Check the number and the lag of the replicas; `wanted` is `REDIS_MIN_REPLICAS`."""
    lags = _lags(facts)
    there = facts.replicas if lags is None else len(lags)
    if there is None:
        severity = Severity.PROBLEM if wanted else Severity.NOTE
        return CheckResult(severity, "not counted: this is a replica, or the user may not run WAIT", NEEDED_RIGHTS)
    # The server itself can require replicas too.
    needed = (facts.config or {}).get("min-replicas-to-write")
    behind = max(lags or [0])
    observed = _describe_replicas(there, behind, needed)
    return (
        _too_few(observed, there, wanted, int(needed or 0))
        or (_weak(observed, behind, needed) if there else None)
        or CheckResult(Severity.OK, observed)
    )


def _describe_replicas(there: int, behind: int, needed: str | None) -> str:
    if not there:
        return "none"
    lag = f", at most {behind} s behind" if behind else ""
    return f"{there}{lag}; min-replicas-to-write {needed or 'may not be seen'}"


def _too_few(observed: str, there: int, wanted: int, needed: int) -> CheckResult | None:
    if wanted > there:
        advice = "Creates fail: attach replicas, or lower REDIS_MIN_REPLICAS."
        return CheckResult(Severity.PROBLEM, f"{observed}, and REDIS_MIN_REPLICAS is {wanted}", advice)
    if needed > there:
        advice = "Every write is refused: attach replicas, or lower min-replicas-to-write."
        return CheckResult(Severity.PROBLEM, f"{observed}, and min-replicas-to-write is {needed}", advice)
    return None


def _weak(observed: str, behind: int, needed: str | None) -> CheckResult | None:
    if behind > DOCTOR_REPLICA_LAG_WARNING_SECONDS:
        return CheckResult(
            Severity.WARNING, observed, "A failover would lose that much: check the network and the replicas."
        )
    if needed is None:
        return CheckResult(Severity.NOT_PERMITTED, observed, OPTIONAL_RIGHTS)
    if needed == "0":
        advice = "min-replicas-to-write 1 limits what an isolated primary accepts and a failover then loses."
        return CheckResult(Severity.NOTE, observed, advice)
    return None


def _lags(facts: Facts) -> list[int] | None:
    """Return the lag of each online replica in seconds; None if the user may not run INFO."""
    if facts.info is None:
        return None
    count = int(facts.info.get("connected_slaves", 0))
    found = [facts.info.get(f"slave{number}", {}) for number in range(count)]
    return [int(replica.get("lag", 0)) for replica in found if replica.get("state") == "online"]


def rights(facts: Facts) -> CheckResult:
    """Check that the user may run the scripts and subscribe to the events."""
    if facts.rights is None:
        return CheckResult(Severity.NOTE, NOT_TRIED)
    missing = _missing(facts.rights)
    if not missing:
        return CheckResult(Severity.OK, f"{_user(facts.rights)} has all needed rights")
    rule = " ".join(f"'{word}'" if word[0] in "~&" else word for word in missing)
    name = facts.rights.user or "…"
    return CheckResult(
        Severity.PROBLEM, f"{_user(facts.rights)} lacks {', '.join(missing)}", f"ACL SETUSER {name} {rule}"
    )


def privileges(facts: Facts) -> CheckResult:
    """Check that the user has no more rights than Hubbub needs."""
    connection, found = facts.connection, facts.rights
    if connection.peer is None:
        return CheckResult(Severity.OK, "a socket that only this machine's user can open")
    if not connection.password:
        near = ipaddress.ip_address(connection.peer).is_loopback
        observed = f"no password: every client that can connect to {connection.peer} can read and delete every party"
        return CheckResult(Severity.NOTE if near else Severity.WARNING, observed, _OWN_USER)
    if found is None:
        return CheckResult(Severity.NOTE, NOT_TRIED)
    more = [*found.powers, *(["other keys and channels"] if found.can_touch_foreign_keys else [])]
    if more:
        return CheckResult(Severity.NOTE, f"{_user(found)} has more rights than needed: {', '.join(more)}", _OWN_USER)
    return CheckResult(Severity.OK, f"{_user(found)} has no more rights than needed")


def encryption(facts: Facts) -> CheckResult:
    """Check that nobody on the network can read the traffic."""
    connection = facts.connection
    if connection.tls:
        return _certificate(connection.certificate_ends)
    if connection.peer is None:
        return CheckResult(Severity.OK, "none needed: a socket in the file system")
    peer = ipaddress.ip_address(connection.peer)
    if peer.is_loopback:
        return CheckResult(Severity.OK, "none needed: the store is on this machine")
    if peer.is_private:
        return CheckResult(Severity.NOTE, f"none, within a private network ({peer})", "rediss:// encrypts.")
    what = "names, messages and the password" if connection.password else "names and messages"
    advice = 'Use rediss:// (docs/redis.md, "TLS"), and never expose a store to the internet.'
    return CheckResult(Severity.WARNING, f"none: {what} travel readable to {peer}", advice)


def _certificate(ends: float | None) -> CheckResult:
    if ends is None:
        return CheckResult(Severity.OK, "TLS")
    observed = f"TLS, the server's certificate expires on {datetime.fromtimestamp(ends, UTC):%Y-%m-%d}"
    if ends < time.time() + DOCTOR_CERTIFICATE_WARNING_DAYS * _DAY_SECONDS:
        return CheckResult(Severity.WARNING, observed, "Renew it: no instance can connect once it has expired.")
    return CheckResult(Severity.OK, observed)


def _missing(found: Rights) -> list[str]:
    """Return the missing rights as parts of an ACL rule."""
    commands = {f"+{command.lower()}" for command, _ in found.refused if command != "EVALSHA"}
    names = {f"~{_pattern(key)}" for command, key in found.refused if command == "EVALSHA"}
    channels = {f"&{_pattern(channel)}" for channel in found.unreachable_channels}
    return [*sorted(commands), *sorted(names), *sorted(channels)]


def _pattern(name: str) -> str:
    return next(f"{start}*" for start in _PATTERNS if name.startswith(start))


def _user(found: Rights) -> str:
    return "the user" if found.user is None else f"user {found.user}"


def latency(facts: Facts) -> CheckResult:
    """Check how long an instance waits for the store."""
    took = sorted(facts.round_trips_ms)
    if not took:
        return CheckResult(Severity.NOTE, NOT_TRIED)
    half, most = (took[ceil(len(took) * share) - 1] for share in (0.5, 0.99))
    observed = f"p50 {half:.2f} ms, p99 {most:.2f} ms, {len(took)} round trips"
    if most > DOCTOR_ROUND_TRIP_WARNING_MS:
        return CheckResult(Severity.WARNING, observed, "Move the store closer, or find slow commands: SLOWLOG GET.")
    if half > DOCTOR_ROUND_TRIP_NOTE_MS:
        return CheckResult(Severity.NOTE, observed, "Every command in a party waits that long: move the store closer.")
    return CheckResult(Severity.OK, observed)


def events(facts: Facts) -> CheckResult:
    """Check that events published by a script reach this machine."""
    if facts.event_ms is None:
        return CheckResult(Severity.NOTE, "none arrived: see rights" if facts.rights else NOT_TRIED)
    if isinf(facts.event_ms):
        advice = "Something, perhaps a proxy, blocks pub/sub: connect to the server directly."
        return CheckResult(Severity.PROBLEM, "a published message did not arrive", advice)
    return CheckResult(Severity.OK, f"{facts.event_ms:.2f} ms from a script's publish to this machine")


def clock(facts: Facts) -> CheckResult:
    """Check the offset between the store's clock and this machine's. Hubbub itself does not depend on it."""
    apart = facts.clocks
    if apart is None:
        return CheckResult(Severity.NOTE, NOT_TRIED)
    least = max(apart.at_least_ms, -apart.at_most_ms, 0.0)
    middle = (apart.at_least_ms + apart.at_most_ms) / 2
    observed = f"the store's is {abs(middle):.0f} ms {'ahead' if middle >= 0 else 'behind'}"
    if least > DOCTOR_CLOCKS_APART_NOTE_MS:
        return CheckResult(Severity.NOTE, observed, "Hubbub does not need synchronised clocks, but logs do: use NTP.")
    return CheckResult(Severity.OK, observed)
