"""Getting into a party over the WebSocket, with the host on one instance and guests on the other."""

import asyncio
import re
import secrets
import time
from typing import Any

import pytest

from tests.integration.conftest import MakeClient, Party
from tests.support.client_async import Crowd
from tests.support.client_sync import wait_until_each, wait_until_synced
from tests.support.pairs import Pair
from tests.support.stores import wait_for

# Well under a renewal, by which a lost notice would show up.
TAKE_OVER_SECONDS_MAX = 2.0
CODE_SHAPE = re.compile(r"[BCDFGHJKMNPQRSTVWXYZ2-9]{6}")
TOKEN_SHAPE = re.compile(r"[A-Za-z0-9_-]{22,64}")


def own_token() -> str:
    """Return a token that no client has used before."""
    return secrets.token_urlsafe(16)


def test_connection_is_welcomed_by_its_instance(shared_pair: Pair, new_client: MakeClient) -> None:
    seen = set()
    for instance in shared_pair.instances:
        welcome = new_client(instance).welcome
        assert welcome.keys() >= {"clientId", "instanceId", "version", "protocol", "heartbeatSeconds"}
        health = instance.call("GET", "/health").body
        assert (welcome["instanceId"], welcome["version"]) == (health["instanceId"], health["version"])
        assert welcome["protocol"] == 1
        assert welcome["heartbeatSeconds"] > 0
        seen.add((welcome["instanceId"], welcome["clientId"]))
    assert len(seen) == 2


def test_create_answers_created_then_room(shared_pair: Pair, new_client: MakeClient) -> None:
    host = new_client(shared_pair.here)
    created = host.create(name="Ann")
    assert host.kinds() == ["WELCOME", "CREATED", "ROOM"]
    assert created.keys() >= {"code", "memberId", "token", "expiresAt", "epoch", "version", "requestId"}
    assert CODE_SHAPE.fullmatch(created["code"])
    assert TOKEN_SHAPE.fullmatch(created["token"])
    room = host.room
    assert list(room["members"].values()) == [
        {"id": created["memberId"], "name": "Ann", "isHost": True, "connected": True}
    ]
    assert room["code"] == created["code"]
    assert (room["hostId"], room["hostConnected"], room["guestCount"]) == (created["memberId"], True, 0)
    assert (room["watchers"], room["capacity"], room["chatMode"], room["locked"]) == (0, 500, "OPEN", False)
    assert room["playback"]["state"] == "stopped"
    assert (room["playback"]["track"], room["playback"]["nextTrack"], room["messages"]) == (None, None, [])
    seconds, microseconds = shared_pair.store.admin.time()
    now = seconds * 1000 + microseconds / 1000
    assert 0 <= now - room["createdAt"] < 5000
    assert abs(room["expiresAt"] - now - 7_200_000) < 5000
    assert shared_pair.there.join(created["code"]).status == 200


def test_join_is_announced_and_members_agree(shared_pair: Pair, party: Party, new_client: MakeClient) -> None:
    host, guest = party
    assert guest.kinds() == ["WELCOME", "JOINED", "ROOM"]
    joined = guest.all_of("JOINED")[0]
    assert joined.keys() >= {"code", "memberId", "token", "isHost", "resumed", "epoch", "version", "requestId"}
    assert (joined["code"], joined["isHost"], joined["resumed"]) == (host.code, False, False)
    assert TOKEN_SHAPE.fullmatch(joined["token"])
    told = host.all_of("MEMBER_JOINED", guestCount=1)
    assert [message["member"] for message in told] == [
        {"id": guest.member_id, "name": "Bob", "isHost": False, "connected": True}
    ]
    third = new_client(shared_pair.here)
    third.join(host.code, name="Cy")
    for phone in party.clients:
        phone.wait_for_message("MEMBER_JOINED", guestCount=2)
    wait_until_synced(host, guest, third)


@pytest.mark.parametrize("typed", ["{0}{1}", "  {0} {1} ", "{0}-{1}"])
@pytest.mark.parametrize("lower", [False, True])
def test_a_code_is_taken_as_it_is_typed(
    party: Party, shared_pair: Pair, new_client: MakeClient, typed: str, lower: bool
) -> None:
    text = typed.format(party.host.code[:3], party.host.code[3:])
    joined = new_client(shared_pair.there).join(text.lower() if lower else text)
    assert joined["code"] == party.host.code


