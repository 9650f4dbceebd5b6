"""What a phone goes through between two glances at it: it comes back to the same seat, and nothing flickers."""

from functools import partial

import pytest
from playwright.sync_api import expect

from tests.support.instances import Instance
from tests.support.stores import wait_for
from tests.web.conftest import NewLine, NewPhone
from tests.web.support.looks import faults
from tests.web.support.pairs import ProxiedPair
from tests.web.support.person import Person, Sights
from tests.web.support.scenario import Scenario
from tests.web.support.screens import offline
from tests.web.support.troubles import SOCKET_FAILED, UNREACHABLE, answered

BANNER_AFTER_MS = 2000
# The banner is looked at each half second.
BANNER_BY_MS = 3500
FOREVER = 3600.0
# For each answer of the store; to start a party takes several.
SLOW = 0.2
STORE_AWAY = "We can\u2019t reach the party right now. Trying again…"


@pytest.fixture
def scenario(new_phone: NewPhone, shared_pair: ProxiedPair) -> Scenario:
    return Scenario(new_phone, shared_pair)


def expect_same_seat(guest: Person, seat: str) -> None:
    guest.expect_people("Ann", "Bob")
    assert guest.my_id() == seat
    assert guest.wire.last_heard("JOINED")["resumed"] is True


def never_missed(sights: Sights) -> None:
    """From its first drawing on, nothing of the party was away from the screen."""
    screens = sights.of("screen")
    assert screens[-1] == "party"
    inside = [sight for sight in sights if sight["screen"] == "party"]
    assert len(set(screens[screens.index("party") :])) == 1
    assert {sight["door"] for sight in sights} == {None}
    assert [sight["people"] for sight in inside] == sorted(sight["people"] for sight in inside)
    assert {sight["banner"] for sight in inside} == {None}


def test_a_reload_comes_back_to_the_seat_without_a_flicker(scenario: Scenario) -> None:
    guest = scenario.guest("Bob")
    seat = guest.my_id()
    guest.say("before")
    scenario.host.expect_said("before")
    version = guest.wire.last_heard("MESSAGE")["version"]
    with guest.watching_the_screen() as sights, scenario.host.watching_the_screen() as of_the_host:
        guest.phone.reload()
        guest.link_is("Live")
        scenario.host.say("after")
        guest.expect_said("before", "after")
    expect_same_seat(guest, seat)
    asked = guest.wire.last_sent("JOIN")["since"]
    assert asked["version"] >= version
    assert asked["epoch"]
    never_missed(sights)
    drawn = [(sight["people"], sight["lines"]) for sight in sights if sight["people"]]
    assert drawn[0] == (2, 1)
    assert {people for people, _ in drawn} == {2}
    assert {sight["people"] for sight in of_the_host} == {2}


def test_returning_host_is_host(scenario: Scenario) -> None:
    host = scenario.host
    guest = scenario.guest("Bob")
    host.expect_people("Ann", "Bob")
    seat = host.my_id()
    host.phone.reload()
    host.link_is("Live")
    expect(host.heading).to_have_text("Your party")
    assert host.my_id() == seat
    host.kick("Bob")
    guest.expect_door("kicked")


def test_a_phone_without_network_says_so_and_comes_back(scenario: Scenario) -> None:
    guest = scenario.guest("Bob")
    seat = guest.my_id()
    with guest.phone.tolerating(UNREACHABLE, SOCKET_FAILED):
        with offline(guest.phone):
            guest.expect_banner("This phone is offline")
            scenario.host.say("missed")
        guest.expect_no_banner()
        guest.expect_said("missed")
    guest.expect_people("Ann", "Bob")
    assert guest.my_id() == seat


def test_a_short_loss_passes_without_a_word(new_line: NewLine, scenario: Scenario) -> None:
    line = new_line(scenario.pair.there)
    guest = scenario.guest("Bob", line)
    seat = guest.my_id()
    with guest.watching_the_screen() as sights, guest.phone.tolerating(UNREACHABLE):
        # By the phone's clock it is short, however long a busy machine takes over it.
        guest.page.evaluate("() => { const lost = Date.now(); Date.now = () => lost; }")
        line.cut()
        guest.link_is("Reconnecting")
        scenario.host.say("meanwhile")
        guest.link_is("Live")
        guest.expect_said("meanwhile")
    expect_same_seat(guest, seat)
    assert sights.of("banner") == [None]
    never_missed(sights)


