"""What a host can do, and how a party ends, with the host on one instance and guests on the other."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.conftest import MakeClient, Party
from tests.support.client_sync import SyncClient, wait_until_synced
from tests.support.pairs import Pair
from tests.support.stores import wait_for

HOST_COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("KICK", {"targetId": "{host}"}),
    ("PROMOTE", {"targetId": "{host}"}),
    ("CHAT_MODE_SET", {"mode": "LOCKED"}),
    ("LOCK_SET", {"locked": True}),
    ("HOST_TRACK_SELECTED", {"filename": "a.mp3"}),
    ("HOST_NEXT_TRACK_QUEUED", {"filename": "b.mp3"}),
    ("HOST_TRACK_CHANGED", {"filename": "a.mp3", "nextFilename": "b.mp3"}),
    ("HOST_PLAY", {"position": 1}),
    ("HOST_PAUSE", {"position": 1}),
]


@pytest.mark.parametrize(("kind", "fields"), HOST_COMMANDS)
def test_guest_host_commands_are_refused(party: Party, kind: str, fields: dict[str, Any]) -> None:
    host, guest = party
    meant = {name: host.member_id if value == "{host}" else value for name, value in fields.items()}
    version = host.view.version
    assert guest.refused(kind, **meant) == "not_host"
    guest.do("SEND_MESSAGE", text="the next thing that happened")
    assert host.wait_for_message("MESSAGE")["version"] == version + 1


def test_leaving_guest_gives_up_seat(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    assert guest.ask("LEAVE")["t"] == "OK"
    assert guest.wait_for_close() == 1000
    host.wait_for_message("MEMBER_LEFT", memberId=guest.member_id, cause="left", guestCount=0)
    back = new_client(shared_pair.here)
    joined = back.join(host.code, token=guest.token)
    assert joined["resumed"] is False
    assert joined["memberId"] != guest.member_id
    wait_until_synced(host, back)


def test_leaving_host_ends_party(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    for number in range(3):
        guest.do("SEND_MESSAGE", text=f"{number}")
    host.do("SEND_REACTION", emoji="🎉")
    assert host.ask("LEAVE")["t"] == "OK"
    # The sender of a command receives the same event as all other members.
    heard = host.find("ENDED", {"cause": "host_left"})
    assert heard is not None
    recap = heard["recap"]
    assert host.wait_for_close() == 1000
    assert guest.wait_for_message("ENDED", cause="host_left")["recap"] == recap
    assert (recap["guests"], recap["messages"], recap["reactions"]) == (1, 3, 1)
    assert 0 <= recap["seconds"] < 60
    assert guest.wait_for_close() == 4503
    assert shared_pair.store.admin.exists(f"party:{host.code}") == 0
    for instance in shared_pair.instances:
        answer = instance.join(host.code)
        assert (answer.status, answer.body["reason"]) == (404, "party_ended")
        assert instance.look_up(host.code).body["exists"] is False
        client = new_client(instance)
        assert client.refused("JOIN", code=host.code) == "party_ended"
        assert client.refused("JOIN", code=host.code, token=host.token) == "party_ended"
        assert client.refused("WATCH", code=host.code) == "party_ended"


def test_kicked_guest_is_notified_and_cannot_return(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    bystander = new_client(shared_pair.there)
    bystander.join(host.code)
    host.do("KICK", targetId=guest.member_id)
    guest.wait_for_message("KICKED")
    assert guest.wait_for_close() == 4504
    expected = ("kicked", "event", 4504, host.code)
    wait_for(lambda: any(expected in instance.expulsions() for instance in shared_pair.instances))
    for client in (host, bystander):
        client.wait_for_message("MEMBER_LEFT", memberId=guest.member_id, cause="kicked", guestCount=1)
    for instance in shared_pair.instances:
        assert new_client(instance).refused("JOIN", code=host.code, token=guest.token) == "kicked"
    assert host.refused("KICK", targetId=guest.member_id) == "invalid_target"
    elsewhere = new_client(shared_pair.here)
    elsewhere.create()
    new_client(shared_pair.there).join(elsewhere.code, token=guest.token)
    wait_until_synced(host, bystander)


def test_disconnected_guest_can_be_kicked(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    guest.vanish()
    host.wait_until(lambda: host.room["guestCount"] == 0)
    host.do("KICK", targetId=guest.member_id)
    host.wait_for_message("MEMBER_LEFT", memberId=guest.member_id, cause="kicked")
    assert new_client(shared_pair.here).refused("JOIN", code=host.code, token=guest.token) == "kicked"


@pytest.mark.parametrize("kind", ["KICK", "PROMOTE"])
def test_only_a_guest_of_the_party_is_a_target(
    party: Party, shared_pair: Pair, new_client: MakeClient, kind: str
) -> None:
    stranger = new_client(shared_pair.there)
    stranger.create()
    for target in (party.host.member_id, stranger.member_id, "nobody", ""):
        assert party.host.refused(kind, targetId=target) == "invalid_target"


def test_promoted_guest_becomes_host(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    host.do("PROMOTE", targetId=guest.member_id)
    for client in party.clients:
        told = client.wait_for_message("HOST_CHANGED", hostId=guest.member_id)
        assert told["member"] == {"id": guest.member_id, "name": "Bob", "isHost": True, "connected": True}
        assert (client.room["hostConnected"], client.room["guestCount"]) == (True, 1)
    assert host.refused("LOCK_SET", locked=True) == "not_host"
    guest.do("LOCK_SET", locked=True)
    assert guest.refused("KICK", targetId=guest.member_id) == "invalid_target"
    wait_until_synced(host, guest)
    assert shared_pair.here.look_up(host.code).body["hostName"] == "Bob"
    old_host, new_host = new_client(shared_pair.there), new_client(shared_pair.here)
    assert old_host.join(host.code, token=host.token)["isHost"] is False
    assert new_host.join(host.code, token=guest.token)["isHost"] is True
    assert (host.wait_for_close(), guest.wait_for_close()) == (4509, 4509)
    assert old_host.member_id == host.member_id
    assert new_host.room["hostId"] == guest.member_id
    assert old_host.ask("LEAVE")["t"] == "OK"
    new_host.wait_for_message("MEMBER_LEFT", memberId=host.member_id, cause="left")
    new_host.do("LEAVE")
    assert shared_pair.there.join(host.code).body["reason"] == "party_ended"


def test_disconnected_guest_cannot_be_promoted(party: Party) -> None:
    host, guest = party
    guest.vanish()
    host.wait_until(lambda: host.room["guestCount"] == 0)
    assert host.refused("PROMOTE", targetId=guest.member_id) == "not_connected"


def test_locked_party_admits_only_seat_owners(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    host.do("LOCK_SET", locked=True)
    guest.wait_for_message("LOCK_SET", locked=True)
    newcomer = new_client(shared_pair.there)
    assert newcomer.refused("JOIN", code=host.code) == "party_locked"
    for instance in shared_pair.instances:
        answer = instance.join(host.code)
        assert (answer.status, answer.body["reason"]) == (423, "party_locked")
        assert instance.look_up(host.code).body["locked"] is True
    back = new_client(shared_pair.here)
    assert back.join(host.code, token=guest.token)["resumed"] is True
    assert back.room["locked"] is True
    host.do("LOCK_SET", locked=False)
    newcomer.join(host.code)
    wait_until_synced(host, back, newcomer)


def expect_playback(clients: tuple[SyncClient, ...], **expected: Any) -> None:
    """All clients come to know this of the playback."""
    for client in clients:
        client.wait_until(_has(client, expected))


def _has(client: SyncClient, expected: dict[str, Any]) -> Callable[[], bool]:
    return lambda: {name: client.room["playback"][name] for name in expected} == expected


def test_playback_state_is_shared_by_all_members(party: Party, shared_pair: Pair, new_client: MakeClient) -> None:
    host, guest = party
    for kind in ("HOST_PLAY", "HOST_PAUSE"):
        assert host.refused(kind, position=3) == "no_track"
    host.do("HOST_NEXT_TRACK_QUEUED", filename="b.mp3")
    host.do("HOST_TRACK_SELECTED", filename="a.mp3")
    expect_playback(party.clients, state="stopped", track="a.mp3", nextTrack="b.mp3", position=0)
    host.do("HOST_PLAY", position=12.5)
    expect_playback(party.clients, state="playing", track="a.mp3", nextTrack="b.mp3", position=12.5)
    host.do("HOST_TRACK_CHANGED", filename="b.mp3", nextFilename="c.mp3")
    expect_playback(party.clients, state="playing", track="b.mp3", nextTrack="c.mp3", position=0)
    host.do("HOST_PAUSE", position=7)
    host.do("HOST_TRACK_CHANGED", filename="c.mp3")
    expect_playback(party.clients, state="paused", track="c.mp3", nextTrack=None, position=0)
    host.do("HOST_NEXT_TRACK_QUEUED", filename="d.mp3")
    host.do("HOST_NEXT_TRACK_QUEUED", filename=None)
    assert guest.wait_for_message("TRACK_CHANGED", filename="c.mp3")["nextFilename"] is None
    assert guest.wait_for_message("NEXT_TRACK_QUEUED", filename=None)["filename"] is None
    host.do("HOST_PLAY", position=30)
    late = new_client(shared_pair.there)
    late.join(host.code)
    playback = late.room["playback"]
    assert (playback["state"], playback["track"], playback["nextTrack"], playback["position"]) == (
        "playing", "c.mp3", None, 30,
    )  # fmt: skip
    assert playback["at"] == host.wait_for_message("PLAY", position=30)["at"]
    host.do("HOST_TRACK_SELECTED", filename="d.mp3")
    expect_playback((host, guest, late), state="stopped", track="d.mp3", position=0)
    wait_until_synced(host, guest, late)


def test_play_without_position_uses_current_position(party: Party) -> None:
    host, guest = party
    host.do("HOST_TRACK_SELECTED", filename="a.mp3")
    host.do("HOST_PLAY")
    from_start = guest.wait_for_message("PLAY")
    assert from_start["position"] == 0
    host.do("HOST_PLAY", position=100)
    started = guest.wait_for_message("PLAY", position=100)
    wait_for(lambda: host.do("PING")["serverTime"] >= started["at"] + 300)
    host.do("HOST_PAUSE")
    paused = guest.wait_for_message("PAUSE")
    passed = (paused["at"] - started["at"]) / 1000
    assert passed >= 0.25
    assert paused["position"] == pytest.approx(100 + passed, abs=0.01)
    host.do("HOST_PLAY")
    again = guest.wait_for_message("PLAY")
    assert again["position"] == pytest.approx(paused["position"], abs=0.001)
    assert again["at"] > paused["at"]
    wait_until_synced(host, guest)


def test_commands_in_flight_at_party_end_are_answered(shared_pair: Pair, new_client: MakeClient) -> None:
    for _ in range(10):
        host, guest = new_client(shared_pair.here), new_client(shared_pair.there)
        host.create()
        guest.join(host.code)
        host.send("PROMOTE", targetId=guest.member_id, requestId="promote")
        guest.wait_for_message("HOST_CHANGED")
        host.send("SEND_MESSAGE", text="bye", requestId="bye")
        guest.send("LEAVE")
        assert host.wait_for_close() == 4503
        answered = {message.get("requestId") for message in host.received if message["t"] in {"OK", "ERROR"}}
        assert "promote" in answered
        said = [message for message in host.received if message["t"] == "MESSAGE"]
        assert not said or "bye" in answered
