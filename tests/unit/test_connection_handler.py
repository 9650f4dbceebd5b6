"""Run one connection: session, service, hub and socket, with a fake store and transport."""

import asyncio
import json
from typing import Any

import pytest

from hubbub.core.errors import CloseCode, Reason
from hubbub.core.limits import EVENT_WAIT_SECONDS, STORE_BUDGET_SECONDS
from hubbub.core.party import PartyPolicy
from hubbub.core.protocol import Leave, SendMessage
from hubbub.core.results import CommandResult, Ended, Full, Joined, JoinOutcome, Missing, Rejected
from hubbub.core.seats import JoinAttempt
from hubbub.recovery.recovery import Recovery
from hubbub.services.parties import PartyService
from hubbub.services.rollbacks import Rollbacks
from hubbub.transport.connection import text_frame
from hubbub.transport.websocket import ConnectionHandler
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fake_transport import FakeSocketConnection
from tests.support.fake_world import World
from tests.support.fakes import FakeDataLossDetector, ended_event, joined_event, message_event

LEASE_SECONDS = 10.0
JOIN = {"t": "JOIN", "code": "BCDFGH", "name": "Ben"}


class Caller:
    """Connect one client to an instance whose store admits everyone."""

    def __init__(self) -> None:
        self.world = World(text_frame)
        self.store = self.world.store
        self.store.admission = self.let_in
        port = self.store.as_store()
        self.rollbacks = Rollbacks(port, lambda *_: None)
        recovery = Recovery(port, FakeDataLossDetector().as_detector(), self.world.hub, LEASE_SECONDS, lambda *_: None)
        service = PartyService(port, self.world.hub, self.rollbacks, recovery, PartyPolicy(7200, 300, 120, 500))
        self.phone = FakeSocketConnection()
        self.handler = ConnectionHandler(service, self.world.hub, self.phone)
        self.handler.arm_entry_timeout()
        self.began = now()

    def let_in(self, attempt: JoinAttempt) -> JoinOutcome:
        """Give a new seat and publish its event."""
        self.world.happens(joined_event(attempt.name))
        return Joined(attempt.name.lower(), False, False, "epoch-1", self.world.party.version, 9_000_000)

    async def says(self, *messages: dict[str, Any]) -> None:
        """Send a frame and wait until it is handled."""
        await self.handler.on_frame(json.dumps(messages).encode())
        await settle()

    @property
    def heard(self) -> list[str]:
        """Return the types of the messages sent, and for refusals the reasons."""
        return [message.get("reason", message["t"]) for message in self.phone.transport.messages]


@in_fake_time
async def test_one_frame_may_join_send_and_leave() -> None:
    caller = Caller()
    await caller.says(JOIN, {"t": "SEND_MESSAGE", "text": "hi"}, {"t": "LEAVE"}, {"t": "SEND_MESSAGE", "text": "more"})
    assert caller.store.acted == [SendMessage(text="hi"), Leave()]
    assert caller.heard == ["JOINED", "ROOM", "OK"]
    assert caller.phone.closed_with is CloseCode.LEFT
    await caller.handler.end()
    assert caller.store.released == []


@in_fake_time
async def test_lost_connection_releases_lease_once() -> None:
    caller = Caller()
    await caller.says(JOIN)
    caller.phone.transport.close()
    await caller.handler.end()
    assert [lease.member_id for lease in caller.store.released] == ["ben"]
    caller.world.happens(message_event("a"))
    await later(1.0)
    assert caller.heard == ["JOINED", "ROOM"]


@pytest.mark.parametrize(
    ("message", "released", "undone"),
    [
        ({**JOIN, "token": "t" * 22}, ["ben"], []),
        (JOIN, [], ["ben"]),
        ({"t": "WATCH", "code": "BCDFGH"}, [""], []),
    ],
)
@in_fake_time
async def test_client_lost_while_entering_keeps_seat_with_token(
    message: dict[str, Any], released: list[str], undone: list[str]
) -> None:
    caller = Caller()
    caller.store.answering.clear()
    entering = asyncio.ensure_future(caller.says(message))
    await settle()
    caller.phone.transport.close()
    caller.store.answering.set()
    await entering
    await caller.handler.end()
    await caller.rollbacks.drain()
    assert [lease.member_id for lease in caller.store.released] == released
    assert [attempt.new_id for attempt in caller.store.undone] == undone
    assert list(caller.world.hub.rooms()) == []


@in_fake_time
async def test_silent_client_is_closed_after_ten_seconds() -> None:
    caller = Caller()
    await later(9.9)
    assert caller.phone.closed_with is None
    await later(0.2)
    assert caller.phone.closed_with is CloseCode.ENTER_TIMEOUT


@in_fake_time
async def test_entry_timeout_restarts_at_refusal_and_ends_at_join() -> None:
    caller = Caller()
    await later(8.0)
    caller.store.admission = lambda _: Full()
    await caller.says(JOIN)
    assert caller.heard == ["party_full"]
    await later(8.0)
    caller.store.admission = caller.let_in
    await caller.says(JOIN)
    await later(100.0)
    assert caller.phone.closed_with is None


