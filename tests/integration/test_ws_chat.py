"""Messages, reactions, chat modes and the pace of it all, over two instances."""

import json
import time
from collections import Counter
from functools import partial

import pytest

from tests.integration.conftest import MakeClient, Party
from tests.support.client_sync import SyncClient, wait_until_each, wait_until_synced
from tests.support.pairs import Pair

EMOJI = ["🎉", "❤️", "👍🏽", "👨‍👩‍👧", "🇩🇪", "1️⃣"]
NOT_EMOJI = ["x", "1", "🎉🎉", "🎉x", " ", ":tada:", "<b>", "\u200d"]


def test_message_reaches_members_and_later_guests(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    for number in range(12):
        host.do("SEND_MESSAGE", text=f"host {number}")
        guest.do("SEND_MESSAGE", text=f"guest {number}")
    for client in party.clients:
        heard = [client.wait_for_message("MESSAGE") for _ in range(24)]
        assert len({message["id"] for message in heard}) == 24
        assert [message["at"] for message in heard] == sorted(message["at"] for message in heard)
        for name, speaker in (("host", host), ("guest", guest)):
            said = [message for message in heard if message["memberId"] == speaker.member_id]
            assert [message["text"] for message in said] == [f"{name} {number}" for number in range(12)]
            assert {message["name"] for message in said} == {speaker.me["name"]}
    late = new_client(shared_pair.here)
    late.join(host.code)
    assert len(late.room["messages"]) == 20
    wait_until_synced(host, guest, late)


def test_message_has_1_to_500_characters(party: Party) -> None:
    host, guest = party
    for text in ("x", "é" * 500, "🎉" * 500, '"\\<script>&\u2028', "两"):
        guest.do("SEND_MESSAGE", text=text)
        assert host.wait_for_message("MESSAGE")["text"] == text
    assert guest.refused("SEND_MESSAGE", text="x" * 501) == "too_long"
    assert guest.refused("SEND_MESSAGE", text="x" * 7000) == "too_long"
    assert guest.refused("SEND_MESSAGE", text="") == "bad_field"
    guest.do("SEND_MESSAGE", text="nothing between")
    assert host.wait_for_message("MESSAGE")["text"] == "nothing between"


def test_reaction_is_one_emoji_and_reaches_all(party: Party) -> None:
    host, guest = party
    version = host.view.version
    for emoji in EMOJI:
        guest.do("SEND_REACTION", emoji=emoji)
        wait_until_each(party.clients, partial(has_reactions, emoji=emoji, count=1))
    for told in host.all_of("REACTION"):
        assert (told["memberId"], told["name"]) == (guest.member_id, "Bob")
    for text in NOT_EMOJI:
        assert guest.refused("SEND_REACTION", emoji=text) == "not_emoji"
    host.do("SEND_MESSAGE", text="marker")
    assert guest.wait_for_message("MESSAGE")["version"] == version + 1


def test_reactions_in_burst_are_all_counted(party: Party) -> None:
    for _ in range(15):
        for client in party.clients:
            client.send("SEND_REACTION", emoji="🔥")
    wait_until_each(party.clients, partial(has_reactions, emoji="🔥", count=30))


def has_reactions(client: SyncClient, emoji: str, count: int) -> bool:
    return client.reactions(emoji) == count


@pytest.mark.parametrize(
    ("mode", "message", "reaction"),
    [("OPEN", None, None), ("EMOJI_ONLY", "emoji_only", None), ("LOCKED", "chat_locked", "chat_locked")],
)
def test_chat_mode_limits_guests(
    party: Party, shared_pair: Pair, new_client: MakeClient, mode: str, message: str | None, reaction: str | None
) -> None:
    host, guest = party
    host.do("CHAT_MODE_SET", mode="LOCKED" if mode == "OPEN" else "OPEN")
    host.do("CHAT_MODE_SET", mode=mode)
    for client in party.clients:
        client.wait_for_message("CHAT_MODE_SET", mode=mode)
    assert guest.ask("SEND_MESSAGE", text="hi").get("reason") == message
    assert guest.ask("SEND_REACTION", emoji="🎉").get("reason") == reaction
    host.do("SEND_MESSAGE", text="the host may always")
    host.do("SEND_REACTION", emoji="👑")
    guest.wait_for_message("MESSAGE", text="the host may always")
    guest.wait_until(lambda: guest.reactions("👑") == 1)
    late = new_client(shared_pair.there)
    late.join(host.code)
    assert late.room["chatMode"] == mode
    wait_until_synced(host, guest, late)


def test_commands_in_one_frame_run_in_order(party: Party) -> None:
    host, guest = party
    batch = [
        {"t": "SEND_MESSAGE", "text": "one", "requestId": "1"},
        {"t": "RENAME", "name": "Robert", "requestId": "2"},
        {"t": "SEND_MESSAGE", "text": "two", "requestId": "3"},
        {"t": "SEND_MESSAGE", "text": "", "requestId": "4"},
        {"t": "PING", "requestId": "5"},
        {"t": "SEND_MESSAGE", "text": "three"},
    ]
    guest.send_frame(json.dumps(batch))
    heard = [host.wait_for_message("MESSAGE") for _ in range(3)]
    assert [(message["text"], message["name"]) for message in heard] == [
        ("one", "Bob"),
        ("two", "Robert"),
        ("three", "Robert"),
    ]
    guest.wait_for_message("MESSAGE", text="three")
    answers = [message for message in guest.received if message.get("requestId") in {"1", "2", "3", "4", "5"}]
    assert [message["requestId"] for message in answers] == ["1", "2", "3", "4", "5"]
    assert [message["t"] for message in answers] == ["OK", "OK", "OK", "ERROR", "PONG"]


def test_frame_with_join_and_message_is_accepted(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    client = new_client(shared_pair.here)
    client.send_frame(json.dumps([{"t": "JOIN", "code": party.host.code}, {"t": "SEND_MESSAGE", "text": "here I am"}]))
    client.wait_for_message("MESSAGE", text="here I am")
    assert client.kinds()[:3] == ["WELCOME", "JOINED", "ROOM"]
    wait_until_synced(*party.clients, client)


def test_fast_sender_is_rate_limited_for_a_while(party: Party) -> None:
    host, guest = party
    started_at = time.monotonic()
    for number in range(100):
        guest.send("RENAME", name=f"Name {number}", requestId=f"r{number}")

    def answers() -> list[str]:
        return [m.get("reason", "OK") for m in guest.received if str(m.get("requestId")).startswith("r")]

    guest.wait_until(lambda: len(answers()) == 100)
    seconds = time.monotonic() - started_at
    counts = Counter(answers())
    assert counts.keys() == {"OK", "rate_limited"}
    # Twenty at once, of which joining has used up one or two, and twenty a second.
    assert 15 <= counts["OK"] <= 20 + 20 * seconds
    guest.do("RENAME", name="Slow again")
    host.wait_until(lambda: host.name_of(guest.member_id) == "Slow again")
    assert len(host.all_of("MEMBER_UPDATED")) == counts["OK"] + 1
    host.do("SEND_MESSAGE", text="others are not held back")
