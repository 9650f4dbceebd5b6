"""The harness itself: what goes wrong on a phone is found."""

import re
import tempfile
from pathlib import Path

import pytest

from tests.web.conftest import NewPhone
from tests.web.support.pairs import ProxiedPair
from tests.web.support.phones import BrowserPhone
from tests.web.support.screens import COLOUR_RULES, axe, photograph
from tests.web.support.troubles import answered

# A page of the harness's own at an instance's address. It has no Content-Security-Policy, so a script may try anything.
BARE = "/bare"
BARE_PAGE = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>bare</title><link rel="icon" href="data:,"><main><h1>Here</h1><p>fine</p></main></html>"""
FETCH = "(path) => fetch(path).then((answer) => answer.status, (error) => error.name)"


@pytest.fixture
def phone(new_phone: NewPhone, shared_pair: ProxiedPair) -> BrowserPhone:
    phone = new_phone(shared_pair.here, None)
    phone.page.route(f"**{BARE}", lambda route: route.fulfill(content_type="text/html", body=BARE_PAGE))
    phone.open(BARE)
    return phone


@pytest.mark.parametrize(
    ("script", "troubles"),
    [
        ("console.log('well'), console.warn('hm'), console.error('oh')", ["console error: oh", "console warning: hm"]),
        ("setTimeout(() => nobody(), 0)", ["page error: ReferenceError: nobody is not defined"]),
        ("void Promise.reject(new TypeError('lost'))", ["page error: TypeError: lost"]),
        ("fetch('/nowhere')", [f"console error: .*{answered(404)}"]),
        (
            "fetch('https://example.org/font.woff2', { mode: 'no-cors' }).catch(() => {})",
            ["console error: .*NAME_NOT_RESOLVED", "foreign request: GET https://example.org/font", "request failed: "],
        ),
        (
            "new Promise((ended) => { new WebSocket('wss://example.org/live').onclose = ended; })",
            ["console error: .*", "foreign request: WebSocket https://example.org/live"],
        ),
    ],
    ids=["console", "error", "rejection", "refused request", "foreign request", "foreign connection"],
)
def test_what_goes_wrong_is_found(phone: BrowserPhone, script: str, troubles: list[str]) -> None:
    phone.page.evaluate(f"async () => {{ await ({script}); }}")
    phone.page.wait_for_timeout(50)  # the browser tells of an error that nothing catches before its own next turn
    phone.settle()
    told = sorted(phone.troubles.take())
    assert [bool(re.match(*pair)) for pair in zip(troubles, told, strict=True)] == [True] * len(troubles), told


def test_only_what_a_test_names_is_passed_over(phone: BrowserPhone) -> None:
    phone.expects(answered(404))
    phone.page.evaluate(FETCH, "/nowhere")
    with phone.tolerating("hm", "never met"):
        phone.page.evaluate("console.warn('hm')")
    assert not phone.troubles.take()
    phone.page.evaluate("console.warn('hm')")
    with pytest.raises(AssertionError, match="console warning: hm"):
        phone.put_away()


def test_unmet_expectation_fails_the_test(phone: BrowserPhone) -> None:
    phone.expects("thunder")
    with pytest.raises(AssertionError, match=r"expected, did not happen: ..thunder"):
        phone.put_away()
    phone.troubles.add("thunder")


def test_a_picture_for_people_is_taken_only_where_they_ask_for_it(
    phone: BrowserPhone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("HUBBUB_SCREENSHOTS", raising=False)
    photograph(phone, "nobody asks")
    assert not list(tmp_path.rglob("*.png"))
    monkeypatch.setenv("HUBBUB_SCREENSHOTS", str(tmp_path / "shots"))
    photograph(phone, "asked for")
    assert [path.name for path in tmp_path.rglob("*.png")] == ["asked-for.png"]


def test_axe_finds_what_is_planted(phone: BrowserPhone) -> None:
    assert not axe(phone)
    phone.page.evaluate("document.querySelector('p').innerHTML = '<img><button></button><b style=color:#ccc>pale</b>'")
    found = axe(phone)
    assert sorted(told.split(": ")[1] for told in found) == ["button-name", "color-contrast", "image-alt"]
    assert [told.split(": ")[1] for told in axe(phone, only_rules=COLOUR_RULES)] == ["color-contrast"]
