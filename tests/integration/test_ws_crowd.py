"""Crowds: hundreds at once, a client that stops reading, clients that come and go."""

import asyncio
import copy
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.client_async import AsyncClient, Crowd, wait_until_all_synced, wait_until_each
from tests.support.instances import PATIENT
from tests.support.pairs import Pair, started_pair

CAPACITY = 500
LISTED_MAX = 200
NEWCOMERS = 600
UNLISTED = 6
SPEAKERS = 10
WORDS = 60
SPEAKING_PAUSE_SECONDS = 0.05
RECEIVE_BUFFER_BYTES = 4096
VISITORS = 12
VISITS = 6


@pytest.fixture(scope="module")
def crowd_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with started_pair("valkey", tmp_path_factory.mktemp("crowd"), PATIENT, PARTY_CAPACITY=str(CAPACITY)) as pair:
        yield pair


def test_600_racing_joins_fill_exactly_500_seats(crowd_pair: Pair) -> None:
    asyncio.run(fill(crowd_pair))


async def fill(pair: Pair) -> None:
    async with Crowd() as crowd:
        host = await crowd.client(pair.here)
        await host.create(name="Ann")
        newcomers = await crowd.clients(pair.instances[number % 2] for number in range(NEWCOMERS))
        # With tokens of their own: on a busy machine a join may come too late, and its repeat takes the same seat.
        joins = (
            client.insist("JOIN", code=host.code, token=f"the-token-of-newcomer-{number}")
            for number, client in enumerate(newcomers)
        )
        answers = await asyncio.gather(*joins)
        reasons = Counter(answer.get("reason", answer["t"]) for answer in answers)
        assert reasons == {"JOINED": CAPACITY - 1, "party_full": NEWCOMERS - CAPACITY + 1}
        inside = [host, *(client for client, answer in zip(newcomers, answers, strict=True) if answer["t"] == "JOINED")]
        assert len({client.member_id for client in inside}) == CAPACITY
        await wait_until_each(inside, lambda client: client.room and client.room["guestCount"] == CAPACITY - 1)
        await wait_until_all_synced(inside)
        assert len(host.room["members"]) == LISTED_MAX
        found = (await asyncio.to_thread(pair.there.look_up, host.code)).body
        assert (found["guestCount"], found["full"]) == (CAPACITY - 1, True)
        unlisted = next(client for client in inside if client.member_id not in host.room["members"])
        await unlisted.do("SEND_MESSAGE", text="not on the list, and heard")
        await wait_until_each(inside, lambda client: client.find("MESSAGE", {"memberId": unlisted.member_id}))
        await wait_until_all_synced(inside)
        await host.do("LEAVE")
        for client in inside[1:]:
            assert await client.wait_for_close() == 4503


def test_beyond_200_seats_only_the_count_is_told(crowd_pair: Pair) -> None:
    asyncio.run(overflow(crowd_pair))


async def overflow(pair: Pair) -> None:
    async with Crowd() as crowd:
        host = await crowd.client(pair.here)
        await host.create(name="Ann")
        guests = await crowd.clients(pair.instances[number % 2] for number in range(LISTED_MAX - 1))
        # As above, by tokens of their own.
        joins = (
            client.insist("JOIN", code=host.code, token=f"the-token-of-one-listed-{number}")
            for number, client in enumerate(guests)
        )
        assert {answer["t"] for answer in await asyncio.gather(*joins)} == {"JOINED"}
        await wait_until_each(guests, lambda client: client.view.is_caught_up)
        unlisted = await crowd.clients(pair.instances[number % 2] for number in range(UNLISTED))
        for client in unlisted:
            await client.join(host.code)
        inside = [host, *guests, *unlisted]
        count = len(inside) - 1
        await wait_until_each(inside, lambda client: client.room["guestCount"] == count)
        assert not {client.member_id for client in unlisted} & host.room["members"].keys()
        leaving, kicked, gone, promoted, renamed, quiet = unlisted
        await renamed.do("RENAME", name="Unseen")
        await leaving.do("LEAVE")
        await host.do("KICK", targetId=kicked.member_id)
        assert await kicked.wait_for_close() == 4504
        await gone.vanish()
        staying = [client for client in inside if client not in {leaving, kicked, gone}]
        await wait_until_each(staying, lambda client: client.room["guestCount"] == count - 3)
        await guests[0].do("LEAVE")
        staying.remove(guests[0])
        late = await crowd.client(pair.there)
        await late.join(host.code, name="In a freed place")
        staying.append(late)
        await wait_until_each(staying, lambda client: client.name_of(late.member_id) == "In a freed place")
        await host.do("PROMOTE", targetId=promoted.member_id)
        await wait_until_each(staying, lambda client: client.room["hostId"] == promoted.member_id)
        back = await crowd.client(pair.here)
        assert (await back.join(host.code, token=gone.token))["resumed"] is True
        await wait_until_each(staying, lambda client: client.room["guestCount"] == count - 2)
        await wait_until_all_synced([*staying, back])
        assert host.name_of(quiet.member_id) is None