def test_a_longer_loss_is_told_after_two_seconds(new_line: NewLine, scenario: Scenario) -> None:
    line = new_line(scenario.pair.there)
    guest = scenario.guest("Bob", line)
    seat = guest.my_id()
    with guest.watching_the_screen() as sights, guest.phone.tolerating(UNREACHABLE, SOCKET_FAILED):
        line.delay(FOREVER)
        line.cut()
        guest.expect_banner("Connection lost. Reconnecting…")
        scenario.host.say("meanwhile")
        guest.button("Try now").click()
        line.delay(0)
        guest.expect_no_banner()
        guest.expect_said("meanwhile")
    expect_same_seat(guest, seat)
    lost_at = next(sight["at"] for sight in sights if sight["live"] is False)
    told_at = next(sight["at"] for sight in sights if sight["banner"])
    assert BANNER_AFTER_MS - 50 <= told_at - lost_at < BANNER_BY_MS


def test_two_tabs_pass_the_seat_to_each_other(scenario: Scenario) -> None:
    guest = scenario.guest("Bob")
    seat = guest.my_id()
    second = Person(guest.phone, guest.phone.context.new_page())
    second.page.goto(guest.page.url)
    expect_same_seat(second, seat)
    door = guest.expect_door("taken_over")
    expect(door).to_contain_text("You are in from another tab")
    guest.page.bring_to_front()
    assert not faults(guest, "door-taken_over")
    guest.door_button("takeBack").click()
    guest.expect_screen("party")
    expect_same_seat(guest, seat)
    second.expect_door("taken_over")
    guest.say("here again")
    scenario.host.expect_said("here again")
    scenario.host.expect_people("Ann", "Bob")


def test_a_line_gone_silent_is_found_when_the_page_is_looked_at(new_line: NewLine, scenario: Scenario) -> None:
    line = new_line(scenario.pair.there)
    guest = scenario.guest("Bob", line)
    seat = guest.my_id()
    line.delay(FOREVER)
    scenario.host.say("never delivered")
    sockets = guest.wire.opened
    guest.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    guest.link_is("Reconnecting")
    line.delay(0)
    guest.expect_said("never delivered")
    expect_same_seat(guest, seat)
    assert guest.wire.opened > sockets


@pytest.mark.parametrize(
    ("away", "back"),
    [
        ("document.dispatchEvent(new Event('freeze'))", "document.dispatchEvent(new Event('resume'))"),
        (
            "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))",
            "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))",
        ),
    ],
    ids=["frozen in a pocket", "kept for the back button"],
)
def test_a_page_that_a_browser_laid_away_is_level_again(scenario: Scenario, away: str, back: str) -> None:
    """Playwright's browser neither freezes nor keeps pages, so the page is told what a browser tells it that does."""
    guest = scenario.guest("Bob")
    seat = guest.my_id()
    guest.page.evaluate(away)
    expect(scenario.host.row("Bob")).to_have_attribute("data-away", "")
    scenario.host.say("meanwhile")
    guest.page.evaluate(back)
    guest.expect_said("meanwhile")
    expect_same_seat(guest, seat)
    expect(scenario.host.row("Bob")).not_to_have_attribute("data-away", "")


def parties(pair: ProxiedPair) -> list[str]:
    return list(pair.store.admin.scan_iter("party:*"))


def test_a_slow_store_shows_no_code_before_its_time(pair: ProxiedPair, new_phone: NewPhone) -> None:
    host = Person(new_phone(pair.here))
    pair.store_link.delay(2 * SLOW)
    with host.watching_the_screen() as sights:
        host.button("Start a party").click()
        code = wait_for(lambda: parties(pair))[0].removeprefix("party:")
        pair.store_link.delay(FOREVER)  # the store has it, and nobody who asked knows
        host.expect_door("store_away")
    assert [door for door in sights.of("door") if door] == ["starting", "store_away"]
    assert code not in host.page.content()
    assert "/p/" not in host.page.url
    pair.store_link.delay(0)
    code = host.code()
    wait_for(lambda: parties(pair) == [f"party:{code}"])


