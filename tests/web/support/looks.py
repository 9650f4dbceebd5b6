"""What a screen must be like whatever it shows: readable, reachable, within its edges."""

import json
from collections.abc import Callable
from typing import Any, Literal

from playwright.sync_api import Page, WebSocketRoute

from tests.web.support.person import Person
from tests.web.support.phones import BrowserPhone
from tests.web.support.screens import COLOUR_RULES, axe, photograph

TARGET_PX = 44
# Half a pixel of slack: layouts are in fractions of one.
SMALL_TARGETS = """
(least) => [...document.querySelectorAll('button, [role=switch], a[href]')]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('[aria-hidden=true]'))
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < least - 0.5 || box.height < least - 0.5))
  .map(([one, box]) => `${box.width.toFixed(1)} x ${box.height.toFixed(1)}: ${one.outerHTML.slice(0, 120)}`)
"""
# Whatever is laid out beyond the side edges, without something around it that scrolls on purpose. A phone shows a page
# that is too wide smaller, so `innerWidth` grows with it; what the page was promised is the root's width.
BEYOND_THE_EDGES = """
() => {
  const width = document.documentElement.clientWidth;
  const wide = Math.max(document.scrollingElement.scrollWidth, innerWidth);
  const found = wide > width ? [`the page is ${wide} wide in ${width}`] : [];
  const isHeld = (one) => {
    for (let box = one.parentElement; box !== null && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== 'visible' && box.matches('.reactions, .wall-lines, .faces')) return true;
    }
    return false;
  };
  for (const one of document.querySelectorAll('button, input, textarea, a[href], h1, h2, p, img, [role=switch]')) {
    if (!one.checkVisibility({ visibilityProperty: true }) || one.closest('.visually-hidden') || isHeld(one)) continue;
    const box = one.getBoundingClientRect();
    if (box.width > 0 && (box.left < -0.5 || box.right > width + 0.5)) {
      found.push(`${box.left.toFixed(1)} to ${box.right.toFixed(1)} in ${width}: ${one.outerHTML.slice(0, 120)}`);
    }
  }
  return found;
}
"""
Scheme = Literal["dark", "light"]
SCHEMES: tuple[Scheme, ...] = ("dark", "light")
Answers = Callable[[dict[str, Any]], list[dict[str, Any]] | int]
WELCOME = {"t": "WELCOME", "clientId": "c", "instanceId": "i", "version": "0", "protocol": 1, "heartbeatSeconds": 20}


def faults(person: Person, name: str) -> list[str]:
    """What is wrong with the screen in the dark and in the light; both are photographed."""
    found = [f"{name}: {fault}" for fault in beyond_the_edges(person)]
    in_scheme(person.phone, "dark")
    photograph(person.phone, f"{name}-dark")
    found += [f"{name}, dark: {fault}" for fault in axe(person.phone)]
    in_scheme(person.phone, "light")
    photograph(person.phone, f"{name}-light")
    return found + [f"{name}, light: {fault}" for fault in axe(person.phone, only_rules=COLOUR_RULES)]


def in_scheme(phone: BrowserPhone, scheme: Scheme) -> None:
    phone.page.emulate_media(color_scheme=scheme)


def beyond_the_edges(person: Person) -> list[str]:
    return list(person.page.evaluate(BEYOND_THE_EDGES))


def small_targets(person: Person) -> list[str]:
    return list(person.page.evaluate(SMALL_TARGETS, TARGET_PX))


def serve_socket(page: Page, answers: Answers) -> None:
    """Answer a page's live connections in the server's place: with messages, or with a close code."""

    def serve(socket: WebSocketRoute) -> None:
        socket.send(json.dumps(WELCOME))

        def hear(text: str | bytes) -> None:
            message = json.loads(text)
            answer = answers(message)
            if isinstance(answer, int):
                socket.close(code=answer)
            elif answer:
                socket.send(json.dumps([{**one, "requestId": message.get("requestId")} for one in answer]))

        socket.on_message(hear)

    page.route_web_socket("**/ws", serve)


def silence(_message: dict[str, Any]) -> list[dict[str, Any]]:
    return []


def refusal(reason: str, *, retryable: bool = False) -> Answers:
    """Refuse whatever is asked for, signs of life apart."""

    def answer(message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["t"] == "PING":
            return [{"t": "PONG", "id": message["id"], "serverTime": 0}]
        return [{"t": "ERROR", "reason": reason, "error": f"It is {reason}", "retryable": retryable}]

    return answer
