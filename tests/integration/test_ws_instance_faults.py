"""Instances killed and frozen, subscriptions cut: what clients on the other instance see of it, and how it mends."""

import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from tests.integration.conftest import MakeClient
from tests.support.client_sync import SyncClient, wait_until_each, wait_until_synced
from tests.support.instances import Instance
from tests.support.pairs import Pair, started_pair
from tests.support.stores import wait_for

GHOST_SECONDS_MAX = 15.0
REPAIR_SECONDS_MAX = 10.0
CUTS = 3


def joined(new_client: MakeClient, instance: Instance, code: str, count: int) -> list[SyncClient]:
    """So many new guests on that instance."""
    clients = [new_client(instance) for _ in range(count)]
    for client in clients:
        client.join(code)
    return clients


def ids(clients: Iterable[SyncClient]) -> set[str]:
    return {client.member_id for client in clients}


def test_killed_instance_members_disconnect_within_15_seconds(tmp_path: Path, new_client: MakeClient) -> None:
    with started_pair("valkey", tmp_path) as pair:
        host = new_client(pair.here)
        host.create(name="Ann")
        survivors = [host, *joined(new_client, pair.here, host.code, 2)]
        ghosts = joined(new_client, pair.there, host.code, 3)
        wait_until_synced(*survivors, *ghosts)
        pair.there.kill()
        killed_at = time.monotonic()
        host.wait_until(lambda: not ids(ghosts) & host.view.connected(), GHOST_SECONDS_MAX + 5)
        wait_until_each(survivors, lambda client: client.room["guestCount"] == 2)
        assert time.monotonic() - killed_at <= GHOST_SECONDS_MAX
        assert pair.here.look_up(host.code).body["guestCount"] == 2
        assert [ghost.wait_for_close() for ghost in ghosts] == [1006] * 3
        returned = [new_client(pair.here) for _ in ghosts]
        for client, ghost in zip(returned, ghosts, strict=True):
            opening = client.join(host.code, token=ghost.token)
            assert (opening["resumed"], opening["memberId"]) == (True, ghost.member_id)
        wait_until_synced(*survivors, *returned)
        assert (host.room["guestCount"], len(host.room["members"])) == (5, 6)
        assert host.all_of("MEMBER_LEFT") == []


def test_killed_instance_host_party_waits_then_ends_once(tmp_path: Path, new_client: MakeClient) -> None:
    with started_pair("redis", tmp_path, HOST_GRACE_SECONDS="5", LEASE_SECONDS="3") as pair:
        lost, rescued = (new_client(pair.there) for _ in range(2))
        guests = []
        for host in (lost, rescued):
            host.create()
            guests += joined(new_client, pair.here, host.code, 1)
        pair.there.kill()
        killed_at = time.monotonic()
        back = new_client(pair.here)
        assert back.join(rescued.code, token=rescued.token)["isHost"] is True
        assert guests[0].wait_for_message("ENDED")["cause"] == "host_timeout"
        assert 5 < time.monotonic() - killed_at < 12
        assert guests[0].wait_for_close() == 4503
        assert pair.here.join(lost.code).body["reason"] == "party_ended"
        wait_until_synced(guests[1], back)
        assert guests[1].view.ended is None


def test_frozen_instance_resyncs_after_thaw(tmp_path: Path, new_client: MakeClient) -> None:
    folders = [tmp_path / "pair", tmp_path / "brief"]
    for folder in folders:
        folder.mkdir()
    with started_pair("valkey", folders[0], LEASE_SECONDS="3") as pair:
        brief = Instance(
            folders[1],
            REDIS_HOST="127.0.0.1",
            REDIS_PORT=str(pair.store.port),
            LEASE_SECONDS="3",
            SEAT_HOLD_SECONDS="5",
        )
        try:
            freeze_and_thaw(pair, brief.start(), new_client)
        finally:
            brief.close()
        assert "Traceback" not in brief.errors()


def freeze_and_thaw(pair: Pair, brief: Instance, new_client: MakeClient) -> None:
    """Freeze `pair.there` until a guest's seat in a party with a short hold is given up; then let it go on."""
    patient, impatient = new_client(pair.here), new_client(brief)
    for host in (patient, impatient):
        host.create()
    kept = joined(new_client, pair.there, patient.code, 3)
    lost = joined(new_client, pair.there, impatient.code, 1)[0]
    instance = psutil.Process(pair.there.pid)
    instance.send_signal(signal.SIGSTOP)
    impatient.wait_for_message("MEMBER_LEFT", memberId=lost.member_id, cause="timeout")
    patient.wait_until(lambda: not ids(kept) & patient.view.connected())
    returned = new_client(pair.here)
    assert returned.join(patient.code, token=kept[0].token)["resumed"] is True
    patient.do("SEND_MESSAGE", text="said during the frost")
    instance.send_signal(signal.SIGCONT)
    assert lost.wait_for_close() == 4409
    wait_for(lambda: ("timed_out", "renewal", 4409, impatient.code) in pair.there.expulsions())
    assert kept[0].wait_for_close() in {4509, 1006}
    patient.do("SEND_MESSAGE", text="said after the frost")
    alive = [client for client in kept[1:] if lives(client, "said after the frost")]
    wait_for(lambda: settled(patient, ids(alive) | {returned.member_id, patient.member_id}))
    wait_until_synced(patient, returned, *alive)
    assert len(patient.room["members"]) == 4
    assert patient.all_of("MEMBER_LEFT") == []


def lives(client: SyncClient, text: str) -> bool:
    """Return whether the client receives the text; otherwise its connection must have been closed."""
    client.wait_until(lambda: client.find("MESSAGE", {"text": text}) or client.close_code is not None)
    assert client.close_code is None or client.close_code == 1012 or 4400 <= client.close_code < 4500
    return client.close_code is None


def settled(client: SyncClient, connected: set[str]) -> bool:
    """Return whether the client knows exactly these as connected."""
    client.listen()
    return client.view.connected() == connected


def test_log_has_no_token_and_no_message(tmp_path: Path, new_client: MakeClient) -> None:
    with started_pair("redis", tmp_path) as pair:
        host, guest, stranger = new_client(pair.here), new_client(pair.there), new_client(pair.there)
        host.create()
        guest.join(host.code, token="the-secret-of-one-single-guest", name="Somebody Special")
        guest.do("SEND_MESSAGE", text="between you and me")
        host.do("HOST_TRACK_SELECTED", filename="our-song.mp3")
        host.do("KICK", targetId=guest.member_id)
        assert stranger.refused("JOIN", code=host.code, token=guest.token) == "kicked"
        assert stranger.refused("JOIN", code=host.code, token="not a token but a secret") == "token_invalid"
        stranger.send_frame('{"t":"JOIN","token":"cut-off-in-the-middle-of')
        stranger.wait_for_message("ERROR", reason="bad_message")
        secrets = [host.token, guest.token, "not a token but a secret", "cut-off-in-the-middle-of"]
        for client in (host, guest, stranger):
            client.hang_up()
        for instance in pair.instances:
            assert instance.terminate() == 0
            assert instance.log()
            for text in (*secrets, "between you and me"):
                assert text not in instance.errors() + instance.printed()
