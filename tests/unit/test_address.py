"""Parse store addresses of every kind."""

import pytest

from hubbub.store.client.address import (
    ClusterAddress,
    Login,
    Node,
    SentinelAddress,
    SingleAddress,
    StoreAddress,
    parse_store_url,
)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://localhost", SingleAddress(Node("localhost", 6379))),
        ("redis://[::1]:6380/3", SingleAddress(Node("::1", 6380), database=3)),
        (
            "rediss://ann:p%40s%3As@Store.example",
            SingleAddress(Node("store.example", 6379), Login("ann", "p@s:s", True)),
        ),
        ("redis://:secret@10.0.0.1", SingleAddress(Node("10.0.0.1", 6379), Login(None, "secret"))),
        (
            "redis+sentinel://a,b:26380,[fd00::1]/main",
            SentinelAddress((Node("a", 26379), Node("b", 26380), Node("fd00::1", 26379)), "main"),
        ),
        (
            "rediss+sentinel://ann:one@a/main?sentinel_username=sue&sentinel_password=t%26w+o",
            SentinelAddress((Node("a", 26379),), "main", Login("ann", "one", True), Login("sue", "t&w+o", True)),
        ),
        ("redis+cluster://a:7000,b", ClusterAddress((Node("a", 7000), Node("b", 6379)))),
        ("REDISS+CLUSTER://ann:one@a/", ClusterAddress((Node("a", 6379),), Login("ann", "one", True))),
    ],
)
def test_address_has_server_and_credentials(url: str, address: StoreAddress) -> None:
    assert parse_store_url(url) == address


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("localhost", "a URL"),
        ("redis+other://a", "redis+cluster://"),
        ("redis://a,b", "one host"),
        ("redis://a?x=y", "without ?"),
        ("redis+cluster://a?x=y", "without ?"),
        ("redis+cluster://a#b", "without ?"),
        ("redis+cluster://a/1", "no databases"),
        ("redis+cluster://a,", "host"),
        ("redis+cluster://[::1", "host"),
        ("redis+cluster://a:65536", "port"),
        ("redis+sentinel://a", "service"),
        ("redis+sentinel://a/main/0", "service"),
        ("redis+sentinel://a/main?db=1", "options"),
        ("redis+sentinel://a/main?sentinel_username=a&sentinel_username=b", "options"),
    ],
)
def test_bad_address_is_refused_with_allowed_forms(url: str, allowed: str) -> None:
    with pytest.raises(ValueError, match=r"without|URL|one host") as caught:
        parse_store_url(url)
    assert allowed in str(caught.value)


def test_node_address_is_formatted() -> None:
    assert str(Node("a", 7000)) == "a:7000"
    assert str(Node("::1", 7000)) == "[::1]:7000"
