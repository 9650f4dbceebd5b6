"""Lose a store's data at random: after recovery no connected client has lost anything."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from msgspec.structs import replace

from hubbub.core.backup import Tombstone
from hubbub.core.party import ChatMode
from hubbub.core.protocol import (
    Kick,
    Leave,
    MemberCommand,
    Promote,
    QueueTrack,
    Rename,
    SelectTrack,
    SendMessage,
    SetChatMode,
    SetLock,
)
from hubbub.core.results import Ended, Joined, Kicked, Restored
from hubbub.core.seats import Lease
from tests.contract.conftest import Instance, attempt, soon, start_party
from tests.contract.data_loss import Restorer, StoreSnapshot
from tests.contract.invariants import assert_invariants
from tests.contract.party_actions import renew_leases, run_commands
from tests.contract.store_dump import CODE, KICKED, Subscriber, dump_party
from tests.support.stores import StoreServer

TOKENS = st.sampled_from([f"token-{n}" for n in range(1, 6)])
AT = st.integers(0, 2)
ORDERS = st.permutations(range(3))
ACTS: st.SearchStrategy[MemberCommand] = st.sampled_from(
    [
        Rename(name='Ann "A"'),
        Rename(name=""),
        SetChatMode(mode=ChatMode.EMOJI_ONLY),
        SetLock(locked=False),
        SendMessage(text="hello 🎉"),
        SelectTrack(filename="a"),
        QueueTrack(filename="b"),
        QueueTrack(filename=None),
    ]
)


class DataLossMachine(RuleBasedStateMachine):
    """Three instances whose connections do what they like, and a store that forgets."""

    server: ClassVar[StoreServer]

    def __init__(self) -> None:
        super().__init__()
        self.server.admin.flushall()
        self.runner = asyncio.Runner()
        self.instances = [self.run(self._instance()) for _ in range(3)]
        self.restorers: list[Restorer] = []
        self.subscriber = Subscriber(self.server)
        self.old_state: StoreSnapshot | None = None

    async def _instance(self) -> Instance:
        return Instance(self.server.url)

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(call)

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        self.restorers = [Restorer(instance.store) for instance in self.instances]
        self.kicked: set[str] = set()
        self.tokens: dict[str, Lease] = {}
        self.old_state = None
        self._seated(0, await start_party(self.restorers[0].store, token="token-0"), "token-0")
        await self._look()

    def teardown(self) -> None:
        self.subscriber.close()
        for instance in self.instances:
            self.run(instance.aclose())
        self.runner.close()

    # What people do.

    @rule(at=AT, token=TOKENS)
    def join(self, at: int, token: str) -> None:
        self.run(self._join(at, token))

    async def _join(self, at: int, token: str) -> None:
        mine = attempt(CODE, token)
        joined = await self.restorers[at].store.join(mine, soon())
        if token in self.kicked:
            assert joined == Kicked()
            return
        assert isinstance(joined, Joined)
        self._seated(at, Lease(CODE, joined.member_id, mine.holder), token)
        # The first renewal comes soon, and with it the copy.
        await self._look()

    def _seated(self, at: int, lease: Lease, token: str) -> None:
        self._gone(token)
        self.tokens[token] = replace(lease, token_hash=token)
        self.restorers[at].own.append(self.tokens[token])

    def _gone(self, token: str) -> None:
        lease = self.tokens.pop(token, None)
        for restorer in self.restorers:
            restorer.own = [own for own in restorer.own if own != lease]

    @rule(command=ACTS)
    def act(self, command: MemberCommand) -> None:
        self.run(self._act(command))

    @rule(data=st.data())
    def kick_or_promote(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.tokens)))
        lease = self.tokens[token]
        if lease == self.host:
            return
        if data.draw(st.booleans()):
            self.run(self._act(Promote(target_id=lease.member_id)))
            return
        self.run(self._act(Kick(target_id=lease.member_id)))
        self.kicked.add(token)
        self._gone(token)

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.tokens)))
        if self.tokens[token] != self.host:
            self.run(self._act(Leave(), self.tokens[token]))
            self._gone(token)

    @property
    def host(self) -> Lease:
        (host,) = (lease for lease in self.tokens.values() if lease.member_id == self.restorers[0].seen.host_id)
        return host

    async def _act(self, command: MemberCommand | Leave, lease: Lease | None = None) -> None:
        await run_commands(self.restorers[0].store, lease or self.host, command)
        for published in self.subscriber.take_all()[0]:
            for restorer in self.restorers:
                assert restorer.room.receive(published)

    # What the store does.

    @rule()
    def save(self) -> None:
        self.old_state = StoreSnapshot(self.server)

    @rule(order=ORDERS)
    def come_back_empty(self, order: Sequence[int]) -> None:
        self.server.admin.flushall()
        self.run(self._restore(order))

    @precondition(lambda self: self.old_state is not None)
    @rule(order=ORDERS)
    def fall_back(self, order: Sequence[int]) -> None:
        assert self.old_state is not None
        self.old_state.load()
        self.run(self._restore(order))

    @precondition(lambda self: self.old_state is not None)
    @rule(order=ORDERS, strangers=st.integers(1, 3))
    def fall_back_and_go_on(self, order: Sequence[int], strangers: int) -> None:
        """Add members before any recovery, so that the same versions may be used again."""
        assert self.old_state is not None
        self.old_state.load()
        for _ in range(strangers):
            self.run(self._come_as_a_stranger())
        self.run(self._restore(order, went_on=True))

    async def _come_as_a_stranger(self) -> None:
        await self.restorers[0].store.join(attempt(CODE), soon())

    @precondition(lambda self: self.old_state is not None)
    @rule(order=ORDERS)
    def end_and_fall_back(self, order: Sequence[int]) -> None:
        assert self.old_state is not None
        party = dump_party(self.server).document
        self.run(self._end(Tombstone(CODE, party["id"], party["hostToken"], 2**42), order))
        self.server.admin.flushall()
        self.run(self._begin())

    async def _end(self, end: Tombstone, order: Sequence[int]) -> None:
        assert self.old_state is not None
        await run_commands(self.restorers[0].store, self.host, Leave())
        self.old_state.load()
        await self.restorers[order[0]].store.restore_tombstone(end, soon())
        for at in order:
            assert await self.restorers[at].restore() == Ended()

    async def _restore(self, order: Sequence[int], *, went_on: bool = False) -> None:
        known = self.restorers[0].seen
        for at in order:
            assert await self.restorers[at].restore() == Restored()
        # Nobody who is connected has lost the seat.
        for restorer in self.restorers:
            assert (await renew_leases(restorer.store, *restorer.own)).verdicts == ()
        await self._look()
        dump = dump_party(self.server)
        assert_invariants(CODE, dump)
        if went_on:
            # Other events may have the same versions, and a member who was kicked meanwhile may be back.
            self.kicked = {token for token in self.kicked if dump.seats.get(dump.tokens.get(token, "")) == KICKED}
            return
        assert self.restorers[0].seen == known
        for token in self.kicked:
            assert await self.restorers[0].store.join(attempt(CODE, token), soon()) == Kicked()

    async def _look(self) -> None:
        self.subscriber.take_all()
        for restorer in self.restorers:
            await restorer.look()
        assert len({restorer.room.position for restorer in self.restorers}) == 1
        assert self.restorers[0].seen == self.restorers[1].seen == self.restorers[2].seen


@pytest.mark.timeout(400)
def test_data_loss_costs_connected_clients_nothing(server: StoreServer) -> None:
    DataLossMachine.server = server
    run_state_machine_as_test(
        DataLossMachine,
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
