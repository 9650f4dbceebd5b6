"""`hubbub doctor`, and what `hubbub serve` logs of the same checks at its start."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import MakeInstance
from tests.integration.test_embedded import engines
from tests.support.command import hubbub
from tests.support.instances import Instance
from tests.support.stores import StoreServer, lasting_port, wait_for

SECRET = "hunter2-the-password"
CHECKS = 13
# By the levels that the log has for them.
VERDICTS = {"info": "note", "warning": "warning", "error": "problem"}


def at(store: StoreServer) -> dict[str, str]:
    """Return the settings that lead to that store."""
    return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(store.port)}


def verdicts(report: str) -> dict[str, str]:
    """Return the verdict of each check, as the report has it."""
    lines = re.findall(r"^  (ok|note|warning|problem|not permitted) +([a-z]+)  ", report, re.MULTILINE)
    return {check: verdict for verdict, check in lines}


def logged(findings: list[dict[str, Any]]) -> dict[str, str]:
    """Return the verdict of each logged check."""
    return {line["check"]: VERDICTS[line["level"]] for line in findings}


def unwell(found: dict[str, str]) -> dict[str, str]:
    """Return what is not well; how quick the store is besides is the affair of the machine, which may be busy."""
    return {check: verdict for check, verdict in found.items() if verdict != "ok" and check != "latency"}


def counted(found: dict[str, str]) -> str:
    """Return how a report sums up these verdicts, when every other check is ok."""
    counts = Counter(verdict for verdict in found.values() if verdict != "ok")
    parts = [f"{CHECKS - counts.total()} ok"]
    for verdict in VERDICTS.values():
        parts += [f"{counts[verdict]} {verdict}{'s' * (counts[verdict] > 1)}"] * bool(counts[verdict])
    return f"{CHECKS} checks: {', '.join(parts)}"


def test_doctor_healthy_store_gives_status_0(tmp_path: Path, store: StoreServer) -> None:
    store.admin.config_set("maxmemory", "100mb")
    ended = hubbub("doctor", folder=tmp_path, **at(store))
    assert (ended.returncode, ended.stderr) == (0, "")
    first, *_, last = ended.stdout.splitlines()
    assert first == f"127.0.0.1:{store.port}"
    found = verdicts(ended.stdout)
    assert unwell(found) == {"privileges": "note"}
    assert (len(found), last) == (CHECKS, f"{counted(found)}.")
    assert "\x1b" not in ended.stdout


def test_doctor_warning_gives_advice_and_status_0(tmp_path: Path, store: StoreServer) -> None:
    store.admin.config_set("maxmemory-policy", "volatile-lru")
    ended = hubbub("doctor", folder=tmp_path, **at(store))
    assert ended.returncode == 0
    assert verdicts(ended.stdout)["eviction"] == "warning"
    assert "→ Run CONFIG SET maxmemory-policy noeviction" in ended.stdout


def test_doctor_problem_gives_status_1(tmp_path: Path, store: StoreServer) -> None:
    ended = hubbub("doctor", folder=tmp_path, REDIS_MIN_REPLICAS="1", **at(store))
    assert ended.returncode == 1
    assert verdicts(ended.stdout)["replicas"] == "problem"
    assert ended.stdout.splitlines()[-1].endswith("1 problem.")


def test_doctor_prints_findings_as_json(tmp_path: Path, store: StoreServer) -> None:
    ended = hubbub("doctor", "--json", folder=tmp_path, **at(store))
    assert ended.returncode == 0
    findings = json.loads(ended.stdout)
    assert {"server", "check", "verdict", "seen", "advice"} == set(findings[0])
    store.kill()
    ended = hubbub("doctor", "--json", folder=tmp_path, **at(store))
    assert ended.returncode == 1
    assert [finding["check"] for finding in json.loads(ended.stdout)] == ["answer"]


def test_doctor_silent_store_gives_one_sentence_and_status_1(tmp_path: Path, store: StoreServer) -> None:
    store.freeze()
    frozen = hubbub("doctor", folder=tmp_path, **at(store))
    store.kill()
    away = hubbub("doctor", folder=tmp_path, **at(store))
    for ended in (frozen, away):
        assert (ended.returncode, ended.stdout) == (1, "")
        (sentence,) = ended.stderr.splitlines()
        assert sentence.startswith(f"127.0.0.1:{store.port} does not answer")
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    "setting", [{"REDIS_URL": "http://localhost"}, {"REDIS_PORT": "0"}, {"HUBBUB_DATA_DIR": "/proc/hubbub"}]
)
def test_doctor_bad_setting_gives_status_2(tmp_path: Path, setting: dict[str, str]) -> None:
    ended = hubbub("doctor", folder=tmp_path, **setting)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1


def test_doctor_prints_no_secret(tmp_path: Path, store: StoreServer) -> None:
    store.admin.config_set("requirepass", SECRET)
    store.command("AUTH", SECRET)
    for password, status in ((SECRET, 0), (f"wrong-{SECRET}", 1)):
        ended = hubbub("doctor", folder=tmp_path, REDIS_PASSWORD=password, **at(store))
        assert ended.returncode == status
        assert SECRET not in ended.stdout + ended.stderr


def test_doctor_starts_private_engine_for_the_check(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    ended = hubbub("doctor", folder=tmp_path, HUBBUB_DATA_DIR=str(folder))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[0] == f"the private engine in {folder}"
    found = verdicts(ended.stdout)
    assert not unwell(found)
    assert (len(found), ended.stdout.splitlines()[-1]) == (CHECKS, f"{counted(found)}.")
    assert engines(folder) == []


def test_doctor_leaves_running_engine_alone(tmp_path: Path, new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    code = instance.create().body["partyCode"]
    before = instance.engine()
    ended = hubbub("doctor", folder=tmp_path, HUBBUB_DATA_DIR=str(tmp_path / "data"))
    assert ended.returncode == 0
    assert instance.engine() == before
    assert engines(tmp_path / "data") == [before]
    assert instance.join(code).status == 200


def doctors_lines(instance: Instance) -> list[dict[str, Any]]:
    """Return the log lines of the checks; the summary comes last."""
    return [line for line in instance.log() if line.get("event") == "doctor"]


def checked(instance: Instance) -> bool:
    """Return whether the checks are done."""
    return any("summary" in line for line in doctors_lines(instance))


@pytest.fixture
def ill_store(store: StoreServer) -> Iterator[StoreServer]:
    """A store that would throw parties away and has no limit."""
    store.admin.config_set("maxmemory-policy", "allkeys-lru")
    yield store
    store.thaw()


def test_serve_logs_what_is_not_well(ill_store: StoreServer, new_instance: MakeInstance) -> None:
    instance = new_instance(REDIS_MIN_REPLICAS="1", **at(ill_store)).start()
    wait_for(lambda: checked(instance))
    *findings, summary = doctors_lines(instance)
    found = logged(findings)
    assert unwell(found) == {"eviction": "warning", "memory": "note", "replicas": "problem", "privileges": "note"}
    assert "allkeys-lru" in next(line["seen"] for line in findings if line["check"] == "eviction")
    assert summary["summary"] == counted(found)


def test_serve_has_one_line_where_all_is_well(new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    wait_for(lambda: checked(instance))
    *findings, line = doctors_lines(instance)
    found = logged(findings)
    assert not unwell(found)
    assert (line["level"], line["summary"]) == ("info", counted(found))


def test_serve_waits_for_absent_store_then_checks_it(ill_store: StoreServer, new_instance: MakeInstance) -> None:
    ill_store.kill()
    instance = new_instance(**at(ill_store)).start()
    assert doctors_lines(instance) == []
    ill_store.start("--maxmemory-policy", "volatile-ttl")
    wait_for(lambda: checked(instance))
    assert "volatile-ttl" in str(doctors_lines(instance))
    assert instance.create().status == 200
    assert instance.terminate() == 0


def test_serve_can_end_while_waiting_for_frozen_store(ill_store: StoreServer, new_instance: MakeInstance) -> None:
    ill_store.freeze()
    instance = new_instance(PORT=str(lasting_port()), **at(ill_store)).start()
    assert instance.terminate() == 0
    assert "doctor" not in instance.errors()
