"""Screens of every size: nothing sticks out of them, nothing is too small, and little comes over the wire."""

import pytest
from playwright.sync_api import expect

from tests.web.conftest import NewPhone
from tests.web.support.looks import beyond_the_edges
from tests.web.support.pairs import ProxiedPair
from tests.web.support.person import Part, Person
from tests.web.support.scenario import Scenario
from tests.web.support.screens import photograph

SIZES = [(320, 568), (390, 844), (844, 390), (1440, 900)]
NAMES = [
    "Donaudampfschifffahrtsgesellschaftskapitänswitwe K",
    "👩‍👩‍👧‍👦🏳️‍🌈👩🏽‍🚀🇩🇪",
    "أحمد بن عبد الرحمن بن محمد الطويل الاسم جدا",
    "\u05e9\u05e8\u05d4 \u200f\u05d1\u05ea \u05e9\u05d1\u05e2",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
]
PARTS_OF_A_HOST: tuple[Part, ...] = ("invite", "chat", "people", "music")


@pytest.fixture
def crowd(shared_pair: ProxiedPair, new_phone: NewPhone) -> Scenario:
    """A party of people with names that few think of, who speak as long as that."""
    scenario = Scenario(new_phone, shared_pair)
    scenario.host.rename(NAMES[0])
    guest = scenario.guest(NAMES[2])
    guest.say("x" * 500)
    scenario.host.say("Wer hat an der Uhr gedreht? " * 17)
    guest.say(NAMES[3] * 8)
    music = scenario.host.part("music")
    music.get_by_label("Track").fill("y" * 300)
    music.get_by_role("button", name="Put on").click()
    music.get_by_label("Track").fill("z" * 300)
    music.get_by_role("button", name="Play next").click()
    expect(guest.page.locator(".strip")).to_contain_text("yyy")
    for name in (NAMES[1], NAMES[4]):
        scenario.guest(name)
    scenario.host.expect_people(*NAMES[:3], NAMES[4])
    return scenario


def looked_at(person: Person, name: str, size: tuple[int, int]) -> list[str]:
    photograph(person.phone, f"size-{name}-{size[0]}x{size[1]}")
    return [f"{name} at {size}: {fault}" for fault in beyond_the_edges(person)]


def test_nothing_of_a_party_sticks_out_at_any_size(crowd: Scenario) -> None:
    host, guest = crowd.host, crowd.guests[0]
    wall = crowd.wall()
    found = []
    for size in SIZES:
        width, height = size
        for person in (host, guest, wall):
            person.page.set_viewport_size({"width": width, "height": height})
        for part in PARTS_OF_A_HOST:
            host.part(part)
            found += looked_at(host, f"host-{part}", size)
        guest.part("chat")
        found += looked_at(guest, "guest-chat", size)
        found += looked_at(wall, "wall", size)
        host.ask_about(NAMES[4], "kick")
        found += looked_at(host, "question", size)
        host.answer("no")
    assert not found


def test_nothing_of_the_other_screens_sticks_out_at_any_size(crowd: Scenario, new_phone: NewPhone) -> None:
    newcomer, linked = Person(new_phone(crowd.pair.there)), crowd.newcomer()
    linked.expect_screen("link")
    lost = Person(new_phone(crowd.pair.there, f"/p/{'long-' * 30}"))
    lost.expect_door("not_a_code")
    crowd.host.leave()
    guest = crowd.guests[0]
    guest.expect_screen("recap")
    found = []
    for size in SIZES:
        width, height = size
        for name, person in (("home", newcomer), ("link", linked), ("door", lost), ("recap", guest)):
            person.page.set_viewport_size({"width": width, "height": height})
            found += looked_at(person, name, size)
    assert not found


@pytest.mark.parametrize("size", SIZES[:3], ids=str)
def test_whoever_types_sees_what_is_said(shared_pair: ProxiedPair, new_phone: NewPhone, size: tuple[int, int]) -> None:
    scenario = Scenario(new_phone, shared_pair)
    guest = scenario.guest("Bob")
    guest.page.set_viewport_size({"width": size[0], "height": size[1]})
    guest.say("Can you see this?")
    chat = guest.part("chat")
    expect(chat.get_by_text("Can you see this?")).to_be_in_viewport(ratio=1)
    expect(chat.get_by_label("Message")).to_be_in_viewport(ratio=1)
    expect(chat.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)


def test_who_wants_no_motion_gets_none(shared_pair: ProxiedPair, new_phone: NewPhone) -> None:
    calm = Person(new_phone(shared_pair.here, reduced_motion="reduce"))
    endless = """() => document.getAnimations()
      .filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime === Infinity)
      .map((one) => `${one.animationName}: ${one.effect.target.className}`)"""
    assert calm.page.evaluate(endless) == []
    calm.start_party("Ann")
    music = calm.part("music")
    music.get_by_label("Track").fill("One")
    music.get_by_role("button", name="Put on").click()
    expect(calm.part("music").get_by_role("button", name="Pause")).to_be_visible()
    assert calm.page.evaluate(endless) == []
    calm.react("🎉")
    expect(calm.page.locator(".float")).to_have_count(0)
    calm.phone.open("/p/BBBBBB/wall")
    calm.expect_door("not_found")
    assert calm.page.evaluate(endless) == []
