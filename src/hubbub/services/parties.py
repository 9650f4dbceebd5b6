"""The use cases: create, check, look up, enter and leave a party, and carry out a member's command."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from hubbub.core import tokens
from hubbub.core.codes import draw_code
from hubbub.core.limits import CODE_ATTEMPTS_MAX, ID_BYTES, STORE_BUDGET_SECONDS, TOKEN_BITS
from hubbub.core.names import HOST_NAME_DEFAULT, clean_name
from hubbub.core.party import PartyDraft, PartyPolicy
from hubbub.core.protocol import Leave, MemberCommand, Rename
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
from hubbub.core.seats import JoinAttempt, Lease
from hubbub.hub.hub import Hub, LocalRoom, RoomClosedError
from hubbub.loop import now
from hubbub.recovery.cache import RecentCreate
from hubbub.recovery.recovery import Recovery
from hubbub.services.rollbacks import Rollbacks
from hubbub.store.port import Store, StoreFailure, StoreUnavailableError

NO_HOLDER: Final = ""
"""The holder of a host's seat that has no connection yet."""


_Outcome = TypeVar("_Outcome")


class CreatedParty(msgspec.Struct, frozen=True):
    """A party that the store has confirmed, and the secret that owns its host's seat."""

    code: str
    host_id: str
    host_token: str
    expires_at: int


class Entry(msgspec.Struct, frozen=True):
    """The entry of a connection into a room that is synced with the store's answer.

    `outcome` has the position of the room at this moment: seat the connection before you await anything else.
    """

    room: LocalRoom
    lease: Lease
    token: str
    outcome: Joined | Watching


EnterRefusal = Missing | Ended | Locked | Full | Kicked | TooManyWatchers


