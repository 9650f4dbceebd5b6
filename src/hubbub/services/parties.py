"""The use cases: create a party, ask whether one can be joined, look one up, enter it, act in it, leave it."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from hubbub.core import tokens
from hubbub.core.limits import CODE_ATTEMPTS_MAX, ID_BYTES, STORE_BUDGET_SECONDS, TOKEN_BITS
from hubbub.core.party import (
    HOST_NAME_DEFAULT,
    JoinAttempt,
    Lease,
    PartyDraft,
    PartyPolicy,
    clean_name,
    draw_code,
)
from hubbub.core.protocol import Act, Leave, Rename
from hubbub.core.results import (
    CodeTaken,
    CommandResult,
    Created,
    CreateOutcome,
    Ended,
    Full,
    JoinCheckOutcome,
    Joined,
    Kicked,
    Locked,
    Missing,
    ReadOutcome,
    TooManyWatchers,
    Watching,
)
from hubbub.hub.hub import Hub, LocalRoom, RoomClosed
from hubbub.recovery.cache import RecentCreate
from hubbub.recovery.recovery import Healer
from hubbub.services.rollbacks import Doubts
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError

NO_HOLDER: Final = ""
"""The holder of a host's seat that was created without a connection."""


_Outcome = TypeVar("_Outcome")


class CreatedParty(msgspec.Struct, frozen=True):
    """A party that the store has confirmed, and the secret that owns its host's seat."""

    code: str
    host_id: str
    host_token: str
    expires_at: int


class Entered(msgspec.Struct, frozen=True):
    """A connection's way into a room that is level with what the store answered.

    `outcome` names the room's position at this very moment: seat the phone before anything else is awaited.
    """

    opened: LocalRoom
    lease: Lease
    token: str
    outcome: Joined | Watching


EnterRefusal = Missing | Ended | Locked | Full | Kicked | TooManyWatchers


