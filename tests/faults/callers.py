"""Callers of the HTTP interface, one an instance, who create parties and ask after them all the time."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from tests.faults import history as h

ANSWER_TIMEOUT_SECONDS = 5.0
# Its creator remembers a party without members for a minute, so callers ask for it for less.
YOUNG_SECONDS = 30.0
_numbers = itertools.count()


class Parties:
    """The codes that callers may ask for: those of the clients, and recent ones without members."""

    def __init__(self, live: Callable[[], Sequence[str]], rng: random.Random) -> None:
        self._live = live
        self._young: list[tuple[float, str]] = []
        self._rng = rng

    def born(self, code: str) -> None:
        """Remember a party that was just confirmed."""
        self._young.append((time.monotonic(), code))

    def all(self) -> list[str]:
        """Return every code."""
        oldest = time.monotonic() - YOUNG_SECONDS
        self._young = [(at, code) for at, code in self._young if at > oldest]
        return [*self._live(), *(code for _, code in self._young)]

    def any(self) -> str:
        """One of them."""
        return self._rng.choice(self.all())


class Caller:
    """Calls one instance, and writes down each answer."""

    def __init__(self, history: h.History, session: aiohttp.ClientSession, port: int) -> None:
        self._history = history
        self._session = session
        self._port = port
        self._well_at: dict[str, float] = {}

    def has_succeeded_since(self, at: float) -> bool:
        """Return whether a create and a join that began then or later were granted."""
        return all(self._well_at.get(verb, at - 1) >= at for verb in ("create", "join"))

    async def create(self) -> tuple[str, str] | None:
        """Create a party whose host has a name unlike any other; its code and the host's token, if confirmed."""
        name = f"caller {next(_numbers)}"
        began = h.now()
        status, body = await self._call("POST", "/api/create-party", {"name": name})
        code = body.get("partyCode", "")
        self._add(began, "create", code, status, body, name)
        return (code, body["hostToken"]) if status == 200 else None

    async def join(self, code: str) -> bool:
        """Ask whether a party can be joined."""
        began = h.now()
        status, body = await self._call("POST", "/api/join-party", {"partyCode": code})
        self._add(began, "join", code, status, body)
        return status == 200

    async def look_up(self, code: str) -> dict[str, Any]:
        """Look a party up."""
        began = h.now()
        status, body = await self._call("GET", f"/api/party/{code}")
        self._add(began, "look-up", code, status, body)
        return body if status == 200 and body["exists"] else {}

    async def call_on(self, parties: Parties, pause_seconds: float) -> None:
        """Create, join and look up in turn, for ever."""
        while True:
            if made := await self.create():
                parties.born(made[0])
            for ask in (self.join, self.look_up):
                if codes := parties.all():
                    await ask(random.choice(codes))
                await asyncio.sleep(pause_seconds)

    def _add(self, began: float, verb: str, code: str, status: int, body: dict[str, Any], name: str = "") -> None:
        reason, found = str(body.get("reason", "")), bool(body.get("exists", True))
        if status == 200:
            self._well_at[verb] = began
        self._history.add(h.HttpCall(began, h.now(), self._port, verb, code, status, reason, name, found))

    async def _call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        url = f"http://127.0.0.1:{self._port}{path}"
        try:
            async with self._session.request(method, url, json=body) as response:
                return response.status, await response.json()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return h.NO_ANSWER, {"reason": type(error).__name__}


def session(*, is_lasting: bool = True) -> aiohttp.ClientSession:
    """Open a session whose calls share connections, unless each is to have a connection of its own."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECONDS)
    return aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(force_close=not is_lasting))
