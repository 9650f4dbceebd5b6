"""A scenario: parties whose phones talk, visitors who come and go, and callers; it can be brought to rest."""

import asyncio
import itertools
import random
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import NamedTuple, Protocol, Self

import msgspec
import redis

from tests.faults import history as h
from tests.faults.callers import Caller, Parties, session
from tests.faults.checker import NEWEST_SECONDS, STORE
from tests.faults.recording_client import Line, RecordingClient, text_of
from tests.faults.world import aside
from tests.support.topologies import Topology

LOOK_SECONDS = 0.1
HURRY_SECONDS = 0.3
HANDSHAKES_AT_ONCE = 50
ENDED_ASKED_AFTER = 20
LOOKS_AT_ONCE = 20


class Scale(NamedTuple):
    """How large a scenario is. Pauses are per party or caller; `jitter_seconds` is the delay before a return."""

    parties: int
    guests: int
    chat_pause_seconds: float
    visit_pause_seconds: float
    call_pause_seconds: float
    jitter_seconds: float
    patience_seconds: float


SHORT = Scale(6, 5, 0.4, 1.0, 0.05, 0.5, 20.0)


class Surroundings(Protocol):
    """What a scenario plays on."""

    def ports(self) -> list[int]:
        """Return the ports of the instances that clients may try, dead ones included."""
        ...

    @property
    def topology(self) -> Topology:
        """Return the store."""
        ...


class Party:
    """A host and guests."""

    def __init__(self, host: RecordingClient) -> None:
        self.host = host
        self.phones = [host]

    @property
    def code(self) -> str:
        """Its code, once there is one."""
        return self.host.code

    def is_at_one_position(self) -> bool:
        """Return whether all are in, and at the same position: cheaper to know than whether they are level."""
        place = self.host.view.position
        return all(phone.is_inside and phone.view.position == place for phone in self.phones)

    def is_synced(self) -> bool:
        """Return whether all are inside with the same view, in which exactly they are connected."""
        if not self.is_at_one_position():
            return False
        present = {phone.member_id for phone in self.phones}
        first = self.host.view
        return first.connected() == present and all(phone.view.state() == first.state() for phone in self.phones)


