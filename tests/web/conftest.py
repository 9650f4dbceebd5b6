"""Phones with a real browser, and the instances that they are before."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Protocol, Unpack

import pytest

from tests.support.proxy import StoreProxy
from tests.web.support.chromium import Chromium
from tests.web.support.pairs import ProxiedPair
from tests.web.support.phones import BrowserPhone, HasPort, Kind, Place
from tests.web.support.screens import last_sight

HERE = Path(__file__).parent
# Several browsers draw on the same two cores: what takes ten seconds alone may take a minute there.
TEST_SECONDS_MAX = 240
HAS_FAILED = pytest.StashKey[bool]()


NewLine = Callable[[HasPort], StoreProxy]


class NewPair(Protocol):
    """Starts two instances with settings of a test's own."""

    def __call__(self, **settings: str) -> ProxiedPair: ...


class NewPhone(Protocol):
    """Unboxes a phone and opens a path of the site at a place; `path=None` opens nothing yet."""

    def __call__(self, home: Place, path: str | None = "/", **kind: Unpack[Kind]) -> BrowserPhone: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests first.

    Processes steal work from the ends of others' queues, so the first process keeps nearly all of these: its browser
    and the shared instances are seldom started twice, and the longest tests do not begin last.
    """
    items.sort(key=lambda item: HERE not in item.path.parents)
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS_MAX))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    """See `Chromium`."""
    with Chromium.driven():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """See `Chromium`."""
    with Chromium.driven():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """See `Chromium`."""
    with Chromium.driven():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember of a test that it failed, for those who clear up after it."""
    report = yield
    item.stash[HAS_FAILED] = item.stash.get(HAS_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser of this process."""
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture
def new_phone(chromium: Chromium, request: pytest.FixtureRequest) -> Iterator[NewPhone]:
    """Unboxes phones; afterwards the test fails if any of them met a trouble that it had not named."""
    made: list[BrowserPhone] = []

    def unbox(home: Place, path: str | None = "/", **kind: Unpack[Kind]) -> BrowserPhone:
        made.append(BrowserPhone(chromium.browser, home, **kind))
        if path is not None:
            made[-1].open(path)
        return made[-1]

    yield unbox
    item: pytest.Item = request.node
    if item.stash.get(HAS_FAILED, False):
        for number, phone in enumerate(made, 1):
            item.add_report_section("teardown", f"phone {number}", last_sight(phone, f"{item.name}-{number}"))
    faults = []
    for phone in made:
        try:
            phone.put_away()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


@pytest.fixture
def new_line() -> Iterator[NewLine]:
    """Lays lines that a phone can be given as its place, to be delayed and cut there."""
    made: list[StoreProxy] = []

    def lay(place: HasPort) -> StoreProxy:
        made.append(StoreProxy(place.port))
        return made[-1]

    yield lay
    for line in made:
        line.close()


@pytest.fixture
def new_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewPair]:
    """Starts pairs of instances on a store of their own, for tests that do them harm."""
    made: list[ProxiedPair] = []

    def start(**settings: str) -> ProxiedPair:
        made.append(ProxiedPair(tmp_path_factory.mktemp("pair"), **settings))
        made[-1].start()
        return made[-1]

    yield start
    for pair in made:
        pair.close()
    assert not [error for pair in made for error in pair.errors()]


@pytest.fixture
def pair(new_pair: NewPair) -> ProxiedPair:
    """A pair of instances of the test's own."""
    return new_pair()


@pytest.fixture(scope="session")
def shared_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedPair]:
    """A pair for all tests of this process that do it no harm; each test makes parties of its own."""
    pair = ProxiedPair(tmp_path_factory.mktemp("pair"))
    try:
        pair.start()
        yield pair
    finally:
        pair.close()
    assert not pair.errors()
