"""Act on a stored party, and let time pass while instances renew their leases."""

from hubbub.core.protocol import Leave, MemberCommand, Snapshot
from hubbub.core.results import Accepted, FullState, Renewed
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import soon
from tests.contract.store_dump import CODE, pass_time, store_seconds
from tests.support.stores import StoreServer

RENEWAL_STEP_SECONDS = 5.0
"""Shorter than two thirds of a lease, so that the party clock does not stop."""


async def run_commands(store: RedisStore, lease: Lease, *commands: MemberCommand | Leave) -> None:
    """Run commands, which must succeed."""
    for command in commands:
        assert await store.execute(lease, command, soon()) == Accepted()


async def renew_leases(store: RedisStore, *alive: Lease, code: str = CODE) -> Renewed:
    """Renew leases of a party that must be stored. Without leases this still runs its expiries."""
    renewed = await store.renew(code, alive, soon())
    assert isinstance(renewed, Renewed)
    return renewed


async def load_whole(store: RedisStore, code: str = CODE) -> FullState:
    """Load the full state of a party."""
    outcome = await store.catch_up(code, None, soon())
    assert isinstance(outcome, FullState)
    return outcome


async def load_snapshot(store: RedisStore, code: str = CODE) -> Snapshot:
    """Load the snapshot of a party."""
    return (await load_whole(store, code)).snapshot


async def pass_time_renewing(
    server: StoreServer, store: RedisStore, seconds: float, *alive: Lease, code: str = CODE
) -> None:
    """Let time pass while the given leases are renewed as an instance renews them, and no others.

    The real time that this takes counts, so that a busy machine makes no difference.
    """
    ends_at = store_seconds(server) + seconds
    while (left := ends_at - store_seconds(server)) > 0:
        step = min(left, RENEWAL_STEP_SECONDS)
        pass_time(server, step, code)
        ends_at -= step
        await store.renew(code, alive, soon())
