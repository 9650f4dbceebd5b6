"""Every state that a phone can be in: its words, and that they can be read in the dark and in the light."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from tests.support.stores import PATIENCE_SECONDS
from tests.web.conftest import NewLine, NewPair, NewPhone
from tests.web.support.looks import Answers, faults, refusal, serve_socket, silence
from tests.web.support.pairs import ProxiedPair
from tests.web.support.person import Person
from tests.web.support.phones import WALL
from tests.web.support.scenario import Scenario
from tests.web.support.screens import offline
from tests.web.support.troubles import SOCKET_FAILED, UNREACHABLE, answered

FOREVER = 3600.0
NO_HOLDER = "ZZZZZZ"
WATCHERS_MAX = 16
HELD = "**/api/party/*"


@pytest.fixture
def scenario(shared_pair: ProxiedPair, new_phone: NewPhone) -> Scenario:
    return Scenario(new_phone, shared_pair)


@pytest.fixture
def newcomer(shared_pair: ProxiedPair, new_phone: NewPhone) -> Person:
    return Person(new_phone(shared_pair.there))


def expect_door(person: Person, kind: str, *words: str) -> None:
    """It says these words, and there is nothing wrong with how."""
    door = person.expect_door(kind)
    for text in words:
        expect(door).to_contain_text(text)
    expect(door.locator("svg").first).to_be_visible()
    assert not faults(person, f"door-{kind}")


def test_the_doors_that_wait(newcomer: Person) -> None:
    serve_socket(newcomer.page, silence)
    newcomer.phone.reload()
    newcomer.button("Start a party").click()
    expect_door(newcomer, "starting", "Starting your party…")
    expect(newcomer.expect_door("starting").get_by_role("img")).to_have_text("")
    newcomer.door_button("cancel").click()
    newcomer.type_code(NO_HOLDER)
    expect_door(newcomer, "connecting", "Getting you in…")
    newcomer.phone.open(f"/p/{NO_HOLDER}/wall")
    expect_door(newcomer, "opening", "Opening the wall…")
    newcomer.page.route(HELD, lambda _: None)
    newcomer.phone.open("/p/BBBBBB")
    expect_door(newcomer, "looking", "Looking for the party…")


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        (refusal("rate_limited", retryable=True), "busy", "It\u2019s crowded at the door."),
        (refusal("recovering", retryable=True), "store_away", "We can\u2019t reach the party right now. Trying again…"),
        (refusal("token_invalid"), "refused", "That did not work"),
        (lambda _: 4513, "abuse", "The server has hung up"),
    ],
    ids=["busy", "recovering", "refused", "abuse"],
)
def test_the_doors_that_are_seldom_seen(newcomer: Person, answers: Answers, kind: str, words: str) -> None:
    serve_socket(newcomer.page, answers)
    newcomer.phone.reload()
    newcomer.type_code(NO_HOLDER)
    expect_door(newcomer, kind, words)


def test_the_doors_of_a_code_that_is_none(newcomer: Person) -> None:
    newcomer.type_code(NO_HOLDER)
    expect_door(newcomer, "not_found", "No party with this code", f"You typed {NO_HOLDER}")
    newcomer.door_button("other").click()
    newcomer.expect_screen("home")
    newcomer.phone.open("/p/zzz-zzz")
    expect_door(newcomer, "not_found", "You typed zzz-zzz")
    newcomer.phone.open("/p/abc")
    expect_door(newcomer, "not_a_code", "That is not a party code", "You typed abc")


def test_the_doors_of_a_party_that_is_over(scenario: Scenario, newcomer: Person) -> None:
    asleep, forgotten = scenario.guest("Bob"), scenario.guest("Cleo")
    for guest in (asleep, forgotten):
        guest.page.goto("about:blank")
    scenario.host.leave()
    scenario.host.expect_screen("recap")
    newcomer.type_code(scenario.code)
    expect_door(newcomer, "ended", "This party has ended")
    asleep.phone.open(f"/p/{scenario.code}")
    asleep.expect_door("ended")
    admin = scenario.pair.store.admin
    for key in [*admin.scan_iter(f"*{scenario.code}*")]:
        admin.delete(key)
    forgotten.phone.open(f"/p/{scenario.code}")
    expect_door(forgotten, "gone", "This party is over")


def test_a_full_party(new_pair: NewPair, new_phone: NewPhone) -> None:
    scenario = Scenario(new_phone, new_pair(PARTY_CAPACITY="2"))
    guest = scenario.guest("Bob")
    by_link = scenario.newcomer()
    expect_door(by_link, "full", "This party is full")
    typist = Person(new_phone(scenario.pair.here))
    typist.type_code(scenario.code, "Dan")
    typist.expect_door("full")
    guest.leave()
    guest.expect_screen("home")
    typist.door_button("again").click()
    typist.expect_people("Ann", "Dan")
    by_link.door_button("again").click()
    by_link.expect_door("full")


def test_the_doors_that_a_host_closes(scenario: Scenario) -> None:
    guest = scenario.guest("Bob")
    scenario.host.lock(locked=True)
    expect_door(scenario.newcomer(), "locked", "The door is locked")
    scenario.host.kick("Bob")
    expect_door(guest, "kicked", "The host has removed you")


def test_more_walls_than_a_party_can_have(scenario: Scenario, new_phone: NewPhone) -> None:
    with ExitStack() as walls:
        for _ in range(WATCHERS_MAX):
            wall = walls.enter_context(connect(f"ws://127.0.0.1:{scenario.pair.here.port}/ws"))
            wall.send(f'{{"t": "WATCH", "code": "{scenario.code}"}}')
            while "WATCHING" not in str(wall.recv(timeout=PATIENCE_SECONDS)):
                pass
        late = Person(new_phone(scenario.pair.there, f"/p/{scenario.code}/wall", viewport=WALL, touch=False))
        expect_door(late, "watchers", "This party has all the walls it can have")
    late.expect_screen("wall")


def test_the_doors_of_a_network_that_fails(new_line: NewLine, scenario: Scenario, new_phone: NewPhone) -> None:
    line = new_line(scenario.pair.there)
    typist = Person(new_phone(line))
    typist.page.locator("body").press("Tab")  # the first interaction prefetches the party screen
    typist.phone.wait_until("() => document.querySelectorAll('link[id^=style-]').length === 3")
    with typist.phone.tolerating(UNREACHABLE, SOCKET_FAILED):
        with offline(typist.phone):
            typist.type_code(scenario.code, "Bob")
            expect_door(typist, "offline", "This phone is offline")
        scenario.host.expect_people("Ann", "Bob")
        typist.leave()
        typist.expect_screen("home")
        line.delay(FOREVER)
        typist.type_code(scenario.code)
        expect_door(typist, "unreachable", "No answer yet. Trying again…")
        line.delay(0)
        typist.expect_people("Ann", "Bob")


def test_what_is_said_while_the_store_is_away(pair: ProxiedPair, new_phone: NewPhone) -> None:
    scenario = Scenario(new_phone, pair)
    guest, wall = scenario.guest("Bob"), scenario.wall()
    pair.store.kill()
    for name, person in (("host", scenario.host), ("guest", guest), ("wall", wall)):
        person.expect_banner("We can\u2019t reach the party right now. Trying again…")
        assert not faults(person, f"banner-store-away-{name}")
    linked = scenario.newcomer()
    linked.phone.expects(answered(503))
    expect_door(linked, "store_away", "We can\u2019t reach the party right now. Trying again…")
    pair.store.start()
    for person in (scenario.host, guest, wall):
        person.expect_no_banner()
    linked.expect_screen("link")


def test_messages_during_recovery_are_kept(pair: ProxiedPair, new_phone: NewPhone) -> None:
    scenario = Scenario(new_phone, pair)
    guest = scenario.guest("Bob")
    scenario.host.say("Good evening")
    with scenario.host.watching_the_screen(), guest.watching_the_screen():
        pair.store.admin.flushall()
        # It takes three seconds, in which a busy machine may look elsewhere.
        for person in (scenario.host, guest):
            person.expect_seen_banner("The party is being put back together. Stay here.")
    for person in (scenario.host, guest):
        person.expect_no_banner()
        person.expect_people("Ann", "Bob")
    guest.expect_said("Good evening")
    guest.say("We are still here")
    scenario.host.expect_said("We are still here")


def test_the_banners_of_a_network_that_fails(new_line: NewLine, scenario: Scenario) -> None:
    line = new_line(scenario.pair.there)
    guest = scenario.guest("Bob", line)
    with guest.phone.tolerating(UNREACHABLE, SOCKET_FAILED):
        with offline(guest.phone):
            guest.expect_banner("This phone is offline")
            assert not faults(guest, "banner-offline")
        guest.expect_no_banner()
        line.delay(FOREVER)
        line.cut()
        guest.expect_banner("Connection lost. Reconnecting…")
        assert not faults(guest, "banner-reconnecting")
        line.delay(0)
        guest.expect_no_banner()


def test_a_host_that_dropped_out(scenario: Scenario) -> None:
    guest, wall = scenario.guest("Bob"), scenario.wall()
    scenario.host.page.goto("about:blank")
    linked = scenario.newcomer()
    for name, person in (("guest", guest), ("wall", wall)):
        person.expect_banner("Ann has dropped out. The party waits for them.")
        assert not faults(person, f"banner-host-away-{name}")
    expect(linked.page.get_by_text("Ann has dropped out for a moment.")).to_be_visible()
    assert not faults(linked, "link-host-away")
    scenario.host.page.go_back()
    guest.expect_no_banner()


def test_the_start_and_the_link(scenario: Scenario, newcomer: Person) -> None:
    assert not faults(newcomer, "home")
    guest = scenario.newcomer()
    guest.expect_screen("link")
    assert not faults(guest, "link")
    guest.join_by_link("")
    expect(guest.page.get_by_text("What should they call you?")).to_be_visible()
    assert not faults(guest, "name-card")
    guest.phone.open("/")
    expect(guest.page.get_by_text("Back to")).to_be_visible()
    assert not faults(guest, "home-with-a-seat")


def test_a_party_as_its_host_sees_it(scenario: Scenario) -> None:
    host, guest = scenario.host, scenario.guest("Bob")
    found = []
    for part in ("invite", "people"):
        host.part(part)
        found += faults(host, f"host-{part}")
    host.say("Good evening")
    guest.say("Hello")
    found += faults(host, "host-chat")
    music = host.part("music")
    found += faults(host, "host-music-nothing")
    music.get_by_label("Track").fill("One")
    music.get_by_role("button", name="Put on").click()
    music.get_by_label("Track").fill("Two")
    music.get_by_role("button", name="Play next").click()
    expect(music.get_by_text("Two", exact=True)).to_be_visible()
    found += faults(host, "host-music")
    assert not found


def test_a_party_as_its_guest_and_a_wall_see_it(scenario: Scenario) -> None:
    guest, wall = scenario.guest("Bob"), scenario.wall()
    found = faults(wall, "wall-quiet")
    for part in ("chat", "people", "invite"):
        guest.part(part)
        found += faults(guest, f"guest-{part}")
    scenario.host.set_mode("LOCKED")
    scenario.host.say("Good evening")
    scenario.host.lock(locked=True)
    expect(guest.part("chat").get_by_label("Message")).to_be_disabled()
    found += faults(guest, "guest-chat-locked")
    found += faults(wall, "wall-locked")
    scenario.host.leave()
    for name, person in (("host", scenario.host), ("guest", guest), ("wall", wall)):
        person.expect_screen("recap")
        found += faults(person, f"recap-{name}")
    guest.button("To the start").click()
    expect(guest.page.get_by_role("link", name="Ann\u2019s party")).to_be_visible()
    found += faults(guest, "home-with-a-recap")
    assert not found


def test_the_sheets(scenario: Scenario) -> None:
    host = scenario.host
    scenario.guest("Bob")
    host.open_menu()
    found = faults(host, "menu")
    host.button("Close").click()
    host.part("people").get_by_role("button", name="Actions for Bob").click()
    found += faults(host, "guest-menu")
    host.button("Close").click()
    for action in ("kick", "promote"):
        host.ask_about("Bob", action)
        found += faults(host, f"question-{action}")
        host.answer("no")
    host.open_menu().locator('[data-action="end"]').click()
    expect(host.page.get_by_role("dialog")).to_contain_text("End the party for everyone?")
    found += faults(host, "question-end")
    assert not found
