"""Phones unlike the others, and people who do not look at them: keys, voices, German, no storage, a Wi-Fi."""

import re
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import expect

import hubbub
from tests.web.conftest import NewPair, NewPhone
from tests.web.support.pairs import ProxiedPair
from tests.web.support.person import Person
from tests.web.support.scenario import Scenario

WEB = Path(hubbub.__file__).parent / "web"
# src/hubbub/web/app/announcer.js.
GATHER_MS = 1500
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one.matches('button, a, input, textarea, [role]')) return '';
  return one.getAttribute('aria-label') ?? one.textContent.trim();
}"""


@pytest.fixture
def scenario(shared_pair: ProxiedPair, new_phone: NewPhone) -> Scenario:
    return Scenario(new_phone, shared_pair)


def press_to(person: Person, name: str, key: str = "Tab") -> None:
    """Press Tab until the focus is on what is called so."""
    seen = []
    for _ in range(40):
        person.page.keyboard.press(key)
        seen.append(str(person.page.evaluate(FOCUSED)))
        if seen[-1] == name:
            return
    raise AssertionError(f"Tab leads to {seen}, not to {name}")


def test_a_party_by_keys_alone(shared_pair: ProxiedPair, new_phone: NewPhone) -> None:
    host = Person(new_phone(shared_pair.here, touch=False))
    press_to(host, "Start a party")
    host.page.keyboard.press("Enter")
    code = host.code()
    expect(host.heading).to_be_focused()
    guest = Person(new_phone(shared_pair.there, f"/p/{code}"))
    guest.join_by_link("Bob")
    expect(guest.heading).to_be_focused()
    press_to(host, "Chat")
    host.page.keyboard.press("Enter")
    press_to(host, "Message", "Shift+Tab")
    host.page.keyboard.type("by keys")
    host.page.keyboard.press("Enter")
    guest.expect_said("by keys")
    expect(host.page.get_by_label("Message")).to_be_focused()
    press_to(host, "People")
    host.page.keyboard.press("Enter")
    actions = host.page.get_by_role("button", name="Actions for Bob")
    press_to(host, "Actions for Bob", "Shift+Tab")
    host.page.keyboard.press("Enter")
    press_to(host, "Remove Bob")
    host.page.keyboard.press("Enter")
    expect(host.page.get_by_role("dialog")).to_contain_text("They can\u2019t come back")
    expect(host.page.locator('[data-action="no"]')).to_be_focused()
    host.page.keyboard.press("Escape")
    expect(host.page.get_by_role("dialog")).to_have_count(0)
    guest.say("still here")
    expect(actions).to_be_focused()
    host.page.keyboard.press("Enter")
    press_to(host, "Remove Bob")
    host.page.keyboard.press("Enter")
    press_to(host, "Remove")
    host.page.keyboard.press("Enter")
    guest.expect_door("kicked")
    expect(guest.heading).to_be_focused()


def test_a_crowd_is_told_in_one_sentence(scenario: Scenario) -> None:
    voice = scenario.host.page.locator("#voice")
    expect(voice).to_have_attribute("aria-live", "polite")
    told = """() => {
      window.told = [];
      const voice = document.querySelector('#voice');
      const words = { childList: true, characterData: true, subtree: true };
      new MutationObserver(() => told.push(voice.textContent)).observe(voice, words);
    }"""
    scenario.host.page.evaluate(told)
    # However long a busy machine takes over it, all of this is in the one moment for which the phone gathers.
    hold = """(moment) => {
      window.held = [];
      const { setTimeout } = window;
      window.setTimeout = (act, ms, ...more) => ms === moment ? held.push(act) : setTimeout(act, ms, ...more);
    }"""
    scenario.host.page.evaluate(hold, GATHER_MS)
    bob, cleo, _ = (scenario.guest(name) for name in ("Bob", "Cleo", "Dan"))
    bob.say("one")
    cleo.part("chat").get_by_label("Message").fill("two")
    cleo.button("Send").click()
    scenario.host.expect_said("one", "two")
    scenario.host.page.evaluate("held.forEach((act) => act())")
    (heard,) = scenario.host.page.evaluate("told")
    assert heard.startswith("Bob and 2 more joined")
    assert "Cleo: two" in heard


def test_a_german_phone_speaks_german(shared_pair: ProxiedPair, new_phone: NewPhone) -> None:
    host = Person(new_phone(shared_pair.here, locale="de-DE"))
    expect(host.page.locator("html")).to_have_attribute("lang", "de")
    words = host.page.evaluate(
        """async () => {
          const script = document.querySelector('script[type=module]').src;
          const inLanguage = async (tag) => (await import(new URL(`strings/${tag}.js`, script).href)).MESSAGES;
          const [english, german] = [await inLanguage('en'), await inLanguage('de')];
          const texts = (entry) => typeof entry === 'string' ? [entry] : Object.values(entry);
          return Object.keys(english).flatMap(
            (key) => texts(english[key]).filter((text) => !texts(german[key]).includes(text)));
        }"""
    )
    english = {word for word in words if "{" not in word}
    host.button("Party starten").click()
    host.expect_screen("party")
    named = """() => [...document.querySelectorAll('button, a, h1, h2, label, p, [aria-label], [placeholder]')]
      .flatMap((one) => [one.textContent.trim(), one.ariaLabel, one.getAttribute('placeholder'), one.title])
      .filter(Boolean)"""
    host.button("Menü").click()
    shown = set(host.page.evaluate(named))
    assert not shown & english
    host.page.get_by_role("dialog").locator('[data-action="end"]').click()
    shown = set(host.page.evaluate(named))
    host.answer("yes")
    host.expect_screen("recap")
    assert not (shown | set(host.page.evaluate(named))) & english


def test_a_phone_that_may_keep_nothing_takes_part(scenario: Scenario, new_phone: NewPhone) -> None:
    strict = Person(new_phone(scenario.pair.there, f"/p/{scenario.code}", block_storage=True))
    strict.join_by_link("Bob")
    expect(strict.page.get_by_role("status").filter(has_text="This browser keeps nothing")).to_be_visible()
    scenario.host.expect_people("Ann", "Bob")
    strict.part("chat").get_by_label("Message").fill("hello")
    strict.button("Send").click()
    scenario.host.expect_said("hello")
    scenario.host.leave()
    strict.expect_screen("recap")


def test_a_phone_in_the_wifi_says_what_it_lacks(shared_pair: ProxiedPair, new_phone: NewPhone) -> None:
    host = Person(new_phone(shared_pair.here, lan=True))
    code = host.start_party("Ann")
    invite = host.part("invite")
    expect(invite).to_contain_text("This page came over plain http://")
    expect(invite).to_contain_text("copying the link")
    expect(host.button("Copy link")).to_be_hidden()
    expect(invite.get_by_label("Link to this party")).to_have_value(re.compile(rf"^http://.*/p/{code}$"))
    guest = Person(new_phone(shared_pair.there, f"/p/{code}", lan=True))
    guest.join_by_link("Bob")
    guest.say("over plain http")
    host.expect_said("over plain http")
    host.phone.reload()
    host.expect_people("Ann", "Bob")


class _Quiet(SimpleHTTPRequestHandler):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args, directory=str(WEB))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def other_site() -> Iterator[int]:
    """The port of another site, which has a copy of the client and the example."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_example_of_another_site_joins_and_chats(other_site: int, new_pair: NewPair, new_phone: NewPhone) -> None:
    origin = f"http://127.0.0.1:{other_site}"
    scenario = Scenario(new_phone, new_pair(ALLOWED_ORIGINS=origin))
    phone = new_phone(origin, f"/examples/ticker.html?server=ws://127.0.0.1:{scenario.pair.there.port}/ws")
    phone.troubles.tolerate("favicon.ico", f"foreign request: WebSocket http://127.0.0.1:{scenario.pair.there.port}/ws")
    phone.field("Code").fill(scenario.code)
    phone.field("Name").fill("Bob")
    phone.button("Join").click()
    scenario.host.expect_people("Ann", "Bob")
    phone.field("Message").fill("from elsewhere")
    phone.button("Say").click()
    scenario.host.expect_said("from elsewhere")
    expect(phone.page.get_by_text("Bob: from elsewhere")).to_be_visible()
