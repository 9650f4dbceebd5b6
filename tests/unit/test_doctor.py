"""What facts about a store mean: the doctor's judgement, without a store."""

import math
import re
import time
from typing import Any

import pytest
from msgspec.structs import replace

from hubbub.doctor.checks import judge
from hubbub.doctor.cli import as_document, as_no_answer, as_report
from hubbub.doctor.facts import ClocksApart, Facts, Line, Rights
from hubbub.doctor.run import NO_ANSWER, Finding, Verdict, summary
from hubbub.store import scripts
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.scripts import Script
from tests.support.store_facts import CONFIG, GB, HEALTHY, INFO

REPLICA = {"ip": "10.0.0.8", "state": "online", "lag": 1}


def found(check: str, facts: Facts, replicas_wanted: int = 0) -> Finding:
    """What that check came to."""
    return next(finding for finding in judge(facts, replicas_wanted) if finding.check == check)


def verdict(check: str, replicas_wanted: int = 0, **changed: Any) -> Verdict:
    """The verdict of that check on a server that is healthy but for what is changed."""
    return found(check, replace(HEALTHY, **changed), replicas_wanted).verdict


def test_healthy_server_passes_every_check() -> None:
    findings = judge(HEALTHY, 0)
    assert {finding.verdict for finding in findings} == {Verdict.OK}
    assert not any(finding.advice for finding in findings)


def test_every_bad_finding_has_advice() -> None:
    bad = Facts(
        "store", Line("203.0.113.5"), product="redis", version="6.2.1", role="replica", info={**INFO, "aof_enabled": 0}
    )
    for finding in judge(bad, 2):
        assert finding.verdict in {Verdict.OK, Verdict.NOTE, Verdict.NOT_PERMITTED} or finding.advice, finding


@pytest.mark.parametrize(
    ("product", "version", "expected"),
    [
        ("redis", "7.0.0", Verdict.OK),
        ("redis", "8.2.1", Verdict.OK),
        ("redis", "6.2.14", Verdict.PROBLEM),
        ("valkey", "7.2.5", Verdict.OK),
        ("valkey", "7.1.0", Verdict.PROBLEM),
        ("valkey", "10.0.0-rc1", Verdict.OK),
        ("other", "1.0", Verdict.WARNING),
        ("", "", Verdict.NOT_PERMITTED),
    ],
)
def test_outdated_server_is_problem(product: str, version: str, expected: Verdict) -> None:
    assert verdict("server", product=product, version=version) is expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [("master", Verdict.OK), ("replica", Verdict.PROBLEM), ("sentinel", Verdict.PROBLEM), ("", Verdict.NOT_PERMITTED)],
)
def test_replica_is_problem_in_facts(role: str, expected: Verdict) -> None:
    assert verdict("role", role=role) is expected


def test_refused_write_is_problem_with_store_message() -> None:
    refusal = StoreUnavailableError(StoreFailure.REFUSED, "NOREPLICAS Not enough good replicas to write.")
    facts = replace(HEALTHY, refusal=refusal, rights=None, round_trips_ms=(), event_ms=None, clocks=None)
    assert found("writes", facts).verdict is Verdict.PROBLEM
    assert "Not enough good replicas" in found("writes", facts).seen
    for check in ("rights", "latency", "events", "clock"):
        assert found(check, facts) == Finding(facts.server, check, Verdict.NOTE, "not tried, since no write is taken")


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"])
def test_eviction_policy_is_warned_of(policy: str) -> None:
    finding = found("eviction", replace(HEALTHY, config={**CONFIG, "maxmemory-policy": policy}))
    assert finding.verdict is Verdict.WARNING
    assert policy in finding.seen
    assert "noeviction" in finding.advice


def test_eviction_policy_is_read_from_info() -> None:
    assert verdict("eviction", config=None, info={**INFO, "maxmemory_policy": "volatile-lru"}) is Verdict.WARNING
    assert verdict("eviction", config=None) is Verdict.OK
    assert verdict("eviction", config=None, info=None) is Verdict.NOT_PERMITTED


def test_memory_limit_is_checked() -> None:
    assert verdict("memory", info={**INFO, "maxmemory": 0}) is Verdict.NOTE
    assert verdict("memory", info={**INFO, "maxmemory": 0}, line=Line(None)) is Verdict.OK
    assert verdict("memory", info={**INFO, "used_memory": GB * 0.95}) is Verdict.WARNING
    assert verdict("memory", info=None) is Verdict.NOT_PERMITTED


