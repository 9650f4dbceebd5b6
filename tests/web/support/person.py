"""Somebody with the app on a phone: does what people do, and looks where people look."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.web.support.phones import BrowserPhone

Part = Literal["invite", "chat", "people", "music"]
# A person's own hands: what a paste is made of needs the clipboard, which the browser gives to whom it was promised.
CLIPBOARD = ["clipboard-read", "clipboard-write"]
HARDLY = 0.001


class Person:
    """What people do with the app. On `page`, which is the phone's, or a second tab of it."""

    def __init__(self, phone: BrowserPhone, page: Page | None = None) -> None:
        self.phone = phone
        self.page = page or phone.page
        self.wire = Wire(self.page)

    # ------------------------------------------------------------ ways in

    def start_party(self, name: str) -> str:
        self.name_field().fill(name)
        self.button("Start a party").click()
        return self.code()

    def type_code(self, code: str, name: str | None = None) -> None:
        """Type a code on the start's screen, key by key."""
        if name is not None:
            self.name_field().fill(name)
        self.page.get_by_label("Party code").press_sequentially(code)

    def join_by_link(self, name: str | None = None) -> None:
        self.expect_screen("link")
        if name is not None:
            self.name_field().fill(name)
        self.page.get_by_role("button", name="Join").click()
        self.expect_screen("party")

    def paste(self, text: str) -> None:
        """Press the keys that paste, wherever the focus is; the phone needs `CLIPBOARD`."""
        self.page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        self.page.keyboard.press("Control+V")

    # ------------------------------------------------------------ where one is

    def expect_screen(self, name: str) -> None:
        expect(self.page.locator("html")).to_have_attribute("data-screen", name)

    def expect_door(self, kind: str) -> Locator:
        door = self.page.locator(f'.door[data-kind="{kind}"]')
        expect(door).to_be_visible()
        return door

    def expect_banner(self, text: str) -> None:
        expect(self.banner).to_contain_text(text)

    def expect_no_banner(self) -> None:
        expect(self.banner).to_be_hidden()

    @property
    def banner(self) -> Locator:
        """The strip that says what is not as it should be."""
        return self.page.locator(".banner")

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    def code(self) -> str:
        self.expect_screen("party")
        shown = self.page.get_by_role("img", name="Party code").first.inner_text()
        code = "".join(shown.split())
        assert self.page.url.endswith(f"/p/{code}")
        return code

    def link_is(self, state: Literal["Live", "Reconnecting"]) -> None:
        """Wait until the dot in the head says so."""
        expect(self.page.get_by_role("img", name=state)).to_be_visible()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def name_field(self) -> Locator:
        return self.page.get_by_label("Your name")

    def door_button(self, action: str) -> Locator:
        return self.page.locator(f'.door [data-action="{action}"]')

    # ------------------------------------------------------------ inside

    def part(self, name: Part) -> Locator:
        """A part of the party, brought to the front where it is behind a tab."""
        part = self.page.locator(f'[data-part="{name}"]')
        tab = self.page.locator(f'[data-tab="{name}"]')
        if tab.is_visible():
            tab.click()
        expect(part).to_be_visible()
        return part

    def say(self, text: str) -> None:
        chat = self.part("chat")
        chat.get_by_label("Message").fill(text)
        chat.get_by_role("button", name="Send").click()
        self.expect_said(text)

    def react(self, emoji: str) -> None:
        self.part("chat").get_by_role("button", name=f"React with {emoji}").click()

    def expect_said(self, *texts: str) -> None:
        """Wait until these messages, and no others, are the chat's."""
        expect(self.page.locator('[data-part="chat"] li')).to_contain_text(list(texts))

    def hold_floats(self) -> None:
        """Let whatever rises from now on hardly move: it would be gone in seconds, and a busy machine looks late."""
        self.phone.devtools.send("Animation.enable")
        self.phone.devtools.send("Animation.setPlaybackRate", {"playbackRate": HARDLY})

    def expect_float(self, emoji: str) -> None:
        expect(self.page.locator(".floats", has_text=emoji)).to_have_count(1)

    def expect_people(self, *names: str) -> None:
        """Wait until just these are in the roster, in any order."""
        expect(self.page.locator('[data-part="people"] [data-id]')).to_have_count(len(names))
        for name in names:
            expect(self.row(name)).to_have_count(1)

    def row(self, name: str) -> Locator:
        """Somebody's row in the roster, seen or behind a tab."""
        rows = self.page.locator('[data-part="people"] [data-id]')
        return rows.filter(has=self.page.get_by_text(name, exact=True))

    def my_id(self) -> str:
        """The id of one's own seat, as the roster has it."""
        self.part("people")
        mine = self.page.locator('[data-part="people"] [data-id]').filter(
            has=self.page.get_by_text("You", exact=True).locator("visible=true")
        )
        return str(mine.get_attribute("data-id"))

    def ask_about(self, name: str, action: Literal["promote", "kick"]) -> Locator:
        """Open a guest's menu and choose; the question that comes is returned."""
        self.part("people").get_by_role("button", name=f"Actions for {name}").click()
        self.page.locator(f'dialog [data-action="{action}"]').click()
        question = self.page.get_by_role("dialog")
        expect(question.locator('[data-action="yes"]')).to_be_visible()
        return question

    def answer(self, answer: Literal["yes", "no"]) -> None:
        self.page.locator(f'dialog [data-action="{answer}"]').click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def kick(self, name: str) -> None:
        self.ask_about(name, "kick")
        self.answer("yes")

    def promote(self, name: str) -> None:
        self.ask_about(name, "promote")
        self.answer("yes")

    def set_mode(self, mode: Literal["OPEN", "EMOJI_ONLY", "LOCKED"]) -> None:
        choice = self.part("chat").locator(f'[data-mode="{mode}"]')
        choice.click()
        expect(choice).to_have_attribute("aria-pressed", "true")

    def lock(self, *, locked: bool) -> None:
        switch = self.part("invite").get_by_role("switch")
        switch.click()
        expect(switch).to_have_attribute("aria-checked", str(locked).lower())

    def open_menu(self) -> Locator:
        self.button("Menu").click()
        return self.page.get_by_role("dialog")

    def rename(self, name: str) -> None:
        menu = self.open_menu()
        menu.get_by_label("Your name").fill(name)
        menu.get_by_role("button", name="Save").click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def leave(self) -> None:
        """Leave the party by its menu; from the host it ends."""
        self.open_menu().locator('[data-action="leave"], [data-action="end"]').click()
        self.answer("yes")

    # ------------------------------------------------------------ what was to be seen meanwhile

    @contextmanager
    def watching_the_screen(self) -> Iterator["Sights"]:
        """Note each screen, door, banner and roster that is drawn meanwhile, also over a reload of the page."""
        yield from _watching(self)

    def expect_seen_banner(self, text: str) -> None:
        """Wait until the banner with these words has been drawn since the watching began, if only for a moment."""
        self.phone.wait_until("(text) => window.__sights.some(({ banner }) => banner?.includes(text))", text)


