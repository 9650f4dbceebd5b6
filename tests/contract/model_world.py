"""Run three instances on one store with limits so low that every limit is soon reached."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Coroutine, Sequence
from functools import cache
from typing import Any

from msgspec.structs import replace

from hubbub.core.clock import ClockOffset
from hubbub.core.party import PartyPolicy
from hubbub.core.protocol import Leave, MemberCommand, Promote
from hubbub.core.replica import Published, Replica
from hubbub.core.results import (
    Accepted,
    Ended,
    EventsSince,
    Found,
    Full,
    FullState,
    Joinable,
    Joined,
    Locked,
    Missing,
    Rejected,
    Renewed,
)
from hubbub.core.seats import JoinAttempt, Lease
from hubbub.store import keys
from hubbub.store.client.script_client import Argument, ScriptClient
from hubbub.store.generation import DataLossDetector
from hubbub.store.health import StoreHealth
from hubbub.store.redis_store import RedisStore
from hubbub.store.replies import Reply
from hubbub.store.scripts import Script
from tests.contract.conftest import LEASE_SECONDS, Instance, soon
from tests.contract.expected_reasons import assert_can_act, assert_command_refusal, assert_join_refusal
from tests.contract.invariants import assert_invariants
from tests.contract.store_dump import (
    CODE,
    StoreDump,
    Subscriber,
    dump_party_if_stored,
    party_key_names,
    pass_time,
    store_seconds,
)
from tests.support.stores import StoreServer

LISTED_MAX, LOG_EVENTS_MAX, WATCHERS_MAX = 3, 10, 2
TERMS = PartyPolicy(ttl_seconds=3600, host_grace_seconds=30, seat_hold_seconds=20, capacity=5)
_BOUNDS = {b"LISTED_MAX": LISTED_MAX, b"LOG_EVENTS_MAX": LOG_EVENTS_MAX, b"WATCHERS_MAX": WATCHERS_MAX}


@cache
def _with_low_limits(script: Script) -> Script:
    """Return the script with lower limits."""
    source = script.source
    for name, bound in _BOUNDS.items():
        source, found = re.subn(rb"(?m)^local %s = .*$" % name, b"local %s = %d" % (name, bound), source)
        assert found == (name in script.source)
    return Script(script.name, source, hashlib.sha1(source).hexdigest())


class _LowLimitsScriptClient:
    """Call scripts with lower limits."""

    def __init__(self, client: ScriptClient) -> None:
        self._client = client
        self.shards = client.shards
        self.shard_of = client.shard_of

    @property
    def last_clock(self) -> ClockOffset | None:
        return self._client.last_clock

    async def call(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        deadline: float,
        *,
        probing: bool = False,
    ) -> Reply:
        return await self._client.call(_with_low_limits(script), keys, args, deadline, probing=probing)


class ModelInstance:
    """Model one instance: the leases that it renews, and its replica.

    A frozen instance does nothing. A stalled one renews leases and receives no events.
    """

    def __init__(self, server: StoreServer) -> None:
        self._instance = Instance(server.url)
        client = _LowLimitsScriptClient(self._instance.connections.client)
        self.store = RedisStore(client, DataLossDetector(client, StoreHealth()), LEASE_SECONDS)
        self.lose_connection = self._instance.lose_connections
        self.aclose = self._instance.aclose
        self.frozen = False
        self.stalled = False
        self.crash()

    def crash(self) -> None:
        """Lose all state without a call to the store."""
        self.leases: list[Lease] = []
        self.close_room()

    def close_room(self) -> None:
        """Drop the replica of the party."""
        self._room: Replica | None = None
        self._behind = False
        self._counts_watchers = True

    async def hear(self, published: Sequence[Published], watchers: Sequence[int]) -> None:
        """Apply published events. If some are missing, the instance must have stalled: catch up."""
        if self._room is None:
            return
        if self.frozen or self.stalled:
            self._behind = self._behind or bool(published)
            self._counts_watchers = self._counts_watchers and not watchers
            return
        for count in watchers:
            self._room.set_watcher_count(count)
            self._counts_watchers = True
        for one in published:
            await self._take(one)

    async def compare_position(self, epoch: str, version: int) -> None:
        """Compare the replica with the position in the reply to a renewal."""
        if self._room is not None and (self._room.epoch, self._room.version) != (epoch, version):
            assert self._behind
            await self._catch_up(self._room)

    def assert_synced(self, party: FullState) -> None:
        """Check that the replica equals the store's full state, unless it has missed events."""
        if self._room is None:
            self._room = Replica()
            self._room.start_sync()
            assert self._room.apply_sync(party)
        if self._behind:
            return
        assert self._room.party is not None
        assert (self._room.epoch, self._room.version) == (party.epoch, party.version)
        watchers = self._room.party.watchers if self._counts_watchers else party.snapshot.watchers
        seen = replace(self._room.party, expires_at=party.snapshot.expires_at, watchers=watchers)
        assert seen == party.snapshot

    async def _take(self, published: Published) -> None:
        if self._room is not None and not self._room.receive(published):
            assert self._behind
            await self._catch_up(self._room)

    async def _catch_up(self, room: Replica) -> None:
        outcome = await self.store.catch_up(CODE, room.start_sync(), soon())
        if not isinstance(outcome, EventsSince | FullState):
            self.close_room()
            return
        assert room.apply_sync(outcome)
        self._behind = False
        # No event has the number of watchers.
        self._counts_watchers = self._counts_watchers or isinstance(outcome, FullState)


