"""The store held against a small model: whatever callers do in whatever order, both must say the same."""

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from hubbub.core.party import PartyDraft
from hubbub.core.results import CodeTaken, Created, Deleted, Ended, Found, Joinable, Missing
from hubbub.store.port import Claimed
from tests.contract.conftest import Instance, draft, end_party, soon
from tests.support.stores import StoreServer

# A world so small that everything collides.
CODES = st.sampled_from(["BBBBBB", "CCCCCC", "DDDDDD"])
TOKENS = st.sampled_from(["token-1", "token-2", "token-3"])
CALLERS = st.integers(0, 1)


class ModelParty:
    """What the model knows of a live party."""

    def __init__(self, made: PartyDraft) -> None:
        self.draft = made
        self.tries = {made.id}


class StoreMachine(RuleBasedStateMachine):
    """Two instances on one store, and the model of what they should see."""

    server: ClassVar[StoreServer]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.live: dict[str, ModelParty] = {}
        self.ended: dict[str, str] = {}
        self.claims: dict[str, str] = {}
        self.past: list[PartyDraft] = []

    @initialize()
    def begin(self) -> None:
        self.server.admin.flushall()
        self.instances = [Instance(self.server.url) for _ in range(2)]

    def teardown(self) -> None:
        for instance in self.instances:
            self.run(instance.aclose())
        self.runner.close()

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(call)

    @rule(caller=CALLERS, code=CODES, token=TOKENS)
    def create(self, caller: int, code: str, token: str) -> None:
        party = draft(code, token)
        self.past.append(party)

        async def call() -> object:
            return await self.instances[caller].store.create(party, soon())

        outcome = self.run(call())
        if code in self.ended:
            assert outcome == (Ended() if self.ended[code] == token else CodeTaken())
        elif code not in self.live:
            assert isinstance(outcome, Created)
            assert not outcome.repeated
            assert outcome.party.host_id == party.host_id
            self.live[code] = ModelParty(party)
        elif self.live[code].draft.host_token_hash == token:
            assert isinstance(outcome, Created)
            assert outcome.repeated
            assert outcome.party.host_id == self.live[code].draft.host_id
            self.live[code].tries.add(party.id)
        else:
            assert outcome == CodeTaken()

    @rule(caller=CALLERS, key=TOKENS, candidate=CODES, replaced=st.none() | CODES)
    def claim(self, caller: int, key: str, candidate: str, replaced: str | None) -> None:
        async def call() -> object:
            return await self.instances[caller].store.bind_idempotency_key(key, candidate, replaced, soon())

        if self.claims.get(key) in {None, replaced}:
            self.claims[key] = candidate
        assert self.run(call()) == Claimed(self.claims[key])

    @rule(caller=CALLERS, code=CODES)
    def end(self, caller: int, code: str) -> None:
        if code not in self.live:
            return
        party = self.live.pop(code).draft
        self.run(end_party(self.instances[caller].store, party))
        self.ended[code] = party.host_token_hash

    @rule(caller=CALLERS, code=CODES, data=st.data())
    def withdraw(self, caller: int, code: str, data: st.DataObject) -> None:
        party = self._some_party(code, data)

        async def call() -> object:
            return await self.instances[caller].store.rollback_create(party, "", soon())

        found = self.live.get(party.code)
        if found is not None and found.tries == {party.id}:
            assert self.run(call()) == Deleted()
            del self.live[party.code]
        else:
            assert self.run(call()) == Missing()
            if found is not None:
                found.tries.discard(party.id)

    @rule(code=CODES)
    def expire(self, code: str) -> None:
        """The party's life, or its tombstone's, has run out; what belongs to it may live a moment longer."""
        self.server.admin.delete(f"party:{code}", f"{{party:{code}}}:ended")
        self.live.pop(code, None)
        self.ended.pop(code, None)

    @rule()
    def forget_scripts(self) -> None:
        self.server.admin.script_flush()

    @rule(caller=CALLERS)
    def break_connections(self, caller: int) -> None:
        self.run(self.instances[caller].lose_connections())

    @invariant()
    def both_instances_see_the_model(self) -> None:
        if not hasattr(self, "instances"):
            return

        async def look() -> None:
            for instance in self.instances:
                for code in ("BBBBBB", "CCCCCC", "DDDDDD"):
                    check = await instance.store.check_join(code, soon())
                    found = await instance.store.read(code, soon())
                    if code in self.live:
                        assert check == Joinable()
                        assert isinstance(found, Found)
                        assert found.party.id == self.live[code].draft.id
                    else:
                        assert check == found == (Ended() if code in self.ended else Missing())

        self.run(look())
        assert sorted(self.server.admin.keys("party:*")) == sorted(f"party:{code}" for code in self.live)

    def _some_party(self, code: str, data: st.DataObject) -> PartyDraft:
        """Mostly the party that lives there, sometimes one of the past."""
        candidates = [self.live[code].draft] if code in self.live else []
        party: PartyDraft = data.draw(st.sampled_from([*candidates, *self.past[-5:], draft(code)]))
        return party


@pytest.fixture
def machine(server: StoreServer) -> type[StoreMachine]:
    StoreMachine.server = server
    return StoreMachine


def test_store_agrees_with_model(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
