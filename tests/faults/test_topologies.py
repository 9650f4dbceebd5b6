"""Sentinel and Cluster start, answer, and fail over, on Valkey and on Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.support.cluster import ClusterTopology
from tests.support.sentinel import SentinelTopology
from tests.support.stores import FLAVOURS, wait_for
from tests.support.topologies import Login

CODE = "BCDFGH"
KEY = f"party:{CODE}"
PARTS = [f"{{party:{CODE}}}:{name}" for name in ("state", "seats", "log")]
LOGIN = Login(
    "s3cret", "hubbub", ("~party:*", "~{party:*", "~hubbub:*", "&party:*", "&{party:*", "+@all", "-@dangerous")
)


@pytest.fixture(params=FLAVOURS)
def sentinel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SentinelTopology]:
    topology = SentinelTopology(request.param, tmp_path, LOGIN)
    try:
        topology.start()
        yield topology
    finally:
        topology.stop()


@pytest.fixture(params=FLAVOURS)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ClusterTopology]:
    topology = ClusterTopology(request.param, tmp_path, LOGIN)
    try:
        topology.start()
        yield topology
    finally:
        topology.stop()


def test_sentinels_replace_killed_primary(sentinel: SentinelTopology) -> None:
    assert sentinel.url.startswith("redis+sentinel://hubbub:s3cret@127.0.0.1:")
    first = sentinel.primary_of(CODE)
    first.admin.set(KEY, "{}")
    assert first.admin.wait(2, 5000) == 2
    first.kill()
    second = sentinel.wait_for_another_primary(first)
    assert second.text(KEY) == "{}"
    second.admin.set(KEY, "after")
    first.start()
    sentinel.wait_until_whole()
    wait_for(lambda: first.text(KEY) == "after")
    assert sentinel.documents() == {CODE: "after"}


def test_replica_takes_over_on_request_and_on_kill(cluster: ClusterTopology) -> None:
    assert cluster.url.count("127.0.0.1:") == 6
    first = cluster.primary_of(CODE)
    first.admin.set(KEY, "{}")
    second = cluster.failover(first)
    assert cluster.primary_of(CODE) is second
    cluster.wait_until_whole()
    second.kill()
    assert cluster.wait_for_another_primary(second, CODE) is first
    assert first.text(KEY) == "{}"
    second.start()
    cluster.wait_until_whole()
    assert cluster.documents() == {CODE: "{}"}


def test_slot_moves_key_by_key(cluster: ClusterTopology) -> None:
    source = cluster.primary_of(CODE)
    for key in (KEY, *PARTS):
        source.admin.set(key, "here")
    seen: list[int] = []
    target = cluster.move_slot(CODE, lambda: seen.append(int(source.admin.dbsize())))
    assert seen == [4, 3, 2, 1, 0]
    assert cluster.primary_of(CODE) is target
    assert {target.text(key) for key in (KEY, *PARTS)} == {"here"}
    with pytest.raises(redis.exceptions.MovedError):
        source.admin.get(KEY)
    cluster.wait_until_whole()
