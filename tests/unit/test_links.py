"""Join links and their QR codes."""

import pytest

from hubbub.transport.links import JoinLinks, qr_svg


def links(public_url: str | None = None, lan: tuple[str, ...] = ("192.168.1.5", "10.0.0.5")) -> JoinLinks:
    return JoinLinks(public_url, 8080, lambda: lan)


@pytest.mark.parametrize(
    ("host", "link"),
    [
        ("party.example", "http://party.example/p/ABC123"),
        ("192.168.1.9:8080", "http://192.168.1.9:8080/p/ABC123"),
        ("[fd00::1]:8080", "http://[fd00::1]:8080/p/ABC123"),
        ("localhost:8080", "http://192.168.1.5:8080/p/ABC123"),
        ("LOCALHOST", "http://192.168.1.5/p/ABC123"),
        ("127.0.0.1:8080", "http://192.168.1.5:8080/p/ABC123"),
        ("127.9.9.9", "http://192.168.1.5/p/ABC123"),
        ("[::1]:8080", "http://192.168.1.5:8080/p/ABC123"),
        ("0.0.0.0:8080", "http://192.168.1.5:8080/p/ABC123"),
        ("localhost.:9000", "http://192.168.1.5:9000/p/ABC123"),
        ("[::ffff:127.0.0.1]:9000", "http://192.168.1.5:9000/p/ABC123"),
    ],
)
def test_link_uses_reachable_address(host: str, link: str) -> None:
    assert links().join_link("ABC123", "http", host) == link


@pytest.mark.parametrize(
    "host",
    [
        *('evil"><script>', "a@b", "party.example:99999", "party.example:0", "[:::]"),
        *("", "-", "..", "127.1", "2130706433:80", "a" * 300),
    ],
)
def test_link_replaces_unusable_host(host: str) -> None:
    assert links().join_link("ABC123", "http", host) == "http://192.168.1.5:8080/p/ABC123"


def test_link_prefers_public_url() -> None:
    assert links("https://party.example/hub").join_link("ABC123", "http", "localhost:1") == (
        "https://party.example/hub/p/ABC123"
    )


def test_link_without_network_is_loopback() -> None:
    assert links(lan=()).join_link("ABC123", "http", "127.0.0.1:8080") == "http://localhost:8080/p/ABC123"


def test_qr_code_is_svg() -> None:
    picture = qr_svg("http://party.example/p/ABC123")
    assert picture.startswith(b"<svg")
    assert picture != qr_svg("http://party.example/p/ABC124")
