"""Who is primary under Sentinel: asked when a connection is dialled, after a silence, and now and then."""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from redis.asyncio import Connection, ConnectionPool, Redis
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from hubbub.core.limits import (
    PRIMARY_SILENCE_SECONDS,
    SENTINEL_LOOK_INTERVAL_SECONDS,
    SENTINEL_QUORUM_WAIT_SECONDS,
)

Address = tuple[str, int]


class PrimaryIsDownError(MasterNotFoundError):
    """The sentinels miss the primary, and none has taken its place yet."""


class _SentinelAnswer(NamedTuple):
    """Whom one sentinel holds for the primary, in the order of belief.

    A higher `epoch` is of a later failover. Who sees the primary well goes before others, which may be cut off.
    """

    epoch: int
    is_up: bool
    address: Address


class Sentinels(Sentinel):
    """The sentinels of a store: whoever knows of the latest failover is accepted.

    Word of it takes seconds to go round among them, and until then some name a primary that has been replaced.
    """

    def __init__(self, addresses: Sequence[Address], **kwargs: Any) -> None:
        super().__init__(addresses, **kwargs)  # type: ignore[no-untyped-call]
        self._accepted: _SentinelAnswer | None = None
        self._asking = asyncio.Lock()

    async def discover_master(self, service_name: str) -> Address:
        """See redis-py, which believes the first that answers."""
        # One after the other, or an answer from before a failover could come last.
        async with self._asking:
            self._accepted = self._latest_by_epoch(await self._ask_all(service_name))
        if not self._accepted.is_up:
            raise PrimaryIsDownError(f"the primary of {service_name!r} is down, and none has taken its place yet")
        return self._accepted.address

    def _latest_by_epoch(self, answers: list[_SentinelAnswer]) -> _SentinelAnswer:
        latest, accepted = max(answers), self._accepted
        if accepted is None:
            return latest
        if latest.epoch < accepted.epoch and len(answers) < len(self.sentinels):
            # Who knew of the later failover is silent. Where all tell of an earlier one they were set up anew.
            return accepted._replace(is_up=True)
        if latest.epoch == accepted.epoch:
            # One server may have several names.
            return max((answer for answer in answers if answer.address == accepted.address), default=latest)
        return latest

    async def _ask_all(self, service_name: str) -> list[_SentinelAnswer]:
        asked = [asyncio.ensure_future(_ask(sentinel, service_name)) for sentinel in self.sentinels]
        try:
            for first in asyncio.as_completed(asked):
                with suppress(RedisError, OSError):
                    await first
                    break
            else:
                why = "; ".join({str(question.exception()) for question in asked})
                raise MasterNotFoundError(f"no sentinel tells who is primary of {service_name!r}: {why}")
            answered, _ = await asyncio.wait(asked, timeout=SENTINEL_QUORUM_WAIT_SECONDS)
        finally:
            for question in asked:
                question.cancel()
        return [answer.result() for answer in answered if answer.exception() is None]


async def _ask(sentinel: Redis, service: str) -> _SentinelAnswer:
    # In this order: an address that is newer than its epoch is accepted a moment later, one that is older for long.
    state: Any = await sentinel.sentinel_master(service)
    named: Any = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)  # type: ignore[no-untyped-call]
    found = await named
    if found is None:
        raise MasterNotFoundError(f"a sentinel has just forgotten {service!r}")
    host, port = found
    address = (host.decode() if isinstance(host, bytes) else str(host), int(port))
    # While a successor is being followed by the others it is named already, and the state is that of the one before.
    is_up = address != (state["ip"], state["port"]) or not (state["is_sdown"] or state["is_odown"])
    return _SentinelAnswer(state["config-epoch"], is_up, address)


class PrimaryConnection(SentinelManagedConnection):
    """A connection to whoever is primary when it is dialled, that tells of READONLY as what it is: a refusal."""

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """See redis-py, which would tell of a lost connection after READONLY, and the call would be in doubt."""
        response = await Connection.read_response(self, *args, **kwargs)
        watch: PrimaryMonitor = self.connection_pool.sentinel_manager
        try:
            await watch.verify_is_primary((self.host, self.port))
        except BaseException:
            # As redis-py does where reading fails: more replies may be on their way, to whoever asks next.
            await self.disconnect(nowait=True)
            raise
        return response


class PrimaryTlsConnection(PrimaryConnection, SentinelManagedSSLConnection):
    """The same by TLS."""


class PrimaryMonitor:
    """Gives up connections to a primary that Sentinel has replaced: all that it still takes is lost.

    One that is well goes on for some ten seconds; one that was frozen goes on where it stopped, and carries out what
    it was sent meanwhile. `new_pool` makes the pools that are watched, which ask this one who is primary.
    """

    def __init__(
        self, sentinels: Sentinels, service: str, new_pool: "Callable[[PrimaryMonitor], ConnectionPool]"
    ) -> None:
        self._sentinels = sentinels
        self._service = service
        self._new_pool = new_pool
        self._pools: list[ConnectionPool] = []
        self._primary: Address | None = None
        self._answered_at = -math.inf
        self._lock = asyncio.Lock()

    def new_pool(self) -> ConnectionPool:
        """Connections to the primary."""
        self._pools.append(self._new_pool(self))
        return self._pools[-1]

    async def run(self) -> None:
        """Ask the sentinels for ever."""
        while True:
            with suppress(RedisError, OSError):
                await self.discover_master(self._service)
            await asyncio.sleep(SENTINEL_LOOK_INTERVAL_SECONDS)

    async def verify_is_primary(self, address: Address) -> None:
        """Return if whoever has just answered is the primary; raise where another one has taken its place.

        After a silence in which that may have come about the sentinels are asked first: it is not accepted while they
        miss it either. Where none of them answers it is: they cannot have replaced it.
        """
        if _now() - self._answered_at > PRIMARY_SILENCE_SECONDS:
            async with self._lock:
                if _now() - self._answered_at > PRIMARY_SILENCE_SECONDS:
                    await self._ask_after_silence()
        if self._primary not in {None, address}:
            raise _replaced()
        self._answered_at = _now()

    async def _ask_after_silence(self) -> None:
        try:
            await self.discover_master(self._service)
        except PrimaryIsDownError:
            raise
        except (RedisError, OSError):
            return

    async def discover_master(self, service_name: str) -> Address:
        """Ask the sentinels, and give up the connections to the primary before. Pools ask by redis-py's name."""
        primary = await self._sentinels.discover_master(service_name)
        known, self._primary = self._primary, primary
        if known not in {None, primary}:
            # Those in use too: what is under way on them is in doubt.
            await asyncio.gather(*(pool.disconnect() for pool in self._pools))
        return primary


def _replaced() -> RedisConnectionError:
    return RedisConnectionError("another primary has taken its place")


def _now() -> float:
    return asyncio.get_running_loop().time()