@pytest.mark.parametrize(
    ("info", "config", "expected"),
    [
        ({}, CONFIG, Verdict.OK),
        ({}, None, Verdict.OK),
        ({}, {**CONFIG, "appendfsync": "no"}, Verdict.NOTE),
        ({"aof_enabled": 0}, CONFIG, Verdict.WARNING),
        ({"aof_enabled": 0}, {**CONFIG, "save": "3600 1"}, Verdict.WARNING),
        ({"aof_enabled": 0}, None, Verdict.WARNING),
        ({"aof_last_write_status": "err"}, CONFIG, Verdict.PROBLEM),
        ({"rdb_last_bgsave_status": "err"}, CONFIG, Verdict.PROBLEM),
    ],
)
def test_store_without_persistence_is_warned_of(
    info: dict[str, Any], config: dict[str, str] | None, expected: Verdict
) -> None:
    assert verdict("persistence", info={**INFO, **info}, config=config) is expected


def test_unreadable_persistence_is_noted() -> None:
    assert verdict("persistence", info=None, config=None) is Verdict.NOT_PERMITTED


def with_replica(**changed: Any) -> dict[str, Any]:
    return {**INFO, "connected_slaves": 1, "slave0": {**REPLICA, **changed}}


def test_fewer_replicas_than_configured_is_problem() -> None:
    assert verdict("replicas", 1) is Verdict.PROBLEM
    assert verdict("replicas", 1, config=None, info=None) is Verdict.PROBLEM
    assert verdict("replicas", 2, info=with_replica()) is Verdict.PROBLEM
    assert verdict("replicas", 1, info=with_replica(state="wait_bgsave")) is Verdict.PROBLEM
    assert verdict("replicas", 1, info=None, replicas=None) is Verdict.PROBLEM


def test_min_replicas_above_connected_is_problem_in_facts() -> None:
    finding = found("replicas", replace(HEALTHY, config={**CONFIG, "min-replicas-to-write": "1"}))
    assert finding.verdict is Verdict.PROBLEM
    assert "min-replicas-to-write" in finding.seen


def test_lagging_and_optional_replicas_are_reported() -> None:
    guarded = {**CONFIG, "min-replicas-to-write": "1"}
    assert verdict("replicas", 1, info=with_replica(), config=guarded) is Verdict.OK
    assert verdict("replicas", info=with_replica(lag=11), config=guarded) is Verdict.WARNING
    assert verdict("replicas", info=with_replica()) is Verdict.NOTE
    assert verdict("replicas", info=None, config=None, replicas=1) is Verdict.NOT_PERMITTED


def test_missing_permissions_are_named_as_acl_rules() -> None:
    lacking = Rights(
        "hubbub",
        refused=(("EVAL", ""), ("HSET", "party:x"), ("HSET", "{party:x}:log"), ("EVALSHA", "hubbub:{party:x}:y")),
        unreachable_channels=("{party:x}:events",),
    )
    finding = found("rights", replace(HEALTHY, rights=lacking, event_ms=None))
    assert finding.verdict is Verdict.PROBLEM
    assert finding.seen == "user hubbub lacks +eval, +hset, ~hubbub:*, &{party:*"
    assert finding.advice == "ACL SETUSER hubbub +eval +hset '~hubbub:*' '&{party:*'"


def test_doctor_tries_every_command_of_scripts() -> None:
    run = {command for script in every_script() for command in re.findall(rb"redis\.call\('([A-Z]+)'", script.source)}
    tried = set(re.findall(rb"\{'([A-Z]+)'", scripts.CHECK_PERMISSIONS.source))
    # The first runs before anything is tried; the second is tried with the channels.
    assert run - tried == {b"TIME", b"SPUBLISH"}


def every_script() -> list[Script]:
    return [script for script in vars(scripts).values() if isinstance(script, Script)]


def test_unneeded_permissions_are_noted() -> None:
    assert verdict("privileges", rights=Rights("default", powers=("FLUSHALL",))) is Verdict.NOTE
    assert verdict("privileges", rights=Rights("hubbub", can_touch_foreign_keys=True)) is Verdict.NOTE


