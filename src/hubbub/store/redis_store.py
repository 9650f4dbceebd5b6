"""The store on Redis or Valkey: each method runs one script and returns a typed outcome."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hubbub.core.backup import RestoreRequest, Tombstone
from hubbub.core.limits import ID_BYTES, IDEMPOTENCY_SECONDS
from hubbub.core.party import PartyDraft
from hubbub.core.position import ProvenPosition
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
from hubbub.core.results import (
    CatchUpOutcome,
    CodeTaken,
    CommandResult,
    Created,
    CreateOutcome,
    Deleted,
    Ended,
    JoinCheckOutcome,
    JoinOutcome,
    Missing,
    ReadOutcome,
    RenewOutcome,
    RestoreOutcome,
    RollbackOutcome,
    WatchOutcome,
)
from hubbub.core.seats import JoinAttempt, Lease
from hubbub.loop import now
from hubbub.store import keys, scripts
from hubbub.store.client.script_client import NOT_AFTER, ScriptClient
from hubbub.store.generation import DataLossDetector
from hubbub.store.port import (
    BoundCode,
    DeadlineExceededError,
    StoreFailure,
    StoreUnavailableError,
    store_recovering_error,
)
from hubbub.store.replies import (
    ABSENCES,
    JOIN_CHECKS,
    Reply,
    read_caught_up,
    read_document,
    read_executed,
    read_found,
    read_joined,
    read_renewed,
    read_restored,
    read_watching,
)
from hubbub.store.scripts import Script

Arguments = tuple[str | bytes | int, ...]

_CREATE_REFUSALS: Final[dict[bytes, CodeTaken | Ended]] = {b"taken": CodeTaken(), b"ended": Ended()}
_ROLLBACKS: Final[dict[bytes, RollbackOutcome]] = {b"deleted": Deleted(), b"missing": Missing()}

_COMMANDS: Final[Mapping[type[MemberCommand | Leave], tuple[Script, Callable[[Any], Arguments]]]] = {
    Leave: (scripts.LEAVE, lambda _: ()),
    Rename: (scripts.RENAME, lambda command: (command.name,)),
    SendMessage: (scripts.SEND_MESSAGE, lambda command: (secrets.token_urlsafe(ID_BYTES), command.text)),
    SendReaction: (scripts.SEND_REACTION, lambda command: (command.emoji,)),
    Kick: (scripts.KICK, lambda command: (command.target_id,)),
    Promote: (scripts.PROMOTE, lambda command: (command.target_id,)),
    SetChatMode: (scripts.SET_CHAT_MODE, lambda command: (command.mode,)),
    SetLock: (scripts.SET_LOCK, lambda command: (int(command.locked),)),
    SelectTrack: (scripts.SELECT_TRACK, lambda command: (command.filename,)),
    QueueTrack: (scripts.QUEUE_TRACK, lambda command: (command.filename or "",)),
    ChangeTrack: (scripts.CHANGE_TRACK, lambda command: (command.filename, command.next_filename or "")),
    Play: (scripts.PLAY, lambda command: ("playing", _seconds(command.position))),
    Pause: (scripts.PLAY, lambda command: ("paused", _seconds(command.position))),
}


class RedisStore:
    """`hubbub.store.Store` on one Redis 7.0+ or Valkey 7.2+ server.

    `create_client` runs creates and may wait for replicas; `client` runs all other scripts. A connection's lease lasts
    `lease_seconds`.
    """

    def __init__(
        self,
        client: ScriptClient,
        detector: DataLossDetector,
        lease_seconds: float,
        create_client: ScriptClient | None = None,
    ) -> None:
        self._client = client
        self._detector = detector
        self._create_client = create_client or client
        self._lease_ms = int(lease_seconds * 1000)

    async def ping(self, deadline: float) -> None:
        """See `Store.ping`."""
        for shard in self._client.shards():
            await self._ping(shard, deadline)

    async def create(self, draft: PartyDraft, deadline: float) -> CreateOutcome:
        """See `Store.create`."""
        reply = await self._change(
            scripts.CREATE,
            keys.party_keys(draft.code),
            (draft.document(), draft.terms.ttl_seconds, draft.host_token_hash, draft.id),
            deadline,
            self._create_client,
        )
        if (refusal := _CREATE_REFUSALS.get(reply[1])) is not None:
            return refusal
        _, status, document, expires_at = reply
        party = read_document(document, keys.party(draft.code))
        return Created(party, expires_at=expires_at, repeated=status == b"repeated")

    async def bind_idempotency_key(
        self, key_hash: str, candidate: str, replaced: str | None, deadline: float
    ) -> BoundCode:
        """See `Store.bind_idempotency_key`."""
        key = keys.idempotency_key(key_hash)
        if self._detector.is_recovering(self._client.shard_of(key)):
            raise store_recovering_error()
        reply = await self._change(
            scripts.BIND_IDEMPOTENCY_KEY,
            (key,),
            (candidate, replaced or "", IDEMPOTENCY_SECONDS),
            deadline,
        )
        _, _, code, is_new = reply
        if is_new:
            await self._detector.confirm_absence(key, deadline)
        return BoundCode(code.decode())

    async def rebind_idempotency_key(self, key_hash: str, code: str, deadline: float) -> None:
        """See `Store.rebind_idempotency_key`."""
        await self._change(
            scripts.BIND_IDEMPOTENCY_KEY,
            (keys.idempotency_key(key_hash),),
            (code, "any", IDEMPOTENCY_SECONDS),
            deadline,
        )

    async def read(self, code: str, deadline: float) -> ReadOutcome:
        """See `Store.read`."""
        reply = await self._query(scripts.READ, scripts.READ_WRITABLE_ONLY, code, (), deadline)
        return read_found(reply, keys.party(code))

    async def check_join(self, code: str, deadline: float) -> JoinCheckOutcome:
        """See `Store.check_join`."""
        reply = await self._query(
            scripts.CHECK_JOIN, scripts.CHECK_JOIN_WRITABLE_ONLY, code, (self._lease_ms,), deadline
        )
        return JOIN_CHECKS[reply[1]]

    async def rollback_create(self, draft: PartyDraft, holder: str, deadline: float) -> RollbackOutcome:
        """See `Store.rollback_create`."""
        reply = await self._change(scripts.ROLLBACK_CREATE, keys.party_keys(draft.code), (draft.id, holder), deadline)
        return _ROLLBACKS[reply[1]]

    async def join(self, attempt: JoinAttempt, deadline: float) -> JoinOutcome:
        """See `Store.join`."""
        words = (attempt.holder, attempt.token_hash, attempt.new_id, attempt.name)
        try:
            reply = await self._change_party(scripts.JOIN, attempt.code, (*words, "anyone"), deadline)
        except StoreUnavailableError as unavailable:
            if unavailable.failure is not StoreFailure.OUT_OF_MEMORY:
                raise
            reply = await self._change_party(scripts.JOIN_ALLOW_OOM, attempt.code, (*words, "seated"), deadline)
        return read_joined(reply)

    async def rollback_join(self, attempt: JoinAttempt, deadline: float) -> bool:
        """See `Store.rollback_join`."""
        status = await self._rollback_join(attempt, deadline, all_reported=False)
        if status in {b"not_held", b"uncertain"}:
            # While instances restore what the store lost, one of them may restore the seat or report its holder.
            await self._detector.confirm_absence(keys.party(attempt.code), deadline)
        if status == b"uncertain":
            status = await self._rollback_join(attempt, deadline, all_reported=True)
        return bool(status == b"done")

    async def _rollback_join(self, attempt: JoinAttempt, deadline: float, *, all_reported: bool) -> Any:
        words = (attempt.holder, attempt.token_hash, attempt.new_id, int(all_reported))
        return (await self._change_party(scripts.ROLLBACK_JOIN, attempt.code, words, deadline))[1]

    async def watch(self, code: str, holder: str, deadline: float) -> WatchOutcome:
        """See `Store.watch`."""
        return read_watching(await self._change_party(scripts.WATCH, code, (holder,), deadline))

    async def drop_connection(self, lease: Lease, deadline: float) -> None:
        """See `Store.drop_connection`."""
        await self._change_party(scripts.DROP_CONNECTION, lease.code, (lease.member_id, lease.holder), deadline)

    async def renew(
        self,
        code: str,
        leases: Sequence[Lease],
        deadline: float,
        known: ProvenPosition | None = None,
        backup_version: int = -1,
    ) -> RenewOutcome:
        """See `Store.renew`."""
        words = [word for lease in leases for word in (lease.member_id, lease.holder)]
        return read_renewed(
            await self._change_party(scripts.RENEW, code, (*_position(known), backup_version, *words), deadline)
        )

    async def restore_party(self, request: RestoreRequest, deadline: float) -> RestoreOutcome:
        """See `Store.restore_party`."""
        copy = request.copy
        position = (*_position(request.known), request.epoch, request.expires_at)
        own = [word for lease, name in request.own for word in (lease.member_id, lease.holder, lease.token_hash, name)]
        kicked = [word for lease in request.kicked for word in (lease.member_id, lease.token_hash)]
        reply = await self._change(
            scripts.RESTORE_PARTY,
            keys.party_keys(request.code),
            (
                self._lease_ms,
                copy.party_id if copy else "",
                *position,
                copy.encoded() if copy else "",
                len(request.own),
                *own,
                *kicked,
            ),
            deadline,
        )
        return read_restored(reply)

    async def restore_tombstone(self, end: Tombstone, deadline: float) -> None:
        """See `Store.restore_tombstone`."""
        words = (end.party_id, end.host_token_hash, end.until_ms)
        await self._change(scripts.RESTORE_TOMBSTONE, keys.party_keys(end.code), words, deadline)

    async def execute(self, lease: Lease, command: MemberCommand | Leave, deadline: float) -> CommandResult:
        """See `Store.execute`."""
        script, arguments_of = _COMMANDS[type(command)]
        words = (lease.member_id, lease.holder, *arguments_of(command))
        return read_executed(await self._change_party(script, lease.code, words, deadline))

    async def catch_up(self, code: str, known: ProvenPosition | None, deadline: float) -> CatchUpOutcome:
        """See `Store.catch_up`."""
        reply = await self._client.call(scripts.CATCH_UP, keys.party_keys(code), _position(known), deadline)
        await self._reject_if_lost(reply, code, deadline)
        return read_caught_up(reply, code, keys.party(code))

    def now_ms(self) -> int:
        """See `Store.now_ms`; returns this machine's clock until the store has answered once."""
        clock = self._client.last_clock
        return int(time.time() * 1000) if clock is None else clock.store_ms_at(now())

    async def _ping(self, shard: str, deadline: float) -> None:
        await self._client.call(scripts.PING, (keys.generation(shard),), (), deadline, probing=True)

    async def _query(self, script: Script, writable_only: Script, code: str, args: Arguments, deadline: float) -> Reply:
        """Run a query. If the party is absent, run the edition that replicas refuse: only a primary proves absence."""
        names = (keys.party(code), keys.ended(code), keys.state(code), keys.leases(code))
        reply = await self._client.call(script, names, args, deadline)
        if reply[1] in ABSENCES:
            reply = await self._client.call(writable_only, names, args, deadline)
            await self._reject_if_lost(reply, code, deadline)
        return reply

    async def _change_party(
        self, script: Script, code: str, args: Sequence[str | bytes | int], deadline: float
    ) -> Reply:
        """Run a script that changes a party. Its arguments begin with the deadline and the length of a lease."""
        reply = await self._change(script, keys.party_keys(code), (self._lease_ms, *args), deadline)
        await self._reject_if_lost(reply, code, deadline)
        return reply

    async def _reject_if_lost(self, reply: Reply, code: str, deadline: float) -> None:
        """Raise `StoreUnavailableError` if the reply says that the party is missing but the store may have lost it."""
        if reply[1] == b"missing":
            await self._detector.confirm_absence(keys.party(code), deadline)

    async def _change(
        self,
        script: Script,
        names: tuple[str, ...],
        args: Arguments,
        deadline: float,
        client: ScriptClient | None = None,
    ) -> Reply:
        """Run a script that changes something. It refuses to begin after `deadline` by the store's own clock."""
        reply = await (client or self._client).call(script, names, (NOT_AFTER, *args), deadline)
        if reply[1] == b"late":
            raise DeadlineExceededError
        return reply


def _position(known: ProvenPosition | None) -> tuple[str, int, str]:
    return ("", 0, "") if known is None else (known.epoch, known.version, known.digest)


def _seconds(position: float | None) -> str:
    return "" if position is None else format(position + 0.0, ".3f")  # + 0.0 turns -0.0 into 0.0
