"""Run the doctor on real stores: it finds the problems, ends in time, and leaves nothing behind."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from redis.asyncio import ConnectionPool

from hubbub.core.limits import STORE_BUDGET_SECONDS
from hubbub.doctor import facts
from hubbub.doctor.run import NO_ANSWER, Finding, Server, Severity, diagnose
from hubbub.store.client.address import SingleAddress, StoreTls, parse_store_url
from hubbub.store.client.connect import server_pool
from hubbub.store.redis_store import RedisStore
from tests.contract.acl_rule import documented_acl_rule
from tests.contract.conftest import on_one_server, start_party, wait_until
from tests.contract.tls_server import TlsServer
from tests.support.proxy import StoreProxy
from tests.support.stores import Flavour, StoreServer

OPTIONAL = {"eviction", "memory", "persistence"}


def _pool(url: str, tls: StoreTls) -> ConnectionPool:
    address = parse_store_url(url)
    assert isinstance(address, SingleAddress)
    return server_pool(address, tls, "test-doctor")


async def examine(url: str, replicas_wanted: int = 0, tls: StoreTls | None = None) -> dict[str, Finding]:
    """What each check of that store came to."""
    server = Server("store", _pool(url, tls or StoreTls()))
    return {finding.check: finding for finding in await diagnose([server], replicas_wanted)}


def local(server: StoreServer, user: str = "") -> str:
    """The address of a store of ours."""
    return f"redis://{user}127.0.0.1:{server.port}"


def contents(server: StoreServer) -> dict[str, object]:
    """Every key and what it holds."""
    return {str(key): server.admin.dump(key) for key in server.admin.scan_iter()}


def with_verdict(findings: dict[str, Finding], *verdicts: Severity) -> set[str]:
    """The checks that came to one of these."""
    return {check for check, finding in findings.items() if finding.severity in verdicts}


@pytest.fixture
def user(server: StoreServer) -> Iterator[str]:
    """The user of the documents, as it stands in an address."""
    server.command("ACL", "SETUSER", "hubbub", "reset", *documented_acl_rule(password="secret"))
    yield "hubbub:secret@"
    server.admin.acl_deluser("hubbub")


@on_one_server
async def test_fresh_store_has_no_problem(server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "DOCTOR_ROUND_TRIPS_SECONDS_MAX", 15.0)  # on a busy machine
    findings = await examine(local(server))
    assert with_verdict(findings, Severity.PROBLEM, Severity.NOT_PERMITTED) == set()
    info = server.admin.info()
    # Valkey shows a version of Redis as well.
    version = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    assert findings["server"].observed == version
    assert findings["persistence"].severity is Severity.WARNING
    assert "200 round trips" in findings["latency"].observed


@on_one_server
async def test_doctor_leaves_no_keys_and_changes_no_party(server: StoreServer, store: RedisStore) -> None:
    await start_party(store)
    before = contents(server)
    await examine(local(server))
    assert contents(server) == before
    # The server notices in its own time that a connection is closed.
    await wait_until(lambda: not [client for client in server.admin.client_list() if client["name"] == "test-doctor"])


@on_one_server
async def test_documented_user_passes_with_unseen_facts_noted(server: StoreServer, user: str) -> None:
    findings = await examine(local(server, user))
    assert with_verdict(findings, Severity.NOT_PERMITTED) == OPTIONAL
    # How long round trips take is up to the machine.
    assert with_verdict(findings, Severity.OK) | {"latency"} == findings.keys() - OPTIONAL
    assert findings["rights"].observed == "user hubbub has all needed rights"


@on_one_server
async def test_optional_permissions_show_every_fact(server: StoreServer, user: str) -> None:
    server.command("ACL", "SETUSER", "hubbub", "+info", "+config|get")
    findings = await examine(local(server, user))
    assert with_verdict(findings, Severity.NOT_PERMITTED) == set()
    assert findings["eviction"].severity is Severity.OK
    assert findings["privileges"].severity is Severity.OK


@pytest.mark.parametrize(
    ("rule", "lacking"),
    [
        (("resetchannels", "&hubbub:*"), {"&{party:*"}),
        (("resetchannels", "&{party:*"), {"&hubbub:*"}),
        (("resetkeys", "~party:*", "~hubbub:*"), {"~{party:*"}),
        (("resetkeys", "~{party:*", "~hubbub:*"), {"~party:*"}),
        (("resetkeys", "~{party:*", "~party:*"), {"~hubbub:*"}),
        (("-zadd", "-hset"), {"+zadd", "+hset"}),
        (("-del",), {"+del"}),
        (("-eval",), {"+eval"}),
    ],
)
@on_one_server
async def test_missing_permission_is_named(
    server: StoreServer, user: str, rule: tuple[str, ...], lacking: set[str]
) -> None:
    server.command("ACL", "SETUSER", "hubbub", *rule)
    await examine(local(server))  # so that the scripts are known, and only the right itself is missing
    finding = (await examine(local(server, user)))["rights"]
    assert finding.severity is Severity.PROBLEM
    assert set(finding.observed.removeprefix("user hubbub lacks ").split(", ")) == lacking
    assert finding.advice.startswith("ACL SETUSER hubbub ")
    assert server.admin.keys() == []


@pytest.mark.parametrize("command", ["evalsha", "eval"])
@on_one_server
async def test_user_without_eval_is_problem(server: StoreServer, user: str, command: str) -> None:
    server.command("ACL", "SETUSER", "hubbub", f"-{command}")
    server.admin.script_flush()
    findings = await examine(local(server, user))
    assert with_verdict(findings, Severity.PROBLEM) == {"writes"}
    assert f"'{command}'" in findings["writes"].observed
    assert "Rights" in findings["writes"].advice


@on_one_server
async def test_advised_permissions_are_sufficient(server: StoreServer, user: str) -> None:
    server.command("ACL", "SETUSER", "hubbub", "resetchannels", "resetkeys", "~hubbub:*", "-zrange")
    advice = (await examine(local(server, user)))["rights"].advice
    server.command(*advice.replace("'", "").split())
    assert (await examine(local(server, user)))["rights"].severity is Severity.OK


@on_one_server
async def test_user_with_dangerous_permissions_is_noted(server: StoreServer, user: str) -> None:
    server.command("ACL", "SETUSER", "hubbub", "+flushall", "+acl|dryrun")
    findings = await examine(local(server, user))
    assert findings["privileges"].severity is Severity.NOTE
    assert "FLUSHALL" in findings["privileges"].observed
    assert "SHUTDOWN" not in findings["privileges"].observed
    server.command("ACL", "SETUSER", "hubbub", "+@all", "-acl", "allkeys", "allchannels")
    seen = (await examine(local(server, user)))["privileges"].observed
    assert "LASTSAVE, SORT, other keys and channels" in seen


@on_one_server
async def test_store_without_password_is_warned_of(server: StoreServer) -> None:
    finding = (await examine(local(server)))["privileges"]
    assert finding.severity is Severity.NOTE
    assert "no password" in finding.observed


@pytest.mark.parametrize("policy", ["volatile-lru", "allkeys-lru"])
@on_one_server
async def test_evicting_store_is_warned_of(server: StoreServer, policy: str) -> None:
    server.admin.config_set("maxmemory-policy", policy)
    try:
        finding = (await examine(local(server)))["eviction"]
    finally:
        server.admin.config_set("maxmemory-policy", "noeviction")
    assert finding.severity is Severity.WARNING
    assert policy in finding.observed


@on_one_server
async def test_full_store_is_warned_of_and_inspected(server: StoreServer) -> None:
    server.admin.config_set("maxmemory", 1)
    try:
        findings = await examine(local(server))
    finally:
        server.admin.config_set("maxmemory", 0)
    assert findings["memory"].severity is Severity.WARNING
    assert findings["rights"].severity is Severity.OK


@pytest.fixture
def replica(own_server: StoreServer, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreServer]:
    own_server.admin.config_set("repl-diskless-sync-delay", "0")
    folder = tmp_path / "replica"
    folder.mkdir()
    flavour = cast("Flavour", request.node.callspec.params["own_server"])
    server = StoreServer(flavour, folder, "--replicaof", f"127.0.0.1 {own_server.port}")
    server.start()
    yield server
    server.stop()


async def linked(own_server: StoreServer) -> None:
    await wait_until(lambda: own_server.admin.info("replication").get("slave0", {}).get("state") == "online")


async def test_replica_is_problem(own_server: StoreServer, replica: StoreServer) -> None:
    await linked(own_server)
    findings = await examine(local(replica))
    assert with_verdict(findings, Severity.PROBLEM) == {"role", "writes"}
    assert "primary" in findings["role"].advice


@pytest.mark.usefixtures("replica")
async def test_min_replicas_above_connected_is_problem(own_server: StoreServer) -> None:
    await linked(own_server)
    assert (await examine(local(own_server), replicas_wanted=1))["replicas"].severity is Severity.NOTE
    finding = (await examine(local(own_server), replicas_wanted=2))["replicas"]
    assert finding.severity is Severity.PROBLEM
    assert "REDIS_MIN_REPLICAS is 2" in finding.observed


@pytest.mark.usefixtures("replica")
async def test_replicas_are_counted_without_optional_permissions(own_server: StoreServer) -> None:
    await linked(own_server)
    own_server.command("ACL", "SETUSER", "hubbub", "reset", *documented_acl_rule(password="secret"))
    findings = await examine(local(own_server, "hubbub:secret@"), replicas_wanted=1)
    assert findings["replicas"].severity is Severity.NOT_PERMITTED
    assert findings["replicas"].observed.startswith("1;")
    findings = await examine(local(own_server, "hubbub:secret@"), replicas_wanted=2)
    assert findings["replicas"].severity is Severity.PROBLEM


async def test_min_replicas_to_write_unmet_is_problem(own_server: StoreServer) -> None:
    own_server.admin.config_set("min-replicas-to-write", "1")
    findings = await examine(local(own_server))
    assert with_verdict(findings, Severity.PROBLEM) == {"writes", "replicas"}
    assert findings["persistence"].severity is Severity.OK


async def test_unreachable_store_is_one_finding_in_time(own_server: StoreServer) -> None:
    own_server.kill()
    (finding,) = (await examine(local(own_server))).values()
    assert (finding.check, finding.severity) == (NO_ANSWER, Severity.PROBLEM)
    assert finding.observed.startswith("does not answer (unreachable")


async def test_frozen_store_is_one_finding_in_time(own_server: StoreServer) -> None:
    own_server.freeze()
    async with asyncio.timeout(STORE_BUDGET_SECONDS * 2):
        (finding,) = (await examine(local(own_server))).values()
    assert finding.observed.startswith("does not answer (timeout")


@pytest.fixture
def proxy(server: StoreServer) -> Iterator[StoreProxy]:
    proxy = StoreProxy(server.port)
    yield proxy
    proxy.close()


@on_one_server
async def test_network_that_loses_events_is_problem(proxy: StoreProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    publish = facts._Inspection._publish

    async def stall_and_publish(self: facts._Inspection, channel: str, word: str) -> None:
        proxy.stall_subscriptions()
        await publish(self, channel, word)

    monkeypatch.setattr(facts._Inspection, "_publish", stall_and_publish)
    findings = await examine(f"redis://127.0.0.1:{proxy.port}")
    assert with_verdict(findings, Severity.PROBLEM) == {"events"}, findings


@on_one_server
async def test_slow_store_is_measured_by_fewer_round_trips(proxy: StoreProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "DOCTOR_ROUND_TRIPS_SECONDS_MAX", 0.5)
    proxy.delay(0.11)
    findings = await examine(f"redis://127.0.0.1:{proxy.port}")
    assert with_verdict(findings, Severity.WARNING) == {"latency", "persistence"}, findings
    assert "200 round trips" not in findings["latency"].observed


@on_one_server
async def test_all_checks_together_end_in_time(proxy: StoreProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "DOCTOR_SECONDS_MAX", 0.5)
    proxy.delay(0.1)
    (finding,) = (await examine(f"redis://127.0.0.1:{proxy.port}")).values()
    assert finding.observed == "does not answer (timeout: the checks took longer than 0.5 s)"


@on_one_server
async def test_wrong_password_is_reported(server: StoreServer, user: str) -> None:
    (finding,) = (await examine(local(server, user.replace("secret", "wrong")))).values()
    assert finding.observed.startswith("does not let us in (not_permitted")
    assert "password" in finding.advice
    assert "wrong" not in finding.observed


@on_one_server
async def test_each_of_several_servers_is_reported(server: StoreServer, own_server: StoreServer) -> None:
    own_server.kill()
    addresses = {"away": local(own_server), "there": local(server)}
    servers = [Server(name, _pool(url, StoreTls())) for name, url in addresses.items()]
    findings = await diagnose(servers, 0)
    assert [finding.check for finding in findings if finding.server == "away"] == [NO_ANSWER]
    assert len([finding for finding in findings if finding.server == "there"]) > 10


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[TlsServer]:
    server = TlsServer(tmp_path)
    yield server
    server.server.stop()


async def test_tls_and_certificate_expiry_are_reported(tls_server: TlsServer) -> None:
    findings = await examine(f"rediss://localhost:{tls_server.port}", tls=tls_server.tls)
    assert findings["encryption"].severity is Severity.OK
    assert findings["encryption"].observed.startswith("TLS, the server's certificate expires on ")


async def test_certificate_of_unknown_authority_is_reported(tls_server: TlsServer) -> None:
    (finding,) = (await examine(f"rediss://localhost:{tls_server.port}")).values()
    assert "certificate" in finding.observed
