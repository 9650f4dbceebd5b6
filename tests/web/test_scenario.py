"""A whole scenario: a host on one instance, guests on the other, and what each of them sees."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.web.conftest import NewPhone
from tests.web.support.pairs import ProxiedPair
from tests.web.support.person import CLIPBOARD, Person
from tests.web.support.scenario import Scenario
from tests.web.support.screens import decode_qr, screenshot

GUESTS = ("Bob", "Cleo", "Dan")


@pytest.fixture
def scenario(new_phone: NewPhone, shared_pair: ProxiedPair) -> Scenario:
    return Scenario(new_phone, shared_pair)


@pytest.fixture
def full_evening(scenario: Scenario) -> Scenario:
    for name in GUESTS:
        scenario.guest(name)
    for person in scenario.everyone:
        person.expect_people("Ann", *GUESTS)
    return scenario


@pytest.fixture
def duo(scenario: Scenario) -> Scenario:
    scenario.guest("Bob")
    scenario.host.expect_people("Ann", "Bob")
    return scenario


def test_a_photo_of_the_screen_leads_in(new_phone: NewPhone, shared_pair: ProxiedPair, scenario: Scenario) -> None:
    scenario.host.part("invite")
    qr = scenario.host.page.get_by_role("img", name="QR code")
    expect(qr).to_be_visible()
    scenario.host.phone.wait_until("() => document.querySelector('img.qr, [data-part=invite] img').naturalWidth > 0")
    link = urlsplit(decode_qr(screenshot(scenario.host.phone, "invite")))
    expect(scenario.host.part("invite")).to_contain_text(link.netloc)
    # It names this machine as phones in the Wi-Fi reach it; the instances of the tests listen for this machine alone.
    guest = Person(new_phone(shared_pair.there, link.path))
    expect(guest.heading).to_have_text("Ann\u2019s party")
    guest.join_by_link("Bob")
    assert guest.code() == scenario.code
    scenario.host.expect_people("Ann", "Bob")


@pytest.mark.parametrize("spelled", ["as shown", "lower", "spaced", "hyphened"])
def test_the_sixth_character_opens_the_door(new_phone: NewPhone, shared_pair: ProxiedPair, spelled: str) -> None:
    code = shared_pair.here.create().body["partyCode"]
    typed = {
        "lower": code.lower(),
        "spaced": f"{code[:3]} {code[3:]}",
        "hyphened": "-".join([code[:2].lower(), code[2:4], code[4:]]),
    }.get(spelled, code)
    guest = Person(new_phone(shared_pair.there))
    guest.type_code(typed[:-1], "Bob")
    guest.expect_screen("home")
    guest.page.keyboard.type(typed[-1])
    assert guest.code() == code
    expect(guest.row("Bob")).to_have_count(1)


LINK = "http://192.168.7.7:8080/p/{code}"


@pytest.mark.parametrize(
    ("copied", "place"),
    [(" {lower} \n", "h1"), (LINK, "h1"), ("Join us: /p/{lower}?x=1", "h1"), (LINK, "role=textbox[name='Party code']")],
)
def test_a_paste_anywhere_leads_in(new_phone: NewPhone, shared_pair: ProxiedPair, copied: str, place: str) -> None:
    code = shared_pair.here.create().body["partyCode"]
    guest = Person(new_phone(shared_pair.there, permissions=CLIPBOARD))
    guest.page.locator(place).click()
    guest.paste(copied.format(code=code, lower=code.lower()))
    assert guest.code() == code


def test_a_name_is_asked_for_once(new_phone: NewPhone, shared_pair: ProxiedPair, scenario: Scenario) -> None:
    guest = scenario.guest("Bob")
    scenario.host.expect_people("Ann", "Bob")
    other = Scenario(new_phone, shared_pair)
    guest.phone.open(f"/p/{other.code}")
    guest.expect_screen("link")
    expect(guest.name_field()).to_have_value("Bob")
    guest.page.get_by_role("button", name="Join as Bob").click()
    other.host.expect_people("Ann", "Bob")


def test_who_came_without_a_name_is_asked_inside(duo: Scenario) -> None:
    guest = duo.guest("")
    expect(guest.page.get_by_text("What should they call you?")).to_be_visible()
    duo.host.expect_people("Ann", "Bob", "Guest 2")
    guest.name_field().first.fill("Cleo")
    guest.button("Save").first.click()
    duo.host.expect_people("Ann", "Bob", "Cleo")
    expect(guest.page.get_by_text("What should they call you?")).to_be_hidden()


def test_everyone_hears_everyone(full_evening: Scenario) -> None:
    wall = full_evening.wall()
    said = []
    for n, person in enumerate(full_evening.everyone):
        person.say(f"hello {n}")
        said.append(f"hello {n}")
    for person in full_evening.everyone:
        person.expect_said(*said)
        expect(person.page.locator('[data-part="chat"] li').first).to_contain_text("Ann")
    expect(wall.page.get_by_role("listitem").filter(has_text="hello")).to_have_count(4)


def test_reactions_rise_on_every_phone_and_the_wall(full_evening: Scenario) -> None:
    everybody = [*full_evening.everyone, full_evening.wall()]
    for person in everybody:
        person.hold_floats()
    full_evening.guests[0].react("🔥")
    for person in everybody:
        person.expect_float("🔥")
    full_evening.host.react("🎉")
    full_evening.guests[2].expect_float("🎉")


def test_what_guests_may_do_in_the_chat(duo: Scenario) -> None:
    host, guest = duo.everyone
    chat = guest.part("chat")
    field, send = chat.get_by_label("Message"), chat.get_by_role("button", name="Send")
    reaction = chat.get_by_role("button", name="React with 🎉")
    host.set_mode("EMOJI_ONLY")
    expect(field).to_be_disabled()
    expect(field).to_have_attribute("placeholder", "Only reactions right now")
    expect(send).to_be_disabled()
    guest.react("🎉")
    host.expect_float("🎉")
    host.set_mode("LOCKED")
    expect(reaction).to_be_disabled()
    expect(field).to_have_attribute("placeholder", "Only the host speaks right now")
    host.say("only me")
    guest.expect_said("only me")
    host.set_mode("OPEN")
    guest.say("me too")
    host.expect_said("only me", "me too")


def test_a_guest_is_removed_only_when_the_host_is_sure(duo: Scenario) -> None:
    host, guest = duo.everyone
    expect(host.ask_about("Bob", "kick")).to_contain_text("Remove Bob?")
    host.answer("no")
    guest.say("still here")
    host.expect_people("Ann", "Bob")
    host.kick("Bob")
    guest.expect_door("kicked")
    host.expect_people("Ann")


def test_who_was_removed_does_not_come_back(duo: Scenario) -> None:
    host, guest = duo.everyone
    host.kick("Bob")
    guest.expect_door("kicked")
    guest.phone.reload()
    guest.expect_door("kicked")
    guest.door_button("home").click()
    expect(guest.page.get_by_text("Back to")).to_be_hidden()
    guest.type_code(duo.code)
    guest.expect_door("kicked")
    guest.phone.open(f"/p/{duo.code}")
    guest.expect_door("kicked")
    host.expect_people("Ann")


def test_a_locked_door_lets_in_who_is_in_and_nobody_else(
    new_phone: NewPhone, shared_pair: ProxiedPair, duo: Scenario
) -> None:
    host, guest = duo.everyone
    host.lock(locked=True)
    expect(guest.part("invite")).to_contain_text("The door is locked")
    by_link = Person(new_phone(shared_pair.there, f"/p/{duo.code}"))
    by_code = Person(new_phone(shared_pair.there))
    by_code.type_code(duo.code, "Dan")
    for newcomer in (by_link, by_code):
        newcomer.expect_door("locked")
    guest.phone.reload()
    guest.expect_people("Ann", "Bob")
    host.lock(locked=False)
    by_link.door_button("again").click()
    by_link.join_by_link("Cleo")
    by_code.door_button("again").click()
    by_code.expect_people("Ann", "Bob", "Cleo", "Dan")


def test_a_guest_becomes_the_host(full_evening: Scenario) -> None:
    host, bob, cleo, _ = full_evening.everyone
    host.promote("Bob")
    for person in (host, cleo):
        expect(person.heading).to_have_text("Bob\u2019s party")
    expect(bob.heading).to_have_text("Your party")
    for person in full_evening.everyone:
        expect(person.row("Bob")).to_contain_text("Host")
        expect(person.row("Ann").get_by_text("Host", exact=True)).to_be_hidden()
    expect(host.part("people").get_by_role("button", name="Actions for")).to_have_count(0)
    expect(bob.part("people").get_by_role("button", name="Actions for")).to_have_count(3)
    bob.set_mode("LOCKED")
    expect(host.part("chat").get_by_label("Message")).to_be_disabled()


def test_what_plays_is_on_every_phone(duo: Scenario) -> None:
    host, guest = duo.everyone
    music = host.part("music")
    music.get_by_label("Track").fill("One")
    music.get_by_role("button", name="Put on").click()
    expect(guest.page.locator(".strip")).to_contain_text("One")
    expect(guest.page.locator(".strip")).to_contain_text(re.compile(r"Playing · 0:0[1-9]"))
    music.get_by_label("Track").fill("Two")
    music.get_by_role("button", name="Play next").click()
    expect(music.get_by_text("Two", exact=True)).to_be_visible()
    music.get_by_role("button", name="Pause").click()
    expect(guest.page.locator(".strip")).to_contain_text("Paused")
    late = duo.guest("Cleo")
    expect(late.page.locator(".strip")).to_contain_text("One")
    expect(late.page.locator(".strip")).to_contain_text("Paused")
    music.get_by_role("button", name="Play", exact=True).click()
    expect(late.page.locator(".strip")).to_contain_text("Playing")
    music.get_by_role("button", name="Skip").click()
    for person in (guest, late):
        expect(person.page.locator(".strip")).to_contain_text("Two")
    expect(music.get_by_role("button", name="Skip")).to_be_disabled()


def test_another_name_is_seen_by_all_and_kept(duo: Scenario) -> None:
    host, guest = duo.everyone
    guest.rename("Bobby")
    host.expect_people("Ann", "Bobby")
    guest.phone.reload()
    guest.expect_people("Ann", "Bobby")
    host.rename("Anna")
    expect(guest.heading).to_have_text("Anna\u2019s party")


def test_who_leaves_is_gone_and_may_come_again(duo: Scenario) -> None:
    host, guest = duo.everyone
    guest.open_menu().locator('[data-action="leave"]').click()
    guest.answer("no")
    host.expect_people("Ann", "Bob")
    guest.leave()
    guest.expect_screen("home")
    host.expect_people("Ann")
    expect(guest.page.get_by_text("Back to")).to_be_hidden()
    guest.type_code(duo.code)
    host.expect_people("Ann", "Bob")


def test_the_start_offers_the_way_back(duo: Scenario) -> None:
    _, guest = duo.everyone
    seat = guest.my_id()
    guest.phone.open("/")
    back = guest.page.get_by_role("link", name=f"Back to {duo.code[:3]} {duo.code[3:]}")
    expect(back).to_contain_text("Ann\u2019s party")
    back.click()
    guest.expect_people("Ann", "Bob")
    assert guest.my_id() == seat


def test_the_end_is_the_same_for_all_and_kept(full_evening: Scenario) -> None:
    host, bob, *_ = full_evening.everyone
    wall = full_evening.wall()
    host.say("one")
    bob.say("two")
    for emoji in ("🔥", "🔥", "🎉"):
        bob.react(emoji)
    host.expect_float("🎉")
    host.leave()
    for person in [*full_evening.everyone, wall]:
        person.expect_screen("recap")
        expect(person.heading).to_have_text("What a party")
        figures = person.page.locator("dl").inner_text().split()
        assert " ".join(figures) == "3 guests came 2 messages 3 reactions"
        expect(person.page.get_by_role("img", name="The party as a picture")).to_be_visible()
    expect(host.page.get_by_text("You have ended it.")).to_be_visible()
    expect(bob.page.get_by_text("Ann has ended it.")).to_be_visible()
    bob.button("To the start").click()
    bob.phone.reload()
    bob.page.get_by_role("link", name="Ann\u2019s party").click()
    bob.expect_screen("recap")
    bob.phone.reload()
    bob.expect_screen("recap")
    expect(bob.page.locator("dl")).to_contain_text("2messages")
    bob.phone.open(f"/p/{full_evening.code}")
    bob.expect_screen("recap")


def test_after_the_end_another_party_is_one_touch_away(duo: Scenario) -> None:
    host, guest = duo.everyone
    host.leave()
    guest.expect_screen("recap")
    guest.button("Start another party").click()
    assert guest.code() != duo.code
    guest.expect_people("Bob")
    expect(guest.heading).to_have_text("Your party")
