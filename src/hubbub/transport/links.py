"""Join links and their QR codes."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from io import BytesIO
from typing import NamedTuple
from urllib.parse import urlsplit

import segno

from hubbub.core.limits import HOST_HEADER_CHARS_MAX, QR_CODES_CACHED

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::[1-9][0-9]{{0,4}})?")


class JoinLinks:
    """Makes join links: with the public URL if it is set, else with the host that the caller used.

    A phone cannot reach a loopback host: the first of `lan_addresses()` replaces it. If the host is invalid, the link
    has that address and `port`, on which this instance listens.
    """

    def __init__(self, public_url: str | None, port: int, lan_addresses: Callable[[], Sequence[str]]) -> None:
        self._public_url = public_url
        self._port = port
        self._lan_addresses = lan_addresses

    def join_link(self, code: str, scheme: str, host: str) -> str:
        """Return the join link for a request that used `scheme` and `host` (name or address, port)."""
        return f"{self._public_url or self._base(scheme, host)}/p/{code}"

    def _base(self, scheme: str, host: str) -> str:
        parsed = _parse_host(host)
        if parsed is not None and not _is_loopback(parsed.name):
            return f"{scheme}://{host}"
        here = next(iter(self._lan_addresses()), "localhost")
        port = self._port if parsed is None else parsed.port
        return f"{scheme}://{here}" if port is None else f"{scheme}://{here}:{port}"


class _Host(NamedTuple):
    name: str
    port: int | None


def is_host(text: str) -> bool:
    """Return whether `text` is a valid Host header: a name or an address, optionally with a port."""
    return _parse_host(text) is not None


def _parse_host(host: str) -> _Host | None:
    """Split a Host header; None if it is invalid."""
    if len(host) > HOST_HEADER_CHARS_MAX or not _HOST.fullmatch(host):
        return None
    try:
        parts = urlsplit(f"//{host}")
        name, port = (parts.hostname or "").rstrip("."), parts.port
        if not set(name) <= set("0123456789."):
            return _Host(name, port)
        return _Host(str(ipaddress.IPv4Address(name)), port)  # all digits, so an address or nothing
    except ValueError:
        return None


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip = ipaddress.ip_address(name)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_unspecified


@lru_cache(QR_CODES_CACHED)
def qr_svg(link: str) -> bytes:
    """Draw `link` as a QR code in SVG, with the quiet zone that scanners need and the link in `desc`."""
    picture = BytesIO()
    code = segno.make_qr(link, error="m")
    code.save(picture, kind="svg", scale=8, border=4, light="#fff", desc=link, xmldecl=False, nl=False)
    return picture.getvalue()
