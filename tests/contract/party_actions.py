"""Doing things to a live party: what must succeed in one line, and time that passes while instances live."""

from hubbub.core.protocol import Leave, MemberCommand, Snapshot
from hubbub.core.results import Accepted, FullState, Renewed
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import soon
from tests.contract.store_dump import CODE, pass_time, store_seconds
from tests.support.stores import StoreServer

RENEWAL_STEP_SECONDS = 5.0
"""Well under two thirds of a lease, so that a party's clock runs on over it."""


async def run_commands(store: RedisStore, lease: Lease, *commands: MemberCommand | Leave) -> None:
    """Carry out commands, which must be done."""
    for command in commands:
        assert await store.execute(lease, command, soon()) == Accepted()


async def renew_leases(store: RedisStore, *alive: Lease, code: str = CODE) -> Renewed:
    """Renew leases, none perhaps: the least that can be done to a party, which must be there."""
    renewed = await store.renew(code, alive, soon())
    assert isinstance(renewed, Renewed)
    return renewed


async def load_whole(store: RedisStore, code: str = CODE) -> FullState:
    """All that the store tells an instance which knows nothing."""
    outcome = await store.catch_up(code, None, soon())
    assert isinstance(outcome, FullState)
    return outcome


async def load_snapshot(store: RedisStore, code: str = CODE) -> Snapshot:
    """The party as everybody may see it."""
    return (await load_whole(store, code)).snapshot


async def pass_time_renewing(
    server: StoreServer, store: RedisStore, seconds: float, *alive: Lease, code: str = CODE
) -> None:
    """Let so many seconds pass in which those leases are renewed as an instance does it, and no others.

    The time that this takes counts, so that a busy machine makes no difference.
    """
    ends_at = store_seconds(server) + seconds
    while (left := ends_at - store_seconds(server)) > 0:
        step = min(left, RENEWAL_STEP_SECONDS)
        pass_time(server, step, code)
        ends_at -= step
        await store.renew(code, alive, soon())
