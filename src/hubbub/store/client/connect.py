"""Opens the connections of an instance to its store: single server, Sentinel, Cluster or embedded engine."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff

from hubbub.core.limits import SENTINEL_ANSWER_SECONDS, STORE_BUDGET_SECONDS, STORE_CONNECTIONS_MAX
from hubbub.store.client.address import (
    ClusterAddress,
    Login,
    Node,
    SentinelAddress,
    SingleAddress,
    StoreAddress,
    StoreTls,
)
from hubbub.store.client.batcher import Batcher
from hubbub.store.client.cluster import ClusterHealth, ClusterScriptClient
from hubbub.store.client.primaries import PrimaryDirectory, SinglePrimary
from hubbub.store.client.script_client import ScriptClient
from hubbub.store.client.sentinel import PrimaryConnection, PrimaryMonitor, PrimaryTlsConnection, Sentinels
from hubbub.store.client.topology import Topology
from hubbub.store.health import StoreHealth


async def _no_monitor() -> None:
    await asyncio.Event().wait()


class StoreConnections(msgspec.Struct, frozen=True):
    """An instance's connections to its store.

    `client` runs scripts, `create_client` those of creates, which may wait for replicas. `monitor` must run as long
    as the connections are used. It ends only when it is cancelled.
    """

    client: ScriptClient
    create_client: ScriptClient
    directory: PrimaryDirectory
    closing: tuple[Callable[[], Awaitable[None]], ...]
    monitor: Callable[[], Coroutine[None, None, None]] = _no_monitor

    async def aclose(self) -> None:
        """Fail every call that is still open and close the connections."""
        for close in self.closing:
            await close()


def open_store(
    address: StoreAddress, tls: StoreTls, client_name: str, health: StoreHealth, replicas: int = 0
) -> StoreConnections:
    """Open a store at an address. Connections are made at the first use."""
    if isinstance(address, ClusterAddress):
        return _open_cluster(address, tls, client_name, health, replicas)
    if isinstance(address, SentinelAddress):
        # One object for all pools, so that each sentinel that is down is found once.
        sentinels = _sentinels(address, tls)
        primary = PrimaryMonitor(sentinels, address.service, partial(_primary_pool, address, tls, client_name))
        connections = _open_one(SinglePrimary(address.service, primary.new_pool), health, replicas, sentinels.aclose)
        return msgspec.structs.replace(connections, monitor=primary.run)
    return _open_one(
        SinglePrimary(str(address.node), partial(server_pool, address, tls, client_name)), health, replicas
    )


def open_embedded(path: str, client_name: str, health: StoreHealth) -> StoreConnections:
    """Open the embedded engine by the path of its socket."""
    return _open_one(SinglePrimary(path, partial(socket_pool, path, client_name)), health)


def server_pool(address: SingleAddress, tls: StoreTls, client_name: str) -> ConnectionPool:
    """Return a pool of connections to a single server."""
    return _node_pool(address.login, tls, client_name, address.node, db=address.database)


def socket_pool(path: str, client_name: str) -> ConnectionPool:
    """Return a pool of connections to the embedded engine."""
    return ConnectionPool(connection_class=UnixDomainSocketConnection, path=path, **_pool_options(client_name))


def _open_one(
    server: SinglePrimary,
    health: StoreHealth,
    replicas: int = 0,
    *closing: Callable[[], Awaitable[None]],
) -> StoreConnections:
    client = create_client = Batcher(server.new_pool(), health)
    if replicas:
        create_client = Batcher(server.new_pool(), health, replicas)
    return StoreConnections(client, create_client, server, (create_client.aclose, client.aclose, *closing))


def _open_cluster(
    address: ClusterAddress, tls: StoreTls, client_name: str, health: StoreHealth, replicas: int
) -> StoreConnections:
    topology = Topology(address.seeds, partial(_node_pool, address.login, tls, client_name))
    cluster_health = ClusterHealth(health)
    client = create_client = ClusterScriptClient(topology, cluster_health)
    if replicas:
        create_client = ClusterScriptClient(topology, cluster_health, replicas)
    return StoreConnections(client, create_client, topology, (create_client.aclose, client.aclose, topology.aclose))


def _node_pool(login: Login, tls: StoreTls, client_name: str, node: Node, **more: Any) -> ConnectionPool:
    connection: type[AbstractConnection] = SSLConnection if login.tls else Connection
    where = {"host": node.host, "port": node.port, **more}
    return ConnectionPool(
        connection_class=connection, **where, **_login_options(login, tls), **_pool_options(client_name)
    )


def _primary_pool(address: SentinelAddress, tls: StoreTls, client_name: str, watch: PrimaryMonitor) -> ConnectionPool:
    connection = PrimaryTlsConnection if address.login.tls else PrimaryConnection
    access = _login_options(address.login, tls)
    pooling = _pool_options(client_name)
    return SentinelConnectionPool(  # type: ignore[no-untyped-call]
        address.service, watch, connection_class=connection, **access, **pooling
    )


def _sentinels(address: SentinelAddress, tls: StoreTls) -> Sentinels:
    addresses = [(node.host, node.port) for node in address.sentinels]
    seconds = {"socket_timeout": SENTINEL_ANSWER_SECONDS, "socket_connect_timeout": SENTINEL_ANSWER_SECONDS}
    encryption = {"ssl": True} if address.sentinel_login.tls else {}
    kwargs = {**_connection_options(), **seconds, **encryption, **_login_options(address.sentinel_login, tls)}
    return Sentinels(addresses, sentinel_kwargs=kwargs)


def _login_options(login: Login, tls: StoreTls) -> dict[str, Any]:
    """Return redis-py's options for the login and for TLS."""
    access: dict[str, Any] = {}
    if login.password is not None:
        access |= {"username": login.username, "password": login.password}
    if login.tls:
        access |= {
            "ssl_ca_certs": _path(tls.ca_file),
            "ssl_certfile": _path(tls.cert_file),
            "ssl_keyfile": _path(tls.key_file),
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
        }
    return access


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _connection_options() -> dict[str, Any]:
    # No retries. Otherwise redis-py would execute a command again whose answer was lost.
    return {"protocol": 2, "retry": Retry(NoBackoff(), 0), "driver_info": None}


def _pool_options(client_name: str) -> dict[str, Any]:
    return {
        **_connection_options(),
        "max_connections": STORE_CONNECTIONS_MAX,
        "client_name": client_name,
        # Every call has its own deadline. This one limits connecting after all callers have gone.
        "socket_connect_timeout": STORE_BUDGET_SECONDS,
        "socket_timeout": None,
    }
