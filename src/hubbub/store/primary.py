"""Who is primary under Sentinel: asked when a connection is dialled, and now and then afterwards."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.asyncio import Connection, ConnectionPool
from redis.asyncio.sentinel import Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from hubbub.core.limits import SENTINEL_LOOK_INTERVAL_SECONDS


class PrimaryConnection(SentinelManagedConnection):
    """A connection to whoever is primary when it is dialled, that tells of READONLY as what it is: a refusal."""

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """See redis-py, which would tell of a lost connection, after which the call is in doubt."""
        return await Connection.read_response(self, *args, **kwargs)

    async def on_connect(self) -> None:
        """See redis-py. Whoever was frozen takes the connection, and may answer after another one is primary."""
        await super().on_connect()
        if (self.host, self.port) != await self.connection_pool.get_master_address():
            raise RedisConnectionError("another primary was named while this one was dialled")


class PrimaryTlsConnection(PrimaryConnection, SentinelManagedSSLConnection):
    """The same by TLS."""


class PrimaryWatch:
    """Gives up connections to a primary that Sentinel has replaced.

    Sentinel lets a replaced primary that is well go on for some ten seconds, and all that it takes meanwhile is lost.
    `new_pool` makes the pools that are watched.
    """

    def __init__(self, sentinel: Sentinel, service: str, new_pool: Callable[[], ConnectionPool]) -> None:
        self._sentinel = sentinel
        self._service = service
        self._new_pool = new_pool
        self._pools: list[ConnectionPool] = []

    def new_pool(self) -> ConnectionPool:
        """Connections to the primary."""
        self._pools.append(self._new_pool())
        return self._pools[-1]

    async def watch(self) -> None:
        """Ask the sentinels for ever."""
        known: Any = None
        while True:
            with suppress(RedisError, OSError, TimeoutError):
                primary = await self._sentinel.discover_master(self._service)
                if known not in {None, primary}:
                    # Those in use too: what is under way on them is in doubt.
                    await asyncio.gather(*(pool.disconnect() for pool in self._pools))
                known = primary
            await asyncio.sleep(SENTINEL_LOOK_INTERVAL_SECONDS)