def test_reachable_store_without_password_is_warned_of() -> None:
    assert verdict("privileges", line=Line("10.0.0.7")) is Verdict.WARNING
    assert verdict("privileges", line=Line("127.0.0.1")) is Verdict.NOTE
    assert verdict("privileges", line=Line(None)) is Verdict.OK


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Line(None), Verdict.OK),
        (Line("127.0.0.1", password=True), Verdict.OK),
        (Line("::1", password=True), Verdict.OK),
        (Line("10.1.2.3", password=True), Verdict.NOTE),
        (Line("fd00::7", password=True), Verdict.NOTE),
        (Line("8.8.8.8", password=True), Verdict.WARNING),
        (Line("8.8.8.8"), Verdict.WARNING),
        (Line("8.8.8.8", tls=True), Verdict.OK),
        (Line("8.8.8.8", tls=True, certificate_ends=time.time() + 86_400), Verdict.WARNING),
    ],
)
def test_unencrypted_remote_connection_is_warned_of(line: Line, expected: Verdict) -> None:
    assert verdict("encryption", line=line) is expected


def test_password_over_plain_tcp_is_warned_of() -> None:
    assert "password" in found("encryption", replace(HEALTHY, line=Line("8.8.8.8", password=True))).seen
    assert "password" not in found("encryption", replace(HEALTHY, line=Line("8.8.8.8"))).seen


def test_slow_store_is_reported_by_99th_percentile() -> None:
    seen = found("latency", replace(HEALTHY, round_trips_ms=(*[1.0] * 197, *[150.0] * 3)))
    assert seen.verdict is Verdict.WARNING
    assert "p50 1.00 ms, p99 150.00 ms, 200 round trips" in seen.seen
    assert verdict("latency", round_trips_ms=(*[1.0] * 198, *[150.0] * 2)) is Verdict.OK
    assert verdict("latency", round_trips_ms=(30.0,) * 200) is Verdict.NOTE
    assert verdict("latency", round_trips_ms=(1.0,)) is Verdict.OK


def test_lost_probe_message_is_problem() -> None:
    assert verdict("events", event_ms=math.inf) is Verdict.PROBLEM
    assert verdict("events", event_ms=None) is Verdict.NOTE


def test_clock_difference_above_a_second_is_noted() -> None:
    assert verdict("clock", clocks=ClocksApart(1001.0, 1003.0)) is Verdict.NOTE
    assert verdict("clock", clocks=ClocksApart(-5003.0, -5000.0)) is Verdict.NOTE
    assert verdict("clock", clocks=ClocksApart(900.0, 1500.0)) is Verdict.OK
    assert verdict("clock", clocks=ClocksApart(-3000.0, 3000.0)) is Verdict.OK
    assert "behind" in found("clock", replace(HEALTHY, clocks=ClocksApart(-5003.0, -5000.0))).seen


def test_report_has_lines_advice_and_summary() -> None:
    findings = [
        Finding("store:6379", "role", Verdict.OK, "primary"),
        Finding("store:6379", "eviction", Verdict.WARNING, "volatile-lru", "Mend it."),
        Finding("store:6379", "memory", Verdict.WARNING, "little left", "Buy some."),
    ]
    assert list(as_report(findings)) == [
        "\x1b[1mstore:6379\x1b[0m",
        "  \x1b[32mok     \x1b[0m  role      primary",
        "  \x1b[33mwarning\x1b[0m  eviction  volatile-lru",
        "                     → Mend it.",
        "  \x1b[33mwarning\x1b[0m  memory    little left",
        "                     → Buy some.",
        "3 checks: 1 ok, 2 warnings.",
    ]
    assert '"not permitted"' in as_document([Finding("s", "c", Verdict.NOT_PERMITTED, "x")])


def test_unreachable_server_is_reported_per_server() -> None:
    silent = Finding("store:6379", NO_ANSWER, Verdict.PROBLEM, "does not answer (timeout)", "Look at it.")
    assert as_no_answer([silent]) == "store:6379 does not answer (timeout): look at it."
    assert as_no_answer([silent, silent]) is None
    assert as_no_answer(judge(HEALTHY, 0)) is None


def test_summary_counts_findings() -> None:
    findings = [Finding("s", "c", each, "x") for each in (Verdict.OK, Verdict.NOTE, Verdict.NOT_PERMITTED)]
    assert summary(findings) == "3 checks: 1 ok, 1 note, 1 not permitted"
    assert summary(findings[:1]) == "1 check: 1 ok"
