"""Batches script calls to one server: calls of one loop turn share a round trip, and each has a deadline.

One batch is in flight at a time. Calls that arrive meanwhile form the next batch, so a busier instance sends
larger batches. A batch is written to a connection of redis-py directly, not through redis-py's client. So the
moment of sending is known: a call that was not sent is certainly not done, and one that was sent is in doubt.
Nothing is sent twice.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from hiredis import pack_command
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from hubbub.core.clock import ClockOffset
from hubbub.core.limits import (
    BATCH_CALLS_MAX,
    BREAKER_FAILURE_THRESHOLD,
    BREAKER_OPEN_SECONDS,
    REPLICAS_ANSWER_MARGIN_SECONDS,
)
from hubbub.loop import now
from hubbub.store.client.errors import NotReplicatedError, failure_of, unavailable_error
from hubbub.store.client.script_client import NOT_AFTER, THE_SHARD, Argument
from hubbub.store.health import StoreHealth
from hubbub.store.port import StoreFailure, StoreUnavailableError
from hubbub.store.replies import Reply
from hubbub.store.scripts import Script

_ASKING: Final[bytes] = pack_command(("ASKING",))


class _Call:
    """One script call from enqueuing to its reply."""

    __slots__ = ("args", "asking", "deadline", "future", "keys", "script", "sent", "timer", "unreplicated_reply")

    def __init__(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        deadline: float,
        future: asyncio.Future[Reply],
    ) -> None:
        self.script = script
        self.keys = keys
        self.args = args
        self.deadline = deadline
        self.future = future
        self.asking = False
        self.timer: asyncio.TimerHandle | None = None
        self.sent = False
        self.unreplicated_reply: Reply | None = None

    @property
    def needs_clock(self) -> bool:
        """Return whether the call carries its deadline, which is converted to the server's clock."""
        return bool(self.args) and self.args[0] is NOT_AFTER

    def pack(self, clock: ClockOffset | None, *, by_source: bool) -> bytes:
        """Return the command as bytes."""
        args = self.args
        if self.needs_clock:
            assert clock is not None
            args = (clock.store_ms_no_later_than(self.deadline), *args[1:])
        verb, script = ("EVAL", self.script.source) if by_source else ("EVALSHA", self.script.sha)
        # hiredis packs three times as fast as redis-py.
        command: bytes = pack_command((verb, script, len(self.keys), *self.keys, *args))  # type: ignore[arg-type]
        return _ASKING + command if self.asking else command

    def answer(self, reply: Reply | Exception) -> None:
        """Give the reply or the error to the caller, if it still waits."""
        if self.timer is not None:
            self.timer.cancel()
        if self.future.done():
            return
        if isinstance(reply, Exception):
            self.future.set_exception(unavailable_error(reply, sent=self.sent))
        else:
            self.future.set_result(reply)


