"""Create parties that wait for replicas."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from hubbub.core.limits import STORE_BUDGET_SECONDS
from hubbub.core.results import Created, Joinable
from hubbub.services.parties import CreatedParty
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.contract.conftest import Instance, draft, soon, wait_until
from tests.support.stores import Flavour, StoreServer

CODE = "BCDFGH"


@pytest.fixture
def replica(own_server: StoreServer, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreServer]:
    folder = tmp_path / "replica"
    folder.mkdir()
    flavour = cast("Flavour", request.node.callspec.params["own_server"])
    server = StoreServer(
        flavour, folder, "--replicaof", f"127.0.0.1 {own_server.port}", "--repl-diskless-sync-delay", "0"
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def instance(own_server: StoreServer) -> AsyncIterator[Instance]:
    own_server.admin.config_set("repl-diskless-sync-delay", "0")
    instance = Instance(own_server.url, replicas=1)
    yield instance
    await instance.aclose()


async def linked(own_server: StoreServer) -> None:
    await wait_until(lambda: own_server.admin.info("replication").get("slave0", {}).get("state") == "online")


async def test_confirmed_party_is_on_replica(instance: Instance, own_server: StoreServer, replica: StoreServer) -> None:
    await linked(own_server)
    answers = await asyncio.gather(*(instance.store.create(draft(f"{n:06d}"), soon(10)) for n in range(50)))
    assert all(isinstance(answer, Created) for answer in answers)
    assert replica.admin.dbsize() == 50


async def test_create_without_replicas_is_rolled_back(instance: Instance, own_server: StoreServer) -> None:
    service = instance.service()
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(StoreUnavailableError) as caught:
        await service.create(None, None)
    assert loop.time() - started < 2.0
    assert caught.value.failure is StoreFailure.NOT_REPLICATED
    assert caught.value.in_doubt
    await instance.rollbacks.drain()
    assert own_server.admin.keys("*") == []


async def test_create_on_silent_primary_is_not_replicated(instance: Instance, own_server: StoreServer) -> None:
    waiting = asyncio.create_task(instance.store.create(draft(), soon(STORE_BUDGET_SECONDS)))
    await wait_until(lambda: own_server.admin.exists(f"party:{CODE}"))
    own_server.freeze()
    try:
        with pytest.raises(StoreUnavailableError) as caught:
            await waiting
    finally:
        own_server.thaw()
    assert caught.value.failure is StoreFailure.NOT_REPLICATED
    assert caught.value.in_doubt


async def test_create_on_demoted_primary_is_in_doubt(instance: Instance, own_server: StoreServer) -> None:
    waiting = asyncio.create_task(instance.store.create(draft(), soon(STORE_BUDGET_SECONDS)))
    await wait_until(lambda: own_server.admin.exists(f"party:{CODE}"))
    own_server.command("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(StoreUnavailableError) as caught:
        await waiting
    assert caught.value.failure is StoreFailure.NOT_REPLICATED
    assert caught.value.in_doubt


async def test_create_waiting_for_replicas_delays_no_other_call(instance: Instance, own_server: StoreServer) -> None:
    waiting = asyncio.create_task(instance.store.create(draft(), soon(5)))
    await wait_until(lambda: own_server.admin.exists(f"party:{CODE}"))
    assert await instance.store.check_join(CODE, soon(4)) == Joinable()
    assert not waiting.done()
    with pytest.raises(StoreUnavailableError):
        await waiting


async def test_create_succeeds_after_replica_connects(
    instance: Instance, own_server: StoreServer, request: pytest.FixtureRequest
) -> None:
    service = instance.service()
    with pytest.raises(StoreUnavailableError):
        await service.create(None, None)
    request.getfixturevalue("replica")
    await linked(own_server)
    assert isinstance(await service.create(None, None), CreatedParty)
