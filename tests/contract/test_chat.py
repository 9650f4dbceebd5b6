"""Rename, send messages and send reactions."""

import msgspec
import pytest

from hubbub.core.errors import Reason
from hubbub.core.party import ChatMode
from hubbub.core.protocol import ChatMessage, Leave, Rename, SelectTrack, SendMessage, SendReaction, SetChatMode
from hubbub.core.results import Accepted, Rejected
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import draft, soon, take_seat
from tests.contract.party_actions import load_snapshot, run_commands
from tests.contract.store_dump import CODE, Subscriber, document_of, dump_party, store_seconds
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")

# What JSON, Lua or a line of text could trip over.
TEXTS = [
    'say "hello"',
    "back\\slash \\n \\u0000 \\",
    "a/b </script> %s %d %%",
    "👩‍👩‍👧‍👦🏳️‍🌈🎉",
    "line\u2028and\u2029paragraph\u0085next",
    "two\nlines\r\nand\ta tab",
    "nothing\0inside",
    "\x01\x1b[31m\x7f\x80\x9f",
    "שלום עולם مرحبا ทดสอบ 日本語",
    "\ufffd\ufeff\uffff\U0010ffff",
    "E1 2\n{}",
    "0",
    "1e308",
    "null",
    "kicked",
    "]",
    "n" * 5000,
    "\N{MATHEMATICAL BOLD FRAKTUR CAPITAL A}" * 500,
]


async def test_message_has_author_and_store_time(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store, name="Bob")
    subscriber.take_events()
    before = store.now_ms()
    await run_commands(store, guest, SendMessage(text="hello"))
    (event,) = subscriber.take_events()
    assert event | {"id": "", "at": 0} == {
        "t": "MESSAGE",
        "id": "",
        "memberId": guest.member_id,
        "name": "Bob",
        "text": "hello",
        "at": 0,
        "version": 3,
    }
    assert before - 100 <= event["at"] <= store_seconds(server) * 1000
    said = ChatMessage(event["id"], guest.member_id, "Bob", "hello", event["at"])
    assert list((await load_snapshot(store)).messages) == [said]
    del host


async def test_last_twenty_messages_are_stored(store: RedisStore, host: Lease) -> None:
    for number in range(25):
        await run_commands(store, host, SendMessage(text=str(number)))
    messages = (await load_snapshot(store)).messages
    assert [message.text for message in messages] == [str(number) for number in range(5, 25)]
    assert len({message.id for message in messages}) == 20
    assert [message.at for message in messages] == sorted(message.at for message in messages)


async def test_stored_message_keeps_authors_name(store: RedisStore, host: Lease) -> None:
    guest = await take_seat(store, name="Bob")
    await run_commands(
        store, guest, SendMessage(text="hello"), Rename(name="Bobby"), SendMessage(text="again"), Leave()
    )
    assert [message.name for message in (await load_snapshot(store)).messages] == ["Bob", "Bobby"]
    del host


@pytest.mark.parametrize(
    ("mode", "message", "reaction"),
    [
        (ChatMode.OPEN, Accepted(), Accepted()),
        (ChatMode.EMOJI_ONLY, Rejected(Reason.EMOJI_ONLY), Accepted()),
        (ChatMode.LOCKED, Rejected(Reason.CHAT_LOCKED), Rejected(Reason.CHAT_LOCKED)),
    ],
)
async def test_chat_mode_limits_guests_and_not_host(
    store: RedisStore,
    host: Lease,
    subscriber: Subscriber,
    mode: ChatMode,
    message: Accepted | Rejected,
    reaction: Accepted | Rejected,
) -> None:
    guest = await take_seat(store)
    await run_commands(store, host, SetChatMode(mode=mode))
    subscriber.take_events()
    subscriber.take_ephemeral()
    assert await store.execute(guest, SendMessage(text="hello"), soon()) == message
    assert await store.execute(guest, SendReaction(emoji="🎉"), soon()) == reaction
    assert (len(subscriber.take_events()), len(subscriber.take_ephemeral())) == (
        message == Accepted(),
        reaction == Accepted(),
    )
    await run_commands(store, host, SendMessage(text="hello"), SendReaction(emoji="🎉"))
    assert (len(subscriber.take_events()), len(subscriber.take_ephemeral())) == (1, 1)


async def test_reaction_is_published_and_not_stored(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    await run_commands(store, host, Rename(name='"A"'))
    subscriber.take_events()
    await run_commands(store, host, SendReaction(emoji="👩‍👩‍👧"))
    assert subscriber.take_events() == []
    (mention,) = subscriber.take_ephemeral()
    assert mention[0] == "R"
    reaction = {"t": "REACTION", "memberId": host.member_id, "name": '"A"', "emoji": "👩‍👩‍👧"}
    assert msgspec.json.decode(mention[1:]) == reaction
    dump = dump_party(server)
    assert (dump.version, dump.state["reactions"]) == (2, "1")


async def test_rename_is_published_and_listed(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    subscriber.take_events()
    await run_commands(store, guest, Rename(name="Bob"))
    member = {"id": guest.member_id, "name": "Bob", "isHost": False, "connected": True}
    assert subscriber.take_events() == [{"t": "MEMBER_UPDATED", "member": member, "guestCount": 1, "version": 3}]
    assert document_of(server)["hostName"] == "Ann"
    await run_commands(store, host, Rename(name="Anna"))
    member = {"id": host.member_id, "name": "Anna", "isHost": True, "connected": True}
    assert subscriber.take_events() == [{"t": "MEMBER_UPDATED", "member": member, "guestCount": 1, "version": 4}]
    assert document_of(server)["hostName"] == "Anna"
    assert [member.name for member in (await load_snapshot(store)).members] == ["Anna", "Bob"]


async def test_empty_name_becomes_assigned_name(store: RedisStore, host: Lease, server: StoreServer) -> None:
    first = await take_seat(store, name="Bob")
    second = await take_seat(store)
    await run_commands(store, second, Rename(name="Eve"), Rename(name=""))
    await run_commands(store, first, Rename(name=""))
    await run_commands(store, host, Rename(name=""))
    assert [member.name for member in (await load_snapshot(store)).members] == ["Host", "Guest 1", "Guest 2"]
    assert document_of(server)["hostName"] == "Host"


async def test_every_text_comes_through_as_it_was_said(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    guest = await take_seat(store)
    subscriber.take_events()
    for text in TEXTS:
        await run_commands(store, guest, Rename(name=text), SendMessage(text=text))
        renamed, said = subscriber.take_events()
        assert (renamed["member"]["name"], said["name"], said["text"]) == (text, text, text)
        await run_commands(store, host, Rename(name=text), SelectTrack(filename=text))
        renamed, selected = subscriber.take_events()
        assert (renamed["member"]["name"], selected["filename"]) == (text, text)
        party = await load_snapshot(store)
        assert {member.name for member in party.members} == {text}
        assert (party.messages[-1].text, party.playback.track) == (text, text)
        assert document_of(server)["hostName"] == text
        found = await store.read(CODE, soon())
        assert found.party.host_name == text  # type: ignore[union-attr]


async def test_join_accepts_every_name(store: RedisStore, server: StoreServer) -> None:
    party = draft()
    await store.create(party, soon())
    for text in TEXTS:
        await take_seat(store, token=party.host_token_hash, name=text)
        guest = await take_seat(store, name=text)
        assert [member.name for member in (await load_snapshot(store)).members] == [text, text]
        assert document_of(server)["hostName"] == text
        await run_commands(store, guest, Leave())