def test_stalled_reader_is_dropped_without_loss_to_others(crowd_pair: Pair) -> None:
    asyncio.run(stall(crowd_pair))


async def stall(pair: Pair) -> None:
    async with Crowd() as crowd:
        host = await crowd.client(pair.here)
        await host.create()
        speakers = await crowd.clients(pair.instances[number % 2] for number in range(SPEAKERS))
        for client in speakers:
            await client.join(host.code)
        stalled = await crowd.client(pair.there, receive_buffer_bytes=RECEIVE_BUFFER_BYTES)
        await stalled.join(host.code)
        stalled.stop_reading()
        await asyncio.gather(*(speak(client, number) for number, client in enumerate(speakers)))
        others = [host, *speakers]
        await wait_until_each(others, lambda client: stalled.member_id not in client.view.connected())
        await wait_until_each(others, lambda client: len(client.all_of("MESSAGE")) >= SPEAKERS * WORDS)
        await wait_until_all_synced(others)
        for client in others:
            heard = Counter(message["memberId"] for message in client.all_of("MESSAGE"))
            assert heard == {speaker.member_id: WORDS for speaker in speakers}
        stalled.read_on()
        assert await stalled.wait_for_close() in {4408, 1006}
        back = await crowd.client(pair.here, view=stalled.view)
        opening = await back.join(host.code, token=stalled.token, since=stalled.view.position)
        assert (opening["resumed"], opening["memberId"]) == (True, stalled.member_id)
        await wait_until_all_synced([*others, back])


async def speak(client: AsyncClient, number: int) -> None:
    """Say so many long things at the pace that one client may keep, twenty a second."""
    for word in range(WORDS):
        await client.do("SEND_MESSAGE", text=f"{number}-{word} ".ljust(500, "x"))
        await asyncio.sleep(SPEAKING_PAUSE_SECONDS)


def test_reconnecting_clients_are_one_member_each(crowd_pair: Pair) -> None:
    asyncio.run(come_and_go(crowd_pair))


async def come_and_go(pair: Pair) -> None:
    async with Crowd() as crowd:
        host = await crowd.client(pair.here)
        await host.create()
        witness = await crowd.client(pair.there)
        await witness.join(host.code)
        visits = (visit(crowd, pair, host.code, number) for number in range(VISITORS))
        everybody = [host, witness, *await asyncio.gather(*visits)]
        present = {client.member_id for client in everybody}
        assert len(present) == len(everybody)
        await wait_until_each(everybody, lambda client: client.view.connected() == present)
        await wait_until_all_synced(everybody)
        assert (len(host.room["members"]), host.room["guestCount"]) == (len(everybody), len(everybody) - 1)
        assert host.all_of("MEMBER_LEFT") == []


async def visit(crowd: Crowd, pair: Pair, code: str, number: int) -> AsyncClient:
    """Come and go by the same token, on either instance, with and without a farewell; end inside."""
    rng = random.Random(number)
    token = f"the-token-of-visitor-{number:02d}-{code}"
    client = await crowd.client(pair.here)
    await client.join(code, token=token)
    for _ in range(VISITS):
        member = client.member_id
        manner = rng.choice(["vanish", "hang up", "be taken over"])
        if manner == "vanish":
            await client.vanish()
        elif manner == "hang up":
            await client.hang_up()
        view = copy.deepcopy(client.view)
        client = await crowd.client(rng.choice(pair.instances), view=view)
        opening = await client.join(code, token=token, since=view.position)
        assert (opening["resumed"], opening["memberId"]) == (True, member)
    return client
