"""Who may connect where there are several servers: the documented ACL user is enough, with a password everywhere."""

from pathlib import Path

import pytest

from hubbub.store.client.address import parse_store_url
from tests.contract.acl_rule import documented_acl_rule
from tests.contract.test_access import use_everything
from tests.contract.tls_server import TlsServer
from tests.support.cluster import ClusterTopology
from tests.support.sentinel import SentinelTopology
from tests.support.stores import lasting_port, wait_for
from tests.support.topologies import Login


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
    """One server that has all slots, and tells its name, which its certificate is for."""
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
