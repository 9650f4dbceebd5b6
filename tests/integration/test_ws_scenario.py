"""Random commands on two instances: whatever is granted, all members have the same view."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.client_async import AsyncClient, Crowd, wait_until_all_synced, wait_until_each
from tests.support.pairs import Pair
from tests.support.party_view import Message

PEOPLE = 8
DEEDS = 160
LEVEL_EVERY = 40


@dataclass
class Scenario:
    """A party, the clients in it, and the random numbers that decide what happens."""

    crowd: Crowd
    pair: Pair
    rng: random.Random
    code: str = ""
    clients: list[AsyncClient] = field(default_factory=list)
    granted: int = 0

    def anybody(self) -> AsyncClient:
        """One of those who are there, the host more often than others."""
        hosts = [client for client in self.clients if client.member_id == client.room["hostId"]]
        return self.rng.choice(hosts if hosts and self.rng.random() < 0.4 else self.clients)

    async def newcomer(self) -> None:
        """Let a new client join, unless the party is locked."""
        client = await self.crowd.client(self.rng.choice(self.pair.instances))
        answer = await client.ask("JOIN", code=self.code)
        if answer["t"] == "JOINED":
            await client.wait_until(lambda: client.view.is_caught_up)
            self.clients.append(client)
        else:
            assert answer["reason"] == "party_locked", answer

    async def come_back(self, leaver: AsyncClient) -> None:
        """Who lost the connection takes the seat again, with or without what was known."""
        view = leaver.view if self.rng.random() < 0.5 else None
        client = await self.crowd.client(self.rng.choice(self.pair.instances), view=view)
        since = {"since": leaver.view.position} if view is not None else {}
        opening = await client.join(self.code, token=leaver.token, **since)
        assert (opening["resumed"], opening["memberId"]) == (True, leaver.member_id)
        self.clients[self.clients.index(leaver)] = client

    async def blink(self) -> None:
        """Break the connection of a client, and let it return."""
        client = self.anybody()
        await self.rng.choice([client.vanish, client.hang_up])()
        await self.come_back(client)

    async def leave(self) -> None:
        """A guest goes for good."""
        client = self.anybody()
        if len(self.clients) > 3 and client.member_id != await self.host_id():
            await client.do("LEAVE")
            assert await client.wait_for_close() == 1000
            self.clients.remove(client)

    async def kick(self) -> None:
        """Let a client try to kick another."""
        target = self.anybody()
        answer = await self.anybody().ask("KICK", targetId=target.member_id)
        self.note(answer)
        if answer["t"] == "OK":
            assert await target.wait_for_close() == 4504
            self.clients.remove(target)

    async def command(self) -> None:
        """Let a client try another command."""
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
        """Wait until all members and a new one have the same view."""
        host_id = await self.host_id()
        host = next(client for client in self.clients if client.member_id == host_id)
        await host.do("LOCK_SET", locked=False)
        await self.newcomer()
        await host.do("SEND_MESSAGE", text="so far")
        present = {client.member_id for client in self.clients}
        # A client that received this has received everything before it.
        await wait_until_each(self.clients, lambda client: client.find("MESSAGE", {"text": "so far"}))
        await wait_until_each(self.clients, lambda client: client.view.connected() == present)
        await wait_until_all_synced(self.clients)

    async def host_id(self) -> str:
        """Who the host is: for certain, since what clients know may be old."""
        document = json.loads(await asyncio.to_thread(self.pair.store.text, f"party:{self.code}"))
        return str(document["hostId"])


@pytest.mark.parametrize("seed", range(4))
def test_members_agree_after_random_commands(shared_pair: Pair, seed: int) -> None:
    asyncio.run(spend(shared_pair, random.Random(seed)))


async def spend(pair: Pair, rng: random.Random) -> None:
    async with Crowd() as crowd:
        scenario = Scenario(crowd, pair, rng)
        host = await crowd.client(pair.here)
        scenario.code = (await host.create())["code"]
        scenario.clients.append(host)
        for _ in range(PEOPLE):
            await scenario.newcomer()
        for number in range(1, DEEDS + 1):
            await deed(scenario)()
            if number % LEVEL_EVERY == 0:
                await scenario.level()
        assert scenario.granted > DEEDS / 8


def deed(scenario: Scenario) -> Callable[[], Awaitable[None]]:
    """Draw what happens next, mostly a command."""
    deeds = [scenario.newcomer, scenario.blink, scenario.leave, scenario.kick, scenario.command]
    return scenario.rng.choices(deeds, weights=[1, 2, 0.7, 0.7, 12])[0]
