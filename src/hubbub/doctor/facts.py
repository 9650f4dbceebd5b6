"""Collect facts about a store's server with the rights of Hubbub's user; `checks` rates them.

Nothing here harms a store in use: each script that writes uses keys of no party and deletes them itself. Every
request has a timeout.
"""

import asyncio
import math
import secrets
import ssl
import time
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

import msgspec
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection, SSLConnection
from redis.exceptions import NoPermissionError, RedisError

from hubbub.core.clock import ClockOffset
from hubbub.core.limits import (
    DOCTOR_REPLICAS_WAIT_SECONDS,
    DOCTOR_ROUND_TRIPS_SECONDS_MAX,
    DOCTOR_SECONDS_MAX,
    ID_BYTES,
    STORE_BUDGET_SECONDS,
)
from hubbub.loop import now
from hubbub.store import keys, scripts
from hubbub.store.client.address import Node
from hubbub.store.client.batcher import Batcher
from hubbub.store.client.connect import StoreConnections
from hubbub.store.client.errors import failure_of
from hubbub.store.client.primaries import PrimaryDirectory
from hubbub.store.health import StoreHealth
from hubbub.store.port import StoreFailure, StoreUnavailableError

DANGEROUS_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "FLUSHALL": (),
    "KEYS": ("*",),
    "CONFIG SET": ("maxmemory", "0"),
    "ACL SETUSER": ("someone",),
    "SHUTDOWN": (),
}
"""Commands that Hubbub does not need and that could do great harm, with arguments for `ACL DRYRUN`."""
_DANGEROUS_PROBES: Final = ("LASTSAVE", "SORT")
"""Harmless commands of the category @dangerous: a user with these rights probably has the other rights too."""
_CONFIG: Final = ("save", "appendfsync", "maxmemory-policy", "min-replicas-to-write", "min-replicas-max-lag")
_REPLICAS_COUNTED_MAX: Final = 5
_UNREACHABLE_FAILURES: Final = frozenset({StoreFailure.UNREACHABLE, StoreFailure.TIMEOUT})


class Server(msgspec.Struct, frozen=True):
    """A server to inspect, with a connection pool of its own.

    `code` belongs to no party. On a Cluster its keys lie on this server.
    """

    name: str
    pool: ConnectionPool
    code: str = "doctor"


async def servers_of(connections: StoreConnections, deadline: float) -> list[Server]:
    """Return every primary of a store; raise `StoreUnavailableError` if none is known by `deadline`."""
    directory = connections.directory
    await directory.wait_known(deadline)
    return [
        Server(directory.name_of(primary), directory.new_pool(primary), _code_on(directory, primary))
        for primary in directory.primaries()
    ]


def _code_on(directory: PrimaryDirectory, primary: Node) -> str:
    codes = (f"doctor{number}" for number in count())
    return next(code for code in codes if directory.primary_of(keys.party(code)) == primary)


class ConnectionInfo(msgspec.Struct, frozen=True):
    """The connection to the server; `peer` is its address, None for a Unix socket."""

    peer: str | None
    tls: bool = False
    certificate_ends: float | None = None
    password: bool = False


class Rights(msgspec.Struct, frozen=True):
    """The user's rights.

    `refused` are commands with the keys on which the server refused them. On `unreachable_channels` the user may not
    publish or subscribe. `powers` are dangerous commands that the user may run without need.
    """

    user: str | None
    refused: tuple[tuple[str, str], ...] = ()
    unreachable_channels: tuple[str, ...] = ()
    powers: tuple[str, ...] = ()
    can_touch_foreign_keys: bool = False


class ClocksApart(msgspec.Struct, frozen=True):
    """Bounds of the store's clock minus this machine's, in ms."""

    at_least_ms: float
    at_most_ms: float


class Facts(msgspec.Struct, frozen=True):
    """Everything known about a server. None means not permitted or not tried.

    `info` and `config` are the replies of `INFO` and `CONFIG GET`; `refusal` is why the server takes no writes;
    `replicas` is the reply of `WAIT`; `event_ms` is infinite if a published payload did not arrive.
    """

    server: str
    connection: ConnectionInfo
    product: str = ""
    version: str = ""
    role: str = ""
    info: Mapping[str, Any] | None = None
    config: Mapping[str, str] | None = None
    replicas: int | None = None
    refusal: StoreUnavailableError | None = None
    rights: Rights | None = None
    round_trips_ms: tuple[float, ...] = ()
    event_ms: float | None = None
    clocks: ClocksApart | None = None


class _ChannelDeniedError(Exception):
    """The user may not publish to the channel, or not subscribe to it."""