def test_a_reload_in_the_middle_of_a_start_makes_no_second_party(pair: ProxiedPair, new_phone: NewPhone) -> None:
    host = Person(new_phone(pair.here))
    pair.store_link.delay(SLOW)
    host.button("Start a party").click()
    wait_for(lambda: parties(pair))
    host.phone.reload()
    host.expect_screen("home")
    host.button("Start a party").click()
    code = host.code()
    wait_for(lambda: parties(pair) == [f"party:{code}"])
    pair.store_link.delay(0)
    host.say("one party")
    assert parties(pair) == [f"party:{code}"]


def test_nobody_is_lost_while_the_store_is_away(pair: ProxiedPair, new_phone: NewPhone) -> None:
    scenario = Scenario(new_phone, pair)
    guest = scenario.guest("Bob")
    wall = scenario.wall()
    starter, typist = Person(new_phone(pair.there)), Person(new_phone(pair.there))
    inside = [scenario.host, guest, wall]
    with guest.watching_the_screen() as sights, typist.watching_the_screen() as of_the_typist:
        pair.store.kill()
        for person in inside:
            person.expect_banner(STORE_AWAY)
        typist.type_code(scenario.code, "Dan")
        starter.button("Start a party").click()
        linked = scenario.newcomer()
        linked.phone.expects(answered(503))
        for person in (typist, starter, linked):
            expect(person.expect_door("store_away")).to_contain_text(STORE_AWAY)
        guest.part("chat").get_by_label("Message").fill("not yet")
        guest.button("Send").click()
        expect(
            guest.page.get_by_role("status").filter(has_text="The party can\u2019t be reached right now.")
        ).to_be_visible()
        expect(guest.page.get_by_label("Message")).to_have_value("not yet")
        pair.store.start()
        for person in inside:
            person.expect_no_banner()
        linked.join_by_link("Cleo")
        for person in (scenario.host, guest, typist, linked):
            person.expect_people("Ann", "Bob", "Cleo", "Dan")
        guest.button("Send").click()
        typist.expect_said("not yet")
    assert starter.code() != scenario.code
    assert sights.of("door") == [None]
    assert of_the_typist.of("door") == ["connecting", "store_away", None]
    assert {sight["people"] for sight in sights} == {2, 3, 4}
    assert len(parties(pair)) == 2


def instance_of(person: Person, pair: ProxiedPair) -> Instance:
    serving = person.wire.last_heard("WELCOME")["instanceId"]
    return next(one for one in pair.instances if one.call("GET", "/health").body["instanceId"] == serving)


def test_a_killed_instance_is_replaced_by_the_other(pair: ProxiedPair, new_phone: NewPhone) -> None:
    scenario = Scenario(new_phone, pair, pair.front)
    guest = scenario.guest("Bob", pair.front)
    seat = guest.my_id()
    killed = instance_of(guest, pair)
    with (
        guest.watching_the_screen() as sights,
        scenario.host.watching_the_screen() as of_the_host,
        guest.phone.tolerating(SOCKET_FAILED, UNREACHABLE),
        scenario.host.phone.tolerating(SOCKET_FAILED, UNREACHABLE),
    ):
        killed.kill()
        guest.link_is("Reconnecting")
        guest.link_is("Live")
        scenario.host.link_is("Live")
        scenario.host.say("still here")
        guest.expect_said("still here")
    (survivor,) = (one for one in pair.instances if one is not killed)
    assert survivor.call("GET", "/health").body["instanceId"] == guest.wire.last_heard("WELCOME")["instanceId"]
    expect_same_seat(guest, seat)
    assert {sight["people"] for sight in [*sights, *of_the_host]} == {2}
    killed.start()


def test_a_rolling_restart_is_no_event(pair: ProxiedPair, new_phone: NewPhone) -> None:
    scenario = Scenario(new_phone, pair, pair.front)
    guest = scenario.guest("Bob", pair.front)
    seat = guest.my_id()
    with (
        guest.watching_the_screen() as sights,
        guest.phone.tolerating(SOCKET_FAILED),
        scenario.host.phone.tolerating(SOCKET_FAILED),
    ):
        for name, instance in zip("ab", pair.instances, strict=True):
            instance.terminate()
            instance.start()
            wait_for(partial(pair.front.is_up, name))
        for person in scenario.everyone:
            person.link_is("Live")
        scenario.host.say("good evening")
        guest.expect_said("good evening")
    expect_same_seat(guest, seat)
    assert {sight["people"] for sight in sights} == {2}
    assert sights.of("screen") == ["party"]
    assert "MEMBER_LEFT" not in {message["t"] for message in guest.wire.heard}
