"""Run random actions of people and of three instances that crash, freeze and stall; check the invariants."""

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hubbub.core.party import ChatMode, PartyDraft
from hubbub.core.protocol import (
    ChangeTrack,
    Kick,
    Leave,
    MemberCommand,
    Pause,
    Play,
    Promote,
    QueueTrack,
    Rename,
    SelectTrack,
    SendMessage,
    SendReaction,
    SetChatMode,
    SetLock,
)
from hubbub.core.results import CodeTaken, Created, Deleted, Ended, Missing, Watching
from hubbub.core.seats import JoinAttempt, Lease
from hubbub.store import keys
from hubbub.store.port import BoundCode
from tests.contract.conftest import attempt, draft, soon
from tests.contract.expected_reasons import assert_can_act
from tests.contract.model_world import TERMS, ModelWorld
from tests.contract.store_dump import CODE, dump_party_if_stored
from tests.support.stores import StoreServer

TOKENS = st.sampled_from([f"token-{n}" for n in range(7)])
NAMES = st.sampled_from(["", "Bob", 'Eve "E"'])
IDEMPOTENCY_KEYS = st.sampled_from(["key-1", "key-2", "key-3"])
CODES = st.sampled_from(["BBBBBB", "CCCCCC", "DDDDDD"])
INSTANCES = st.integers(0, 2)
TROUBLES = st.sampled_from(["stall or resume", "freeze or thaw", "crash", "lose connection and scripts"])
ACTS: st.SearchStrategy[MemberCommand] = st.one_of(
    NAMES.map(lambda name: Rename(name=name)),
    st.sampled_from(list(ChatMode)).map(lambda mode: SetChatMode(mode=mode)),
    st.booleans().map(lambda locked: SetLock(locked=locked)),
    st.sampled_from(
        [
            SendMessage(text="hello"),
            SendReaction(emoji="🎉"),
            SelectTrack(filename="a"),
            QueueTrack(filename="b"),
            QueueTrack(filename=None),
            ChangeTrack(filename="c", next_filename="d"),
            Play(),
            Play(position=3.0),
            Pause(),
        ]
    ),
)


