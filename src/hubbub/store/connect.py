"""From an address to a connection: what kinds of store there are, and how each is dialled."""

import ipaddress
import re
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec
from redis.asyncio import ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection, Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from hubbub.core.limits import STORE_BUDGET_SECONDS

REDIS_PORT_DEFAULT: Final = 6379
_PLAIN, _TLS = "redis", "rediss"
_NOT_YET: Final = frozenset({"redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"})
_EXAMPLE: Final = "redis://localhost:6379"
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_CONNECTIONS_MAX: Final = 4
"""One batch is in flight at a time; the rest is room for connections that are being given up."""


class StoreTls(msgspec.Struct, frozen=True):
    """What the TLS of a `rediss://` store needs beyond the system's own certificates, as PEM files."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def check(self) -> None:
        """Raise OSError (`ssl.SSLError` is one) where a file cannot be used."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)


class StoreAddress(msgspec.Struct, frozen=True):
    """Where a single Redis or Valkey server listens, and who we are to it."""

    host: str
    port: int = REDIS_PORT_DEFAULT
    username: str | None = None
    password: str | None = None
    database: int = 0
    tls: bool = False


def parse_store_url(url: str) -> StoreAddress:
    """The address in `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS.

    Raises ValueError whose text ends the sentence "REDIS_URL must be …"; it never repeats the URL, which
    holds a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"a URL such as {_EXAMPLE}") from None
    if parts.scheme in _NOT_YET:
        raise ValueError("redis:// or rediss:// in this version: Sentinel and Cluster are not supported yet")
    if parts.scheme not in {_PLAIN, _TLS}:
        raise ValueError("a URL that begins with redis:// or rediss://")
    if parts.query or parts.fragment:
        raise ValueError("without ? and #: a single server takes no options there")
    return StoreAddress(
        host=_host(parts),
        port=_port(parts),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        database=_database(parts),
        tls=parts.scheme == _TLS,
    )


def is_host(text: str) -> bool:
    """Whether `text` is an address or can be a host's name; without a port, which is a setting of its own."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return True


def _host(parts: SplitResult) -> str:
    if not parts.hostname:
        raise ValueError(f"a URL with a host name, such as {_EXAMPLE}")
    if "," in parts.netloc:
        raise ValueError("one host: several are for Sentinel and Cluster")
    if not is_host(parts.hostname):
        raise ValueError(f"a URL whose host is a name or an address, such as {_EXAMPLE}")
    return parts.hostname


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("a URL whose port is a number from 1 to 65535")
    return port or REDIS_PORT_DEFAULT


def _database(parts: SplitResult) -> int:
    path = parts.path.strip("/")
    if not path:
        return 0
    if not re.fullmatch(r"[0-9]{1,5}", path):
        raise ValueError("a URL whose path is empty or the number of a database, such as /0")
    return int(path)


def server_pool(address: StoreAddress, tls: StoreTls, client_name: str) -> ConnectionPool:
    """Connections to a single server."""
    connection: type[AbstractConnection] = Connection
    extra: dict[str, Any] = {"host": address.host, "port": address.port, "db": address.database}
    if address.tls:
        connection = SSLConnection
        extra |= {
            "ssl_ca_certs": _path(tls.ca_file),
            "ssl_certfile": _path(tls.cert_file),
            "ssl_keyfile": _path(tls.key_file),
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
        }
    if address.password is not None:
        extra |= {"username": address.username, "password": address.password}
    return _pool(connection, client_name, **extra)


def socket_pool(path: str, client_name: str) -> ConnectionPool:
    """Connections to the embedded engine."""
    return _pool(UnixDomainSocketConnection, client_name, path=path)


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _pool(connection: type[AbstractConnection], client_name: str, **extra: Any) -> ConnectionPool:
    return ConnectionPool(
        connection_class=connection,
        max_connections=_CONNECTIONS_MAX,
        client_name=client_name,
        protocol=2,
        # No retries: redis-py would run a command again whose answer was lost.
        retry=Retry(NoBackoff(), 0),
        # Every call has a deadline of its own; this one bounds dialling for calls that nobody waits for any more.
        socket_connect_timeout=STORE_BUDGET_SECONDS,
        socket_timeout=None,
        driver_info=None,
        **extra,
    )
