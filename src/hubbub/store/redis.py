"""The store on Redis or Valkey: one method a script, typed outcomes."""

import asyncio
from contextlib import suppress

import msgspec

from hubbub.core.limits import IDEMPOTENCY_SECONDS, PROBE_BUDGET_SECONDS, PROBE_INTERVAL_SECONDS
from hubbub.core.outcomes import (
    CodeTaken,
    Created,
    CreateOutcome,
    Deleted,
    DeleteOutcome,
    Ended,
    Found,
    Full,
    Joinable,
    JoinCheckOutcome,
    Late,
    Locked,
    Missing,
    ReadOutcome,
)
from hubbub.core.party import PartyDocument, PartyDraft
from hubbub.store import Claimed, StoreUnavailable, Trouble, keys, scripts
from hubbub.store.batch import Batcher, Reply
from hubbub.store.scripts import Script

_decode_document = msgspec.json.Decoder(PartyDocument).decode

_CREATE_REFUSALS: dict[bytes, CodeTaken | Ended | Late] = {
    b"taken": CodeTaken(),
    b"ended": Ended(),
    b"late": Late(),
}
_ABSENCES: dict[bytes, Missing | Ended] = {b"missing": Missing(), b"ended": Ended()}
_JOIN_CHECKS: dict[bytes, JoinCheckOutcome] = {
    **_ABSENCES,
    b"joinable": Joinable(),
    b"locked": Locked(),
    b"full": Full(),
}
_DELETIONS: dict[bytes, DeleteOutcome] = {b"deleted": Deleted(), b"missing": Missing(), b"late": Late()}


class RedisStore:
    """`hubbub.store.Store` on one Redis 7.0+ or Valkey 7.2+ server.

    Creates go by `creating`, which may wait for replicas; everything else by `batcher`.
    """

    def __init__(self, batcher: Batcher, creating: Batcher | None = None) -> None:
        self._batcher = batcher
        self._creating = creating or batcher

    async def ping(self, deadline: float) -> None:
        """See `Store.ping`."""
        await self._batcher.call(scripts.PING, (), (), deadline)

    async def watch(self) -> None:
        """Ask for a sign of life for ever, so that the link's state is known without traffic."""
        while True:
            with suppress(StoreUnavailable):
                await self.ping(_now() + PROBE_BUDGET_SECONDS)
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)

    async def create(self, draft: PartyDraft, deadline: float) -> CreateOutcome:
        """See `Store.create`."""
        reply = await self._change(
            scripts.CREATE,
            (keys.party(draft.code), keys.ended(draft.code), keys.tries(draft.code)),
            (draft.document(), draft.terms.ttl_seconds, draft.host_token_hash, draft.id),
            deadline,
            self._creating,
        )
        if (refusal := _CREATE_REFUSALS.get(reply[1])) is not None:
            return refusal
        _, status, document, expires_at = reply
        return Created(_party_from(document, draft.code), expires_at=expires_at, repeated=status == b"repeated")

    async def claim(self, key_hash: str, candidate: str, replaced: str | None, deadline: float) -> Claimed | Late:
        """See `Store.claim`."""
        reply = await self._change(
            scripts.CLAIM,
            (keys.once(key_hash),),
            (candidate, replaced or "", IDEMPOTENCY_SECONDS),
            deadline,
        )
        return Claimed(reply[2].decode()) if reply[1] == b"claimed" else Late()

    async def read(self, code: str, deadline: float) -> ReadOutcome:
        """See `Store.read`."""
        reply = await self._look(scripts.READ, scripts.READ_ON_PRIMARY, code, deadline)
        return Found(_party_from(reply[2], code)) if reply[1] == b"found" else _ABSENCES[reply[1]]

    async def check_join(self, code: str, deadline: float) -> JoinCheckOutcome:
        """See `Store.check_join`."""
        reply = await self._look(scripts.CHECK_JOIN, scripts.CHECK_JOIN_ON_PRIMARY, code, deadline)
        return _JOIN_CHECKS[reply[1]]

    async def delete(self, code: str, party_id: str, deadline: float) -> DeleteOutcome:
        """See `Store.delete`."""
        names = (keys.party(code), keys.ended(code), keys.tries(code))
        reply = await self._change(scripts.DELETE, names, (party_id,), deadline)
        return _DELETIONS[reply[1]]

    async def withdraw(self, draft: PartyDraft, deadline: float) -> DeleteOutcome:
        """See `Store.withdraw`."""
        names = (keys.party(draft.code), keys.tries(draft.code))
        reply = await self._change(scripts.WITHDRAW, names, (draft.id,), deadline)
        return _DELETIONS[reply[1]]

    async def _look(self, script: Script, on_primary: Script, code: str, deadline: float) -> Reply:
        """Run a reading script; before an absence is believed, ask again where only a primary answers."""
        names = (keys.party(code), keys.ended(code))
        reply = await self._batcher.call(script, names, (), deadline)
        if reply[1] in _ABSENCES:
            reply = await self._batcher.call(on_primary, names, (), deadline)
        return reply

    async def _change(
        self,
        script: Script,
        names: tuple[str, ...],
        args: tuple[str | bytes | int, ...],
        deadline: float,
        batcher: Batcher | None = None,
    ) -> Reply:
        """Run a changing script, which refuses to begin after `deadline` by the store's own clock."""
        if self._batcher.clock is None:
            await self.ping(deadline)
        if (clock := self._batcher.clock) is None:
            raise StoreUnavailable(Trouble.UNREACHABLE, "the connection was lost")
        not_after = clock.store_ms_no_later_than(deadline)
        return await (batcher or self._batcher).call(script, names, (not_after, *args), deadline)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _party_from(document: bytes, code: str) -> PartyDocument:
    try:
        return _decode_document(document)
    except msgspec.DecodeError as error:
        raise StoreUnavailable(Trouble.REFUSED, f"{keys.party(code)} holds no party document: {error}") from None