async def inspect(server: Server, round_trips: int) -> Facts:
    """Collect the facts; raise `StoreUnavailableError` if the server rejects us or does not answer.

    Closes all connections of the server's pool at the end.
    """
    batcher = Batcher(server.pool, StoreHealth())
    try:
        async with asyncio.timeout(DOCTOR_SECONDS_MAX):
            connection = await _reach(server.pool)
            return await _Inspection(server, batcher).facts(connection, round_trips)
    except TimeoutError:
        raise StoreUnavailableError(
            StoreFailure.TIMEOUT, f"the checks took longer than {DOCTOR_SECONDS_MAX} s"
        ) from None
    finally:
        await batcher.aclose()


class _Inspection:
    """The requests to one server."""

    def __init__(self, server: Server, batcher: Batcher) -> None:
        self._server = server
        self._batcher = batcher
        self._client = Redis(connection_pool=server.pool)

    async def facts(self, connection: ConnectionInfo, round_trips: int) -> Facts:
        info = await self._ask("INFO")
        product, version, role = _identity(await self._ask("HELLO"), info or {})
        found = Facts(
            server=self._server.name,
            connection=connection,
            product=product,
            version=version,
            role=role,
            info=info,
            config=_texts(await self._ask("CONFIG", "GET", *_CONFIG)),
            replicas=await self._ask("WAIT", _REPLICAS_COUNTED_MAX, int(DOCTOR_REPLICAS_WAIT_SECONDS * 1000)),
        )
        try:
            await self._call(scripts.PING)
        except StoreUnavailableError as refusal:
            if refusal.failure in _UNREACHABLE_FAILURES:
                raise
            return msgspec.structs.replace(found, refusal=refusal)
        return await self._try_writes(found, round_trips)

    async def _try_writes(self, found: Facts, round_trips: int) -> Facts:
        """Add what only a server that takes writes can show: round trips, rights, events and the clock."""
        sample = await self._round_trips(round_trips)
        clock = self._batcher.clock
        rights = await self._rights()
        took: list[float] = []
        unreachable_channels: list[str] = []
        for channel in (keys.events(self._server.code), keys.probe(keys.party(self._server.code), "doctor")):
            try:
                took.append(await self._event_ms(channel))
            except _ChannelDeniedError:
                unreachable_channels.append(channel)
        return msgspec.structs.replace(
            found,
            rights=msgspec.structs.replace(rights, unreachable_channels=tuple(unreachable_channels)),
            round_trips_ms=sample,
            event_ms=None if unreachable_channels else max(took),
            clocks=None if clock is None else _clocks_apart(clock),
        )

    async def _round_trips(self, count: int) -> tuple[float, ...]:
        """Measure up to `count` round trips of the write probe, in ms; stop early if they take too long."""
        took: list[float] = []
        # The loop's clock may count whole milliseconds.
        end = time.perf_counter() + DOCTOR_ROUND_TRIPS_SECONDS_MAX
        while len(took) < count and (started := time.perf_counter()) < end:
            await self._call(scripts.PING)
            took.append((time.perf_counter() - started) * 1000)
        return tuple(took)

    async def _rights(self) -> Rights:
        user = await self._ask("ACL", "WHOAMI")
        name = None if user is None else user.decode()
        refused: list[tuple[str, str]] = []
        for key in (*keys.party_keys(self._server.code), keys.doctor_key(self._server.code)):
            refused += [(command, key) for command in await self._refused_on(key)]
        # The server may have cached the scripts. Without this, a missing right to send them would not show.
        if await self._ask("EVAL", "return 1", 0) is None:
            refused.append(("EVAL", ""))
        foreign_key = keys.foreign_key(self._server.code)
        foreign = [await self._ask("EXISTS", foreign_key), await self._ask("SPUBLISH", foreign_key, "")]
        return Rights(
            name,
            refused=tuple(refused),
            powers=await self._powers(name),
            can_touch_foreign_keys=any(reply is not None for reply in foreign),
        )

    async def _refused_on(self, key: str) -> tuple[str, ...]:
        """Return the commands that the user may not run on `key`."""
        try:
            _, *refused = await self._call(scripts.CHECK_PERMISSIONS, (key,))
        except StoreUnavailableError as unavailable:
            _raise_unless_refused(unavailable)
            return ("EVALSHA",)
        return tuple(dict.fromkeys(command.decode() for command in refused))

    async def _powers(self, user: str | None) -> tuple[str, ...]:
        """Return the dangerous commands that the user may run; by harmless examples if it may not run `ACL DRYRUN`."""
        if user is not None and await self._ask("ACL", "DRYRUN", user, "PING") is not None:
            return tuple(
                [
                    command
                    for command, args in DANGEROUS_COMMANDS.items()
                    if await self._ask("ACL", "DRYRUN", user, *command.split(), *args) == b"OK"
                ]
            )
        key = (keys.doctor_key(self._server.code),)
        return tuple(
            [
                command
                for command in _DANGEROUS_PROBES
                if await self._ask(command, *(key if command == "SORT" else ())) is not None
            ]
        )

    async def _event_ms(self, channel: str) -> float:
        """Measure the milliseconds from a script's publish until the payload arrives here.

        Infinite if the payload does not arrive although the user has the rights. Raises `_ChannelDeniedError`.
        """
        payload = secrets.token_urlsafe(ID_BYTES)
        connection = await _open(self._server.pool)
        try:
            async with asyncio.timeout(STORE_BUDGET_SECONDS):
                await connection.send_command("SSUBSCRIBE", channel)
                await connection.read_response()
            started = time.perf_counter()
            await self._publish(channel, payload)
            async with asyncio.timeout(STORE_BUDGET_SECONDS):
                while (await connection.read_response())[-1] != payload.encode():
                    pass
            return (time.perf_counter() - started) * 1000
        except TimeoutError:
            return math.inf
        except NoPermissionError:
            raise _ChannelDeniedError from None
        except (RedisError, OSError) as error:
            raise _unavailable(error) from None
        finally:
            await connection.disconnect(nowait=True)
            await self._server.pool.release(connection)

    async def _publish(self, channel: str, payload: str) -> None:
        """Publish by script as instances do.

        The script names the channel as a key. If the user has no right to that key, publish by command.
        """
        try:
            await self._call(scripts.PROBE, (channel,), (payload,))
        except StoreUnavailableError as unavailable:
            _raise_unless_refused(unavailable)
            if await self._ask("SPUBLISH", channel, payload) is None:
                raise _ChannelDeniedError from None

    async def _call(
        self, script: scripts.Script, names: tuple[str, ...] = (), args: tuple[str | bytes | int, ...] = ()
    ) -> Any:
        return await self._batcher.call(script, names, args, now() + STORE_BUDGET_SECONDS)

    async def _ask(self, *args: str | int) -> Any:
        """Return the reply to a command; None if the server refuses or does not know it, as managed services may."""
        try:
            async with asyncio.timeout(STORE_BUDGET_SECONDS):
                return await self._client.execute_command(*args)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            unavailable = _unavailable(error)
            if unavailable.failure in _UNREACHABLE_FAILURES:
                raise unavailable from None
            return None


