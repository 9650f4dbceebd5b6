"""Who may connect where there are several servers: the documented ACL user is enough, with a password everywhere."""

from pathlib import Path

import pytest

from hubbub.store.address import parse_store_url
from tests.contract.acl import documented_acl_rule
from tests.contract.test_access import use_everything
from tests.support.cluster import ClusterTopology
from tests.support.sentinel import SentinelTopology
from tests.support.topologies import Login


@pytest.mark.parametrize("kind", [SentinelTopology, ClusterTopology])
async def test_the_documented_user_is_enough_on_debians_redis(
    tmp_path: Path, kind: type[SentinelTopology | ClusterTopology]
) -> None:
    rule = [word for word in documented_acl_rule(password="unused") if word != "on" and not word.startswith(">")]
    store = kind("redis", tmp_path, Login("a-long-password", "hubbub", rule))
    try:
        store.start()
        await use_everything(parse_store_url(store.url))
    finally:
        store.stop()
