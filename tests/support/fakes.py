"""Fake a party, its store and its event stream for tests of the hub."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, cast

from msgspec.structs import replace

from hubbub.core.apply import apply_event
from hubbub.core.backup import RestoreRequest, Tombstone
from hubbub.core.party import ChatMode, PartyDocument, PartyPolicy
from hubbub.core.position import ProvenPosition
from hubbub.core.protocol import (
    Event,
    GuestCount,
    Leave,
    Member,
    MemberCommand,
    MemberJoined,
    MemberLeft,
    MessageEvent,
    PartyEnded,
    Playback,
    Position,
    Recap,
    Snapshot,
    encode,
)
from hubbub.core.replica import Published
from hubbub.core.results import (
    Accepted,
    CatchUpOutcome,
    CommandResult,
    Ended,
    EventsSince,
    FullState,
    JoinOutcome,
    Missing,
    Renewed,
    RenewOutcome,
    Restored,
    RestoreOutcome,
    Watching,
    WatchOutcome,
)
from hubbub.core.seats import JoinAttempt, Lease
from hubbub.store.generation import CheckMode, DataLossDetector, DataLossObserver
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError
from hubbub.store.pubsub.event_stream import EventStream
from tests.support.fake_time import now

CODE: Final = "BCDFGH"
DOCUMENT: Final = PartyDocument(
    created_at=1_000_000,
    schema=1,
    id="party",
    host_id="ann",
    host_name="Ann",
    host_token="token of Ann",
    host_connected=False,
    guest_count=0,
    seats=1,
    chat_mode=ChatMode.OPEN,
    locked=False,
    terms=PartyPolicy(7200, 300, 120, 500),
)
"""Of the party that nobody has entered yet."""


def member(name: str, *, is_host: bool = False, connected: bool = True) -> Member:
    """Build a member. Its id is the name in small letters."""
    return Member(id=name.lower(), name=name, is_host=is_host, connected=connected)


def new_snapshot(**changes: Any) -> Snapshot:
    """Build a snapshot of a party with its host, Ann, in it."""
    snapshot = Snapshot(
        code=CODE,
        created_at=1_000_000,
        expires_at=8_200_000,
        host_id="ann",
        host_connected=True,
        guest_count=0,
        watchers=0,
        capacity=500,
        chat_mode=ChatMode.OPEN,
        locked=False,
        playback=Playback(state="stopped", track=None, next_track=None, position=0.0, at=1_000_000),
        members=[member("Ann", is_host=True)],
        messages=[],
    )
    return replace(snapshot, **changes)


def message_event(text: str = "hi") -> MessageEvent:
    """Build an event of a message by Ann. Its version is set when it happens."""
    return MessageEvent(version=0, id=f"m-{text}", member_id="ann", name="Ann", text=text, at=1_000_500)


def joined_event(name: str, guest_count: int = 1) -> MemberJoined:
    """Build the event of a guest who takes a listed seat."""
    return MemberJoined(version=0, guest_count=guest_count, member=member(name))


def left_event(member_id: str, cause: Literal["left", "kicked", "timeout"], guest_count: int = 0) -> MemberLeft:
    """Build the event of a guest who loses a listed seat."""
    return MemberLeft(version=0, guest_count=guest_count, member_id=member_id, cause=cause)


def count_event(guest_count: int) -> GuestCount:
    """Build the event of a change of a seat that is not listed."""
    return GuestCount(version=0, guest_count=guest_count)


def ended_event() -> PartyEnded:
    """Build the event of the party's end."""
    return PartyEnded(version=0, cause="host_left", recap=Recap(seconds=60, guests=1, messages=0, reactions=0))


class FakeParty:
    """A party as the store has it."""

    def __init__(self, *, epoch: str = "epoch-1", version: int = 0) -> None:
        self.epoch = epoch
        self.version = version
        self.snapshot = new_snapshot()
        self.log: list[bytes] = []
        self.has_ended = False

    def happen(self, *events: Event) -> Published:
        """Number the events and apply them; they are one change, published together."""
        first = self.version + 1
        encoded = []
        for event in events:
            self.version += 1
            numbered = replace(event, version=self.version)
            self.snapshot = apply_event(self.snapshot, numbered)
            self.has_ended = self.has_ended or isinstance(event, PartyEnded)
            encoded.append(encode(numbered))
        self.log += encoded
        return Published(self.epoch, first, encoded)

    def whole(self) -> FullState:
        """All of it."""
        return FullState(self.epoch, self.version, self.snapshot, tuple(self.log))

    def since(self, position: Position | ProvenPosition | None) -> EventsSince | FullState:
        """Return a store's answer to an instance that knows the party up to a position."""
        if position is None or position.epoch != self.epoch:
            return self.whole()
        missed = self.version - position.version
        if not 0 <= missed <= len(self.log):
            return self.whole()
        return EventsSince(self.version, tuple(self.log[len(self.log) - missed :]))


