"""Many phones in a process of their own, so that they do not share a core with the server.

`python -m bench.phones` reads one command a line, as JSON, and answers each with a line of JSON; between commands the
phones stay connected, so that the caller can read the server's CPU time and memory at moments of its choice.
"""

import asyncio
import itertools
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import uvloop

from bench.phone import Phone, PhoneFailedError, SocketIoPhone, Tally

CONNECTING_MAX = 32
COMMAND_SECONDS_MAX = 90
# What members do in turn while a party bustles; each is one event for all.
BUSTLE = ("speak", "rename", "arrive", "speak", "rename", "leave", "speak", "rename", "drop", "come_back")
NAMES = ("Ann", "Bartholomew the Elder", "Zoë", "Jean-Luc", "Åsa Ödegård", "Mei 🎈", "Sir Dancealot", "Ivo")
TEXT_OF_40_CHARS = "{:06d} is when the cake will be cut. OK?"
SOCKETIO = "socketio"


class Phones:
    """The caller's side of the process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Run a command of `_Commands` and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode({"do": do, **arguments}) + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise PhoneFailedError(f"the phones failed to {do}; the cause stands above")
        return msgspec.json.decode(answer, type=dict[str, Any])


@contextmanager
def start_phones() -> Iterator[Phones]:
    """Start a process of phones without connections."""
    command = [sys.executable, "-m", "bench.phones"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Phones(process)
    finally:
        process.kill()
        process.wait()


class _Bustle:
    """The guests of one party, who act in turn."""

    def __init__(self, port: int, code: str, guests: list[Phone]) -> None:
        self._port = port
        self._code = code
        self._guests = guests
        self._acts = itertools.cycle(BUSTLE)
        self._numbers = itertools.count(1)
        self._tokens: dict[Phone, str] = {}
        self._dropped: list[str] = []

    async def newcomer(self, token: str | None = None) -> Phone:
        """Let a guest join; with a token, the guest of that seat returns."""
        token = secrets.token_urlsafe() if token is None else token
        guest = await Phone.connect(self._port, Tally())
        await guest.join(self._code, name=self._new_name(), token=token)
        self._tokens[guest] = token
        return guest

    async def next(self) -> None:
        """Run the next actions, each by the guest who has waited longest."""
        act = next(self._acts)
        if act in {"arrive", "come_back"}:
            self._guests.append(await self.newcomer(self._dropped.pop() if act == "come_back" else None))
            return
        guest = self._guests.pop(0)
        if act == "speak":
            guest.say("SEND_MESSAGE", text=TEXT_OF_40_CHARS.format(next(self._numbers)))
        elif act == "rename":
            guest.say("RENAME", name=self._new_name())
        elif act == "leave":
            guest.say("LEAVE")
        else:
            guest.vanish()
            self._dropped.append(self._tokens[guest])
        if act in {"speak", "rename"}:
            self._guests.append(guest)

    def _new_name(self) -> str:
        number = next(self._numbers)
        return f"{NAMES[number % len(NAMES)]} {number}"


class _Commands:
    """The commands of the process; each public method is one."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._parties: list[list[Phone]] = []
        self._bustle: _Bustle

    async def join(self, kind: str, port: int, parties: int, members: int) -> dict[str, Any]:
        """Create parties with that many members each, including the host; return the seconds it took."""
        throttle = asyncio.Semaphore(CONNECTING_MAX)
        phone_class = SocketIoPhone if kind == SOCKETIO else Phone

        async def connect() -> Phone:
            async with throttle:
                return await phone_class.connect(port, self._tally)

        async def fill() -> list[Phone]:
            host = await connect()
            code = await host.create()

            async def join() -> Phone:
                guest = await connect()
                await guest.join(code)
                return guest

            return [host, *await asyncio.gather(*(join() for _ in range(members - 1)))]

        started = time.perf_counter()
        self._parties += await asyncio.gather(*(fill() for _ in range(parties)))
        return {"seconds": time.perf_counter() - started}

    async def speak(self, rate: float, seconds: float) -> dict[str, Any]:
        """Let members speak in turn, `rate` messages per second in total, until all have received all."""
        count = round(rate * seconds)
        heard = sum(len(self._parties[number % len(self._parties)]) for number in range(count))
        done = self._tally.start(heard)
        started = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            turn, place = divmod(number, len(self._parties))
            party = self._parties[place]
            party[turn % len(party)].say("SEND_MESSAGE", text=TEXT_OF_40_CHARS.format(number))
        await done
        seconds = time.perf_counter() - started
        return {"events": self._tally.events, "frames": self._tally.frames, "seconds": seconds}

    async def surround(self, port: int, code: str | None, members: int) -> dict[str, Any]:
        """Let that many guests join a party, or a new one; return its code."""
        everybody: list[Phone] = []
        if code is None:
            host = await Phone.connect(port, self._tally)
            code = await host.create()
            members -= 1
        self._bustle = _Bustle(port, code, everybody)
        for started in range(0, members, CONNECTING_MAX):
            count = min(CONNECTING_MAX, members - started)
            everybody += await asyncio.gather(*(self._bustle.newcomer() for _ in range(count)))
        return {"code": code}

    async def bustle(self, rate: float, seconds: float) -> dict[str, Any]:
        """Let guests join, leave, drop, return, rename and speak in turn, `rate` events per second in total."""
        started = time.perf_counter()
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            await self._bustle.next()
        return {"seconds": time.perf_counter() - started}

    async def crowd(self, ports: list[int], guests: int) -> dict[str, Any]:
        """So many guests join one party at once, over the instances in turn.

        Gives the seconds until each had its seat, those until each had seen the count of all, what each received, and
        how often guests were told to come back.
        """
        host = await Phone.connect(ports[0], self._tally)
        code = await host.create()
        count_of_all = f'"guestCount":{guests}'.encode()
        everyone_knows = [host.expect(count_of_all)]
        started = time.perf_counter()

        refusals = 0

        async def arrive(number: int) -> Phone:
            nonlocal refusals
            phone = await Phone.connect(ports[number % len(ports)], self._tally)
            everyone_knows.append(phone.expect(count_of_all))
            refusals += await phone.join_at_last(code)
            return phone

        arrived = await asyncio.gather(*map(arrive, range(guests)))
        seated = time.perf_counter() - started
        await asyncio.gather(*everyone_knows)
        known = time.perf_counter() - started
        frames, received = [phone.frames for phone in arrived], [phone.bytes for phone in arrived]
        return {
            "seated_seconds": seated,
            "seconds": known,
            "refusals": refusals,
            "frames": (statistics.median(frames), max(frames)),
            "bytes": (statistics.median(received), max(received)),
        }


async def _obey() -> None:
    """Run commands from stdin until it closes or one fails."""
    commands = _Commands()
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = msgspec.json.decode(line)
        try:
            async with asyncio.timeout(COMMAND_SECONDS_MAX):
                answer = await getattr(commands, command.pop("do"))(**command)
        except (PhoneFailedError, OSError, TimeoutError) as failure:
            print(f"{type(failure).__name__}: {failure}", file=sys.stderr, flush=True)
            os._exit(1)  # else each of the other phones would tell of the same
        print(msgspec.json.encode(answer).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(_obey())
