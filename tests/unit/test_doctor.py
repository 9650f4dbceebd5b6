"""Judge facts about a store as the doctor does, without a store."""

import math
import re
import time
from typing import Any

import pytest
from msgspec.structs import replace

from hubbub.doctor.checks import run_checks
from hubbub.doctor.cli import as_document, as_report, unreachable_sentence
from hubbub.doctor.facts import ClocksApart, ConnectionInfo, Facts, Rights
from hubbub.doctor.run import NO_ANSWER, Finding, Severity, summary
from hubbub.store import scripts
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.support.lua_lint import every_script
from tests.support.store_facts import CONFIG, GB, HEALTHY, INFO

REPLICA = {"ip": "10.0.0.8", "state": "online", "lag": 1}


def found(check: str, facts: Facts, replicas_wanted: int = 0) -> Finding:
    """What that check came to."""
    return next(finding for finding in run_checks(facts, replicas_wanted) if finding.check == check)


def severity(check: str, replicas_wanted: int = 0, **changed: Any) -> Severity:
    """The verdict of that check on a server that is healthy but for what is changed."""
    return found(check, replace(HEALTHY, **changed), replicas_wanted).severity


def test_healthy_server_passes_every_check() -> None:
    findings = run_checks(HEALTHY, 0)
    assert {finding.severity for finding in findings} == {Severity.OK}
    assert not any(finding.advice for finding in findings)


def test_every_bad_finding_has_advice() -> None:
    bad = Facts(
        "store",
        ConnectionInfo("203.0.113.5"),
        product="redis",
        version="6.2.1",
        role="replica",
        info={**INFO, "aof_enabled": 0},
    )
    for finding in run_checks(bad, 2):
        assert finding.severity in {Severity.OK, Severity.NOTE, Severity.NOT_PERMITTED} or finding.advice, finding


@pytest.mark.parametrize(
    ("product", "version", "expected"),
    [
        ("redis", "7.0.0", Severity.OK),
        ("redis", "8.2.1", Severity.OK),
        ("redis", "6.2.14", Severity.PROBLEM),
        ("valkey", "7.2.5", Severity.OK),
        ("valkey", "7.1.0", Severity.PROBLEM),
        ("valkey", "10.0.0-rc1", Severity.OK),
        ("other", "1.0", Severity.WARNING),
        ("", "", Severity.NOT_PERMITTED),
    ],
)
def test_outdated_server_is_problem(product: str, version: str, expected: Severity) -> None:
    assert severity("server", product=product, version=version) is expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("master", Severity.OK),
        ("replica", Severity.PROBLEM),
        ("sentinel", Severity.PROBLEM),
        ("", Severity.NOT_PERMITTED),
    ],
)
def test_replica_is_problem_in_facts(role: str, expected: Severity) -> None:
    assert severity("role", role=role) is expected


def test_refused_write_is_problem_with_store_message() -> None:
    refusal = StoreUnavailableError(StoreFailure.REFUSED, "NOREPLICAS Not enough good replicas to write.")
    facts = replace(HEALTHY, refusal=refusal, rights=None, round_trips_ms=(), event_ms=None, clocks=None)
    assert found("writes", facts).severity is Severity.PROBLEM
    assert "Not enough good replicas" in found("writes", facts).observed
    for check in ("rights", "latency", "events", "clock"):
        assert found(check, facts) == Finding(facts.server, check, Severity.NOTE, "not tried, since no write is taken")


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"])
def test_eviction_policy_is_warned_of(policy: str) -> None:
    finding = found("eviction", replace(HEALTHY, config={**CONFIG, "maxmemory-policy": policy}))
    assert finding.severity is Severity.WARNING
    assert policy in finding.observed
    assert "noeviction" in finding.advice


def test_eviction_policy_is_read_from_info() -> None:
    assert severity("eviction", config=None, info={**INFO, "maxmemory_policy": "volatile-lru"}) is Severity.WARNING
    assert severity("eviction", config=None) is Severity.OK
    assert severity("eviction", config=None, info=None) is Severity.NOT_PERMITTED


