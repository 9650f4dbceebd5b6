"""Connect with the documented ACL user and verify TLS certificates."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from hubbub.core.backup import RestoreRequest, Tombstone
from hubbub.core.party import ChatMode
from hubbub.core.position import ProvenPosition
from hubbub.core.protocol import (
    ChangeTrack,
    Kick,
    Pause,
    Play,
    QueueTrack,
    Rename,
    SelectTrack,
    SendMessage,
    SendReaction,
    SetChatMode,
    SetLock,
)
from hubbub.core.results import Accepted, Created, Found, FullState, Joinable, Missing, Renewed, Restored, Watching
from hubbub.store.client.address import StoreAddress, StoreTls, parse_store_url
from hubbub.store.client.connect import open_store
from hubbub.store.generation import DataLossDetector
from hubbub.store.health import StoreHealth
from hubbub.store.port import BoundCode, StoreFailure, StoreUnavailableError
from hubbub.store.redis_store import RedisStore
from tests.contract.acl_rule import documented_acl_rule
from tests.contract.conftest import LEASE_SECONDS, attempt, draft, end_party, on_one_server, soon, take_seat
from tests.contract.tls_server import TlsServer
from tests.support.cluster import ClusterTopology
from tests.support.sentinel import SentinelTopology
from tests.support.stores import StoreServer, lasting_port, wait_for
from tests.support.topologies import Login

CODE = "BCDFGH"


async def use_everything(address: StoreAddress, tls: StoreTls | None = None) -> None:
    """Run every operation once."""
    health = StoreHealth()
    connections = open_store(address, tls or StoreTls(), "test", health)
    store = RedisStore(connections.client, DataLossDetector(connections.client, health), LEASE_SECONDS)
    party = draft(token="host's")
    try:
        await store.ping(soon())
        assert isinstance(await store.create(party, soon()), Created)
        assert isinstance(await store.read(CODE, soon()), Found)
        assert await store.check_join(CODE, soon()) == Joinable()
        assert await store.check_join("CCCCCC", soon()) == Missing()
        assert await store.bind_idempotency_key("hash", CODE, None, soon()) == BoundCode(CODE)
        assert await store.rollback_create(draft("CCCCCC"), "", soon()) == Missing()
        await use_a_live_party(store)
        await end_party(store, party)
    finally:
        await connections.aclose()


async def use_a_live_party(store: RedisStore) -> None:
    """Run every operation on a live party, its events included."""
    host = await take_seat(store, token="host's")
    guest = await take_seat(store)
    assert isinstance(await store.watch(CODE, "watcher", soon()), Watching)
    party = await store.catch_up(CODE, None, soon())
    assert isinstance(party, FullState)
    known = ProvenPosition(party.epoch, party.version, "")
    assert isinstance(await store.renew(CODE, [host, guest], soon(), known), Renewed)
    request = RestoreRequest(CODE, None, known, "epoch", party.snapshot.expires_at, [(host, "Ann")])
    assert await store.restore_party(request, soon()) == Restored()
    await store.restore_tombstone(Tombstone("DDDDDD", "party", "token", store.now_ms() + 60_000), soon())
    for command in (
        SendMessage(text="hello"),
        SendReaction(emoji="🎉"),
        Rename(name="Ann"),
        SetChatMode(mode=ChatMode.OPEN),
        SetLock(locked=False),
        SelectTrack(filename="a"),
        QueueTrack(filename=None),
        ChangeTrack(filename="b"),
        Play(),
        Pause(),
        Kick(target_id=guest.member_id),
    ):
        assert await store.execute(host, command, soon()) == Accepted()
    await store.rollback_join(attempt(), soon())
    await store.drop_connection(host, soon())
    assert isinstance(await store.catch_up(CODE, None, soon()), FullState)


async def test_documented_acl_user_is_sufficient(server: StoreServer) -> None:
    rule = documented_acl_rule(password="p@ss:word/")
    assert "+@all" in rule
    assert "-@dangerous" in rule
    server.command("ACL", "SETUSER", "hubbub", "reset", *rule)
    try:
        await use_everything(parse_store_url(server.url.replace("://", "://hubbub:p%40ss%3Aword%2F@")))
    finally:
        server.command("ACL", "DELUSER", "hubbub")


@on_one_server
async def test_database_number_is_honoured(server: StoreServer) -> None:
    await use_everything(parse_store_url(f"redis://127.0.0.1:{server.port}/3"))
    other = redis.Redis(port=server.port, db=3)
    assert other.dbsize() == 4  # the claim, two tombstones and the life
    other.close()
    assert server.admin.dbsize() == 0


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[TlsServer]:
    server = TlsServer(tmp_path)
    yield server
    server.server.stop()


def address(host: str, port: int) -> StoreAddress:
    return parse_store_url(f"rediss://{host}:{port}")


async def test_tls_with_client_certificate_works(tls_server: TlsServer) -> None:
    tls_server.tls.check()
    await use_everything(address("localhost", tls_server.port), tls_server.tls)


async def test_certificate_of_unknown_authority_is_refused(tls_server: TlsServer) -> None:
    strangers = StoreTls(None, tls_server.cert_file, tls_server.key_file)
    with pytest.raises(StoreUnavailableError) as caught:
        await use_everything(address("localhost", tls_server.port), strangers)
    assert caught.value.failure is StoreFailure.UNREACHABLE
    assert "certificate verify failed" in caught.value.detail


async def test_certificate_of_another_name_is_refused(tls_server: TlsServer) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        await use_everything(address("127.0.0.1", tls_server.port), tls_server.tls)
    assert "certificate" in caught.value.detail


async def test_missing_client_certificate_is_refused(tls_server: TlsServer) -> None:
    with pytest.raises(StoreUnavailableError):
        await use_everything(address("localhost", tls_server.port), StoreTls(tls_server.ca_file))


@pytest.mark.parametrize("kind", [SentinelTopology, ClusterTopology])
async def test_documented_user_is_sufficient_on_debians_redis(
    tmp_path: Path, kind: type[SentinelTopology | ClusterTopology]
) -> None:
    rule = [word for word in documented_acl_rule(password="unused") if word != "on" and not word.startswith(">")]
    store = kind("redis", tmp_path, Login("a-long-password", "hubbub", rule))
    try:
        store.start()
        await use_everything(parse_store_url(store.url))
    finally:
        store.stop()


async def test_cluster_over_tls_with_client_certificate_works(tmp_path: Path) -> None:
    """Use one server with all slots. It announces its hostname, which is in its certificate."""
    options = ("--cluster-enabled", "yes", "--cluster-port", str(lasting_port()))
    named = (
        "--tls-cluster",
        "yes",
        "--cluster-announce-hostname",
        "localhost",
        "--cluster-preferred-endpoint-type",
        "hostname",
    )
    server = TlsServer(tmp_path, *options, *named)
    try:
        server.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_for(lambda: "cluster_state:ok" in str(server.command("CLUSTER", "INFO")))
        address = parse_store_url(f"rediss+cluster://localhost:{server.port}")
        await use_everything(address, server.tls)
    finally:
        server.server.stop()