class Scenario:
    """Everybody on one world, writing one history."""

    def __init__(self, world: Surroundings, history: h.History, scale: Scale, seed: int) -> None:
        self.history = history
        self.parties: list[Party] = []
        self._world = world
        self._scale = scale
        self._rng = random.Random(seed)
        self._numbers = itertools.count()
        self._messages = 0
        self._known = Parties(lambda: [party.code for party in self.parties if party.code], self._rng)
        self._gate = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        self._stack = AsyncExitStack()
        self._staying: list[asyncio.Task[None]] = []
        self._moving: list[asyncio.Task[None]] = []
        self._visits: set[asyncio.Task[bool]] = set()
        self._callers: list[Caller] = []

    async def __aenter__(self) -> Self:
        """Let the parties begin, and everybody be in."""
        http = await self._stack.enter_async_context(session())
        self._callers = [Caller(self.history, http, port) for port in self._world.ports()]
        hosts = [await self._host(number) for number in range(self._scale.parties)]
        self.parties = [Party(host) for host in hosts]
        self._stay(hosts)
        assert await self.until(lambda: all(host.is_inside for host in hosts)), "the parties did not begin"
        for party in self.parties:
            party.phones += [self._phone("guest", party.code) for _ in range(self._scale.guests)]
            self._stay(party.phones[1:])
        assert await self.until(self.is_synced), "the parties did not get level"
        self.go_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        for party in self.parties:
            for phone in party.phones:
                phone.hang_up()
        await end(*self._staying, *self._moving, *self._visits)
        await self._stack.aclose()

    async def until(self, fact: Callable[[], bool]) -> bool:
        """Wait for a fact; whether it came true in time."""
        give_up_at = h.now() + self._scale.patience_seconds
        while not fact():
            if h.now() > give_up_at:
                return False
            await asyncio.sleep(LOOK_SECONDS)
            self._raise_faults()
        return True

    def go_on(self) -> None:
        """Let everybody talk, visit and call."""
        jobs = [self._chat(party) for party in self.parties]
        jobs += [self._be_visited(party) for party in self.parties]
        jobs += [self._begin_and_end(caller) for caller in self._callers]
        jobs += [caller.call_on(self._known, self._scale.call_pause_seconds) for caller in self._callers]
        self._moving = [asyncio.create_task(job) for job in jobs]

    async def until_nothing_is_new(self) -> None:
        """Wait until every party is too old for its loss to be excused by its youth."""
        youngest = max(entry.at for entry in self.history.of(h.Entered))
        await self.until(lambda: h.now() > youngest + NEWEST_SECONDS)

    async def until_all_is_back(self) -> bool:
        """Wait until every phone knows something that was said from now on, and every caller was granted its wishes.

        Once more where anybody was refused meanwhile: the trouble was not over yet. Whether that came about in time.
        """
        give_up_at = h.now() + self._scale.patience_seconds
        while True:
            known = len(self.history.entries)
            if not await self._is_back():
                return False
            if h.now() > give_up_at or not any(map(h.is_refusal, self.history.entries[known:])):
                return True

    async def _is_back(self) -> bool:
        mark, began = self._messages, h.now()
        hearing = [self._speak_until_heard(party, mark) for party in self.parties]
        granted = self.until(lambda: all(caller.has_succeeded_since(began) for caller in self._callers))
        return all(await asyncio.gather(*hearing, granted))

    async def _speak_until_heard(self, party: Party, mark: int) -> bool:
        give_up_at = h.now() + self._scale.patience_seconds
        while not all(phone.newest_heard > mark for phone in party.phones):
            if h.now() > give_up_at:
                return False
            await self._speak(party)
            await asyncio.sleep(HURRY_SECONDS)
        return True

    def is_synced(self) -> bool:
        """Return whether the phones of every party know the same."""
        return all(party.is_at_one_position() for party in self.parties) and all(p.is_synced() for p in self.parties)

    async def rest(self) -> None:
        """Be quiet, wait until everybody is level and what failed is taken back, and write down how it is."""
        await end(*self._moving)
        # A client that is still entering would be in some counts and not in others.
        await asyncio.gather(*self._visits)
        await self.until(self._is_settled)
        documents = await self._settled_documents()
        # The views are written down in the same moment: something may have been on its way to phones as well.
        await self.until(self._is_settled)
        self.history.add(h.Quiesced(h.now()))
        for party in self.parties:
            for phone in party.phones:
                self._write_down_view(phone)
        for code, document in documents.items():
            self.history.add(_count(STORE, code, document))
        gate = asyncio.Semaphore(LOOKS_AT_ONCE)
        ended = [entry.code for entry in self.history.of(h.Ended)][-ENDED_ASKED_AFTER:]
        async with asyncio.TaskGroup() as tasks:
            for caller in self._callers:
                for code in [*self._known.all(), *ended]:
                    tasks.create_task(self._ask_after(gate, caller, code))

    def _is_settled(self) -> bool:
        """Return whether everybody is level, and no seat is left of joins that failed, as far as phones know."""
        if not self.is_synced():
            return False
        failed = {entry.name for entry in self.history.of(h.Refused) if entry.kind == "JOIN" and entry.name}
        granted = {entry.member_id for entry in self.history.of(h.Entered)}
        seats = [member for party in self.parties for member in party.host.view.members.values()]
        return not any(seat["name"] in failed and seat["id"] not in granted for seat in seats)

    async def _settled_documents(self) -> dict[str, dict[str, object]]:
        """Return the store's documents, once those of failed creates are gone and counts are right, or patience is."""
        failed = {entry.name for entry in self.history.of(h.Refused) if entry.kind == "CREATE"}
        failed |= {c.name for c in self.history.of(h.HttpCall) if c.verb == "create" and c.status >= 400}
        guests = {party.code: len(party.phones) - 1 for party in self.parties}
        give_up_at = h.now() + self._scale.patience_seconds
        while True:
            found = await self._documents()
            is_settled = not any(document["hostName"] in failed for document in found.values()) and all(
                code in found and (found[code]["guestCount"], found[code]["hostConnected"]) == (count, True)
                for code, count in guests.items()
            )
            if is_settled or h.now() > give_up_at:
                return found
            await asyncio.sleep(LOOK_SECONDS)

    async def _documents(self) -> dict[str, dict[str, object]]:
        """Return the store's documents; none while it cannot be asked."""
        with suppress(redis.RedisError):
            texts = await aside(self._world.topology.documents)
            return {code: msgspec.json.decode(text) for code, text in texts.items()}
        return {}

    async def _ask_after(self, gate: asyncio.Semaphore, caller: Caller, code: str) -> None:
        async with gate:
            await caller.join(code)
            if document := await caller.look_up(code):
                self.history.add(_count(f"instance {document['instanceId']}", code, document))

    def _write_down_view(self, phone: RecordingClient) -> None:
        view = phone.view
        if not phone.is_inside:
            return
        self.history.add(
            h.ViewAtRest(
                h.now(),
                phone.client,
                phone.code,
                phone.member_id,
                phone.is_host,
                h.Position(view.epoch, view.version),
                h.digest(view.state()),
                view.room["guestCount"],
                frozenset(view.connected()),
                frozenset((member["id"], member["name"]) for member in view.members.values()),
            )
        )

    async def _host(self, number: int) -> RecordingClient:
        """Return a host; every other one takes the seat of a party that was created over HTTP."""
        if number % 2:
            return self._phone("host")
        caller = self._callers[number % len(self._callers)]
        while (made := await caller.create()) is None:  # noqa: ASYNC110 - it was refused in time, as it may be
            await asyncio.sleep(LOOK_SECONDS)
        return self._phone("host", *made)

    def _phone(self, role: str, code: str = "", token: str = "") -> RecordingClient:
        client = f"{role} {next(self._numbers)}"
        line = Line(self._world.ports, self._gate, self._scale.jitter_seconds)
        return RecordingClient(self.history, line, client, code=code, token=token)

    def _stay(self, phones: list[RecordingClient]) -> None:
        self._staying += [asyncio.create_task(phone.stay()) for phone in phones]

    async def _chat(self, party: Party) -> None:
        while True:
            await asyncio.sleep(self._scale.chat_pause_seconds * self._rng.uniform(0.5, 1.5))
            await self._speak(party)

    async def _speak(self, party: Party) -> None:
        if inside := [phone for phone in party.phones if phone.is_inside]:
            self._messages += 1
            await self._rng.choice(inside).say(text_of(self._messages))

    async def _be_visited(self, party: Party) -> None:
        while True:
            await asyncio.sleep(self._scale.visit_pause_seconds * self._rng.uniform(0.5, 1.5))
            await self._visit(self._phone("visitor", party.code))

    async def _begin_and_end(self, caller: Caller) -> None:
        """Parties that end at once, and must never be there again."""
        while True:
            await asyncio.sleep(self._scale.visit_pause_seconds)
            if made := await caller.create():
                await self._visit(self._phone("brief host", *made))

    async def _visit(self, phone: RecordingClient) -> None:
        """Come and go, to the end of it though the visits be ended meanwhile."""
        visit = asyncio.create_task(phone.try_once())
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)
        await asyncio.shield(visit)

    def _raise_faults(self) -> None:
        """Fail where the scenario itself is broken, not the world."""
        for task in (*self._staying, *self._moving):
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error


async def end(*tasks: asyncio.Task[object]) -> None:
    """Cancel the tasks until they end: one that is just opening a connection may take the first time for a timeout."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=LOOK_SECONDS)


def _count(source: str, code: str, document: dict[str, object]) -> h.CountAtRest:
    return h.CountAtRest(
        h.now(),
        source,
        code,
        int(str(document["guestCount"])),
        bool(document["hostConnected"]),
        str(document["hostName"]),
    )
