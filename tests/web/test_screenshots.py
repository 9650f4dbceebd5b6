"""The main screens at the sizes that people have, by day and by night: photographed, and nothing sticks out."""

from typing import NamedTuple

import pytest

from tests.support.client_sync import SyncClient
from tests.web.conftest import NewPhone
from tests.web.support.looks import SCHEMES, in_scheme
from tests.web.support.pairs import ProxiedPair
from tests.web.support.phones import BrowserPhone
from tests.web.support.screens import photograph

SIZES = {
    "phone": (390, 844),
    "sideways": (844, 390),
    "laptop": (1440, 900),
    "wall-4k": (3840, 2160),
    "small": (320, 568),
}
# The others look there as on a laptop, and a picture of this size takes a second.
ON_LARGE_SCREENS = {"home", "wall", "host-chat", "recap"}
GUESTS = {
    "Bob 🦊": "hello everyone 👋",
    "Christina-Alexandra von und zu Hohenlohe-Lang": "Is there a bus home after midnight? I would rather not walk.",
    "عبد الرحمن": "مرحبا بالجميع",
    "🦄": "🎂🎂🎂",
    "Zoë": "What's the wifi password?",
    "李小龍": "你好",
}


class Scenario(NamedTuple):
    """A party in full swing, and everybody who photographs it."""

    host: BrowserPhone
    guest: BrowserPhone
    wall: BrowserPhone
    others: list[SyncClient]


@pytest.fixture
def scenario(shared_pair: ProxiedPair, new_phone: NewPhone) -> Scenario:
    host = new_phone(shared_pair.here)
    host.field("Your name").fill("Ann")
    host.button("Start a party").click()
    host.page.wait_for_url("**/p/*")
    code = host.page.url[-6:]
    others = []
    for name, text in GUESTS.items():
        others.append(SyncClient(shared_pair.there))
        others[-1].join(code, name=name)
        others[-1].do("SEND_MESSAGE", text=text)
    guest = new_phone(shared_pair.there, f"/p/{code}")
    wall = new_phone(shared_pair.there, f"/p/{code}/wall")
    return Scenario(host, guest, wall, others)


def look_at(phone: BrowserPhone, name: str) -> None:
    """Look at the screen at every size in both schemes: nothing sticks out of any."""
    for size, (width, height) in SIZES.items():
        if size == "wall-4k" and name not in ON_LARGE_SCREENS:
            continue
        phone.page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            in_scheme(phone, scheme)
            photograph(phone, f"{name}-{scheme}-{size}")
            assert phone.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), f"{name} at {size}"
    phone.page.set_viewport_size({"width": 390, "height": 844})


def tab(phone: BrowserPhone, name: str) -> None:
    phone.page.get_by_role("navigation").get_by_role("button", name=name).click()


def test_the_main_screens_fit_every_size(shared_pair: ProxiedPair, new_phone: NewPhone, scenario: Scenario) -> None:
    host, guest, wall, others = scenario
    look_at(new_phone(shared_pair.here), "home")
    look_at(new_phone(shared_pair.here, "/p/abc12x"), "not-found")
    look_at(guest, "link")
    guest.field("Your name").fill("Mia")
    guest.button("Join as Mia").click()
    tab(host, "Music")
    host.field("Track").fill("Dancing Queen")
    host.button("Put on").click()
    host.field("Track").fill("September")
    host.button("Play next").click()
    host.page.get_by_text("Up next").wait_for()
    look_at(host, "host-music")
    for name in ("Invite", "Chat", "People"):
        tab(host, name)
        look_at(host, f"host-{name.lower()}")
    look_at(guest, "guest-chat")
    look_at(wall, "wall")
    host.button("Menu").click()
    look_at(host, "menu")
    host.button("End the party").click()
    host.button("End it").click()
    host.page.get_by_role("heading", name="What a party").wait_for()
    look_at(host, "recap")
    for other in others:
        other.hang_up()