def test_memory_limit_is_checked() -> None:
    assert severity("memory", info={**INFO, "maxmemory": 0}) is Severity.NOTE
    assert severity("memory", info={**INFO, "maxmemory": 0}, connection=ConnectionInfo(None)) is Severity.OK
    assert severity("memory", info={**INFO, "used_memory": GB * 0.95}) is Severity.WARNING
    assert severity("memory", info=None) is Severity.NOT_PERMITTED


@pytest.mark.parametrize(
    ("info", "config", "expected"),
    [
        ({}, CONFIG, Severity.OK),
        ({}, None, Severity.OK),
        ({}, {**CONFIG, "appendfsync": "no"}, Severity.NOTE),
        ({"aof_enabled": 0}, CONFIG, Severity.WARNING),
        ({"aof_enabled": 0}, {**CONFIG, "save": "3600 1"}, Severity.WARNING),
        ({"aof_enabled": 0}, None, Severity.WARNING),
        ({"aof_last_write_status": "err"}, CONFIG, Severity.PROBLEM),
        ({"rdb_last_bgsave_status": "err"}, CONFIG, Severity.PROBLEM),
    ],
)
def test_store_without_persistence_is_warned_of(
    info: dict[str, Any], config: dict[str, str] | None, expected: Severity
) -> None:
    assert severity("persistence", info={**INFO, **info}, config=config) is expected


def test_unreadable_persistence_is_noted() -> None:
    assert severity("persistence", info=None, config=None) is Severity.NOT_PERMITTED


def with_replica(**changed: Any) -> dict[str, Any]:
    return {**INFO, "connected_slaves": 1, "slave0": {**REPLICA, **changed}}


def test_fewer_replicas_than_configured_is_problem() -> None:
    assert severity("replicas", 1) is Severity.PROBLEM
    assert severity("replicas", 1, config=None, info=None) is Severity.PROBLEM
    assert severity("replicas", 2, info=with_replica()) is Severity.PROBLEM
    assert severity("replicas", 1, info=with_replica(state="wait_bgsave")) is Severity.PROBLEM
    assert severity("replicas", 1, info=None, replicas=None) is Severity.PROBLEM


def test_min_replicas_above_connected_is_problem_in_facts() -> None:
    finding = found("replicas", replace(HEALTHY, config={**CONFIG, "min-replicas-to-write": "1"}))
    assert finding.severity is Severity.PROBLEM
    assert "min-replicas-to-write" in finding.observed


def test_lagging_and_optional_replicas_are_reported() -> None:
    guarded = {**CONFIG, "min-replicas-to-write": "1"}
    assert severity("replicas", 1, info=with_replica(), config=guarded) is Severity.OK
    assert severity("replicas", info=with_replica(lag=11), config=guarded) is Severity.WARNING
    assert severity("replicas", info=with_replica()) is Severity.NOTE
    assert severity("replicas", info=None, config=None, replicas=1) is Severity.NOT_PERMITTED


def test_missing_permissions_are_named_as_acl_rules() -> None:
    lacking = Rights(
        "hubbub",
        refused=(("EVAL", ""), ("HSET", "party:x"), ("HSET", "{party:x}:log"), ("EVALSHA", "hubbub:{party:x}:y")),
        unreachable_channels=("{party:x}:events",),
    )
    finding = found("rights", replace(HEALTHY, rights=lacking, event_ms=None))
    assert finding.severity is Severity.PROBLEM
    assert finding.observed == "user hubbub lacks +eval, +hset, ~hubbub:*, &{party:*"
    assert finding.advice == "ACL SETUSER hubbub +eval +hset '~hubbub:*' '&{party:*'"


def test_doctor_tries_every_command_of_scripts() -> None:
    run = {
        command
        for script in every_script().values()
        for command in re.findall(rb"redis\.call\('([A-Z]+)'", script.source)
    }
    tried = set(re.findall(rb"\{'([A-Z]+)'", scripts.CHECK_PERMISSIONS.source))
    # The first runs before anything is tried; the second is tried with the channels.
    assert run - tried == {b"TIME", b"SPUBLISH"}


def test_unneeded_permissions_are_noted() -> None:
    assert severity("privileges", rights=Rights("default", powers=("FLUSHALL",))) is Severity.NOTE
    assert severity("privileges", rights=Rights("hubbub", can_touch_foreign_keys=True)) is Severity.NOTE