def test_unnamed_guests_are_numbered_across_instances(shared_pair: Pair, new_client: MakeClient) -> None:
    host = new_client(shared_pair.here)
    host.create()
    assert host.me["name"] == "Host"
    names = []
    for number in range(4):
        guest = new_client(shared_pair.instances[number % 2])
        guest.join(host.code, **({"name": " \u202e "} if number == 3 else {}))
        names.append(guest.me["name"])
    assert names == ["Guest 1", "Guest 2", "Guest 3", "Guest 4"]


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("  Zoë  ", "Zoë"),
        ("a\u0000b\u001b", "ab"),
        ("\u202eevil\u2066", "evil"),
        ("x" * 80, "x" * 50),
        ("👩‍🚀", "👩‍🚀"),
    ],
)
def test_names_are_cleaned_on_every_path(shared_pair: Pair, new_client: MakeClient, given: str, seen: str) -> None:
    host, guest = new_client(shared_pair.here), new_client(shared_pair.there)
    host.create(name=given)
    guest.join(host.code, name=given)
    assert (host.me["name"], guest.me["name"]) == (seen, seen)
    guest.do("RENAME", name="Bob")
    host.wait_until(lambda: host.name_of(guest.member_id) == "Bob")
    guest.do("RENAME", name=given)
    wait_until_each((host, guest), lambda phone: phone.name_of(guest.member_id) == seen)


def test_emptied_name_becomes_default(party: Party) -> None:
    host, guest = party
    host.do("RENAME", name="  ")
    guest.wait_until(lambda: guest.name_of(host.member_id) == "Host")
    guest.do("RENAME", name="")
    host.wait_until(lambda: re.fullmatch(r"Guest \d+", host.name_of(guest.member_id) or ""))
    wait_until_synced(host, guest)


