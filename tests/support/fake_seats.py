"""A store that keeps seats: a small model of the rules, with answers that lag, get lost, and events that come late."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from hubbub.core.errors import Reason
from hubbub.core.party import JoinAttempt, Lease, ProvenPosition
from hubbub.core.protocol import (
    Event,
    Kick,
    Leave,
    Member,
    MemberCommand,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    SendMessage,
)
from hubbub.core.results import (
    Accepted,
    CatchUpOutcome,
    CommandResult,
    Ended,
    Joined,
    JoinOutcome,
    Kicked,
    LeaseLoss,
    Rejected,
    Renewed,
    RenewOutcome,
)
from hubbub.hub.hub import Hub
from hubbub.store.port import StoreFailure, StoreUnavailableError
from tests.support.fake_time import now
from tests.support.fakes import CODE, FakeParty, FakeStore, over, said

LAGS: Final = (0.0, 0.0, 1e-4, 1e-3, 0.02, 0.2)
LATENESSES: Final = (0.0, 0.0, 0.0, 1e-4, 1e-3, 0.05, 0.3)


class SeatStore(FakeStore):
    """Guests' seats of one party; its host is there and never leaves. `loss` of answers and of events is lost."""

    def __init__(self, party: FakeParty, dice: random.Random, loss: float) -> None:
        super().__init__(party)
        self._truth = party
        self._dice = dice
        self._loss = loss
        self._tokens: dict[str, str] = {}
        self._feeds: list[asyncio.Queue[Callable[[Hub], None]]] = []
        self.holders: dict[str, str] = {}
        self.connected: set[str] = set()
        self.kicked: set[str] = set()

    def feed_of(self, hub: Hub) -> Coroutine[None, None, None]:
        """Brings the hub what is published from now on, in its order, for ever."""
        feed: asyncio.Queue[Callable[[Hub], None]] = asyncio.Queue()
        self._feeds.append(feed)

        async def deliver() -> None:
            while True:
                news = await feed.get()
                await asyncio.sleep(self._dice.choice(LATENESSES))
                news(hub)

        return deliver()

    def end(self) -> None:
        """The party ends."""
        self._tell(over())

    async def join(self, attempt: JoinAttempt, deadline: float) -> JoinOutcome:
        """See `Store.join`."""
        outcome = self._join(attempt)
        await self._reply(deadline)
        return outcome

    async def execute(self, lease: Lease, command: MemberCommand | Leave, deadline: float) -> CommandResult:
        """See `Store.execute`."""
        outcome = self._absence() or self._present(lease) or self._act(lease.member_id, command)
        await self._reply(deadline)
        return outcome

    async def drop_connection(self, lease: Lease, deadline: float) -> None:
        """See `Store.drop_connection`."""
        if self._has(lease.member_id, lease.holder):
            self._hold(lease.member_id)
        await self._reply(deadline)

    async def rollback_join(self, attempt: JoinAttempt, deadline: float) -> None:
        """See `Store.rollback_join`."""
        seat = self._tokens.get(attempt.token_hash, "")
        if self._has(seat, attempt.holder):
            if seat == attempt.new_id:
                self._free(seat)
            else:
                self._hold(seat)
        await self._reply(deadline)

    async def renew(
        self,
        code: str,
        leases: Sequence[Lease],
        deadline: float,
        known: ProvenPosition | None = None,
        copied: int = -1,
    ) -> RenewOutcome:
        """See `Store.renew`."""
        assert code == CODE
        assert known is not None
        assert copied >= -1
        outcome: RenewOutcome | None = self._absence()
        if outcome is None:
            gone = [(lease, self._present(lease)) for lease in leases]
            verdicts = tuple(
                LeaseLoss(lease.member_id, lease.holder, declined.reason)
                for lease, declined in gone
                if declined is not None
            )
            outcome = Renewed(self._truth.epoch, self._truth.version, 9_000_000, 0, None, verdicts)
        await self._reply(deadline)
        return outcome

    async def catch_up(self, code: str, since: ProvenPosition | None, deadline: float) -> CatchUpOutcome:
        """See `Store.catch_up`."""
        assert code == CODE
        outcome = self._absence() or self._truth.since(since)
        await self._reply(deadline)
        return outcome

    def _join(self, attempt: JoinAttempt) -> JoinOutcome:
        if (absence := self._absence()) is not None:
            return absence
        seat = self._tokens.get(attempt.token_hash)
        if seat in self.kicked:
            return Kicked()
        if seat is None:
            seat = self._tokens[attempt.token_hash] = attempt.new_id
            self.connected.add(seat)
            member = Member(seat, attempt.name, is_host=False, connected=True)
            self._tell(MemberJoined(version=0, guest_count=len(self.connected), member=member))
        else:
            self._expel(self.holders[seat], Reason.TAKEN_OVER)
            self._connect(seat)
        self.holders[seat] = attempt.holder
        resumed = seat != attempt.new_id
        return Joined(seat, False, resumed, self._truth.epoch, self._truth.version, 9_000_000)

    def _act(self, seat: str, command: MemberCommand | Leave) -> CommandResult:
        match command:
            case Leave():
                self._free(seat)
            case SendMessage(text=text):
                self._tell(said(text))
            case Kick(target_id=target):
                if target not in self.holders or target in self.kicked:
                    return Rejected(Reason.INVALID_TARGET)
                self.kicked.add(target)
                self._expel(self.holders[target], Reason.KICKED)
                self._leave(target, "kicked")
            case _:
                raise NotImplementedError(command)
        return Accepted()

    def _absence(self) -> Ended | None:
        return Ended() if self._truth.has_ended else None

    def _present(self, lease: Lease) -> Rejected | None:
        seat = lease.member_id
        if seat in self.kicked:
            return Rejected(Reason.KICKED)
        if seat not in self.holders:
            return Rejected(Reason.TIMED_OUT)
        if self.holders[seat] != lease.holder:
            return Rejected(Reason.TAKEN_OVER)
        self._connect(seat)
        return None

    def _has(self, seat: str, holder: str) -> bool:
        return self._absence() is None and seat in self.connected and self.holders[seat] == holder

    def _connect(self, seat: str) -> None:
        if seat not in self.connected:
            self.connected.add(seat)
            self._tell_updated(seat)

    def _hold(self, seat: str) -> None:
        self.connected.discard(seat)
        self._tell_updated(seat)

    def _free(self, seat: str) -> None:
        del self.holders[seat]
        self._tokens = {token: owned for token, owned in self._tokens.items() if owned != seat}
        self._leave(seat, "left")

    def _leave(self, seat: str, cause: str) -> None:
        self.connected.discard(seat)
        left = MemberLeft(version=0, guest_count=len(self.connected), member_id=seat, cause=cause)  # type: ignore[arg-type]
        self._tell(left)

    def _tell_updated(self, seat: str) -> None:
        member = Member(seat, seat, is_host=False, connected=seat in self.connected)
        self._tell(MemberUpdated(version=0, guest_count=len(self.connected), member=member))

    def _tell(self, event: Event) -> None:
        published = self._truth.happen(event)
        self._publish(lambda hub: hub.on_events(CODE, published))

    def _expel(self, holder: str, reason: Reason) -> None:
        self._publish(lambda hub: hub.on_seat_lost(CODE, holder, reason))

    def _publish(self, news: Callable[[Hub], None]) -> None:
        for feed in self._feeds:
            if self._dice.random() >= self._loss:
                feed.put_nowait(news)

    async def _reply(self, deadline: float) -> None:
        lag = 10.0 if self._dice.random() < self._loss else self._dice.choice(LAGS)
        if now() + lag > deadline:
            await asyncio.sleep(max(0.0, deadline - now()))
            raise StoreUnavailableError(StoreFailure.TIMEOUT, "no answer", in_doubt=True)
        await asyncio.sleep(lag)