def test_reachable_store_without_password_is_warned_of() -> None:
    assert severity("privileges", connection=ConnectionInfo("10.0.0.7")) is Severity.WARNING
    assert severity("privileges", connection=ConnectionInfo("127.0.0.1")) is Severity.NOTE
    assert severity("privileges", connection=ConnectionInfo(None)) is Severity.OK


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (ConnectionInfo(None), Severity.OK),
        (ConnectionInfo("127.0.0.1", password=True), Severity.OK),
        (ConnectionInfo("::1", password=True), Severity.OK),
        (ConnectionInfo("10.1.2.3", password=True), Severity.NOTE),
        (ConnectionInfo("fd00::7", password=True), Severity.NOTE),
        (ConnectionInfo("8.8.8.8", password=True), Severity.WARNING),
        (ConnectionInfo("8.8.8.8"), Severity.WARNING),
        (ConnectionInfo("8.8.8.8", tls=True), Severity.OK),
        (ConnectionInfo("8.8.8.8", tls=True, certificate_ends=time.time() + 86_400), Severity.WARNING),
    ],
)
def test_unencrypted_remote_connection_is_warned_of(connection: ConnectionInfo, expected: Severity) -> None:
    assert severity("encryption", connection=connection) is expected


def test_password_over_plain_tcp_is_warned_of() -> None:
    assert (
        "password"
        in found("encryption", replace(HEALTHY, connection=ConnectionInfo("8.8.8.8", password=True))).observed
    )
    assert "password" not in found("encryption", replace(HEALTHY, connection=ConnectionInfo("8.8.8.8"))).observed


def test_slow_store_is_reported_by_99th_percentile() -> None:
    latency = found("latency", replace(HEALTHY, round_trips_ms=(*[1.0] * 197, *[150.0] * 3)))
    assert latency.severity is Severity.WARNING
    assert "p50 1.00 ms, p99 150.00 ms, 200 round trips" in latency.observed
    assert severity("latency", round_trips_ms=(*[1.0] * 198, *[150.0] * 2)) is Severity.OK
    assert severity("latency", round_trips_ms=(30.0,) * 200) is Severity.NOTE
    assert severity("latency", round_trips_ms=(1.0,)) is Severity.OK


def test_lost_probe_message_is_problem() -> None:
    assert severity("events", event_ms=math.inf) is Severity.PROBLEM
    assert severity("events", event_ms=None) is Severity.NOTE


def test_clock_difference_above_a_second_is_noted() -> None:
    assert severity("clock", clocks=ClocksApart(1001.0, 1003.0)) is Severity.NOTE
    assert severity("clock", clocks=ClocksApart(-5003.0, -5000.0)) is Severity.NOTE
    assert severity("clock", clocks=ClocksApart(900.0, 1500.0)) is Severity.OK
    assert severity("clock", clocks=ClocksApart(-3000.0, 3000.0)) is Severity.OK
    assert "behind" in found("clock", replace(HEALTHY, clocks=ClocksApart(-5003.0, -5000.0))).observed


def test_report_has_lines_advice_and_summary() -> None:
    findings = [
        Finding("store:6379", "role", Severity.OK, "primary"),
        Finding("store:6379", "eviction", Severity.WARNING, "volatile-lru", "Mend it."),
        Finding("store:6379", "memory", Severity.WARNING, "little left", "Buy some."),
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
    assert '"not permitted"' in as_document([Finding("s", "c", Severity.NOT_PERMITTED, "x")])


def test_unreachable_server_is_reported_per_server() -> None:
    silent = Finding("store:6379", NO_ANSWER, Severity.PROBLEM, "does not answer (timeout)", "Look at it.")
    assert unreachable_sentence([silent]) == "store:6379 does not answer (timeout): look at it."
    assert unreachable_sentence([silent, silent]) is None
    assert unreachable_sentence(run_checks(HEALTHY, 0)) is None


def test_summary_counts_findings() -> None:
    findings = [Finding("s", "c", each, "x") for each in (Severity.OK, Severity.NOTE, Severity.NOT_PERMITTED)]
    assert summary(findings) == "3 checks: 1 ok, 1 note, 1 not permitted"
    assert summary(findings[:1]) == "1 check: 1 ok"