def test_token_takes_its_seat_on_other_instance(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    guest.vanish()
    host.wait_until(lambda: host.room["guestCount"] == 0)
    back = new_client(shared_pair.here)
    joined = back.join(host.code, token=guest.token)
    assert (joined["resumed"], joined["memberId"], joined["isHost"]) == (True, guest.member_id, False)
    assert joined["token"] == guest.token
    assert back.me["name"] == "Bob"
    host.wait_until(lambda: host.room["guestCount"] == 1)
    assert len(host.all_of("MEMBER_JOINED")) == 1
    assert host.all_of("MEMBER_LEFT") == []
    wait_until_synced(host, back)


def test_returning_host_is_host(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    host.hang_up()
    guest.wait_until(lambda: not guest.room["hostConnected"])
    back = new_client(shared_pair.there)
    joined = back.join(host.code, token=host.token)
    assert (joined["resumed"], joined["memberId"], joined["isHost"]) == (True, host.member_id, True)
    guest.wait_until(lambda: guest.room["hostConnected"])
    back.do("LOCK_SET", locked=True)
    wait_until_synced(guest, back)


def test_http_token_takes_host_seat(shared_pair: Pair, new_client: MakeClient) -> None:
    made = shared_pair.here.create(name="Ann").body
    host = new_client(shared_pair.there)
    joined = host.join(made["partyCode"], token=made["hostToken"], name="ignored, since the seat is taken")
    assert (joined["isHost"], joined["resumed"], joined["memberId"]) == (True, True, made["hostId"])
    assert host.me["connected"] is True
    assert host.room["hostConnected"] is True


def test_repeated_join_with_own_token_takes_one_seat(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    token = own_token()
    first = new_client(shared_pair.there).join(party.host.code, token=token)
    second = new_client(shared_pair.here).join(party.host.code, token=token)
    assert (first["token"], second["token"]) == (token, token)
    assert (first["resumed"], second["resumed"]) == (False, True)
    assert first["memberId"] == second["memberId"]
    assert len(party.host.room["members"]) <= 3


def test_create_repeated_with_token_is_same_party(shared_pair: Pair, new_client: MakeClient) -> None:
    token = own_token()
    first, second = new_client(shared_pair.here), new_client(shared_pair.there)
    once, again = first.create(token=token), second.create(token=token)
    assert {once["token"], again["token"]} == {token}
    assert (once["code"], once["memberId"]) == (again["code"], again["memberId"])
    assert first.wait_for_close() == 4509
    other = new_client(shared_pair.there).create(token=own_token())
    assert other["code"] != once["code"]


@pytest.mark.parametrize("token", ["", "x" * 21, "x" * 65, "with spaces with spaces", "ü" * 30, "a/b" * 10])
def test_malformed_token_is_invalid(party: Party, shared_pair: Pair, new_client: MakeClient, token: str) -> None:
    phone = new_client(shared_pair.there)
    assert phone.refused("CREATE", token=token) == "token_invalid"
    assert phone.refused("JOIN", code=party.host.code, token=token) == "token_invalid"
    phone.join(party.host.code)


@pytest.mark.parametrize("where", [0, 1])
def test_last_connection_takes_over_seat(party: Party, shared_pair: Pair, new_client: MakeClient, where: int) -> None:
    host, guest = party
    newer = new_client(shared_pair.instances[where])
    joined = newer.join(host.code, token=guest.token)
    assert (joined["resumed"], joined["memberId"]) == (True, guest.member_id)
    assert guest.wait_for_close() == 4509
    newer.do("SEND_MESSAGE", text="it is me")
    host.wait_for_message("MESSAGE", memberId=guest.member_id)
    assert host.room["guestCount"] == 1
    assert (host.all_of("MEMBER_LEFT"), len(host.all_of("MEMBER_JOINED"))) == ([], 1)
    wait_until_synced(host, newer)


def test_join_with_position_replays_missed_events(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    guest.vanish()
    host.wait_until(lambda: host.room["guestCount"] == 0)
    for number in range(3):
        host.do("SEND_MESSAGE", text=f"missed {number}")
    host.do("CHAT_MODE_SET", mode="EMOJI_ONLY")
    version = guest.view.version
    back = new_client(shared_pair.here, view=guest.view)
    joined = back.join(host.code, token=guest.token, since=guest.view.position)
    assert "ROOM" not in back.kinds()
    assert back.kinds()[1] == "JOINED"
    told = [message["version"] for message in back.received if message["t"] not in {"WELCOME", "JOINED", "STATUS"}]
    assert told[: joined["version"] - version] == list(range(version + 1, joined["version"] + 1))
    assert joined["version"] >= version + 5
    wait_until_synced(host, back)


def test_join_with_current_position_replays_nothing(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    wait_until_synced(*party.clients)
    newer = new_client(shared_pair.there, view=party.guest.view)
    newer.join(party.host.code, token=party.guest.token, since=party.guest.view.position)
    assert "ROOM" not in newer.kinds()
    wait_until_synced(party.host, newer)


def test_join_with_unusable_position_sends_room(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    here = party.guest.view.position
    other_epoch = here["epoch"] + ("x" if isinstance(here["epoch"], str) else 1)
    positions: list[dict[str, Any]] = [
        {"epoch": other_epoch, "version": here["version"]},
        {"epoch": here["epoch"], "version": here["version"] + 1000},
    ]
    for since in positions:
        back = new_client(shared_pair.here)
        back.join(party.host.code, token=party.guest.token, since=since)
        assert back.kinds()[:3] == ["WELCOME", "JOINED", "ROOM"]
        wait_until_synced(party.host, back)


def test_refused_join_gives_reason(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    phone = new_client(shared_pair.there)
    assert phone.refused("JOIN", code="ZZZZZZ") == "party_not_found"
    assert phone.refused("WATCH", code="ZZZZZZ") == "party_not_found"
    assert phone.refused("JOIN", code="A") == "party_not_found"
    phone.join(party.host.code)


def test_look_up_counts_across_instances(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    third = new_client(shared_pair.here)
    third.join(host.code)

    def counted(connected: bool, guests: int) -> None:
        wait_for(lambda: found() == [(connected, guests)] * 2)

    def found() -> list[tuple[bool, int]]:
        bodies = [instance.look_up(host.code).body for instance in shared_pair.instances]
        return [(body["hostConnected"], body["guestCount"]) for body in bodies]

    counted(True, 2)
    guest.vanish()
    counted(True, 1)
    host.vanish()
    counted(False, 1)
    third.do("LEAVE")
    counted(False, 0)


async def rush(pair: Pair) -> None:
    """Eight connections come with one token at once, over and over: a client that repeats what was not answered."""
    async with Crowd() as crowd:
        host = await crowd.client(pair.here)
        code = (await host.create())["code"]
        for number in range(5):
            token = f"one-token-for-all-of-them-{number}"
            phones = await crowd.clients([pair.here, pair.there] * 4)
            joined = await asyncio.gather(*(phone.join(code, token=token) for phone in phones), return_exceptions=True)
            answers = [answer for answer in joined if isinstance(answer, dict)]
            assert len({answer["memberId"] for answer in answers}) == 1
            started = time.monotonic()
            while sum(phone.close_code is None for phone in phones) > 1:
                assert time.monotonic() - started < TAKE_OVER_SECONDS_MAX
                await asyncio.sleep(0.01)
            assert sorted(phone.close_code or 0 for phone in phones) == [0, *[4509] * 7]


def test_racing_joins_with_one_token_keep_one(shared_pair: Pair) -> None:
    asyncio.run(rush(shared_pair))
