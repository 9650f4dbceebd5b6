"""A stopping instance sends its clients to another one, and no leave is announced."""

import socket
import time
from pathlib import Path

import pytest

from tests.integration.conftest import MakeClient
from tests.support.client_sync import SyncClient, wait_until_synced
from tests.support.instances import Instance
from tests.support.pairs import started_pair
from tests.support.stores import FLAVOURS, Flavour

DRAIN_SECONDS_MAX = 10.0
SERVICE_RESTART = 1012


def unread_connection(instance: Instance) -> socket.socket:
    """Return an open WebSocket whose owner never reads, not even the farewell."""
    connection = socket.create_connection(("127.0.0.1", instance.port))
    connection.sendall(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert connection.recv(12) == b"HTTP/1.1 101"
    return connection


def stop(instance: Instance) -> None:
    """Ask it to stop, and see that it does so in time and in peace."""
    asked_at = time.monotonic()
    assert instance.terminate() == 0
    assert time.monotonic() - asked_at < DRAIN_SECONDS_MAX
    assert "Traceback" not in instance.errors()


def moved(new_client: MakeClient, clients: list[SyncClient], target: Instance) -> list[SyncClient]:
    """Return the same people on another instance, each by the token, going on from where they stood."""
    arrived = []
    for client in clients:
        assert client.wait_for_close() == SERVICE_RESTART
        arrived.append(new_client(target, view=client.view))
        opening = arrived[-1].join(client.code, token=client.token, since=client.view.position)
        assert (opening["resumed"], opening["memberId"]) == (True, client.member_id)
    return arrived


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_clients_of_stopping_instance_continue_elsewhere(
    tmp_path: Path, new_client: MakeClient, flavour: Flavour
) -> None:
    with started_pair(flavour, tmp_path) as pair:
        host, neighbour, bystander, silent = (new_client(pair.instances[place]) for place in (0, 0, 1, 0))
        host.create(name="Ann")
        neighbour.join(host.code)
        bystander.join(host.code)
        with unread_connection(pair.here):
            stop(pair.here)
        assert silent.wait_for_close() == SERVICE_RESTART
        bystander.do("SEND_MESSAGE", text="between the two")
        arrived = moved(new_client, [host, neighbour], pair.there)
        wait_until_synced(bystander, *arrived)
        assert (bystander.all_of("MEMBER_LEFT"), bystander.all_of("ENDED")) == ([], [])
        assert (bystander.room["guestCount"], len(bystander.room["members"])) == (2, 3)
        arrived[0].do("LOCK_SET", locked=True)
        wait_until_synced(bystander, *arrived)
