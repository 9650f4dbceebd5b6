"""Script calls to one store server: those of one loop turn share one round trip, each with a deadline.

One batch is in flight at a time. Calls that are made meanwhile wait and form the next one, so the busier
the instance, the larger its batches. Batches write on a connection of redis-py directly, not through its
client: there the moment of sending is known, so "certainly not done" and "may be done" can be told apart,
and nothing is ever sent twice.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from hiredis import pack_command
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from hubbub.core.clock import ClockOffset
from hubbub.core.limits import AWAY_FAILURES, AWAY_PAUSE_SECONDS, BATCH_CALLS_MAX, REPLICAS_ANSWER_MARGIN_SECONDS
from hubbub.store import StoreUnavailable, Trouble
from hubbub.store.calls import THE_SHARD
from hubbub.store.health import StoreHealth
from hubbub.store.replies import Reply
from hubbub.store.scripts import Script


class _NotReplicatedError(RedisError):
    """The server did it, but too few replicas said in time that they have it."""


_TROUBLES: tuple[tuple[type[Exception], Trouble], ...] = (
    (BusyLoadingError, Trouble.LOADING),
    (AuthenticationError, Trouble.NOT_PERMITTED),
    (NoPermissionError, Trouble.NOT_PERMITTED),
    (ReadOnlyError, Trouble.READ_ONLY),
    (OutOfMemoryError, Trouble.OUT_OF_MEMORY),
    (ResponseError, Trouble.REFUSED),
    (RedisTimeoutError, Trouble.TIMEOUT),
    (_NotReplicatedError, Trouble.NOT_REPLICATED),
)


def trouble_of(error: BaseException) -> Trouble:
    """What an error of redis-py or of the connection means."""
    for kind, trouble in _TROUBLES:
        if isinstance(error, kind):
            return trouble
    return Trouble.UNREACHABLE


class _Call:
    """One script call on its way: what is sent, and who waits for the reply."""

    __slots__ = ("arguments", "deadline", "future", "script", "sent", "timer", "unconfirmed")

    def __init__(
        self,
        script: Script,
        arguments: tuple[str | bytes | int, ...],
        deadline: float,
        future: asyncio.Future[Reply],
    ) -> None:
        self.script = script
        self.arguments = arguments
        self.deadline = deadline
        self.future = future
        self.timer: asyncio.TimerHandle | None = None
        self.sent = False
        self.unconfirmed: Reply | None = None

    def by_sha(self) -> tuple[str | bytes | int, ...]:
        return ("EVALSHA", self.script.sha, *self.arguments)

    def by_source(self) -> tuple[str | bytes | int, ...]:
        return ("EVAL", self.script.source, *self.arguments)

    def answer(self, reply: Reply | Exception) -> None:
        """Hand the reply, or the trouble there was, to the caller, if that one still waits."""
        if self.timer is not None:
            self.timer.cancel()
        if self.future.done():
            return
        if not isinstance(reply, Exception):
            self.future.set_result(reply)
            return
        # A store that refused a call did nothing; one whose reply is missing may have done it.
        in_doubt = self.sent and not isinstance(reply, ResponseError)
        self.future.set_exception(StoreUnavailable(trouble_of(reply), str(reply), in_doubt=in_doubt))


class Batcher:
    """`Calls` to the one server behind `pool`.

    After some failures in a row it is known to be away: then calls fail at once, but for those that probe for its
    return and, now and then, one batch.

    With `replicas`, a reply is handed out only when that many replicas have what was written. `WAIT` holds up
    everything on its connection, so a batcher that waits is best one that does nothing else.
    """

    def __init__(self, pool: ConnectionPool, health: StoreHealth, replicas: int = 0) -> None:
        self._pool = pool
        self._health = health
        self._replicas = replicas
        self._waiting: deque[_Call] = deque()
        self._aboard: list[_Call] = []
        self._flight: asyncio.Task[None] | None = None
        self._takeoff: asyncio.Handle | None = None
        self._failures = 0
        self._trouble = Trouble.UNREACHABLE
        self._pause_ends = 0.0
        self.clock: ClockOffset | None = None
        """What the replies tell of the store's clock; None until one came, and after a failure."""
        self.last_clock: ClockOffset | None = None
        """The same as it was before a failure: good enough to tell the time."""

    async def call(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str | bytes | int],
        deadline: float,
        *,
        probing: bool = False,
    ) -> Reply:
        """See `Calls.call`."""
        loop = asyncio.get_running_loop()
        if self._failures >= AWAY_FAILURES and not probing and not self._may_try(loop.time()):
            raise StoreUnavailable(self._trouble, "the server is known to be away")
        call = _Call(script, (len(keys), *keys, *args), deadline, loop.create_future())
        call.timer = loop.call_at(deadline, self._give_up, call)
        self._waiting.append(call)
        if self._takeoff is None and self._flight is None:
            self._takeoff = loop.call_soon(self._launch)
        return await call.future

    def clock_of(self, key: str) -> ClockOffset | None:  # noqa: ARG002 - one server, one clock
        """See `Calls.clock_of`."""
        return self.clock

    def shards(self) -> tuple[str, ...]:
        """See `Calls.shards`."""
        return (THE_SHARD,)

    def shard_of(self, key: str) -> str:  # noqa: ARG002 - one server has all keys
        """See `Calls.shard_of`."""
        return THE_SHARD

    async def aclose(self) -> None:
        """Fail every call that is still open and close the connections."""
        if self._takeoff is not None:
            self._takeoff.cancel()
        for call in (*self._aboard, *self._waiting):
            call.answer(RedisConnectionError("this instance is stopping"))
        self._waiting.clear()
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])
        await self._pool.disconnect()

    def _may_try(self, now: float) -> bool:
        """Whether a server that is away may be asked by whoever comes."""
        return self._flight is None and now >= self._pause_ends

    def _give_up(self, call: _Call) -> None:
        """End a call whose deadline has passed; with the last one aboard the connection is given up."""
        written = call.unconfirmed is not None
        call.answer(
            _NotReplicatedError("too few replicas had it by the deadline")
            if written
            else RedisTimeoutError("no answer by the deadline")
        )
        # While others aboard have time left the connection stays: replies come in order, so one that comes
        # for nobody is read and dropped.
        if self._flight is not None and self._aboard and all(other.future.done() for other in self._aboard):
            self._flight.cancel()

    def _launch(self) -> None:
        self._takeoff = None
        calls: list[_Call] = []
        while self._waiting and len(calls) < BATCH_CALLS_MAX:
            call = self._waiting.popleft()
            if not call.future.done():
                calls.append(call)
        self._aboard = calls
        if calls:
            self._flight = asyncio.get_running_loop().create_task(self._fly(calls), name="store batch")
            self._flight.add_done_callback(self._land)

    def _land(self, flight: asyncio.Task[None]) -> None:
        self._flight = None
        if self._waiting:
            self._launch()
        if not flight.cancelled():
            flight.result()

    async def _fly(self, calls: list[_Call]) -> None:
        """Send the calls and hand out the replies; whatever happens, every call is answered."""
        try:
            connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
            try:
                await self._exchange(connection, calls)
                self._aboard = []
            finally:
                await self._pool.release(connection)
        except (RedisError, OSError) as error:
            self._fail(calls, error)
        except asyncio.CancelledError:
            self._fail(calls, RedisTimeoutError("no answer by the deadline"))
            raise
        except Exception as fault:
            self._fail(calls, fault)
            raise
        else:
            self._failures = 0
            self._health.answered()

    async def _exchange(self, connection: AbstractConnection, calls: list[_Call]) -> None:
        unknown = await self._round_trip(connection, calls, [call.by_sha() for call in calls])
        if unknown:
            # A restarted store has lost its scripts. It did not run these, so sending their sources now
            # is the first time for each.
            await self._round_trip(connection, unknown, [call.by_source() for call in unknown])
        if self._replicas:
            await self._confirm(connection, calls)

    async def _round_trip(
        self,
        connection: AbstractConnection,
        calls: list[_Call],
        commands: list[tuple[str | bytes | int, ...]],
    ) -> list[_Call]:
        """Send the commands, answer their calls, and return those whose script the store does not know."""
        now = asyncio.get_running_loop().time
        unknown: list[_Call] = []
        newest: ClockOffset | None = None
        for call in calls:
            call.sent = True
        sent_at = now()
        # hiredis packs in a third of redis-py's time.
        packed = b"".join(pack_command(command) for command in commands)  # type: ignore[arg-type]
        await connection.send_packed_command(packed, check_health=False)
        for call in calls:
            try:
                reply = await connection.read_response()
            except NoScriptError:
                call.sent = False
                unknown.append(call)
            except BusyLoadingError:
                # It ran nothing of this call. It may since have finished loading and run the others.
                call.sent = False
                raise
            except ResponseError as error:
                call.answer(error)
            else:
                newest = ClockOffset.from_reply(sent=sent_at, received=now(), store_ms=reply[0])
                # Whoever asked in order to learn the clock must find it as soon as the answer is there.
                self.clock = self.clock or newest
                if self._replicas:
                    call.unconfirmed = reply
                else:
                    call.answer(reply)
        if newest is not None and self.clock is not None:
            self.clock = self.clock.sharpened(newest)
            self.last_clock = self.clock
        return unknown

    async def _confirm(self, connection: AbstractConnection, calls: list[_Call]) -> None:
        """Hand out the replies once enough replicas have what was written, or the news that they have not."""
        first_deadline = min(call.deadline for call in calls)
        seconds = first_deadline - asyncio.get_running_loop().time() - REPLICAS_ANSWER_MARGIN_SECONDS
        # WAIT takes 0 for "for ever".
        wait = ("WAIT", self._replicas, max(1, int(seconds * 1000)))
        await connection.send_packed_command(connection.pack_commands([wait]), check_health=False)
        replicated = await connection.read_response() >= self._replicas
        for call in calls:
            if call.unconfirmed is not None:
                call.answer(call.unconfirmed if replicated else _NotReplicatedError("too few replicas have it"))

    def _fail(self, calls: list[_Call], error: Exception) -> None:
        # Behind the next connection may stand another server, with another clock.
        self.clock = None
        self._failures += 1
        self._trouble = trouble_of(error)
        self._pause_ends = asyncio.get_running_loop().time() + AWAY_PAUSE_SECONDS
        self._health.failed(self._trouble)
        for call in calls:
            call.answer(error)