class PartyService:
    """What one instance does for its callers. Raises `StoreUnavailableError`, never anything else, by itself.

    `choose` draws the characters of codes; tests give a smaller world.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of an instance, one each
        self,
        store: Store,
        hub: Hub,
        doubts: Doubts,
        healer: Healer,
        terms: PartyPolicy,
        choose: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        self._store = store
        self._hub = hub
        self._doubts = doubts
        self._healer = healer
        self._terms = terms
        self._choose = choose

    async def create(self, name: str | None, idempotency_key: str | None) -> CreatedParty | Ended:
        """Create a party, or find the one that an earlier try with the same key created.

        `Ended` where that one has ended since.
        """
        deadline = _now() + STORE_BUDGET_SECONDS
        if idempotency_key is None:
            made = await self._create(name, _new_token(), None, deadline)
        else:
            token = tokens.derive_host_token(idempotency_key)
            made = await self._create(name, token, tokens.hash_idempotency_key(idempotency_key), deadline)
        return made if isinstance(made, Ended) else made.party

    async def create_and_enter(self, name: str | None, own_token: str | None) -> Entered | EnterRefusal:
        """Create a party and seat its host; a repeat with the same own token finds the same party."""
        deadline = _now() + STORE_BUDGET_SECONDS
        token = own_token or _new_token()
        made = await self._create(name, token, tokens.hash_own_token(token) if own_token else None, deadline)
        if isinstance(made, Ended):
            return made
        attempt = _attempt(made.party.code, name, token)
        try:
            return await self._enter(attempt, token, deadline)
        except (StoreUnavailableError, asyncio.CancelledError):
            # Whoever asked is told that it failed, so the party must go, even if its host's seat was taken; where
            # an earlier try was told of the party, only the seat is given back.
            self._healer.note_withdrawn(made.party.code)
            self._doubts.doubt_create(made.draft, attempt.holder, deadline)
            self._doubts.doubt_join(attempt, deadline)
            raise

    async def join(self, code: str, name: str | None, own_token: str | None) -> Entered | EnterRefusal:
        """Take a seat: the one that the token owns, whoever has it now, or a new one."""
        deadline = _now() + STORE_BUDGET_SECONDS
        token = own_token or _new_token()
        attempt = _attempt(code, name, token)
        try:
            return await self._enter(attempt, token, deadline)
        except StoreUnavailableError as unavailable:
            if unavailable.in_doubt:
                self._doubts.doubt_join(attempt, deadline)
            raise
        except asyncio.CancelledError:
            self._doubts.doubt_join(attempt, deadline)
            raise

    async def watch(self, code: str) -> Entered | EnterRefusal:
        """See everything without a seat. Where this fails, what the store may have of it lapses with its lease."""
        deadline = _now() + STORE_BUDGET_SECONDS
        lease = Lease(code, member_id="", holder=_new_id())
        async with self._hub.opened(code, deadline) as opened:
            outcome = await self._store.watch(code, lease.holder, deadline)
            if not isinstance(outcome, Watching):
                return self._believed(code, outcome)
            return await self._level(opened, lease, "", outcome, deadline)

    async def act(self, lease: Lease, command: Act | Leave) -> CommandResult:
        """Carry out a member's command."""
        if isinstance(command, Rename):
            command = replace(command, name=clean_name(command.name))
        outcome = await self._store.act(lease, command, _now() + STORE_BUDGET_SECONDS)
        return self._believed(lease.code, outcome)

    async def lose(self, lease: Lease) -> None:
        """A connection is gone: its seat is held from now on.

        Not where this instance is ending: then leases run on, since their phones are told to come back.
        """
        if self._hub.draining:
            return
        with suppress(StoreUnavailableError):  # the lease runs out by itself
            await self._store.release(lease, _now() + STORE_BUDGET_SECONDS)

    async def abandon(self, entered: Entered, own_token: str | None) -> None:
        """A connection is gone before it was told that it is in.

        Its seat is held for a client that brought its own token. Otherwise nobody has the token that owns the seat,
        so the join is taken back.
        """
        if own_token is not None or not isinstance(entered.outcome, Joined):
            await self.lose(entered.lease)
            return
        made = "" if entered.outcome.resumed else entered.lease.member_id
        attempt = JoinAttempt(
            entered.lease.code, entered.lease.holder, tokens.hash_token(entered.token), new_id=made, name=""
        )
        self._doubts.doubt_join(attempt, _now())

    def now_ms(self) -> int:
        """The store's time, ms."""
        return self._store.now_ms()

    async def check_join(self, code: str) -> JoinCheckOutcome:
        """Tell whether a newcomer would get a seat in the party."""
        return self._believed(code, await self._store.check_join(code, _now() + STORE_BUDGET_SECONDS))

    async def look_up(self, code: str) -> ReadOutcome:
        """Read the party."""
        return self._believed(code, await self._store.read(code, _now() + STORE_BUDGET_SECONDS))

    def _believed(self, code: str, outcome: _Outcome) -> _Outcome:
        """The outcome, unless it calls a party absent that was lost: then `StoreUnavailableError`."""
        if isinstance(outcome, Missing):
            self._healer.doubt_absence(code)
        return outcome

    async def _enter(self, attempt: JoinAttempt, token: str, deadline: float) -> Entered | EnterRefusal:
        async with self._hub.opened(attempt.code, deadline) as opened:
            outcome = await self._store.join(attempt, deadline)
            if not isinstance(outcome, Joined):
                return self._believed(attempt.code, outcome)
            lease = Lease(attempt.code, outcome.member_id, attempt.holder, attempt.token_hash)
            return await self._level(opened, lease, token, outcome, deadline)

    async def _level(
        self, opened: LocalRoom, lease: Lease, token: str, outcome: Joined | Watching, deadline: float
    ) -> Entered | Ended | Missing:
        try:
            await self._hub.level(opened, outcome.epoch, outcome.version, deadline)
        except RoomClosed:
            if opened.room.ended or opened.has_ended:
                return Ended()
            return self._believed(opened.code, Missing())
        opened.room.lives_until(outcome.expires_at)
        # The lease that this connection has been given cannot have begun before it was asked for.
        opened.renewed_at = max(opened.renewed_at, deadline - STORE_BUDGET_SECONDS)
        self._healer.note_entered(opened)
        if isinstance(outcome, Watching):
            opened.room.watched_by(outcome.watchers)
        position = replace(outcome, epoch=opened.room.epoch, version=opened.room.version)
        return Entered(opened, lease, token, position)

    async def _create(self, name: str | None, token: str, once: str | None, deadline: float) -> "_Made | Ended":
        """Create a party under a code that is free, or the one bound to the hash `once`."""
        taken: str | None = None
        for _ in range(CODE_ATTEMPTS_MAX):
            code = draw_code(self._choose)
            if once is not None:
                code = (await self._store.claim(once, code, taken, deadline)).code
            draft = self._draft(code, name, token)
            match await self._create_once(draft, deadline):
                case Created(party=party, expires_at=expires_at, repeated=repeated):
                    if not repeated:
                        self._healer.note_create(RecentCreate(code, party, expires_at, once))
                    return _Made(draft, CreatedParty(code, party.host_id, token, expires_at))
                case CodeTaken():
                    taken = code
                case Ended() as ended:
                    return ended
        raise StoreUnavailableError(StoreFailure.REFUSED, f"{CODE_ATTEMPTS_MAX} codes drawn, all of them taken")

    async def _create_once(self, draft: PartyDraft, deadline: float) -> CreateOutcome:
        try:
            return await self._store.create(draft, deadline)
        except StoreUnavailableError as unavailable:
            if unavailable.in_doubt:
                self._doubts.doubt_create(draft, NO_HOLDER, deadline)
            raise
        except asyncio.CancelledError:
            self._doubts.doubt_create(draft, NO_HOLDER, deadline)
            raise

    def _draft(self, code: str, name: str | None, token: str) -> PartyDraft:
        return PartyDraft(
            code=code,
            id=_new_id(),
            host_id=_new_id(),
            host_name=clean_name(name or "") or HOST_NAME_DEFAULT,
            host_token_hash=tokens.hash_token(token),
            terms=self._terms,
        )


class _Made(msgspec.Struct, frozen=True):
    """A party and the draft of the try that made or found it."""

    draft: PartyDraft
    party: CreatedParty


def _attempt(code: str, name: str | None, token: str) -> JoinAttempt:
    return JoinAttempt(
        code=code,
        holder=_new_id(),
        token_hash=tokens.hash_token(token),
        new_id=_new_id(),
        name=clean_name(name or ""),
    )


def _new_id() -> str:
    return secrets.token_urlsafe(ID_BYTES)


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BITS // 8)


def _now() -> float:
    return asyncio.get_running_loop().time()
