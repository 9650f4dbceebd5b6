"""Frame messages for a socket and drop slow readers."""

import socket
import struct

import pytest

from hubbub.core.errors import CloseCode
from hubbub.core.limits import CLOSE_SECONDS_MAX, UNSENT_BYTES_MAX
from hubbub.core.protocol import Ok
from hubbub.transport.connection import text_frame
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fake_transport import FakeSocketConnection

FRAME = text_frame(b'"' + b"x" * 1020 + b'"')
assert len(FRAME) == 1026
FILLS = UNSENT_BYTES_MAX // len(FRAME) + 1


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x81\x00"),
        (1, b"\x81\x01"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_frame_length_has_shortest_form(length: int, head: bytes) -> None:
    frame = text_frame(b"x" * length)
    assert frame[: len(head)] == head
    assert frame[len(head) :] == b"x" * length


@in_fake_time
async def test_sent_frame_is_written_at_once() -> None:
    phone = FakeSocketConnection()
    phone.send(text_frame(b'{"t":"A"}'))
    phone.send_text(b'{"t":"B"}')
    phone.send_message(Ok(request_id=1))
    assert [message["t"] for message in phone.transport.messages] == ["A", "B", "OK"]
    assert not phone.is_closed


@in_fake_time
async def test_reading_client_is_sent_any_amount() -> None:
    phone = FakeSocketConnection()
    for _ in range(3 * FILLS):
        phone.send(FRAME)
    assert len(phone.transport.written) == 3 * FILLS * len(FRAME)
    assert phone.closed_with is None


@in_fake_time
async def test_client_with_64_kib_unsent_is_dropped() -> None:
    phone = FakeSocketConnection(reads=False)
    for _ in range(FILLS):
        phone.send(FRAME)
    assert phone.closed_with is None
    assert phone.transport.unsent > UNSENT_BYTES_MAX
    phone.send(FRAME)
    assert phone.closed_with is CloseCode.SLOW_CONSUMER
    written = len(phone.transport.written)
    phone.send(FRAME)
    phone.send_text(b"{}")
    phone.send_message(Ok())
    assert len(phone.transport.written) == written
    await settle()
    assert phone.socket.closed_with == [(4408, b"slow_consumer")]


@in_fake_time
async def test_snapshot_does_not_count_as_slow_reading() -> None:
    phone = FakeSocketConnection(reads=False)
    phone.send_text(b'"' + b"x" * 500_000 + b'"')
    for _ in range(FILLS):
        phone.send(FRAME)
    assert phone.closed_with is None
    phone.send(FRAME)
    assert phone.closed_with is CloseCode.SLOW_CONSUMER


@pytest.mark.parametrize("read", [490_000, 1_000_000])
@in_fake_time
async def test_snapshot_allowance_shrinks_as_it_is_read(read: int) -> None:
    phone = FakeSocketConnection(reads=False)
    phone.send_text(b'"' + b"x" * 500_000 + b'"')
    phone.transport.taken(read)
    phone.send(FRAME)
    left = phone.transport.unsent - len(FRAME)
    while phone.closed_with is None:
        phone.send(FRAME)
    assert left + UNSENT_BYTES_MAX < phone.transport.unsent <= left + UNSENT_BYTES_MAX + len(FRAME)


@in_fake_time
async def test_client_that_reads_sometimes_is_not_dropped() -> None:
    phone = FakeSocketConnection(reads=False)
    for _ in range(10 * FILLS):
        phone.send(FRAME)
        if phone.transport.unsent > UNSENT_BYTES_MAX - 2 * len(FRAME):
            phone.transport.taken(UNSENT_BYTES_MAX // 2)
    assert phone.closed_with is None


@in_fake_time
async def test_client_that_never_reads_snapshots_is_dropped() -> None:
    phone = FakeSocketConnection(reads=False)
    for _ in range(10):
        phone.send_text(b'"' + b"x" * 100_000 + b'"')
        for _ in range(FILLS - 1):
            phone.send(FRAME)
    assert phone.closed_with is CloseCode.SLOW_CONSUMER


@in_fake_time
async def test_close_sends_first_reason_once() -> None:
    phone = FakeSocketConnection()
    phone.close(CloseCode.KICKED)
    phone.close(CloseCode.PARTY_ENDED)
    await phone.closed()
    assert phone.socket.closed_with == [(4504, b"kicked")]
    assert phone.closed_with is CloseCode.KICKED


@in_fake_time
async def test_nothing_is_sent_after_client_closed() -> None:
    phone = FakeSocketConnection()
    phone.transport.close()
    assert phone.is_closed
    phone.send(FRAME)
    phone.send_text(b"{}")
    assert phone.transport.written == b""
    assert phone.closed_with is None
    await phone.closed()


@in_fake_time
async def test_unanswered_close_is_aborted_after_two_seconds() -> None:
    phone = FakeSocketConnection(reads=False, answers_after=None)
    phone.send(FRAME)
    began = now()
    phone.close(CloseCode.SLOW_CONSUMER)
    await settle()
    await later(began + CLOSE_SECONDS_MAX - 0.001 - now())
    assert not phone.transport.aborted
    await later(0.002)
    assert phone.transport.aborted
    assert phone.transport.options == [(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))]
    assert phone._closing is not None
    phone._closing.cancel()


@in_fake_time
async def test_client_that_answers_close_is_not_aborted() -> None:
    phone = FakeSocketConnection(answers_after=0.5)
    phone.close(CloseCode.LEFT)
    await phone.closed()
    await later(2 * CLOSE_SECONDS_MAX)
    assert not phone.transport.aborted


@in_fake_time
async def test_unsent_data_after_close_is_discarded() -> None:
    phone = FakeSocketConnection(reads=False)
    phone.send(FRAME)
    phone.close(CloseCode.LEFT)
    await phone.closed()
    assert phone.transport.is_closing()
    await later(2 * CLOSE_SECONDS_MAX)
    assert phone.transport.aborted
    assert phone.transport.unsent == 0
