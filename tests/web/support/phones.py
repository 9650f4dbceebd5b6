"""A phone with the app in a real browser: one browser context with one page, in which nothing may go wrong unseen."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal, Protocol, TypedDict, Unpack
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    WebError,
    WebSocket,
)

from tests.web.support.chromium import LAN_NAME, PATIENCE_MS
from tests.web.support.troubles import Troubles

PHONE = (390, 844)
WALL = (1920, 1080)
LOOK_AGAIN_MS = 20
GIVEN_UP = "net::ERR_ABORTED"
# As Chromium behaves where its user blocks all site data: each of these throws or rejects. Cookies are left alone.
BLOCK_STORAGE = """
{
  const refusal = (what) => new DOMException(`${what}: access is denied for this document.`, 'SecurityError');
  for (const name of ['localStorage', 'sessionStorage']) {
    Object.defineProperty(window, name, { get() { throw refusal(name); } });
  }
  IDBFactory.prototype.open = () => { throw refusal('indexedDB'); };
  if ('caches' in window) {
    for (const name of ['open', 'match', 'has', 'keys', 'delete']) {
      CacheStorage.prototype[name] = async () => { throw refusal('caches'); };
    }
  }
  if ('serviceWorker' in navigator) {
    ServiceWorkerContainer.prototype.register = async () => { throw refusal('serviceWorker'); };
  }
}
"""
COME_TO_REST = """
async () => {
  await document.fonts.ready;
  const ending = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(ending.map((one) => one.finished));
}
"""


class HasPort(Protocol):
    """An instance, HAProxy in front of two, or any proxy before either."""

    @property
    def port(self) -> int: ...


Place = HasPort | str


class Kind(TypedDict, total=False):
    """What phone it is; what is left out is as `DEFAULTS` has it."""

    viewport: tuple[int, int]
    scale: float
    touch: bool
    locale: str
    color_scheme: Literal["dark", "light", "no-preference"]
    reduced_motion: Literal["reduce", "no-preference"]
    permissions: list[str]
    block_storage: bool
    lan: bool


DEFAULTS: Kind = {
    "viewport": PHONE,
    "scale": 1,
    "touch": True,
    "locale": "en-US",
    "color_scheme": "dark",
    "reduced_motion": "no-preference",
    "permissions": [],
    "block_storage": False,
    "lan": False,
}


class BrowserPhone:
    """One phone. `page` is Playwright's; everything that complains on any page of the context is written down."""

    def __init__(self, browser: Browser, home: Place, **kind: Unpack[Kind]) -> None:
        """Unbox it, with `home` as the place that its site is at; nothing is opened yet."""
        self.kind: Kind = {**DEFAULTS, **kind}
        self.troubles = Troubles()
        self._home = self._address(home)
        self.context = self._unboxed(browser)
        self.page: Page = self.context.new_page()
        self.devtools: CDPSession = self.context.new_cdp_session(self.page)

    def _unboxed(self, browser: Browser) -> BrowserContext:
        kind = self.kind
        width, height = kind["viewport"]
        context = browser.new_context(
            base_url=self._home,
            viewport={"width": width, "height": height},
            screen={"width": width, "height": height},
            device_scale_factor=kind["scale"],
            is_mobile=kind["touch"],
            has_touch=kind["touch"],
            locale=kind["locale"],
            timezone_id="UTC",
            color_scheme=kind["color_scheme"],
            reduced_motion=kind["reduced_motion"],
            permissions=kind["permissions"],
        )
        context.set_default_timeout(PATIENCE_MS)
        if kind["block_storage"]:
            context.add_init_script(BLOCK_STORAGE)
        context.on("console", self._hear_console)
        context.on("weberror", self._hear_error)
        context.on("request", self._hear_request)
        context.on("requestfailed", self._hear_failure)
        context.on("page", self._hear_page)
        return context

    def open(self, path: str = "/") -> None:
        self.page.goto(self._home + path)

    def reload(self) -> None:
        """Load the page again, as a thumb that pulls it down does."""
        self.page.reload()

    @property
    def origin(self) -> str:
        return self._home

    def button(self, name: str) -> Locator:
        """The button of that name, which may be a part of the whole name."""
        return self.page.get_by_role("button", name=name)

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label)

    def wait_until(self, script: str, argument: object = None, seconds: float = PATIENCE_MS / 1000) -> Any:
        """Ask a script until what it says is true, and return that.

        Playwright's own `wait_for_function` asks by `eval` from within the page, which its Content-Security-Policy
        forbids. For what can be seen, `expect` is better.
        """
        give_up_at = time.monotonic() + seconds
        while not (found := self.page.evaluate(script, argument)):
            assert time.monotonic() < give_up_at, f"waited {seconds} s for {script}"
            self.page.wait_for_timeout(LOOK_AGAIN_MS)
        return found

    def come_to_rest(self) -> None:
        """Wait for the fonts, and until every animation that ends has ended."""
        self.page.evaluate(COME_TO_REST)

    def expects(self, *patterns: str) -> None:
        """Name troubles that belong to this test: they may come from now on, and each must by its end."""
        self.troubles.expect(*patterns)

    @contextmanager
    def tolerating(self, *patterns: str) -> Iterator[None]:
        """Name troubles that may come within, and need not: an outage is met by some phones only."""
        self.troubles.tolerate(*patterns)
        yield
        self.settle()
        self.troubles.tolerate_no_more(*patterns)

    def settle(self) -> None:
        """Hear all that the browser has had to say so far: it tells everything in order."""
        with suppress(Error):  # the page may be gone, or on its way to another
            self.page.evaluate("0")

    def put_away(self) -> None:
        """Close it, and fail the test if anything went wrong that it did not name, or went well that it did."""
        self.settle()
        self.context.close()
        met, unmet = self.troubles.take(), self.troubles.unmet_expectations()
        assert not met, "the phone met trouble:\n" + "\n".join(met)
        assert not unmet, f"expected, did not happen: {unmet}"

    def _address(self, place: Place) -> str:
        if isinstance(place, str):
            return _origin(place)
        return f"http://{LAN_NAME if self.kind['lan'] else '127.0.0.1'}:{place.port}"

    def _hear_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self.troubles.add(f"console {message.type}: {message.text} [{message.location.get('url', '')}]")

    def _hear_error(self, error: WebError) -> None:
        thrown = error.error
        place = next((line.strip() for line in (thrown.stack or "").splitlines() if line.startswith("    at ")), "")
        self.troubles.add(f"page error: {thrown.name}: {thrown.message} [{place}]")

    def _hear_request(self, request: Request) -> None:
        self._expect_own(request.method, request.url)

    def _hear_failure(self, request: Request) -> None:
        if request.failure != GIVEN_UP:
            self.troubles.add(f"request failed: {request.method} {request.url}: {request.failure}")

    def _hear_page(self, page: Page) -> None:
        page.on("websocket", self._hear_socket)
        page.on("crash", self._hear_crash)

    def _hear_socket(self, socket: WebSocket) -> None:
        self._expect_own("WebSocket", socket.url.replace("ws", "http", 1))

    def _hear_crash(self, page: Page) -> None:
        self.troubles.add(f"page crashed: {page.url}")

    def _expect_own(self, method: str, url: str) -> None:
        if urlsplit(url).scheme in {"http", "https"} and _origin(url) != self._home:
            self.troubles.add(f"foreign request: {method} {url}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
