"""The phone app in a real browser: how smooth a full roster is, how soon somebody is in, and what is sent for it.

`python -m bench.page` measures just this. A page is slowed as Lighthouse slows one: its processor by Chromium, its line
by `bench.slow_network`.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from bench.phones import Phones, start_phones
from bench.servers import Server, allow_many_connections, start_files, start_hubbub, start_line, start_store
from bench.slow_network import SLOW_4G
from bench.stats import median_and_runs, percentile, print_table, ratio, runs

HERE = Path(__file__).parent
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WIDTH, HEIGHT = 390, 844
# Lighthouse's, for a mid-range phone on a fast computer.
SLOWER = 4
PATIENCE_MS = 20_000
LOOK_AGAIN_MS = 20

ROSTER_ROUNDS = 3
MEMBERS = 200
EVENTS_PER_SECOND = 20
SECONDS = 2.5
IDLE_SECONDS = 1.5
LONG_FRAME_MS = 50
SETTLING_MS = 300
SCROLL = {"x": WIDTH // 2, "y": HEIGHT * 2 // 3, "yDistance": -4000, "speed": 4000, "gestureSourceType": "touch"}

LOAD_ROUNDS = 5
# A thumb needs at least so long to find the button.
PAUSE_MS = 400
QUIET_MS = 1000
# A connection, its upgrade to a WebSocket, and the command that is answered with the party.
TRIPS_IN = 3
# A connection, the page, and what the page asks for.
TRIPS_TO_PAGE = 3
# The same, and what the party is like.
TRIPS_TO_LINK = 4

GUEST, HOST, PEER, IDLE = "guest", "host", "roster by innerHTML", "guest, idle party"
Rows = Iterator[tuple[str, str]]


class Smoothness(NamedTuple):
    """The frame times of a page during some seconds, in ms."""

    tasks: list[float]
    frames: list[float]
    busy: float
    """The share of the time for which the page's main thread was busy."""

    @property
    def late(self) -> float:
        """The share of the time in frames longer than 50 ms."""
        return sum(frame for frame in self.frames if frame > LONG_FRAME_MS) / sum(self.frames)


class Arrival(NamedTuple):
    """One arrival at a party: ms until the button appeared, and from the tap on it until the code appeared."""

    button: float
    inside: float


class Wire(NamedTuple):
    """One first load: requests, bytes as sent with headers, and bytes unpacked."""

    requests: int
    sent: int
    unpacked: int


def page_rows() -> Rows:
    """Measure everything that needs a browser; without one, yield the reason."""
    program = next(filter(None, map(which, PROGRAMS)), None)
    if program is None:
        print("pages skipped: no chromium on this machine (Debian: apt install chromium)", file=sys.stderr)
        yield "pages", "left out: no chromium on this machine (Debian: apt install chromium)"
        return
    with ExitStack() as stack:
        store, files = stack.enter_context(start_store()), stack.enter_context(start_files())
        hubbub = stack.enter_context(start_hubbub(store, ALLOWED_ORIGINS=origin(files)))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        stack.callback(browser.close)
        yield "browser", f"Chromium {browser.version}, {WIDTH} x {HEIGHT}, its processor slowed {SLOWER} times"
        yield from roster(browser, hubbub, files)
        yield from arrivals(browser, hubbub)


# ---------------------------------------------------------------- a roster of 200


class Watched:
    """A page in a party of 200, and the phones of the other members."""

    def __init__(self, page: Page, phones: Phones) -> None:
        self.page = page
        self._phones = phones
        self.devtools = page.context.new_cdp_session(page)
        self.devtools.send("Performance.enable")

    @contextmanager
    def slowed(self) -> Iterator[None]:
        """Make it slow itself within, as only one page is at a time: Chromium does that by wasting a core."""
        slow_down(self.devtools, SLOWER)
        self.page.wait_for_timeout(SETTLING_MS)
        yield
        slow_down(self.devtools, 1)

    def bustle(self) -> None:
        """Let the other members act."""
        self._phones.ask("bustle", rate=EVENTS_PER_SECOND, seconds=SECONDS)

    def rest(self) -> None:
        """Wait without any event."""
        self.page.wait_for_timeout(IDLE_SECONDS * 1000)

    def scroll(self) -> None:
        """Scroll the roster to its end by touch."""
        self.devtools.send("Input.synthesizeScrollGesture", SCROLL)

    def open_people(self) -> float:
        """Switch to the chat and back to the people; return ms until these are drawn."""
        self.page.evaluate("bench.show('chat')")
        return float(self.page.evaluate("bench.show('people')"))

    def during(self, happening: Callable[[], None]) -> Smoothness:
        """Record the page's frame times meanwhile."""
        before = self._metrics()
        self.page.evaluate("bench.begin()")
        happening()
        seen = self.page.evaluate("bench.end()")
        after = self._metrics()
        busy = (after["TaskDuration"] - before["TaskDuration"]) / (after["Timestamp"] - before["Timestamp"])
        return Smoothness(seen["tasks"], seen["frames"], busy)

    def _metrics(self) -> dict[str, float]:
        found = self.devtools.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in found}