async def _reach(pool: ConnectionPool) -> ConnectionInfo:
    """Describe the connection after the server has accepted it; raise `StoreUnavailableError`."""
    connection = await _open(pool)
    try:
        password = pool.connection_kwargs.get("password") is not None
        tls = isinstance(connection, SSLConnection)
        # redis-py has no public peer address. If its private attribute is missing, the address is unknown.
        writer = getattr(connection, "_writer", None)
        if writer is None:
            return ConnectionInfo(None, tls=tls, password=password)
        peer = writer.get_extra_info("peername")
        certificate = writer.get_extra_info("peercert") or {}
        ends = certificate.get("notAfter")
        return ConnectionInfo(
            peer[0] if isinstance(peer, tuple) else None,
            tls=tls,
            certificate_ends=None if ends is None else ssl.cert_time_to_seconds(ends),
            password=password,
        )
    finally:
        await pool.release(connection)


async def _open(pool: ConnectionPool) -> AbstractConnection:
    try:
        async with asyncio.timeout(STORE_BUDGET_SECONDS):
            connection: AbstractConnection = await pool.get_connection()  # type: ignore[no-untyped-call]
            return connection
    except (RedisError, OSError) as error:
        raise _unavailable(error) from None


def _raise_unless_refused(unavailable: StoreUnavailableError) -> None:
    """Re-raise unless the failure is a refusal: only a refusal says something about rights."""
    if unavailable.failure not in {StoreFailure.NOT_PERMITTED, StoreFailure.REFUSED}:
        raise unavailable


def _unavailable(error: Exception) -> StoreUnavailableError:
    """Convert an error. asyncio's TimeoutError is an OSError without text, so it gets a sentence here."""
    if isinstance(error, TimeoutError):
        return StoreUnavailableError(StoreFailure.TIMEOUT, f"no answer within {STORE_BUDGET_SECONDS} s")
    return StoreUnavailableError(failure_of(error), str(error))


def _identity(greeting: Any, info: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return product, version and role from `HELLO` or else `INFO`; empty if neither has them."""
    hello = _texts(greeting) or {}
    product = hello.get("server", "valkey" if "valkey_version" in info else "redis" if info else "")
    # Valkey also reports the Redis version that it is compatible with.
    version = info.get("valkey_version") or hello.get("version") or info.get("redis_version", "")
    role = hello.get("role") or info.get("role", "")
    return product, str(version), "replica" if role == "slave" else role


def _texts(reply: Any) -> dict[str, str] | None:
    """Convert a reply of alternating names and values to text."""
    if reply is None:
        return None
    pairs = reply.items() if isinstance(reply, Mapping) else zip(reply[::2], reply[1::2], strict=True)
    return {_text(name): _text(value) for name, value in pairs}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _clocks_apart(clock: ClockOffset) -> ClocksApart:
    here_ms = time.time() * 1000 - now() * 1000
    return ClocksApart(clock.at_least - here_ms, clock.at_most - here_ms)