class Wire:
    """The frames of a page's live connections, from the moment that this is made."""

    def __init__(self, page: Page) -> None:
        self.sent: list[dict[str, Any]] = []
        self.heard: list[dict[str, Any]] = []
        self.opened = 0
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        self.opened += 1
        socket.on("framesent", lambda text: self._note(self.sent, text))
        socket.on("framereceived", lambda text: self._note(self.heard, text))

    @staticmethod
    def _note(notes: list[dict[str, Any]], text: str | bytes) -> None:
        decoded = json.loads(text)
        notes += decoded if isinstance(decoded, list) else [decoded]

    def last_sent(self, kind: str) -> dict[str, Any]:
        return next(message for message in reversed(self.sent) if message["t"] == kind)

    def last_heard(self, kind: str) -> dict[str, Any]:
        return next(message for message in reversed(self.heard) if message["t"] == kind)


class Sight(dict[str, Any]):
    """What was on the screen at a moment: `screen`, `door`, `banner`, `people`, `lines`, `live`, and `at` in ms."""


class Sights(list[Sight]):
    """All of them, in their order, each once as long as nothing changed."""

    def of(self, what: str) -> list[Any]:
        """One thing's values in their order, each once as long as it did not change."""
        values = [sight[what] for sight in self]
        return [value for n, value in enumerate(values) if n == 0 or value != values[n - 1]]


LOOK = """
() => {
  if (window.__sights !== undefined) return;
  window.__sights = [];
  let last = '';
  const look = () => {
    const root = document.documentElement;
    if (root === null) return;
    const one = (selector) => document.querySelector(selector);
    const sight = {
      screen: root.dataset.screen ?? null,
      door: one('.door[data-kind]')?.dataset.kind ?? null,
      banner: one('.banner:not([hidden])')?.innerText ?? null,
      people: document.querySelectorAll('[data-part="people"] [data-id]').length,
      lines: document.querySelectorAll('[data-part="chat"] li').length,
      live: one('.dot')?.hasAttribute('data-live') ?? null,
    };
    const text = JSON.stringify(sight);
    if (text === last) return;
    last = text;
    window.__sights.push({ ...sight, at: Date.now() });
  };
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document, all);
  look();
}
"""


def _watching(person: Person) -> Iterator[Sights]:
    page = person.page
    page.add_init_script(f"({LOOK})()")
    page.evaluate(LOOK)
    page.evaluate("() => { window.__sights.length = 0; }")
    sights = Sights()
    yield sights
    sights += [Sight(found) for found in page.evaluate("window.__sights")]