class ModelWorld:
    """Run three instances on one store and check its one party after every step."""

    def __init__(self, server: StoreServer) -> None:
        self.server = server
        self.instances = [ModelInstance(server) for _ in range(3)]
        self.there = False
        """Whether the party must be stored, by what was answered and published."""
        self.dump: StoreDump | None = None
        """The dump of the party after the last step."""
        self._runner = asyncio.Runner()
        self._subscriber = Subscriber(server)
        self._promotions = 0
        self._may_go_at = 0
        self._looks = 0

    def close(self) -> None:
        """Close every connection."""
        self._subscriber.close()
        for instance in self.instances:
            self.run(instance.aclose())
        self._runner.close()

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine."""
        return self._runner.run(call)

    def ask(self, at: int, call: Callable[[RedisStore], Coroutine[Any, Any, Any]]) -> Any:
        """Call the store from an instance."""

        async def asked() -> object:
            return await call(self.instances[at].store)

        return self.run(asked())

    def is_host(self, lease: Lease) -> bool:
        """Return whether the lease was of the host's seat after the last step."""
        return self.dump is not None and self.dump.document["hostId"] == lease.member_id

    def created(self) -> None:
        """Note that a party was created."""
        self.there, self._promotions = True, 0

    def join(self, at: int, attempt: JoinAttempt) -> Lease | None:
        """Join and check the result."""
        outcome = self.ask(at, lambda store: store.join(attempt, soon()))
        dump = dump_party_if_stored(self.server)
        if not isinstance(outcome, Joined):
            assert_join_refusal(dump, attempt.token_hash, outcome)
            return None
        assert dump is not None
        lease = Lease(CODE, outcome.member_id, attempt.holder)
        assert_can_act(dump, lease, None)
        assert dump.tokens[attempt.token_hash] == outcome.member_id
        assert outcome.resumed == (outcome.member_id != attempt.new_id)
        assert outcome.resumed or not dump.document["locked"]
        assert outcome.is_host == (outcome.member_id == dump.document["hostId"])
        assert outcome.version == dump.version
        return lease

    def act(self, at: int, lease: Lease, command: MemberCommand | Leave) -> None:
        """Run a command and check the result."""
        outcome = self.ask(at, lambda store: store.execute(lease, command, soon()))
        dump = dump_party_if_stored(self.server)
        if dump is None:
            assert outcome in {Missing(), Ended()} or (outcome == Accepted() and isinstance(command, Leave))
        elif isinstance(outcome, Rejected):
            assert_command_refusal(dump, lease, command, outcome.reason)
        elif isinstance(command, Leave):
            assert lease.member_id not in dump.seats
        else:
            assert outcome == Accepted()
            assert_can_act(dump, lease, None)
            self._promotions += isinstance(command, Promote)

    def renew(self, at: int) -> Any:
        """Renew an instance's leases and drop the lost ones."""
        instance = self.instances[at]
        outcome = self.ask(at, lambda store: store.renew(CODE, instance.leases, soon()))
        gone = {verdict.holder for verdict in outcome.verdicts} if isinstance(outcome, Renewed) else None
        instance.leases = [lease for lease in instance.leases if gone is not None and lease.holder not in gone]
        return outcome

    def pass_time(self, seconds: int) -> None:
        """Let time pass without a command."""
        pass_time(self.server, seconds)
        self._may_go_at -= seconds * 1000

    def hear(self) -> None:
        """Deliver published events to every instance."""
        published, ephemeral = self._subscriber.take_all()
        watchers = [int(mention[1:]) for mention in ephemeral if mention.startswith("W")]
        if any(b'"t":"ENDED"' in one.events[-1] for one in published):
            self.there = False
            assert self.server.admin.exists(keys.ended(CODE))
            return
        for instance in self.instances if published or watchers else ():
            self.run(instance.hear(published, watchers))

    def look(self) -> None:
        """Check the party's invariants, or that it may be absent, and that every replica equals it."""
        self.hear()
        self.dump = dump = dump_party_if_stored(self.server)
        names = {name for name in party_key_names(self.server) if not name.startswith("hubbub:")}
        self._check_lookups(dump)
        if dump is None:
            assert not self.there or store_seconds(self.server) * 1000 >= self._may_go_at
            # The ids of the creates may outlive an expired party.
            assert names <= {keys.ended(CODE), keys.party_keys(CODE)[2]}
            self.there = False
            for instance in self.instances:
                instance.close_room()
            return
        assert self.there
        assert names == dump.expiries.keys()
        assert_invariants(CODE, dump, roster_max=LISTED_MAX + self._promotions, log_max=LOG_EVENTS_MAX)
        self._may_go_at = _may_go_at(dump)
        party = self.ask(0, lambda store: store.catch_up(CODE, None, soon()))
        assert isinstance(party, FullState)
        for instance in self.instances:
            instance.assert_synced(party)

    def _check_lookups(self, dump: StoreDump | None) -> None:
        """Check that an instance finds the party that is stored, or its tombstone, or nothing."""
        self._looks += 1
        at = self._looks % len(self.instances)
        found = self.ask(at, lambda store: store.read(CODE, soon()))
        checked = self.ask(at, lambda store: store.check_join(CODE, soon()))
        if dump is None:
            assert found == checked == (Ended() if self.server.admin.exists(keys.ended(CODE)) else Missing())
        else:
            assert isinstance(found, Found)
            assert found.party.id == dump.document["id"]
            assert checked in ({Locked()} if dump.document["locked"] else {Joinable(), Full()})


def _may_go_at(dump: StoreDump) -> int:
    """Return when the party may first end without an event, in ms: at its expiry or after the host's grace."""
    expires_at = dump.expiries[keys.party(CODE)]
    host = dump.document["hostId"]
    if f"on:{host}" in dump.leases:
        waits_until = dump.leases[f"on:{host}"] + TERMS.host_grace_seconds * 1000
    elif f"held:{host}" in dump.leases:
        waits_until = dump.leases[f"held:{host}"]
    else:
        return expires_at
    return min(expires_at, int(dump.state["touchedAt"]) + waits_until - dump.clock)
