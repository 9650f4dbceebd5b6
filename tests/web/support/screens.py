"""What tests look at a phone's screen with, and the lines that they put it on."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import zxingcpp
from PIL import Image
from playwright.sync_api import Error

from tests.web.support.phones import BrowserPhone

AXE_SCRIPT = files("axe_playwright_python").joinpath("axe.min.js").read_text()
# WCAG 2.2 up to AA, and what axe's authors hold to be good practice besides.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Those of them that look at colours. The two schemes differ in nothing else: only tokens may hold a colour, and a
# scheme is asked for in their file alone (test_modules.py).
COLOUR_RULES = ("color-contrast", "link-in-text-block")
QUIET_MS = 500


class Wire(NamedTuple):
    """What one load brought over the wire: bytes as sent, compressed, headers included, by path."""

    by_path: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_path.values())


def screenshot(phone: BrowserPhone, name: str) -> Path:
    """Take a picture when the page has come to rest, and return where it is.

    It lies in the folder that HUBBUB_SCREENSHOTS names, else in the system's temporary one.
    """
    phone.come_to_rest()
    path = _folder() / f"{_file_name(name)}.png"
    phone.page.screenshot(path=path, animations="disabled")
    return path


def photograph(phone: BrowserPhone, name: str) -> None:
    """Bring the page to rest, and take a picture for people to look at where HUBBUB_SCREENSHOTS asks for pictures."""
    phone.come_to_rest()
    if _named_folder() is not None:
        screenshot(phone, name)


def last_sight(phone: BrowserPhone, name: str) -> str:
    """What there was to see when a test failed: the address, the outline as a screen reader has it, and a picture."""
    told = [phone.page.url]
    with suppress(Error):
        told.append(phone.page.locator("body").aria_snapshot(timeout=1000))
    with suppress(Error):
        path = _folder() / f"failed-{_file_name(name)}.png"
        phone.page.screenshot(path=path, timeout=3000)
        told.append(str(path))
    return "\n".join(told)


def _named_folder() -> Path | None:
    named = os.environ.get("HUBBUB_SCREENSHOTS")
    return Path(named) if named else None


def _folder() -> Path:
    folder = _named_folder() or Path(tempfile.gettempdir()) / "hubbub-screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)


def axe(phone: BrowserPhone, *, only_rules: tuple[str, ...] = ()) -> list[str]:
    """Return what axe-core finds wrong on the page at rest, each with its place and its cure.

    All rules are asked, or `only_rules` if any are named. It runs in a world of its own beside the page's scripts, so
    that neither they nor the Content-Security-Policy are in its way, and nothing of it is left behind.
    """
    phone.come_to_rest()
    options = {
        "runOnly": {"type": "rule", "values": only_rules} if only_rules else {"type": "tag", "values": AXE_TAGS},
        "resultTypes": ["violations"],
    }
    found = _run(phone, f"axe.run(document, {json.dumps(options)})", _world_of_axe(phone))
    return [_told(violation, node) for violation in found["violations"] for node in violation["nodes"]]


def _world_of_axe(phone: BrowserPhone) -> int:
    frame = phone.devtools.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    # The same world each time, as long as the page is the same.
    world = phone.devtools.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
    context = int(world["executionContextId"])
    if not _run(phone, "'axe' in globalThis", context):
        _run(phone, AXE_SCRIPT, context)
    return context


def _run(phone: BrowserPhone, script: str, world: int) -> Any:
    question = {"expression": script, "contextId": world, "awaitPromise": True, "returnByValue": True}
    answer = phone.devtools.send("Runtime.evaluate", question)
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


def _told(violation: dict[str, Any], node: dict[str, Any]) -> str:
    lines = [
        f"{violation['impact']}: {violation['id']}: {violation['help']}",
        f"  at {' '.join(map(str, node['target']))}",
        f"  {node['html']}",
        *(f"  {line}" for line in node.get("failureSummary", "").splitlines()),
    ]
    return "\n".join(lines)


def decode_qr(picture: Path) -> str:
    """The text of the one QR code in a picture (PNG and the like)."""
    found = zxingcpp.read_barcodes(
        Image.open(picture).convert("L"),
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
    )
    assert len(found) == 1, f"{len(found)} QR codes"
    return str(found[0].text)


def wire_bytes(phone: BrowserPhone, path: str = "/") -> Wire:
    """What a phone that has nothing of the site yet is sent when it opens a path, until half a second passes quietly.

    Past what is kept (the cache is off, the service worker passed by). Not counted: what the service worker fetches by
    itself, and the messages of the WebSocket.
    """
    paths: dict[str, str] = {}
    by_path: dict[str, int] = {}

    def note_request(event: dict[str, Any]) -> None:
        paths[event["requestId"]] = event["request"]["url"].removeprefix(phone.origin)

    def note_end(event: dict[str, Any]) -> None:
        if (asked := paths.get(event["requestId"])) is not None:
            by_path[asked] = by_path.get(asked, 0) + int(event["encodedDataLength"])

    devtools = phone.context.new_cdp_session(phone.page)
    devtools.on("Network.requestWillBeSent", note_request)
    devtools.on("Network.loadingFinished", note_end)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    devtools.send("Network.setBypassServiceWorker", {"bypass": True})
    phone.open(path)
    counted = -1
    while counted != len(by_path):
        counted = len(by_path)
        phone.page.wait_for_timeout(QUIET_MS)  # nothing tells that a page will ask for no more
    devtools.detach()
    return Wire(by_path)


@contextmanager
def offline(phone: BrowserPhone) -> Iterator[None]:
    """Take the phone's network away; the page sees it (`navigator.onLine`, and the events).

    Requests fail at once. An open WebSocket stays open and nothing comes or goes on it, until the network is back; one
    that breaks is made by a line (the fixture `new_line`) that is cut.
    """
    phone.context.set_offline(True)
    yield
    phone.context.set_offline(False)
