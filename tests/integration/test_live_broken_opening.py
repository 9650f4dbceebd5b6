"""Phones that are gone before their connection is open."""

import socket

from tests.integration.conftest import MakeInstance
from tests.support.phones import LINGER_NOT

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def test_whoever_is_gone_during_the_upgrade_is_no_fault_of_ours(new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", instance.port)) as phone:
            phone.sendall(UPGRADE)
            phone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    assert instance.create().status == 200
    assert "Traceback" not in instance.errors()
