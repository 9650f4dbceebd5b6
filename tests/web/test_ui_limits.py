"""Bounds that the app keeps: bytes of a first load, words as typed, targets for thumbs, twice the size of text."""

import pytest
from playwright.sync_api import expect

from tests.web.conftest import NewPhone
from tests.web.support.looks import beyond_the_edges, small_targets
from tests.web.support.pairs import ProxiedPair
from tests.web.support.person import Part, Person
from tests.web.support.scenario import Scenario
from tests.web.support.screens import photograph, wire_bytes

WIRE_BYTES_MAX = 60 * 1024
HALF = (195, 422)
OF_HOST: tuple[Part, ...] = ("invite", "chat", "people", "music")
OF_GUEST: tuple[Part, ...] = ("chat", "people", "invite")


@pytest.mark.parametrize("path", ["/", "/p/{code}"])
def test_a_first_load_is_small(shared_pair: ProxiedPair, new_phone: NewPhone, path: str) -> None:
    code = shared_pair.here.create().body["partyCode"]
    wire = wire_bytes(new_phone(shared_pair.here, None), path.format(code=code))
    assert wire.by_path[path.format(code=code)] > 0
    assert wire.total <= WIRE_BYTES_MAX, "\n".join(f"{size} {name}" for name, size in wire.by_path.items())


def test_fields_count_characters_as_the_server_does(shared_pair: ProxiedPair, new_phone: NewPhone) -> None:
    host = Person(new_phone(shared_pair.here))
    host.name_field().fill("🎉" * 51)
    expect(host.name_field()).to_have_value("🎉" * 50)
    host.start_party("🎉" * 50)
    music = host.part("music")
    music.get_by_label("Track").fill("🎵" * 300)
    music.get_by_role("button", name="Put on").click()
    expect(music.locator(".track-name")).to_have_text("🎵" * 300)
    music.get_by_label("Track").fill("🎵" * 501)
    expect(music.get_by_label("Track")).to_have_value("🎵" * 500)


def test_every_button_is_big_enough_for_a_thumb(shared_pair: ProxiedPair, new_phone: NewPhone) -> None:
    newcomer = Person(new_phone(shared_pair.here))
    newcomer.expect_screen("home")
    found = small_targets(newcomer)
    scenario = Scenario(new_phone, shared_pair)
    guest = scenario.guest("Bob")
    for part in OF_HOST:
        scenario.host.part(part)
        found += small_targets(scenario.host)
    for part in OF_GUEST:
        guest.part(part)
        found += small_targets(guest)
    scenario.host.open_menu()
    found += small_targets(scenario.host)
    scenario.host.button("Close").click()
    scenario.host.ask_about("Bob", "kick")
    found += small_targets(scenario.host)
    scenario.host.answer("no")
    guest.page.goto("about:blank")
    guest.phone.open("/")
    guest.expect_screen("home")
    found += small_targets(guest)
    scenario.host.leave()
    scenario.host.expect_screen("recap")
    found += small_targets(scenario.host)
    scenario.host.button("To the start").click()
    scenario.host.expect_screen("home")
    found += small_targets(scenario.host)
    assert not found, "\n".join(sorted(set(found)))


def test_nothing_sticks_out_at_200_percent(shared_pair: ProxiedPair, new_phone: NewPhone) -> None:
    newcomer = Person(new_phone(shared_pair.here, viewport=HALF, scale=2, touch=False))
    found = [f"home: {fault}" for fault in beyond_the_edges(newcomer)]
    photograph(newcomer.phone, "200-home")
    code = newcomer.start_party("Ann")
    for part in OF_HOST:
        newcomer.part(part)
        photograph(newcomer.phone, f"200-{part}")
        found += [f"{part}: {fault}" for fault in beyond_the_edges(newcomer)]
    guest = Person(new_phone(shared_pair.there, f"/p/{code}", viewport=HALF, scale=2, touch=False))
    guest.expect_screen("link")
    found += [f"link: {fault}" for fault in beyond_the_edges(guest)]
    guest.join_by_link("Bob")
    photograph(guest.phone, "200-guest")
    found += [f"guest: {fault}" for fault in beyond_the_edges(guest)]
    newcomer.leave()
    newcomer.expect_screen("recap")
    photograph(newcomer.phone, "200-recap")
    found += [f"recap: {fault}" for fault in beyond_the_edges(newcomer)]
    assert not found, "\n".join(found)