def roster(browser: Browser, hubbub: Server, files: Server) -> Rows:
    """Measure a page that shows 200 people while they act: as a guest, as the host, and with innerHTML."""
    seen: dict[str, list[Smoothness]] = {name: [] for name in (GUEST, HOST, PEER, IDLE)}
    opened: list[float] = []
    scrolled: list[Smoothness] = []
    with ExitStack() as stack:
        pages = {name: stack.enter_context(watched(browser, hubbub, files, name)) for name in (GUEST, HOST, PEER)}
        for number in range(ROSTER_ROUNDS):
            print(f"a roster of {MEMBERS}, round {number + 1} of {ROSTER_ROUNDS} ...", file=sys.stderr)
            for name, page in pages.items():
                with page.slowed():
                    if name == GUEST:
                        opened.append(page.open_people())
                        scrolled.append(page.during(page.scroll))
                        seen[IDLE].append(page.during(page.rest))
                    seen[name].append(page.during(page.bustle))
    pace = f"roster of {MEMBERS}, {EVENTS_PER_SECOND} events/s"
    for name, found in seen.items():
        yield f"{pace}, long tasks: {name}", long_tasks(found)
    for name, found in seen.items():
        yield f"{pace}, frames in ms: {name}", frame_times(found)
    for name, found in seen.items():
        yield f"{pace}, main thread busy, %: {name}", median_and_runs([100 * run.busy for run in found])
    for name in (GUEST, HOST):
        ours, theirs, idle = ([run.busy for run in seen[one]] for one in (name, PEER, IDLE))
        beside = ratio(minus(ours, idle), minus(theirs, idle))
        yield f"{pace}, main thread beyond idle, {name} / {PEER}", beside
    yield f"roster of {MEMBERS}, ms from tap on People until it is drawn", median_and_runs(opened)
    yield f"roster of {MEMBERS}, scrolled to its end, long tasks", long_tasks(scrolled)
    yield f"roster of {MEMBERS}, scrolled to its end, frames in ms", frame_times(scrolled)


@contextmanager
def watched(browser: Browser, hubbub: Server, files: Server, name: str) -> Iterator[Watched]:
    """A page of that kind in a party of 200 of its own, with the people on the screen."""
    print(f"filling a party: {name} ...", file=sys.stderr)
    with start_phones() as phones, new_page(browser, hubbub) as page:
        code = None
        if name == HOST:
            page.goto("/")
            page.get_by_role("button", name="Start a party").tap()
            page.wait_for_url("**/p/*")
            code = page.url.rpartition("/")[2]
        code = phones.ask("surround", port=hubbub.port, code=code, members=MEMBERS - 1)["code"]
        if name == GUEST:
            page.goto(f"/p/{code}")
            page.get_by_role("button", name="Join").tap()
        if name == PEER:
            page.goto(f"{origin(files)}/bench/peers/innerhtml/?code={code}&server=ws://127.0.0.1:{hubbub.port}/ws")
        else:
            page.locator('[data-tab="people"]').tap()
        page.locator(".person").nth(MEMBERS - 1).wait_for(state="attached")
        yield Watched(page, phones)


def long_tasks(found: Sequence[Smoothness]) -> str:
    """Count and rate the long tasks of all rounds."""
    tasks = [task for run in found for task in run.tasks]
    seconds = sum(sum(run.frames) for run in found) / 1000
    if not tasks:
        return f"none in {seconds:.0f} s"
    counts = runs([len(run.tasks) for run in found], 0)
    return f"{len(tasks)} in {seconds:.0f} s, {sum(tasks):,.0f} ms in all, longest {max(tasks):.0f} ms   ({counts})"


def frame_times(found: Sequence[Smoothness]) -> str:
    """Format the frame times of all rounds, and the longest of each."""
    frames = [frame for run in found for frame in run.frames]
    late = statistics.median(run.late for run in found)
    longest = runs([max(run.frames) for run in found], 0)
    return (
        f"p50 {percentile(frames, 50):.1f}, p95 {percentile(frames, 95):.1f}, longest {max(frames):.0f}; "
        f"{late:.1%} of the time in frames over {LONG_FRAME_MS} ms   (longest, {longest})"
    )


