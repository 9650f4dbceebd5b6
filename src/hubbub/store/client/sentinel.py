"""Finds the primary under Sentinel: on each new connection, after a silence, and at intervals."""

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
from hubbub.loop import now

Address = tuple[str, int]


class PrimaryIsDownError(MasterNotFoundError):
    """Raised if the sentinels do not reach the primary and no failover has happened yet."""


class _SentinelAnswer(NamedTuple):
    """The primary as one sentinel names it. The greatest answer wins.

    A higher `epoch` is of a later failover. At the same epoch, a sentinel that sees the primary up wins: one that
    sees it down may be cut off itself.
    """

    epoch: int
    is_up: bool
    address: Address


class Sentinels(Sentinel):
    """The sentinels of a store. The answer with the latest failover is accepted.

    Sentinels learn of a failover within seconds of each other. Until then some name a primary that was replaced.
    """

    def __init__(self, addresses: Sequence[Address], **kwargs: Any) -> None:
        super().__init__(addresses, **kwargs)  # type: ignore[no-untyped-call]
        self._accepted: _SentinelAnswer | None = None
        self._asking = asyncio.Lock()

    async def discover_master(self, service_name: str) -> Address:
        """See redis-py, which takes the first answer."""
        # One query at a time. Otherwise an answer from before a failover could arrive last.
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
            # The sentinel that knew the later failover does not answer. If all answer with an earlier epoch,
            # Sentinel was set up anew.
            return accepted._replace(is_up=True)
        if latest.epoch == accepted.epoch:
            # One server can have several addresses.
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
    # In this order. An address newer than its epoch is corrected in a moment; an older one would stay accepted.
    state: Any = await sentinel.sentinel_master(service)
    named: Any = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)  # type: ignore[no-untyped-call]
    found = await named
    if found is None:
        raise MasterNotFoundError(f"a sentinel has just forgotten {service!r}")
    host, port = found
    address = (host.decode() if isinstance(host, bytes) else str(host), int(port))
    # During a failover the sentinel names the new primary already, and its state is still that of the old one.
    is_up = address != (state["ip"], state["port"]) or not (state["is_sdown"] or state["is_odown"])
    return _SentinelAnswer(state["config-epoch"], is_up, address)


class PrimaryConnection(SentinelManagedConnection):
    """A connection to the primary of the moment it connects. It reports READONLY as a refusal."""

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """See redis-py, which turns READONLY into a lost connection. That would put the call in doubt."""
        response = await Connection.read_response(self, *args, **kwargs)
        monitor: PrimaryMonitor = self.connection_pool.sentinel_manager
        try:
            await monitor.verify_is_primary((self.host, self.port))
        except BaseException:
            # Otherwise the next caller could read a reply that belongs to this one.
            await self.disconnect(nowait=True)
            raise
        return response


class PrimaryTlsConnection(PrimaryConnection, SentinelManagedSSLConnection):
    """A `PrimaryConnection` over TLS."""


class PrimaryMonitor:
    """Closes connections to a primary that Sentinel has replaced, since its later writes are lost.

    A replaced primary that is up takes writes for some ten seconds. One that was frozen continues where it stopped
    and executes what was sent to it meanwhile. The pools that `new_pool` makes ask this monitor for the primary.
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
        """Return a new pool of connections to the primary."""
        self._pools.append(self._new_pool(self))
        return self._pools[-1]

    async def run(self) -> None:
        """Query the sentinels at intervals until cancelled."""
        while True:
            with suppress(RedisError, OSError):
                await self.discover_master(self._service)
            await asyncio.sleep(SENTINEL_LOOK_INTERVAL_SECONDS)

    async def verify_is_primary(self, address: Address) -> None:
        """Return if the server at `address` is the primary; raise if another one has replaced it.

        After a silence long enough for a failover, query the sentinels first. Raise while they do not reach the
        server either. If no sentinel answers, accept the server: they cannot have replaced it.
        """
        if now() - self._answered_at > PRIMARY_SILENCE_SECONDS:
            async with self._lock:
                if now() - self._answered_at > PRIMARY_SILENCE_SECONDS:
                    await self._ask_after_silence()
        if self._primary not in {None, address}:
            raise _replaced()
        self._answered_at = now()

    async def _ask_after_silence(self) -> None:
        try:
            await self.discover_master(self._service)
        except PrimaryIsDownError:
            raise
        except (RedisError, OSError):
            return

    async def discover_master(self, service_name: str) -> Address:
        """Query the sentinels and close connections to a replaced primary. redis-py's pools call this name."""
        primary = await self._sentinels.discover_master(service_name)
        known, self._primary = self._primary, primary
        if known not in {None, primary}:
            # Close those in use too. Their calls are in doubt.
            await asyncio.gather(*(pool.disconnect() for pool in self._pools))
        return primary


def _replaced() -> RedisConnectionError:
    return RedisConnectionError("another primary has taken its place")