class PartyMachine(RuleBasedStateMachine):
    """What people, instances and time do to a party, in any order."""

    server: ClassVar[StoreServer]

    def __init__(self) -> None:
        super().__init__()
        self.server.admin.flushall()
        self.world = ModelWorld(self.server)
        self.past: list[Lease] = []
        self.in_doubt: list[JoinAttempt] = []
        self.drafts: list[PartyDraft] = []
        self.creates_that_found: set[str] = set()
        """The ids of the creates that found the party that is stored now."""
        self.claims: dict[str, str] = {}

    @initialize(guests=st.integers(1, 4))
    def begin(self, guests: int) -> None:
        self.begin_anew(0, entered=1)
        for number in range(1, guests + 1):
            self.join(number % 3, f"token-{number}", "")

    def teardown(self) -> None:
        self.world.close()

    # People.

    @rule(at=INSTANCES, token=TOKENS)
    def create(self, at: int, token: str) -> None:
        tombstone = self.server.admin.get(keys.ended(CODE))
        party = draft(CODE, token, TERMS)
        self.drafts.append(party)
        outcome = self.world.ask(at, lambda store: store.create(party, soon()))
        if tombstone is not None:
            assert outcome == (Ended() if tombstone == token else CodeTaken())
        elif isinstance(outcome, Created) and not outcome.repeated:
            assert not self.world.there
            assert outcome.party.host_id == party.host_id
            self.world.created()
            self.creates_that_found = {party.id}
        elif isinstance(outcome, Created):
            assert self.world.there
            assert outcome.party.host_token == token
            self.creates_that_found.add(party.id)
        else:
            assert self.world.there
            assert outcome == CodeTaken()

    @precondition(lambda self: self.drafts)
    @rule(at=INSTANCES, data=st.data())
    def roll_back_create(self, at: int, data: st.DataObject) -> None:
        """A party that no host has entered goes with the last of the creates that found it."""
        party = data.draw(st.sampled_from(self.drafts[-4:]))
        dump = dump_party_if_stored(self.server)
        host = None if dump is None else dump.taken_seats.get(dump.document["hostId"])
        entered = host is not None and host.holder != ""
        expected: Deleted | Missing = Missing()
        if dump is not None and not entered:
            expected = Deleted() if self.creates_that_found == {party.id} else Missing()
            self.creates_that_found.discard(party.id)
        assert self.world.ask(at, lambda store: store.rollback_create(party, "", soon())) == expected
        if expected == Deleted():
            self.world.there = False

    @rule(at=INSTANCES, key=IDEMPOTENCY_KEYS, candidate=CODES, replaced=st.none() | CODES)
    def bind_idempotency_key(self, at: int, key: str, candidate: str, replaced: str | None) -> None:
        if self.claims.get(key) in {None, replaced}:
            self.claims[key] = candidate
        bound = self.world.ask(at, lambda store: store.bind_idempotency_key(key, candidate, replaced, soon()))
        assert bound == BoundCode(self.claims[key])

    @precondition(lambda self: not self.world.there)
    @rule(at=INSTANCES, entered=st.integers(0, 3))
    def begin_anew(self, at: int, entered: int) -> None:
        """The tombstone expires, and the code is drawn again. Three of four hosts enter at once."""
        self.world.pass_time(TERMS.ttl_seconds)
        self.create(at, "token-0")
        if entered:
            self.join(at, "token-0", "")

    @rule(at=INSTANCES, token=TOKENS, name=NAMES)
    def join(self, at: int, token: str, name: str) -> None:
        lease = self.world.join(at, attempt(CODE, token, name))
        if lease is not None:
            self.world.instances[at].leases.append(lease)
            self.past.append(lease)

    @precondition(lambda self: self.world.dump)
    @rule(at=INSTANCES, data=st.data())
    def come_back(self, at: int, data: st.DataObject) -> None:
        assert self.world.dump is not None
        self.join(at, data.draw(st.sampled_from([*self.world.dump.tokens, "token-0"])), "")

    @precondition(lambda self: self.world.there)
    @rule(at=INSTANCES, token=TOKENS)
    def join_and_never_hear_so(self, at: int, token: str) -> None:
        in_doubt = attempt(CODE, token)
        if self.world.join(at, in_doubt) is not None:
            self.in_doubt.append(in_doubt)

    @precondition(lambda self: self.in_doubt)
    @rule(at=INSTANCES)
    def undo(self, at: int) -> None:
        in_doubt = self.in_doubt.pop()
        self.world.ask(at, lambda store: store.rollback_join(in_doubt, soon()))
        dump = dump_party_if_stored(self.server)
        if dump is not None:
            had = [seat for seat, record in dump.taken_seats.items() if record.holder == in_doubt.holder]
            assert in_doubt.new_id not in had or in_doubt.new_id == dump.document["hostId"]
            assert not {f"on:{seat}" for seat in had} & dump.leases.keys()

    @precondition(lambda self: self.world.there)
    @rule(at=INSTANCES)
    def watch(self, at: int) -> None:
        wall = Lease(CODE, "", attempt().holder)
        outcome = self.world.ask(at, lambda store: store.watch(CODE, wall.holder, soon()))
        if isinstance(outcome, Watching):
            self.world.instances[at].leases.append(wall)

    @rule(data=st.data(), command=ACTS)
    def act(self, data: st.DataObject, command: MemberCommand) -> None:
        self.world.act(*self._some_lease(data), command)

    @rule(data=st.data(), leaving=st.booleans())
    def leave_or_drop(self, data: st.DataObject, leaving: bool) -> None:
        at, lease = self._some_lease(data)
        # Of many hosts who drop one leaves, or no party would ever grow old.
        if leaving and (not self.world.is_host(lease) or data.draw(st.integers(0, 7)) == 7):
            self.world.act(at, lease, Leave())
        else:
            self.world.ask(at, lambda store: store.drop_connection(lease, soon()))
            instance = self.world.instances[at]
            instance.leases = [other for other in instance.leases if other != lease]

    @precondition(lambda self: self.world.dump)
    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        self.world.act(*self._some_lease(data, hosts=3), Promote(target_id=self._some_seat(data)))

    @precondition(lambda self: self.world.dump)
    @rule(data=st.data())
    def kick(self, data: st.DataObject) -> None:
        self.world.act(*self._some_lease(data, hosts=3), Kick(target_id=self._some_seat(data)))

    # Instances and time.

    @rule(at=INSTANCES)
    def renew(self, at: int) -> None:
        instance, renewing = self.world.instances[at], self.world.instances[at].leases
        outcome = self.world.renew(at)
        self.world.hear()
        dump = dump_party_if_stored(self.server)
        if dump is None:
            assert outcome in {Missing(), Ended()}
            return
        gone = {verdict.holder: verdict.reason for verdict in outcome.verdicts}
        for lease in renewing:
            assert_can_act(dump, lease, gone.get(lease.holder))
        if not instance.stalled:
            self.world.run(instance.compare_position(outcome.epoch, outcome.version))

    @rule(steps=st.sampled_from([1, 3, 7]))
    def let_time_pass(self, steps: int) -> None:
        """Five seconds at a time, in which the living instances renew."""
        for _ in range(steps):
            self.world.pass_time(5)
            for at in range(3):
                if not self.world.instances[at].frozen:
                    self.world.renew(at)

    @rule(seconds=st.sampled_from([4, 7, 25, 100, 4000]))
    def let_time_pass_untouched(self, seconds: int) -> None:
        """The store was away, or nobody there."""
        self.world.pass_time(seconds)

    @rule(at=INSTANCES, trouble=TROUBLES)
    def trouble_an_instance(self, at: int, trouble: str) -> None:
        instance = self.world.instances[at]
        match trouble:
            case "crash":
                instance.crash()
            case "freeze or thaw":
                instance.frozen = not instance.frozen
            case "stall or resume":
                instance.stalled = not instance.stalled
            case _:
                self.world.run(instance.lose_connection())
                self.server.admin.script_flush()

    @invariant()
    def the_party_is_sound_and_everyone_sees_the_same(self) -> None:
        self.world.look()

    def _some_lease(self, data: st.DataObject, hosts: int = 1) -> tuple[int, Lease]:
        """One that its instance believes to have, `hosts` times as often the host's; sometimes one of the past."""
        held = [(at, lease) for at in range(3) for lease in self.world.instances[at].leases if lease.member_id]
        of_host = [(at, lease) for at, lease in held if self.world.is_host(lease)]
        past = [(0, lease) for lease in self.past[-2:]]
        some: tuple[int, Lease] = data.draw(st.sampled_from([*of_host * len(held) * hosts, *held, *past]))
        return some

    def _some_seat(self, data: st.DataObject) -> str:
        """One that is there or was taken away, the newest first, or none at all."""
        assert self.world.dump is not None
        seat: str = data.draw(st.sampled_from([*reversed(self.world.dump.seats), "nobody"]))
        return seat


@pytest.fixture
def machine(server: StoreServer) -> type[PartyMachine]:
    PartyMachine.server = server
    return PartyMachine


# Where it fails, five minutes are spent on finding the shortest way to fail.
@pytest.mark.timeout(400)
def test_party_invariants_hold_in_random_walk(machine: type[PartyMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