def minus(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Subtract the base round by round."""
    return [value - below for value, below in zip(values, base, strict=True)]


# ---------------------------------------------------------------- the way in


def arrivals(browser: Browser, hubbub: Server) -> Rows:
    """Measure how soon a new phone has a button and, after the tap, is in; slow and fast network in turn."""
    starts: dict[str, list[Arrival]] = {"slow": [], "fast": []}
    joins: dict[str, list[Arrival]] = {"slow": [], "fast": []}
    with start_phones() as phones, start_line(hubbub, SLOW_4G) as line:
        code = phones.ask("surround", port=hubbub.port, code=None, members=10)["code"]
        at_start, at_link = first_load(browser, hubbub, "/"), first_load(browser, hubbub, f"/p/{code}")
        for number in range(LOAD_ROUNDS):
            print(f"arrivals, round {number + 1} of {LOAD_ROUNDS} ...", file=sys.stderr)
            for speed, place, slower in (("slow", line, SLOWER), ("fast", hubbub, 1)):
                starts[speed].append(arrive(browser, place, "/", "Start a party", slower))
                joins[speed].append(arrive(browser, place, f"/p/{code}", "Join", slower))
    yield "the line", f"slow 4G: {SLOW_4G.round_trip_ms} ms, {SLOW_4G.down_bits / 1e6:.1f} Mbit/s, WebSockets too"
    to_button = "ms from opening it cold until its button can be tapped"
    least = SLOW_4G.ms(TRIPS_TO_PAGE, at_start.sent)
    yield from beside_floor(f"/, {to_button}", starts, lambda one: one.button, TRIPS_TO_PAGE, least)
    least = SLOW_4G.ms(TRIPS_IN, 0)
    yield from beside_floor("ms from tap to code", starts, lambda one: one.inside, TRIPS_IN, least)
    least = SLOW_4G.ms(TRIPS_TO_LINK, at_link.sent)
    yield from beside_floor(f"/p/CODE, {to_button}", joins, lambda one: one.button, TRIPS_TO_LINK, least)
    least += SLOW_4G.ms(TRIPS_IN, 0)
    in_all = TRIPS_TO_LINK + TRIPS_IN
    yield from beside_floor("/p/CODE, ms from opening it cold, tap at once, to being in", joins, sum, in_all, least)
    for path, wire in (("/", at_start), ("/p/CODE", at_link)):
        sizes = f"{wire.sent / 1024:.1f} KB with headers = {wire.sent / wire.unpacked:.2f} of the files' bytes"
        yield f"first load of {path}", f"{wire.requests} requests, {sizes} ({wire.unpacked / 1024:.1f} KB)"


def beside_floor(
    what: str, taken: dict[str, list[Arrival]], of: Callable[[Arrival], float], trips: int, least: float
) -> Rows:
    """Format one figure on the slow network, next to the fast one and the network's own time."""
    slow, fast = (list(map(of, taken[speed])) for speed in ("slow", "fast"))
    yield f"{what}: slow 4G", median_and_runs(slow, 0)
    yield f"{what}: neither slowed", median_and_runs(fast, 0)
    floor = f"{trips} round trips and the bytes, {least:,.0f} ms"
    yield f"{what}, slow / the line's own time", f"{statistics.median(slow) / least:.2f}   ({floor})"


def arrive(browser: Browser, place: Server, path: str, button: str, slower: float) -> Arrival:
    """Open a path on a phone with an empty cache, tap the button as soon as it appears, and enter."""
    with new_page(browser, place) as page:
        slow_down(page.context.new_cdp_session(page), slower)
        page.goto(path)
        page.get_by_role("button", name=button).wait_for()
        page.wait_for_timeout(PAUSE_MS)
        page.get_by_role("button", name=button).tap()
        page.locator('html[data-screen="party"]').wait_for()
        found = seen_inside(page)
        first = found["seen"]["startable" if path == "/" else "joinable"]
        return Arrival(first, found["seen"]["inside"] - found["tappedAt"])


def seen_inside(page: Page) -> dict[str, Any]:
    """Return the page's own times once it shows the code."""
    give_up_at = time.monotonic() + PATIENCE_MS / 1000
    while "inside" not in (found := page.evaluate("({ seen: bench.seen, tappedAt: bench.tappedAt })"))["seen"]:
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"the code is nowhere to be seen: {found}")
        page.wait_for_timeout(LOOK_AGAIN_MS)
    return dict(found)


def first_load(browser: Browser, place: Server, path: str) -> Wire:
    """Measure what a phone with an empty cache loads before the first tap."""
    sent: list[float] = []
    unpacked: list[int] = []
    with new_page(browser, place) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
        devtools.on("Network.dataReceived", lambda event: unpacked.append(event["dataLength"]))
        devtools.send("Network.enable")
        page.goto(path)
        page.wait_for_timeout(QUIET_MS)  # nothing tells that a page will ask for no more
    return Wire(len(sent), round(sum(sent)), sum(unpacked))


def origin(place: Server) -> str:
    """Return the origin of a server."""
    return f"http://127.0.0.1:{place.port}"


@contextmanager
def new_page(browser: Browser, place: Server) -> Iterator[Page]:
    """Open a page of a phone with an empty cache."""
    context: BrowserContext = browser.new_context(
        base_url=origin(place),
        viewport={"width": WIDTH, "height": HEIGHT},
        is_mobile=True,
        has_touch=True,
        locale="en-US",
        color_scheme="dark",
    )
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(path=HERE / "page.js")
    yield context.new_page()
    context.close()


def slow_down(devtools: CDPSession, times: float) -> None:
    """Slow the page's processor by the factor `times`."""
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": times})


if __name__ == "__main__":
    allow_many_connections()
    print_table(list(page_rows()))
