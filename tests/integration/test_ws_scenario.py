"""A scenario in which everybody does anything: whatever was granted, all who are there know the same."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.crowds import Crowd, CrowdPhone, wait_until_crowd_is_level, wait_until_each
from tests.support.pairs import Pair
from tests.support.party_view import Message

PEOPLE = 8
DEEDS = 160
LEVEL_EVERY = 40


@dataclass
class Scenario:
    """A party, the phones in it, and the rng that decide what happens."""

    crowd: Crowd
    pair: Pair
    rng: random.Random
    code: str = ""
    phones: list[CrowdPhone] = field(default_factory=list)
    granted: int = 0

    def anybody(self) -> CrowdPhone:
        """One of those who are there, the host more often than others."""
        hosts = [phone for phone in self.phones if phone.member_id == phone.room["hostId"]]
        return self.rng.choice(hosts if hosts and self.rng.random() < 0.4 else self.phones)

    async def newcomer(self) -> None:
        """Somebody new comes in, if that is allowed."""
        phone = await self.crowd.phone(self.rng.choice(self.pair.instances))
        answer = await phone.ask("JOIN", code=self.code)
        if answer["t"] == "JOINED":
            await phone.wait_until(lambda: phone.view.is_caught_up)
            self.phones.append(phone)
        else:
            assert answer["reason"] == "party_locked", answer

    async def come_back(self, leaver: CrowdPhone) -> None:
        """Who lost the connection takes the seat again, with or without what was known."""
        view = leaver.view if self.rng.random() < 0.5 else None
        phone = await self.crowd.phone(self.rng.choice(self.pair.instances), view=view)
        since = {"since": leaver.view.position} if view is not None else {}
        opening = await phone.join(self.code, token=leaver.token, **since)
        assert (opening["resumed"], opening["memberId"]) == (True, leaver.member_id)
        self.phones[self.phones.index(leaver)] = phone

    async def blink(self) -> None:
        """Somebody's connection breaks, and comes back."""
        phone = self.anybody()
        await self.rng.choice([phone.vanish, phone.hang_up])()
        await self.come_back(phone)

    async def leave(self) -> None:
        """A guest goes for good."""
        phone = self.anybody()
        if len(self.phones) > 3 and phone.member_id != await self.host_id():
            await phone.do("LEAVE")
            assert await phone.wait_for_close() == 1000
            self.phones.remove(phone)

    async def kick(self) -> None:
        """Somebody tries to remove somebody."""
        target = self.anybody()
        answer = await self.anybody().ask("KICK", targetId=target.member_id)
        self.note(answer)
        if answer["t"] == "OK":
            assert await target.wait_for_close() == 4504
            self.phones.remove(target)

    async def command(self) -> None:
        """Somebody tries something else."""
        target, rng = self.anybody(), self.rng
        deeds: list[tuple[str, dict[str, Any]]] = [
            ("SEND_MESSAGE", {"text": f"word {rng.random()}"}),
            ("SEND_REACTION", {"emoji": "🎉"}),
            ("RENAME", {"name": rng.choice(["", "Zoë", "x" * 60, "\u202e"])}),
            ("PROMOTE", {"targetId": target.member_id}),
            ("CHAT_MODE_SET", {"mode": rng.choice(["OPEN", "EMOJI_ONLY", "LOCKED"])}),
            ("LOCK_SET", {"locked": rng.random() < 0.3}),
            ("HOST_TRACK_SELECTED", {"filename": f"{rng.randrange(9)}.mp3"}),
            ("HOST_NEXT_TRACK_QUEUED", {"filename": rng.choice(["next.mp3", None])}),
            ("HOST_TRACK_CHANGED", {"filename": f"{rng.randrange(9)}.mp3", "nextFilename": "n.mp3"}),
            ("HOST_PLAY", rng.choice([{}, {"position": rng.random() * 1e4}, {"position": rng.randrange(9)}])),
            ("HOST_PAUSE", rng.choice([{}, {"position": rng.random() / 1e6}, {"position": 1e5}])),
        ]
        kind, fields = rng.choice(deeds)
        self.note(await self.anybody().ask(kind, **fields))

    def note(self, answer: Message) -> None:
        """Count what was granted; whatever is refused here is refused for a rule of the party."""
        self.granted += answer["t"] == "OK"
        if answer["t"] == "ERROR":
            assert answer["reason"] in {
                "not_host", "invalid_target", "not_connected", "no_track", "chat_locked", "emoji_only",
            }  # fmt: skip

    async def level(self) -> None:
        """All who are there know the same, and so does somebody new."""
        host_id = await self.host_id()
        host = next(phone for phone in self.phones if phone.member_id == host_id)
        await host.do("LOCK_SET", locked=False)
        await self.newcomer()
        await host.do("SEND_MESSAGE", text="so far")
        present = {phone.member_id for phone in self.phones}
        # Whoever hears this has been told everything before it.
        await wait_until_each(self.phones, lambda phone: phone.find("MESSAGE", {"text": "so far"}))
        await wait_until_each(self.phones, lambda phone: phone.view.connected() == present)
        await wait_until_crowd_is_level(self.phones)

    async def host_id(self) -> str:
        """Who the host is: for certain, since what phones know may be old."""
        document = json.loads(await asyncio.to_thread(self.pair.store.text, f"party:{self.code}"))
        return str(document["hostId"])


@pytest.mark.parametrize("seed", range(4))
def test_members_agree_after_random_commands(shared_pair: Pair, seed: int) -> None:
    asyncio.run(spend(shared_pair, random.Random(seed)))


async def spend(pair: Pair, rng: random.Random) -> None:
    async with Crowd() as crowd:
        scenario = Scenario(crowd, pair, rng)
        host = await crowd.phone(pair.here)
        scenario.code = (await host.create())["code"]
        scenario.phones.append(host)
        for _ in range(PEOPLE):
            await scenario.newcomer()
        for number in range(1, DEEDS + 1):
            await deed(scenario)()
            if number % LEVEL_EVERY == 0:
                await scenario.level()
        assert scenario.granted > DEEDS / 8


def deed(scenario: Scenario) -> Callable[[], Awaitable[None]]:
    """What happens next; mostly somebody does something."""
    deeds = [scenario.newcomer, scenario.blink, scenario.leave, scenario.kick, scenario.command]
    return scenario.rng.choices(deeds, weights=[1, 2, 0.7, 0.7, 12])[0]
