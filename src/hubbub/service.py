"""The use cases: create a party, ask whether one can be joined, look one up."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from hubbub.core import tokens
from hubbub.core.limits import (
    CODE_DRAWS_MAX,
    STORE_BUDGET_SECONDS,
    TOKEN_BITS,
    WITHDRAWAL_MARGIN_SECONDS,
    WITHDRAWAL_RETRY_SECONDS,
    WITHDRAWALS_MAX,
)
from hubbub.core.outcomes import (
    CodeTaken,
    Created,
    CreateOutcome,
    Deleted,
    Ended,
    JoinCheckOutcome,
    Late,
    ReadOutcome,
)
from hubbub.core.party import HOST_NAME_DEFAULT, PartyDraft, PartyTerms, clean_name, draw_code
from hubbub.store import Store, StoreUnavailable, Trouble

_ID_BYTES = 8
"""64 random bits: an id is public and only has to be unlike the others of its party or code."""


class NewParty(msgspec.Struct, frozen=True):
    """A party that the store has confirmed, and the secret that owns its host's seat."""

    code: str
    host_id: str
    host_token: str
    expires_at: int


class _Doubt(msgspec.Struct, frozen=True):
    """A party that may have been made by a create that was answered as failed.

    From `settled_at` (monotonic seconds) on, the create itself can no longer happen.
    """

    draft: PartyDraft
    settled_at: float


class PartyService:
    """What one instance does for its callers. Raises `StoreUnavailable`, never anything else, by itself.

    `tell` hears, as a code and a word, what became of parties whose creation was in doubt. `choose` draws the
    characters of codes; tests give a smaller world.
    """

    def __init__(
        self,
        store: Store,
        terms: PartyTerms,
        tell: Callable[[str, str], None] = lambda _code, _what: None,
        choose: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        self._store = store
        self._terms = terms
        self._tell = tell
        self._choose = choose
        self._doubts: deque[_Doubt] = deque()
        self._doubted = asyncio.Event()

    async def create(self, name: str | None, idempotency_key: str | None) -> NewParty | Ended:
        """Create a party, or find the one that an earlier try with the same key created.

        `Ended` where that one has ended since.
        """
        deadline = _now() + STORE_BUDGET_SECONDS
        token = tokens.derive_host_token(idempotency_key) if idempotency_key else _new_token()
        taken: str | None = None
        for _ in range(CODE_DRAWS_MAX):
            code = draw_code(self._choose)
            if idempotency_key:
                code = await self._claim(idempotency_key, code, taken, deadline)
            match await self._create_once(self._draft(code, name, token), deadline):
                case Created(party=party, expires_at=expires_at):
                    return NewParty(code, party.host_id, token, expires_at)
                case CodeTaken():
                    taken = code
                case Ended() as ended:
                    return ended
                case Late():
                    raise StoreUnavailable(Trouble.TIMEOUT, "the store got to it too late")
        raise StoreUnavailable(Trouble.REFUSED, f"{CODE_DRAWS_MAX} codes drawn, all of them taken")

    async def check_join(self, code: str) -> JoinCheckOutcome:
        """Tell whether a newcomer would get a seat in the party."""
        return await self._store.check_join(code, _now() + STORE_BUDGET_SECONDS)

    async def look_up(self, code: str) -> ReadOutcome:
        """Read the party."""
        return await self._store.read(code, _now() + STORE_BUDGET_SECONDS)

    async def withdraw_doubtful(self) -> None:
        """Take back, for ever, what creates have left behind that were answered as failed.

        The store may have made such a party just before the connection broke. Nobody knows its code, so it
        would only sit there; and "failed" must stay true.
        """
        while True:
            await self._doubted.wait()
            if not await self._settle_next():
                await asyncio.sleep(WITHDRAWAL_RETRY_SECONDS)

    async def withdraw_the_rest(self) -> None:
        """Try once more to take back what is still in doubt: wait for the last deadline, and for one answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * STORE_BUDGET_SECONDS + WITHDRAWAL_MARGIN_SECONDS):
                while self._doubts and await self._settle_next():
                    pass
        for doubt in self._doubts:
            self._tell(doubt.draft.code, "left behind")

    async def _claim(self, key: str, candidate: str, taken: str | None, deadline: float) -> str:
        claim = await self._store.claim(tokens.hash_idempotency_key(key), candidate, taken, deadline)
        if isinstance(claim, Late):
            raise StoreUnavailable(Trouble.TIMEOUT, "the store got to it too late")
        return claim.code

    async def _create_once(self, draft: PartyDraft, deadline: float) -> CreateOutcome:
        try:
            return await self._store.create(draft, deadline)
        except StoreUnavailable as unavailable:
            if unavailable.in_doubt:
                self._doubt(draft, deadline)
            raise
        except asyncio.CancelledError:
            self._doubt(draft, deadline)
            raise

    def _doubt(self, draft: PartyDraft, deadline: float) -> None:
        if len(self._doubts) >= WITHDRAWALS_MAX:
            self._tell(draft.code, "left behind")
            return
        self._doubts.append(_Doubt(draft, deadline + WITHDRAWAL_MARGIN_SECONDS))
        self._doubted.set()

    async def _settle_next(self) -> bool:
        """Settle the first doubt, or put it behind the others; False where the store did not answer."""
        doubt = self._doubts[0]
        await asyncio.sleep(doubt.settled_at - _now())
        try:
            outcome = await self._store.withdraw(doubt.draft, _now() + STORE_BUDGET_SECONDS)
        except StoreUnavailable:
            self._doubts.rotate(-1)
            return False
        if isinstance(outcome, Late):
            return True
        self._doubts.popleft()
        if not self._doubts:
            self._doubted.clear()
        self._tell(doubt.draft.code, "withdrawn" if isinstance(outcome, Deleted) else "not there")
        return True

    def _draft(self, code: str, name: str | None, token: str) -> PartyDraft:
        return PartyDraft(
            code=code,
            id=secrets.token_urlsafe(_ID_BYTES),
            host_id=secrets.token_urlsafe(_ID_BYTES),
            host_name=clean_name(name or "") or HOST_NAME_DEFAULT,
            host_token_hash=tokens.hash_token(token),
            terms=self._terms,
        )


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BITS // 8)


def _now() -> float:
    return asyncio.get_running_loop().time()
