"""The system's Chromium, driven by Playwright: one a process of the suite, however many phones there are."""

import asyncio
import shutil
from asyncio.events import _set_running_loop
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

# Shorter than the suite's bound on a test, so that it is Playwright that tells what was waited for.
PATIENCE_MS = 15_000
# The headless shell is the same engine without the windows of a desktop, which cost as much again as the pages in them.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# A name of this machine that is not `localhost`. Browsers trust a page from it no more than one from the address of a
# machine in the Wi-Fi, which is where phones without TLS open it: no service worker, no clipboard, no wake lock.
LAN_NAME = "hubbub.test"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing leaves this machine, whatever a page asks for.
    f"--host-resolver-rules=MAP {LAN_NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def chromium_program() -> str:
    """The executable; skips the test where the system has none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("no chromium on this machine (Debian: apt install chromium-headless-shell)")
    return found


class Chromium:
    """A running Chromium.

    Playwright's event loop rests in a greenlet of this thread between its calls, and counts as running for as long. No
    test of another suite could run a loop of its own in this process, so `driven` tells asyncio of Playwright's only
    while a test of this suite is at work, the way Playwright itself does after each of its calls.
    """

    running: "Chromium | None" = None

    def __init__(self) -> None:
        program = chromium_program()
        self._playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self.browser: Browser = self._playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE_MS)
        Chromium.running = self

    @classmethod
    @contextmanager
    def driven(cls) -> Iterator[None]:
        """Let Playwright be called within; nothing to do while no browser has been started."""
        if cls.running is not None:
            _set_running_loop(cls.running._loop)
        try:
            yield
        finally:
            _set_running_loop(None)

    def close(self) -> None:
        """End it, in whichever test's teardown that happens to be."""
        with self.driven():
            Chromium.running = None
            self.browser.close()
            self._playwright.stop()