@in_fake_time
async def test_unavailable_store_is_answered_in_time() -> None:
    caller = Caller()
    caller.store.answering.clear()
    await caller.says(JOIN)
    assert caller.heard == ["store_unavailable"]
    assert now() == pytest.approx(caller.began + STORE_BUDGET_SECONDS)
    caller.store.answering.set()
    await caller.says(JOIN)
    assert caller.heard[1:] == ["JOINED", "ROOM"]


@pytest.mark.parametrize(
    ("outcome", "told", "code"),
    [
        (Rejected(Reason.KICKED), ["kicked", "KICKED"], CloseCode.KICKED),
        (Rejected(Reason.TAKEN_OVER), ["taken_over"], CloseCode.TAKEN_OVER),
        (Rejected(Reason.TIMED_OUT), ["timed_out"], CloseCode.TIMED_OUT),
        (Ended(), ["party_ended"], CloseCode.PARTY_ENDED),
    ],
)
@in_fake_time
async def test_command_on_lost_seat_closes_with_its_reason(
    outcome: CommandResult, told: list[str], code: CloseCode
) -> None:
    caller = Caller()
    await caller.says(JOIN)
    caller.store.action = lambda *_: outcome
    await caller.says({"t": "SEND_MESSAGE", "text": "hi"})
    await later(1.0)
    assert caller.heard == ["JOINED", "ROOM", *told]
    assert caller.phone.closed_with is code
    await caller.handler.end()
    assert caller.store.released == []


@in_fake_time
async def test_party_absent_after_recent_renewal_was_lost() -> None:
    caller = Caller()
    await caller.says(JOIN)
    caller.store.action = lambda *_: Missing()
    await caller.says({"t": "SEND_MESSAGE", "text": "hi"})
    await later(1.0)
    assert caller.heard == ["JOINED", "ROOM", "recovering"]
    assert caller.phone.closed_with is None
    assert caller.world.room().needs_recovery


@in_fake_time
async def test_party_absent_after_leases_ended_has_ended() -> None:
    caller = Caller()
    await caller.says(JOIN)
    caller.store.action = lambda *_: Missing()
    await later(LEASE_SECONDS + 1.0)
    await caller.says({"t": "SEND_MESSAGE", "text": "hi"})
    await later(1.0)
    assert caller.heard == ["JOINED", "ROOM", "party_not_found"]
    assert caller.phone.closed_with is CloseCode.PARTY_ENDED


async def start_leaving(caller: Caller) -> asyncio.Future[None]:
    """Join, then send LEAVE to a store that does not answer yet."""
    await caller.says(JOIN)
    caller.store.answering.clear()
    leaving = asyncio.ensure_future(caller.says({"t": "LEAVE"}))
    await settle()
    return leaving


@in_fake_time
async def test_leaving_host_gets_end_and_is_closed_as_left() -> None:
    caller = Caller()
    leaving = await start_leaving(caller)
    caller.world.happens(ended_event())
    await later(0.1)
    caller.store.answering.set()
    await leaving
    assert caller.heard == ["JOINED", "ROOM", "ENDED", "OK"]
    assert caller.phone.closed_with is CloseCode.LEFT


@pytest.mark.parametrize("outcome", [Ended(), Missing()])
@in_fake_time
async def test_leave_during_party_end_is_closed(outcome: CommandResult) -> None:
    caller = Caller()
    caller.store.action = lambda *_: outcome
    leaving = await start_leaving(caller)
    caller.world.happens(ended_event())
    caller.store.answering.set()
    await leaving
    await later(10.0)
    assert caller.phone.closed_with is CloseCode.PARTY_ENDED


@in_fake_time
async def test_leave_answered_before_party_end_is_closed() -> None:
    caller = Caller()
    await caller.says(JOIN)
    caller.store.action = lambda *_: Ended()
    await caller.says({"t": "LEAVE"})
    caller.world.happens(ended_event())
    await later(10.0)
    assert caller.heard == ["JOINED", "ROOM", "party_ended", "ENDED"]
    assert caller.phone.closed_with is CloseCode.PARTY_ENDED


@in_fake_time
async def test_failed_leave_of_ended_party_is_closed() -> None:
    caller = Caller()
    leaving = await start_leaving(caller)
    caller.world.happens(ended_event())
    await leaving
    assert caller.heard == ["JOINED", "ROOM", "ENDED", "store_unavailable"]
    assert caller.phone.closed_with is CloseCode.PARTY_ENDED
    assert caller.phone.found_by == "event"


@in_fake_time
async def test_failed_leave_of_absent_party_is_closed() -> None:
    caller = Caller()
    leaving = await start_leaving(caller)
    caller.world.hub.schedule_close(caller.world.room())
    await leaving
    await later(10.0)
    assert caller.phone.closed_with is CloseCode.PARTY_ENDED
    assert caller.phone.found_by == "store"


@in_fake_time
async def test_join_just_before_end_is_refused_or_gets_end() -> None:
    caller = Caller()
    host = FakeSocketConnection()
    await caller.world.enter(host)

    def let_in_and_end(attempt: JoinAttempt) -> JoinOutcome:
        outcome = caller.let_in(attempt)
        caller.world.happens(ended_event())
        return outcome

    caller.store.admission = let_in_and_end
    await caller.says(JOIN)
    await later(EVENT_WAIT_SECONDS * 4)
    assert caller.heard == ["party_ended"] or caller.phone.closed_with is CloseCode.PARTY_ENDED
