"""The harness itself: what goes wrong on a phone is found, and what tests look with sees."""

import re
import tempfile
import time
from pathlib import Path
from typing import Unpack

import pytest
from playwright.sync_api import expect

from tests.web.conftest import NewLine, NewPhone
from tests.web.support.pairs import ProxiedPair
from tests.web.support.phones import BrowserPhone, Kind, Place
from tests.web.support.screens import (
    COLOUR_RULES,
    axe,
    decode_qr,
    offline,
    photograph,
    screenshot,
    throttled,
    wire_bytes,
)
from tests.web.support.troubles import SOCKET_FAILED, UNREACHABLE, answered

# A page of the harness's own at an instance's address. It has no Content-Security-Policy, so a script may try anything.
BARE = "/bare"
BARE_PAGE = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>bare</title><link rel="icon" href="data:,"><main><h1>Here</h1><p>fine</p></main></html>"""
# A page that an instance did send: only such may open a live connection to this machine.
PING = "/api/ping"
# What Chromium asks for by itself where a page (here a document of JSON) names no icon.
ICON = "favicon.ico"
FETCH = "(path) => fetch(path).then((answer) => answer.status, (error) => error.name)"
OPEN_SOCKET = """
() => {
  window.told = [];
  window.socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onmessage = (event) => told.push(JSON.parse(event.data).t);
  socket.onclose = (event) => told.push(event.code);
}
"""


@pytest.fixture
def bare(new_phone: NewPhone) -> NewPhone:
    """Unboxes phones and opens the bare page, or another."""

    def unbox(home: Place, path: str | None = BARE, **kind: Unpack[Kind]) -> BrowserPhone:
        phone = new_phone(home, None, **kind)
        phone.troubles.tolerate(ICON)
        phone.page.route(f"**{BARE}", lambda route: route.fulfill(content_type="text/html", body=BARE_PAGE))
        phone.open(path or BARE)
        return phone

    return unbox


@pytest.fixture
def live_phone(bare: NewPhone, shared_pair: ProxiedPair) -> BrowserPhone:
    phone = bare(shared_pair.here, PING)
    open_socket(phone)
    return phone


@pytest.fixture
def phone(bare: NewPhone, shared_pair: ProxiedPair) -> BrowserPhone:
    return bare(shared_pair.here)


def open_socket(phone: BrowserPhone) -> None:
    phone.page.evaluate(OPEN_SOCKET)
    phone.wait_until("told.includes('WELCOME')")


def test_phone_opens_page_on_each_instance_and_proxy(new_phone: NewPhone, shared_pair: ProxiedPair) -> None:
    phone = new_phone(shared_pair.here)
    assert phone.page.title() == "Hubbub"
    phone.open(at=shared_pair.there)
    phone.open("/p/BCDFGH", at=shared_pair.front)
    expect(phone.page).to_have_title("BCD FGH · Hubbub")
    assert phone.address == "/p/BCDFGH"


def test_console_error_is_found(phone: BrowserPhone) -> None:
    phone.page.evaluate("() => { console.log('well'); console.warn('hm'); console.error('oh'); }")
    assert [trouble[:20] for trouble in phone.troubles.take()] == ["console warning: hm ", "console error: oh []"]


def test_uncaught_error_is_found(phone: BrowserPhone) -> None:
    phone.page.evaluate("() => { setTimeout(() => nobody(), 0); Promise.reject(new TypeError('lost')); }")
    phone.page.wait_for_timeout(50)  # the browser tells of neither before its own next turn
    phone.settle()
    told = sorted(trouble.partition(" [")[0] for trouble in phone.troubles.take())
    assert told == ["page error: ReferenceError: nobody is not defined", "page error: TypeError: lost"]


def test_request_to_other_host_is_found_and_blocked(phone: BrowserPhone) -> None:
    phone.page.evaluate("() => fetch('https://example.org/font.woff2', { mode: 'no-cors' }).catch(() => {})")
    phone.settle()
    told = phone.troubles.take()
    assert "foreign request: GET https://example.org/font.woff2" in told
    assert any("net::ERR_NAME_NOT_RESOLVED" in trouble for trouble in told)


def test_websocket_to_other_host_is_found(phone: BrowserPhone) -> None:
    phone.page.evaluate("new Promise((ended) => { new WebSocket('wss://example.org/live').onclose = ended; })")
    assert "foreign request: WebSocket https://example.org/live" in phone.troubles.take()


def test_refused_request_is_found(phone: BrowserPhone) -> None:
    assert phone.page.evaluate(FETCH, "/nowhere") == 404
    phone.settle()
    (trouble,) = phone.troubles.take()
    assert re.search(answered(404), trouble)


def test_only_expected_trouble_is_ignored(phone: BrowserPhone) -> None:
    phone.expects(answered(404))
    phone.page.evaluate(FETCH, "/nowhere")
    with phone.tolerating("hm", "never met"):
        phone.page.evaluate("console.warn('hm')")
    assert not phone.troubles.take()
    phone.page.evaluate("console.warn('hm')")
    phone.settle()
    assert len(phone.troubles.take()) == 1


def test_unmet_expectation_fails_the_test(bare: NewPhone, shared_pair: ProxiedPair) -> None:
    phone = bare(shared_pair.here)
    phone.expects("thunder")
    with pytest.raises(AssertionError, match=r"expected, did not happen: ..thunder"):
        phone.put_away()
    phone.troubles.add("thunder")


def test_trouble_fails_the_test_when_the_phone_is_put_away(bare: NewPhone, shared_pair: ProxiedPair) -> None:
    phone = bare(shared_pair.here)
    phone.page.evaluate("console.error('oh')")
    with pytest.raises(AssertionError, match="console error: oh"):
        phone.put_away()


def test_killed_instance_breaks_websocket_and_returns(bare: NewPhone, pair: ProxiedPair) -> None:
    phone = bare(pair.here, PING)
    open_socket(phone)
    pair.here.kill()
    phone.wait_until("told.includes(1006)")
    phone.expects(UNREACHABLE, SOCKET_FAILED)
    assert phone.page.evaluate(FETCH, PING) == "TypeError"
    phone.page.evaluate(OPEN_SOCKET)
    phone.wait_until("told.includes(1006)")
    pair.here.start()
    open_socket(phone)


def test_store_can_be_stopped_frozen_and_late(pair: ProxiedPair) -> None:
    code = pair.here.create().body["partyCode"]
    pair.store.kill()
    assert pair.here.join(code).status == 503
    pair.store.start()
    wait_until_joinable(pair, code)
    pair.store.freeze()
    assert pair.there.join(code).status == 503
    pair.store.thaw()
    wait_until_joinable(pair, code)
    pair.store_link.delay(0.3)
    answer = pair.here.join(code)
    assert (answer.status, answer.seconds >= 0.3) == (200, True)
    pair.store_link.delay(60)
    assert pair.here.join(code).status == 503
    pair.store_link.delay(0)
    wait_until_joinable(pair, code)


def wait_until_joinable(pair: ProxiedPair, code: str) -> None:
    give_up_at = time.monotonic() + 10
    while any(instance.join(code).status != 200 for instance in pair.instances):
        assert time.monotonic() < give_up_at


def test_offline_phone_fails_at_once_and_websocket_is_silent(live_phone: BrowserPhone) -> None:
    phone = live_phone
    with offline(phone), phone.tolerating(UNREACHABLE):
        assert phone.page.evaluate(FETCH, PING) == "TypeError"
        assert phone.page.evaluate("navigator.onLine") is False
        phone.page.evaluate('socket.send(\'{"t":"PING"}\')')
        phone.page.wait_for_timeout(100)  # in which the answer would have come
        assert phone.page.evaluate("told") == ["WELCOME"]
    phone.wait_until("told.includes('PONG')")


def test_a_line_can_be_slow_and_cut(bare: NewPhone, new_line: NewLine, shared_pair: ProxiedPair) -> None:
    line = new_line(shared_pair.here)
    phone = bare(line, PING)
    open_socket(phone)
    line.delay(0.2)
    took_ms = phone.page.evaluate(
        """() => new Promise((resolve) => {
             const asked = performance.now();
             socket.addEventListener('message', () => resolve(performance.now() - asked));
             socket.send('{"t":"PING"}');
           })"""
    )
    assert took_ms >= 200
    line.cut()
    phone.wait_until("told.includes(1006)")


def test_a_slow_network_delays_requests(phone: BrowserPhone) -> None:
    with throttled(phone):
        started = time.monotonic()
        phone.page.evaluate(FETCH, PING)
        assert time.monotonic() - started >= 0.5


def test_phone_in_wifi_is_no_secure_context(bare: NewPhone, shared_pair: ProxiedPair) -> None:
    at_home = bare(shared_pair.here)
    in_wifi = bare(shared_pair.here, lan=True)
    assert at_home.page.evaluate("isSecureContext") is True
    assert in_wifi.page.evaluate("isSecureContext || 'serviceWorker' in navigator || 'randomUUID' in crypto") is False
    in_wifi.open(PING)
    open_socket(in_wifi)


def test_phone_starts_with_storage_or_without(bare: NewPhone, shared_pair: ProxiedPair) -> None:
    phone = bare(shared_pair.here, storage={"name": "Ann"})
    phone.page.evaluate("() => { localStorage.seat = 'kept'; sessionStorage.tab = '1'; }")
    assert phone.stored() == ({"name": "Ann", "seat": "kept"}, {"tab": "1"})
    strict = bare(shared_pair.here, block_storage=True)
    assert strict.page.evaluate("() => { try { return localStorage.name; } catch (error) { return error.name; } }") == (
        "SecurityError"
    )


def test_a_phone_is_of_the_kind_asked_for(bare: NewPhone, shared_pair: ProxiedPair) -> None:
    phone = bare(shared_pair.here, viewport=(320, 568), locale="de-DE", color_scheme="light", reduced_motion="reduce")
    facts = """() => [screen.width, screen.height, navigator.language, navigator.maxTouchPoints > 0,
                      matchMedia('(prefers-color-scheme: light)').matches,
                      matchMedia('(prefers-reduced-motion: reduce)').matches]"""
    assert phone.page.evaluate(facts) == [320, 568, "de-DE", True, True, True]


def test_the_qr_code_of_a_party_is_read_from_the_screen(phone: BrowserPhone) -> None:
    phone.open("/api/party/BCDFGH/qr.svg")
    assert decode_qr(phone.page.screenshot()).endswith("/p/BCDFGH")


def test_screenshot_is_saved_at_its_path(phone: BrowserPhone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_SCREENSHOTS", str(tmp_path / "shots"))
    assert screenshot(phone, "bare page").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "shots").iterdir()] == ["bare-page.png"]


def test_picture_is_taken_only_on_request(phone: BrowserPhone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("HUBBUB_SCREENSHOTS", raising=False)
    photograph(phone, "nobody asks")
    assert not list(tmp_path.rglob("*.png"))
    monkeypatch.setenv("HUBBUB_SCREENSHOTS", str(tmp_path / "shots"))
    photograph(phone, "asked for")
    assert [path.name for path in tmp_path.rglob("*.png")] == ["asked-for.png"]


def test_axe_finds_pale_words_when_asked_for_colours_alone(phone: BrowserPhone) -> None:
    assert not axe(phone)
    phone.page.evaluate("document.querySelector('p').innerHTML = '<button></button><b style=color:#ccc>pale</b>'")
    assert [told.split(": ")[1] for told in axe(phone, only_rules=COLOUR_RULES)] == ["color-contrast"]


def test_axe_finds_planted_violations(phone: BrowserPhone) -> None:
    assert not axe(phone)
    phone.page.evaluate("document.querySelector('p').innerHTML = '<img><button></button>'")
    found = axe(phone)
    assert [told.split(": ")[:2] for told in found] == [["critical", "button-name"], ["critical", "image-alt"]]
    assert "<button></button>" in found[0]
    assert [told.split(": ")[1] for told in axe(phone, within="p", without_rules=("image-alt",))] == ["button-name"]
    assert phone.page.evaluate("'axe' in window") is False


def test_a_strict_policy_of_the_page_is_in_no_ones_way(phone: BrowserPhone) -> None:
    phone.open("/openapi.json")
    phone.page.evaluate("document.body.innerHTML = '<button></button>'")
    assert any("button-name" in told for told in axe(phone))
    assert phone.wait_until("(word) => word === 'here' && document.body.children.length", "here") == 1


def test_the_bytes_of_a_load_are_counted_as_sent(phone: BrowserPhone) -> None:
    body = phone.page.evaluate("() => fetch('/openapi.json').then((answer) => answer.text())")
    wire = wire_bytes(phone, "/openapi.json")
    assert list(wire.by_path) == ["/openapi.json"]
    assert 0 < wire.total <= len(body) + 2000
