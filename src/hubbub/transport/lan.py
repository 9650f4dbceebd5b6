"""The addresses of this machine for phones in the same network."""

import ipaddress
import socket

import psutil

_ANYWHERE = ("192.0.2.1", 9)
"""A documentation address (RFC 5737). Connecting a UDP socket sends nothing; it only looks up the route."""


def lan_addresses() -> list[str]:
    """List this machine's IPv4 addresses except loopback and link-local ones, the default route's first."""
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    found = [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        if name in up
        for address in addresses
        if address.family == socket.AF_INET and _reaches_others(address.address)
    ]
    first = _default_route_address()
    return sorted(found, key=lambda address: address != first)


def _reaches_others(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return not (ip.is_loopback or ip.is_link_local or ip.is_unspecified)


def _default_route_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return None
        return str(probe.getsockname()[0])