class PartyService:
    """The use cases of one instance. They raise `StoreUnavailableError` and no other error.

    `choose` draws the characters of codes; tests give a smaller world.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of an instance, one each
        self,
        store: Store,
        hub: Hub,
        rollbacks: Rollbacks,
        recovery: Recovery,
        terms: PartyPolicy,
        choose: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        self._store = store
        self._hub = hub
        self._rollbacks = rollbacks
        self._recovery = recovery
        self._terms = terms
        self._choose = choose

    async def create(self, name: str | None, idempotency_key: str | None) -> CreatedParty | Ended:
        """Create a party, or return the one that an earlier request with the same key created.

        Return `Ended` if that one has ended since.
        """
        deadline = now() + STORE_BUDGET_SECONDS
        if idempotency_key is None:
            created = await self._create(name, _new_token(), None, deadline)
        else:
            token = tokens.derive_host_token(idempotency_key)
            created = await self._create(name, token, tokens.hash_idempotency_key(idempotency_key), deadline)
        return created if isinstance(created, Ended) else created.party

    async def create_and_enter(self, name: str | None, own_token: str | None) -> Entry | EnterRefusal:
        """Create a party and seat its host; a repeat with the same own token enters the same party."""
        deadline = now() + STORE_BUDGET_SECONDS
        token = own_token or _new_token()
        created = await self._create(name, token, tokens.hash_own_token(token) if own_token else None, deadline)
        if isinstance(created, Ended):
            return created
        attempt = _attempt(created.party.code, name, token)
        try:
            return await self._enter(attempt, token, deadline)
        except (StoreUnavailableError, asyncio.CancelledError):
            # The caller gets an error, so the party is rolled back, even if the host has a seat. If an
            # earlier request got the party, only the seat is rolled back.
            self._recovery.note_rolled_back(created.party.code)
            self._rollbacks.add_create(created.draft, attempt.holder, deadline)
            self._rollbacks.add_join(attempt, deadline)
            raise

    async def join(self, code: str, name: str | None, own_token: str | None) -> Entry | EnterRefusal:
        """Take the seat that the token owns, from its holder if it has one, or take a new seat."""
        deadline = now() + STORE_BUDGET_SECONDS
        token = own_token or _new_token()
        attempt = _attempt(code, name, token)
        try:
            return await self._enter(attempt, token, deadline)
        except StoreUnavailableError as unavailable:
            if unavailable.in_doubt:
                self._rollbacks.add_join(attempt, deadline)
            raise
        except asyncio.CancelledError:
            self._rollbacks.add_join(attempt, deadline)
            raise

    async def watch(self, code: str) -> Entry | EnterRefusal:
        """Watch a party without a seat. If this fails, the store's record of it expires with its lease."""
        deadline = now() + STORE_BUDGET_SECONDS
        lease = Lease(code, member_id="", holder=_new_id())
        async with self._hub.open_room(code, deadline) as room:
            outcome = await self._store.watch(code, lease.holder, deadline)
            if not isinstance(outcome, Watching):
                return self._reject_if_lost(code, outcome)
            return await self._wait_synced(room, lease, "", outcome, deadline)

    async def act(self, lease: Lease, command: MemberCommand | Leave) -> CommandResult:
        """Carry out a member's command."""
        if isinstance(command, Rename):
            command = replace(command, name=clean_name(command.name))
        outcome = await self._store.execute(lease, command, now() + STORE_BUDGET_SECONDS)
        return self._reject_if_lost(lease.code, outcome)

    async def disconnect(self, lease: Lease) -> None:
        """Begin the hold of a seat whose connection is gone.

        Do nothing while this instance stops: its clients reconnect to another one while their leases last.
        """
        if self._hub.draining:
            return
        with suppress(StoreUnavailableError):  # the lease expires by itself
            await self._store.drop_connection(lease, now() + STORE_BUDGET_SECONDS)

    async def roll_back_entry(self, entry: Entry, own_token: str | None) -> None:
        """Undo the entry of a connection that was gone before it got the answer.

        The seat is held for a client that brought its own token. Otherwise no client has the token that owns the seat,
        so the join is rolled back.
        """
        if own_token is not None or not isinstance(entry.outcome, Joined):
            await self.disconnect(entry.lease)
            return
        new_id = "" if entry.outcome.resumed else entry.lease.member_id
        attempt = JoinAttempt(
            entry.lease.code, entry.lease.holder, tokens.hash_token(entry.token), new_id=new_id, name=""
        )
        self._rollbacks.add_join(attempt, now())

    def now_ms(self) -> int:
        """Return the store's time, ms."""
        return self._store.now_ms()

    async def check_join(self, code: str) -> JoinCheckOutcome:
        """Return whether a new guest would get a seat in the party."""
        return self._reject_if_lost(code, await self._store.check_join(code, now() + STORE_BUDGET_SECONDS))

    async def look_up(self, code: str) -> ReadOutcome:
        """Read the party."""
        return self._reject_if_lost(code, await self._store.read(code, now() + STORE_BUDGET_SECONDS))

    def _reject_if_lost(self, code: str, outcome: _Outcome) -> _Outcome:
        """Return the outcome; raise `StoreUnavailableError` if the party is missing because it was lost."""
        if isinstance(outcome, Missing):
            self._recovery.raise_if_lost(code)
        return outcome

    async def _enter(self, attempt: JoinAttempt, token: str, deadline: float) -> Entry | EnterRefusal:
        async with self._hub.open_room(attempt.code, deadline) as room:
            outcome = await self._store.join(attempt, deadline)
            if not isinstance(outcome, Joined):
                return self._reject_if_lost(attempt.code, outcome)
            lease = Lease(attempt.code, outcome.member_id, attempt.holder, attempt.token_hash)
            return await self._wait_synced(room, lease, token, outcome, deadline)

    async def _wait_synced(
        self, room: LocalRoom, lease: Lease, token: str, outcome: Joined | Watching, deadline: float
    ) -> Entry | Ended | Missing:
        try:
            await self._hub.wait_synced(room, outcome.epoch, outcome.version, deadline)
        except RoomClosedError:
            if room.has_ended:
                return Ended()
            return self._reject_if_lost(room.code, Missing())
        room.replica.set_expiry(outcome.expires_at)
        # The lease of this connection began after the store was asked for it.
        self._recovery.note_entered(room, deadline - STORE_BUDGET_SECONDS)
        if isinstance(outcome, Watching):
            room.replica.set_watcher_count(outcome.watchers)
        position = replace(outcome, epoch=room.replica.epoch, version=room.replica.version)
        return Entry(room, lease, token, position)

    async def _create(
        self, name: str | None, token: str, idempotency_hash: str | None, deadline: float
    ) -> "_CreateResult | Ended":
        """Create a party under a code that is free, or the one bound to `idempotency_hash`."""
        taken: str | None = None
        for _ in range(CODE_ATTEMPTS_MAX):
            code = draw_code(self._choose)
            if idempotency_hash is not None:
                code = (await self._store.bind_idempotency_key(idempotency_hash, code, taken, deadline)).code
            draft = self._draft(code, name, token)
            match await self._create_once(draft, deadline):
                case Created(party=party, expires_at=expires_at, repeated=repeated):
                    if not repeated:
                        self._recovery.note_create(RecentCreate(code, party, expires_at, idempotency_hash))
                    return _CreateResult(draft, CreatedParty(code, party.host_id, token, expires_at))
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
                self._rollbacks.add_create(draft, NO_HOLDER, deadline)
            raise
        except asyncio.CancelledError:
            self._rollbacks.add_create(draft, NO_HOLDER, deadline)
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


class _CreateResult(msgspec.Struct, frozen=True):
    """A party, and the draft of the attempt that created or found it."""

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
