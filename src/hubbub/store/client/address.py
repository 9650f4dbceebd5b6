"""Addresses of stores: parses `REDIS_URL`."""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec

REDIS_PORT_DEFAULT: Final = 6379
SENTINEL_PORT_DEFAULT: Final = 26379
_EXAMPLE: Final = "redis://localhost:6379"
_SENTINEL_EXAMPLE: Final = "redis+sentinel://a:26379,b:26379,c:26379/main"
_KINDS: Final = ("redis", "redis+sentinel", "redis+cluster")
_URL: Final = re.compile(r"([a-z+]+)://([^/?#]*)/?([^?#]*)(\??[^#]*)(#?.*)", re.DOTALL | re.IGNORECASE)
_SERVER: Final = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]*))(?::([^:]*))?")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_SENTINEL_OPTIONS: Final = frozenset({"sentinel_username", "sentinel_password"})
_PORT_MAX: Final = 65535


class StoreTls(msgspec.Struct, frozen=True):
    """PEM files for the TLS of a `rediss://` store, in addition to the system's certificates."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def check(self) -> None:
        """Raise OSError (`ssl.SSLError` is one) if a file cannot be used."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)


class Node(msgspec.Struct, frozen=True, order=True):
    """The address of one server."""

    host: str
    port: int = REDIS_PORT_DEFAULT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Login(msgspec.Struct, frozen=True):
    """Credentials for a server, and whether to use TLS."""

    username: str | None = None
    password: str | None = None
    tls: bool = False


class SingleAddress(msgspec.Struct, frozen=True):
    """A single Redis or Valkey server."""

    node: Node
    login: Login = Login()
    database: int = 0


class SentinelAddress(msgspec.Struct, frozen=True):
    """The primary of a Sentinel service, with the credentials for the sentinels."""

    sentinels: tuple[Node, ...]
    service: str
    login: Login = Login()
    sentinel_login: Login = Login()


class ClusterAddress(msgspec.Struct, frozen=True):
    """A cluster, given by some of its nodes."""

    seeds: tuple[Node, ...]
    login: Login = Login()


StoreAddress = SingleAddress | SentinelAddress | ClusterAddress


def parse_store_url(url: str) -> StoreAddress:
    """Parse `redis://[user:password@]host[:port][/database]`; `rediss://` and the like for TLS.

    `redis+sentinel://…host,host/service` takes several sentinels, a service and the options `sentinel_username` and
    `sentinel_password`; `redis+cluster://…host,host` takes several nodes. Raises ValueError whose text ends the
    sentence "REDIS_URL must be …"; it never repeats the URL, which holds a password.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(f"a URL such as {_EXAMPLE}")
    scheme, authority, path, query, fragment = found.groups()
    secure = scheme.lower().startswith("rediss")
    kind = scheme.lower().replace("rediss", "redis", 1)
    if kind not in _KINDS:
        raise ValueError(
            "a URL that begins with redis://, redis+sentinel:// or redis+cluster://, or with rediss for redis"
        )
    if fragment or (query and kind != "redis+sentinel"):
        raise ValueError("without ? and #: only Sentinel takes options there")
    user_info, _, hosts = authority.rpartition("@")
    login = _login(user_info, tls=secure)
    if kind == "redis+sentinel":
        options = _options(query)
        return SentinelAddress(
            _nodes(hosts, SENTINEL_PORT_DEFAULT),
            _service(path),
            login,
            Login(options.get("sentinel_username"), options.get("sentinel_password"), secure),
        )
    nodes = _nodes(hosts, REDIS_PORT_DEFAULT)
    if kind == "redis+cluster":
        if path.strip("/"):
            raise ValueError("without a path: a cluster has no databases")
        return ClusterAddress(nodes, login)
    if len(nodes) > 1:
        raise ValueError("one host: several are for redis+sentinel:// and redis+cluster://")
    return SingleAddress(nodes[0], login, _database(path))


def is_host(text: str) -> bool:
    """Return whether `text` is an IP address or a valid host name, without a port."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return True


def _login(user_info: str, *, tls: bool) -> Login:
    username, _, password = user_info.partition(":")
    return Login(unquote(username) or None, unquote(password) or None, tls)


def _nodes(hosts: str, port_default: int) -> tuple[Node, ...]:
    if not hosts:
        raise ValueError(f"a URL with a host name, such as {_EXAMPLE}")
    return tuple(_node(server, port_default) for server in hosts.split(","))


def _node(server: str, port_default: int) -> Node:
    found = _SERVER.fullmatch(server)
    host = (found[1] or found[2]) if found else None
    if found is None or not host or not is_host(host):
        raise ValueError(f"a URL whose host is a name or an address, such as {_EXAMPLE}")
    port = found[3]
    if not port:
        return Node(host.lower(), port_default)
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= _PORT_MAX:
        raise ValueError("a URL whose port is a number from 1 to 65535")
    return Node(host.lower(), int(port))


def _database(path: str) -> int:
    number = path.strip("/")
    if not number:
        return 0
    if not re.fullmatch(r"[0-9]{1,5}", number):
        raise ValueError("a URL whose path is empty or the number of a database, such as /0")
    return int(number)


def _service(path: str) -> str:
    service = unquote(path)
    if not _HOST_NAME.fullmatch(service):
        raise ValueError(f"a URL whose path is the name of Sentinel's service and no more, such as {_SENTINEL_EXAMPLE}")
    return service


def _options(query: str) -> Mapping[str, str]:
    options: dict[str, str] = {}
    for option in query[1:].split("&") if query[1:] else ():
        name, _, value = option.partition("=")
        if name not in _SENTINEL_OPTIONS or name in options:
            raise ValueError("without options other than sentinel_username and sentinel_password, each once")
        options[name] = unquote(value)
    return options
