"""The proxy does to a line what its verbs say, seen with a server that says everything back."""

import gc
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.proxy import BUFFER_BYTES, StoreProxy, Way
from tests.support.stores import wait_for

CONNECTIONS = 200
ENDS, CONNECTIONS_AT_THE_END = 10, 20
QUIET_SECONDS = 0.2
BYE = b"BYE"


class Echo(socketserver.ThreadingTCPServer):
    """Says back whatever it hears, and remembers it; hangs up when it hears BYE."""

    daemon_threads = True
    request_queue_size = CONNECTIONS
    block_on_close = False

    def __init__(self) -> None:
        self.heard = b""
        super().__init__(("127.0.0.1", 0), EchoOne)


class EchoOne(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Echo)
        while data := self.request.recv(BUFFER_BYTES):
            self.server.heard += data
            if data == BYE:
                return
            self.request.sendall(data)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[StoreProxy]:
    proxy = StoreProxy(int(echo.server_address[1]))
    yield proxy
    proxy.close()


@pytest.fixture
def line(proxy: StoreProxy) -> Iterator[socket.socket]:
    with dialled(proxy) as line:
        assert said_back(line, b"hello")
        yield line


def dialled(proxy: StoreProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def said_back(line: socket.socket, words: bytes) -> bool:
    line.sendall(words)
    return hears(line, words)


def hears(line: socket.socket, words: bytes) -> bool:
    heard = b""
    while len(heard) < len(words):
        piece = line.recv(BUFFER_BYTES)
        if not piece:
            return False
        heard += piece
    return heard == words


def is_silent(line: socket.socket) -> bool:
    line.settimeout(QUIET_SECONDS)
    try:
        return line.recv(1) is None
    except TimeoutError:
        return True
    finally:
        line.settimeout(5)


def is_closed(line: socket.socket) -> bool:
    try:
        return line.recv(BUFFER_BYTES) == b""
    except ConnectionResetError:
        return True


def test_proxy_carries_hundreds_of_connections(proxy: StoreProxy) -> None:
    with ExitStack() as closing:
        lines = [closing.enter_context(dialled(proxy)) for _ in range(CONNECTIONS)]
        for number, line in enumerate(lines):
            line.sendall(b"%06d" % number)
        assert all(hears(line, b"%06d" % number) for number, line in enumerate(lines))


def test_proxy_close_ends_just_accepted_connections(echo: Echo) -> None:
    """Whatever is open when a loop ends fails a later test."""
    for _ in range(ENDS):
        proxy = StoreProxy(int(echo.server_address[1]))
        with ExitStack() as closing:
            lines = [closing.enter_context(dialled(proxy)) for _ in range(CONNECTIONS_AT_THE_END)]
            proxy.close()
            assert all(is_closed(line) for line in lines)
    gc.collect()


def test_much_at_once_arrives_whole(line: socket.socket) -> None:
    words = bytes(range(256)) * 1000
    threading.Thread(target=line.sendall, args=(words,)).start()
    assert hears(line, words)


def test_frozen_direction_waits_then_continues(proxy: StoreProxy, line: socket.socket, echo: Echo) -> None:
    proxy.freeze(Way.BACK)
    line.sendall(b"there")
    wait_for(lambda: b"there" in echo.heard)
    assert is_silent(line)
    proxy.freeze(Way.THERE)
    assert hears(line, b"there")
    line.sendall(b"waits")
    assert is_silent(line)
    assert b"waits" not in echo.heard
    proxy.mend()
    assert hears(line, b"waits")


def test_connection_to_frozen_proxy_is_accepted_and_silent(proxy: StoreProxy) -> None:
    proxy.freeze()
    with dialled(proxy) as line:
        line.sendall(b"hello?")
        assert is_silent(line)
        proxy.mend()
        assert hears(line, b"hello?")


def test_connection_end_does_not_overtake_frozen_data(proxy: StoreProxy, line: socket.socket, echo: Echo) -> None:
    proxy.freeze(Way.BACK)
    line.sendall(BYE)
    wait_for(lambda: BYE in echo.heard)
    assert is_silent(line)
    proxy.mend()
    assert is_closed(line)


def test_dropped_data_is_lost_and_connection_stays(proxy: StoreProxy, line: socket.socket, echo: Echo) -> None:
    proxy.drop(Way.BACK)
    line.sendall(b"unheard")
    wait_for(lambda: proxy.lost > 0)
    assert echo.heard.endswith(b"unheard")
    proxy.mend()
    assert said_back(line, b"heard")


def test_delay_keeps_order_and_can_be_removed(proxy: StoreProxy, line: socket.socket) -> None:
    proxy.delay(0.1)
    asked_at = time.monotonic()
    for number in range(10):
        line.sendall(b"%d" % number)
    assert hears(line, b"0123456789")
    assert time.monotonic() - asked_at >= 0.1
    proxy.delay(60)
    line.sendall(b"late")
    assert is_silent(line)
    proxy.delay(0)
    assert hears(line, b"late")


def test_cut_after_send_loses_only_the_answer(proxy: StoreProxy, line: socket.socket, echo: Echo) -> None:
    proxy.cut_after_send()
    line.sendall(b"SET it")
    assert is_closed(line)
    assert (echo.heard, proxy.cuts) == (b"helloSET it", 1)
    proxy.mend()
    with dialled(proxy) as another:
        assert said_back(another, b"again")


def test_cut_breaks_only_present_connections(proxy: StoreProxy, line: socket.socket) -> None:
    proxy.cut()
    assert is_closed(line)
    with dialled(proxy) as another:
        assert said_back(another, b"again")


def test_stalled_subscription_recovers_on_resubscribe(proxy: StoreProxy, line: socket.socket) -> None:
    with dialled(proxy) as ear:
        assert said_back(ear, b"SSUBSCRIBE x")
        proxy.stall_subscriptions()
        ear.sendall(b"anything?")
        assert is_silent(ear)
        assert said_back(line, b"fine")
    with dialled(proxy) as new_ear:
        assert said_back(new_ear, b"SSUBSCRIBE x")