class FakeStore:
    """Answers for one party. While `down` it raises; while `held`, answers made are not given yet."""

    def __init__(self, party: FakeParty) -> None:
        self.party: FakeParty | None = party
        self.down = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked: list[tuple[float, ProvenPosition | None]] = []
        self.renewed: list[tuple[float, list[Lease]]] = []
        self.released: list[Lease] = []
        self.acted: list[MemberCommand | Leave] = []
        self.undone: list[JoinAttempt] = []
        self.away: set[str] = set()
        """Parties whose shard does not answer to restoring."""
        self.restored: list[tuple[float, RestoreRequest]] = []
        self.tombstones: list[tuple[float, Tombstone]] = []
        self.bound_again: list[tuple[str, str]] = []
        self.renewal: Callable[[Sequence[Lease]], RenewOutcome] = self.renewed_all
        self.restoration: Callable[[RestoreRequest], RestoreOutcome] = lambda _: Restored()
        self.admission: Callable[[JoinAttempt], JoinOutcome] = lambda _: Missing()
        self.action: Callable[[Lease, MemberCommand | Leave], CommandResult] = lambda *_: Accepted()

    def as_store(self) -> Store:
        """Return this as a store. Only what the hub and its neighbours call is implemented."""
        return cast("Store", self)

    def renewed_all(self, _leases: Sequence[Lease]) -> RenewOutcome:
        """Every lease is renewed."""
        if (absence := self._absence()) is not None:
            return absence
        assert self.party is not None
        return Renewed(self.party.epoch, self.party.version, 9_000_000, 0, None, ())

    async def catch_up(self, code: str, since: ProvenPosition | None, deadline: float) -> CatchUpOutcome:
        """See `Store.catch_up`: the answer is of the moment of the asking, however late it is given."""
        assert code == CODE
        self.asked.append((now(), since))
        absence = self._absence()
        answer = absence if absence is not None or self.party is None else self.party.since(since)
        await self._reply(deadline)
        assert answer is not None
        return answer

    async def renew(
        self,
        code: str,
        leases: Sequence[Lease],
        deadline: float,
        known: ProvenPosition | None = None,
        backup_version: int = -1,
    ) -> RenewOutcome:
        assert known is not None
        assert backup_version >= -1
        assert code == CODE
        self.renewed.append((now(), list(leases)))
        answer = self.renewal(leases)
        await self._reply(deadline)
        return answer

    async def join(self, attempt: JoinAttempt, deadline: float) -> JoinOutcome:
        answer = self.admission(attempt)
        await self._reply(deadline)
        return answer

    async def execute(self, lease: Lease, command: MemberCommand | Leave, deadline: float) -> CommandResult:
        self.acted.append(command)
        answer = self.action(lease, command)
        await self._reply(deadline)
        return answer

    async def watch(self, code: str, holder: str, deadline: float) -> WatchOutcome:
        """See `Store.watch`: everybody may."""
        assert code == CODE
        assert holder
        assert self.party is not None
        answer = Watching(self.party.epoch, self.party.version, 9_000_000, 1)
        await self._reply(deadline)
        return answer

    async def rollback_join(self, attempt: JoinAttempt, deadline: float) -> None:
        self.undone.append(attempt)
        await self._reply(deadline)

    def now_ms(self) -> int:
        return int(now() * 1000)

    async def drop_connection(self, lease: Lease, deadline: float) -> None:
        self.released.append(lease)
        await self._reply(deadline)

    async def restore_party(self, request: RestoreRequest, deadline: float) -> RestoreOutcome:
        if request.code in self.away:
            raise StoreUnavailableError(StoreFailure.UNREACHABLE, "away")
        await self._reply(deadline)
        self.restored.append((now(), request))
        return self.restoration(request)

    async def restore_tombstone(self, end: Tombstone, deadline: float) -> None:
        await self._reply(deadline)
        self.tombstones.append((now(), end))

    async def rebind_idempotency_key(self, key_hash: str, code: str, deadline: float) -> None:
        await self._reply(deadline)
        self.bound_again.append((key_hash, code))

    def _absence(self) -> Missing | Ended | None:
        if self.party is None:
            return Missing()
        return Ended() if self.party.has_ended else None

    async def _reply(self, deadline: float) -> None:
        if self.down:
            raise StoreUnavailableError(StoreFailure.UNREACHABLE, "down")
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await asyncio.sleep(0)
                await self.answering.wait()
                return
        raise StoreUnavailableError(StoreFailure.TIMEOUT, "no answer")


class FakeDataLossDetector:
    """Finds data loss when a test says so. `shards` names the shards of some codes."""

    def __init__(self) -> None:
        self.shards: dict[str, str] = {}
        self.recovering = False
        self._observer: DataLossObserver | None = None

    def as_detector(self) -> DataLossDetector:
        """Return this as the type that the recovery takes."""
        return cast("DataLossDetector", self)

    def attach(self, observer: DataLossObserver) -> None:
        self._observer = observer

    def lose(self, shard: str = "0") -> None:
        """Report that a shard has lost data."""
        assert self._observer is not None
        self._observer.on_data_loss(shard)

    def mode_of(self, shard: str = "0") -> CheckMode:
        """Return how the shard is checked now."""
        assert self._observer is not None
        return self._observer.mode_of(shard)

    def shard_of(self, code: str) -> str:
        return self.shards.get(code, "0")

    def is_recovering(self, shard: str) -> bool:
        assert shard in {"0", *self.shards.values()}
        return self.recovering


class FakeEventStream:
    """Subscriptions that are confirmed at once, unless `silent`."""

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        self.orders: list[tuple[str, str]] = []
        self.silent = False

    def as_event_stream(self) -> EventStream:
        """This, as the hub wants it."""
        return cast("EventStream", self)

    async def subscribe(self, code: str, deadline: float) -> None:
        if code not in self.wanted:
            self.wanted.add(code)
            self.orders.append(("subscribe", code))
        if self.silent:
            await asyncio.sleep(deadline - now())
            raise StoreUnavailableError(StoreFailure.TIMEOUT, "not confirmed")

    def unsubscribe(self, code: str) -> None:
        self.wanted.discard(code)
        self.orders.append(("unsubscribe", code))