class Batcher:
    """The `ScriptClient` of the one server behind `pool`.

    It has a circuit breaker. After `BREAKER_FAILURE_THRESHOLD` failures in a row calls fail at once, except probes
    and one batch every `BREAKER_OPEN_SECONDS`.

    With `replicas`, a reply is returned only after that many replicas have acknowledged the write. `WAIT` blocks its
    connection, so use a batcher with `replicas` for creates alone.
    """

    def __init__(self, pool: ConnectionPool, health: StoreHealth, replicas: int = 0) -> None:
        self._pool = pool
        self._health = health
        self._replicas = replicas
        self._queue: deque[_Call] = deque()
        self._in_flight: list[_Call] = []
        self._batch_task: asyncio.Task[None] | None = None
        self._flush_handle: asyncio.Handle | None = None
        self._failures = 0
        self._demoted = False
        self._failure = StoreFailure.UNREACHABLE
        self._retry_at = 0.0
        self.clock: ClockOffset | None = None
        """The store's clock as the replies show it. None before the first reply and after a failure."""
        self.last_clock: ClockOffset | None = None
        """The same, kept after a failure: accurate enough to tell the time, not to check deadlines."""

    async def call(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        deadline: float,
        *,
        probing: bool = False,
    ) -> Reply:
        """See `ScriptClient.call`; raises `RedirectedError` or `SlotMovingError` if another node has the slot."""
        if self._failures >= BREAKER_FAILURE_THRESHOLD and not probing and not self._may_retry():
            raise StoreUnavailableError(self._failure, "the server is known to be away")
        return await self._enqueue(_Call(script, keys, args, deadline, asyncio.get_running_loop().create_future()))

    async def call_redirected(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument], deadline: float
    ) -> Reply:
        """Send a call that another node redirected here once (ASK), since its slot is moving here."""
        call = _Call(script, keys, args, deadline, asyncio.get_running_loop().create_future())
        call.asking = True
        return await self._enqueue(call)

    def shards(self) -> tuple[str, ...]:
        """See `ScriptClient.shards`."""
        return (THE_SHARD,)

    def shard_of(self, key: str) -> str:  # noqa: ARG002 - one server has all keys
        """See `ScriptClient.shard_of`."""
        return THE_SHARD

    async def aclose(self) -> None:
        """Fail every call that is still open and close the connections."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
        for call in (*self._in_flight, *self._queue):
            call.answer(RedisConnectionError("this instance is stopping"))
        self._queue.clear()
        if self._batch_task is not None:
            self._batch_task.cancel()
            await asyncio.wait([self._batch_task])
        await self._pool.disconnect()

    async def _enqueue(self, call: _Call) -> Reply:
        loop = asyncio.get_running_loop()
        call.timer = loop.call_at(call.deadline, self._time_out, call)
        self._queue.append(call)
        if self._flush_handle is None and self._batch_task is None:
            self._flush_handle = loop.call_soon(self._flush)
        return await call.future

    def _may_retry(self) -> bool:
        """Return whether the open breaker lets a batch through."""
        return self._batch_task is None and now() >= self._retry_at

    def _time_out(self, call: _Call) -> None:
        """Fail a call at its deadline. If no call of the batch waits any more, give up the connection."""
        written = call.unreplicated_reply is not None
        call.answer(
            NotReplicatedError("too few replicas had it by the deadline")
            if written
            else RedisTimeoutError("no answer by the deadline")
        )
        # While other calls of the batch have time left the connection stays. Replies come in order, so a late
        # reply is read and dropped.
        if self._batch_task is not None and self._in_flight and all(other.future.done() for other in self._in_flight):
            self._batch_task.cancel()

    def _flush(self) -> None:
        self._flush_handle = None
        calls: list[_Call] = []
        while self._queue and len(calls) < BATCH_CALLS_MAX:
            call = self._queue.popleft()
            if not call.future.done():
                calls.append(call)
        self._in_flight = calls
        if calls:
            self._batch_task = asyncio.get_running_loop().create_task(self._send_batch(calls), name="store batch")
            self._batch_task.add_done_callback(self._on_batch_done)

    def _on_batch_done(self, batch_task: asyncio.Task[None]) -> None:
        self._batch_task = None
        if self._queue:
            self._flush()
        if not batch_task.cancelled():
            batch_task.result()

    async def _send_batch(self, calls: list[_Call]) -> None:
        """Send the calls and distribute the replies. Every call gets a reply or an error."""
        try:
            connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
            connection.register_connect_callback(self._forget_clock)
            try:
                await self._exchange(connection, calls)
                self._in_flight = []
            finally:
                await self._pool.release(connection)
        except (RedisError, OSError) as error:
            self._fail_batch(calls, error)
        except asyncio.CancelledError:
            self._fail_batch(calls, RedisTimeoutError("no answer by the deadline"))
            raise
        except Exception as fault:
            self._fail_batch(calls, fault)
            raise
        else:
            self._failures = 0
            self._health.answered()

    async def _exchange(self, connection: AbstractConnection, calls: list[_Call]) -> None:
        if self.clock is None and any(call.needs_clock for call in calls):
            self.clock = await _ask_clock(connection)
        unknown = await self._round_trip(connection, calls)
        if unknown:
            # A restarted store has lost its scripts and ran none of these calls. So this is the first time that
            # each is executed.
            await self._round_trip(connection, unknown, by_source=True)
        if self._replicas:
            await self._wait_for_replicas(connection, calls)
        if self._demoted:
            # It is not the primary any more. Connecting again asks Sentinel, which may name the new one.
            self._demoted = False
            await connection.disconnect()

    async def _round_trip(
        self,
        connection: AbstractConnection,
        calls: list[_Call],
        *,
        by_source: bool = False,
    ) -> list[_Call]:
        """Send the commands, answer their calls, and return the calls whose script the store does not know."""
        unknown: list[_Call] = []
        newest: ClockOffset | None = None
        refusals: list[ResponseError] = []
        packed = b"".join(call.pack(self.clock, by_source=by_source) for call in calls)
        for call in calls:
            call.sent = True
        sent_at = now()
        await connection.send_packed_command(packed, check_health=False)
        for call in calls:
            try:
                reply = await _read_reply(connection, call)
            except NoScriptError:
                call.sent = False
                unknown.append(call)
            except BusyLoadingError:
                # It did not run this call. It may have finished loading since then and run the others.
                call.sent = False
                raise
            except ResponseError as error:
                call.answer(error)
                refusals.append(error)
            else:
                newest = ClockOffset.from_reply(sent=sent_at, received=now(), store_ms=reply[0])
                # A caller that pings to learn the clock must find it as soon as it has the reply.
                self.clock = self.clock or newest
                if self._replicas:
                    call.unreplicated_reply = reply
                else:
                    call.answer(reply)
        if newest is not None and self.clock is not None:
            self.clock = self.clock.sharpened(newest)
            self.last_clock = self.clock
        self._demoted |= any(isinstance(refusal, ReadOnlyError) for refusal in refusals)
        if len(refusals) == len(calls) and all(isinstance(refusal, ClusterDownError) for refusal in refusals):
            raise refusals[0]
        return unknown

    async def _wait_for_replicas(self, connection: AbstractConnection, calls: list[_Call]) -> None:
        """Return the replies when enough replicas have the writes, or `NotReplicatedError`."""
        first_deadline = min(call.deadline for call in calls)
        seconds = first_deadline - now() - REPLICAS_ANSWER_MARGIN_SECONDS
        # 0 would make WAIT block without a limit.
        wait = ("WAIT", self._replicas, max(1, int(seconds * 1000)))
        if not connection.is_connected:
            # redis-py would connect again, and WAIT on another connection does not cover these writes.
            raise NotReplicatedError("the connection was lost")
        await connection.send_packed_command(connection.pack_commands([wait]), check_health=False)
        try:
            replicated = await connection.read_response() >= self._replicas
        except ResponseError as error:
            # The writes before it stand, on this server and perhaps on replicas.
            raise NotReplicatedError(f"{error}") from None
        for call in calls:
            if call.unreplicated_reply is not None:
                call.answer(call.unreplicated_reply if replicated else NotReplicatedError("too few replicas have it"))

    def _forget_clock(self, _: AbstractConnection) -> None:
        """Forget the clock, since a new connection may lead to another server."""
        self.clock = None

    def _fail_batch(self, calls: list[_Call], error: Exception) -> None:
        self.clock = None
        self._failures += 1
        self._failure = failure_of(error)
        self._retry_at = now() + BREAKER_OPEN_SECONDS
        self._health.failed(self._failure)
        for call in calls:
            call.answer(error)


async def _read_reply(connection: AbstractConnection, call: _Call) -> Reply:
    if call.asking:
        await connection.read_response()
    reply: Reply = await connection.read_response()
    return reply


async def _ask_clock(connection: AbstractConnection) -> ClockOffset:
    sent_at = now()
    await connection.send_packed_command(pack_command(("TIME",)), check_health=False)
    seconds, micros = await connection.read_response()
    store_ms = int(seconds) * 1000 + int(micros) // 1000
    return ClockOffset.from_reply(sent=sent_at, received=now(), store_ms=store_ms)
