"""Restore recent creates after data loss; no instance answers that they are absent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from hubbub.core.results import Joinable
from hubbub.services.parties import CreatedParty
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.contract.conftest import Instance, wait_until
from tests.support.stores import StoreServer


@pytest.fixture
async def pair(server: StoreServer) -> AsyncIterator[tuple[Instance, Instance]]:
    """Two instances that look after the store."""
    here, there = Instance(server.url), Instance(server.url)
    tasks = [asyncio.create_task(job) for one in (here, there) for job in (one.detector.run(), one.recovery.run())]
    # An instance that has never looked knows of no loss.
    await wait_until(
        lambda: all(set(one.detector._known) >= set(one.connections.client.shards()) != set() for one in (here, there))
    )
    yield here, there
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for one in (here, there):
        await one.aclose()


async def retry_during_recovery(instance: Instance, code: str) -> object:
    """Return the instance's answer for a party once it is not RECOVERING any more."""
    while True:
        with suppress(StoreUnavailableError):
            try:
                return await instance.service().check_join(code)
            except StoreUnavailableError as unavailable:
                if unavailable.failure is not StoreFailure.RECOVERING:
                    raise AssertionError(unavailable) from None
        await asyncio.sleep(0.02)


async def test_recent_create_survives_flush_and_is_never_absent(
    pair: tuple[Instance, Instance], server: StoreServer
) -> None:
    here, there = pair
    key = "a key of sixteen."
    created = [await here.service().create("Ann", None), await here.service().create("Ann", key)]
    parties = [party for party in created if isinstance(party, CreatedParty)]
    assert await there.service().check_join(parties[0].code) == Joinable()
    server.admin.flushall()
    asked = [retry_during_recovery(one, party.code) for one in pair for party in parties]
    assert await asyncio.gather(*asked) == [Joinable()] * 4
    while True:
        with suppress(StoreUnavailableError):
            again = await there.service().create("Ann", key)
            break
        await asyncio.sleep(0.02)
    assert isinstance(again, CreatedParty)
    assert (again.code, again.host_token) == (parties[1].code, parties[1].host_token)
