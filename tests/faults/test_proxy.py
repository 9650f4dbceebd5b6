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


def test_hundreds_of_connections_are_carried_at_once(proxy: StoreProxy) -> None:
    with ExitStack() as closing:
        lines = [closing.enter_context(dialled(proxy)) for _ in range(CONNECTIONS)]
        for number, line in enumerate(lines):
            line.sendall(b"%06d" % number)
        assert all(hears(line, b"%06d" % number) for number, line in enumerate(lines))


def test_the_end_of_a_proxy_closes_what_it_has_just_accepted(echo: Echo) -> None:
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


def test_what_is_frozen_one_way_waits_and_goes_on(proxy: StoreProxy, line: socket.socket, echo: Echo) -> None:
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


def test_a_connection_made_while_all_is_frozen_is_taken_and_silent(proxy: StoreProxy) -> None:
    proxy.freeze()
    with dialled(proxy) as line:
        line.sendall(b"hello?")
        assert is_silent(line)
        proxy.mend()
        assert hears(line, b"hello?")


def test_the_end_of_a_connection_does_not_pass_what_is_frozen(
    proxy: StoreProxy, line: socket.socket, echo: Echo
) -> None:
    proxy.freeze(Way.BACK)
    line.sendall(BYE)
    wait_for(lambda: BYE in echo.heard)
    assert is_silent(line)
    proxy.mend()
    assert is_closed(line)


def test_what_is_dropped_is_lost_for_good_and_the_connection_stays(
    proxy: StoreProxy, line: socket.socket, echo: Echo
) -> None:
    proxy.drop(Way.BACK)
    line.sendall(b"unheard")
    wait_for(lambda: proxy.lost > 0)
    assert echo.heard.endswith(b"unheard")
    proxy.mend()
    assert said_back(line, b"heard")


def test_a_delay_holds_answers_in_their_order_and_can_be_taken_back(proxy: StoreProxy, line: socket.socket) -> None:
    proxy.delay(0.1, jitter=0.1)
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


def test_cut_after_send_lets_the_command_through_and_loses_its_answer(
    proxy: StoreProxy, line: socket.socket, echo: Echo
) -> None:
    proxy.cut_after_send()
    line.sendall(b"SET it")
    assert is_closed(line)
    assert (echo.heard, proxy.cuts) == (b"helloSET it", 1)
    proxy.mend()
    with dialled(proxy) as another:
        assert said_back(another, b"again")


def test_a_cut_breaks_what_there_is_and_nothing_later(proxy: StoreProxy, line: socket.socket) -> None:
    proxy.cut()
    assert is_closed(line)
    with dialled(proxy) as another:
        assert said_back(another, b"again")


def test_random_cuts_break_some_connections_and_not_all(proxy: StoreProxy) -> None:
    proxy.cut_at_random(0.2)
    whole = 0
    for _ in range(50):
        with dialled(proxy) as line:
            line.sendall(b"hello")
            whole += not is_broken(line)
    assert 0 < whole < 50
    assert proxy.cuts > 0


def is_broken(line: socket.socket) -> bool:
    """Whether the line is closed; if it is not, the words have come back."""
    try:
        return not hears(line, b"hello")
    except ConnectionResetError:
        return True


def test_who_has_subscribed_goes_deaf_and_who_subscribes_afterwards_hears(
    proxy: StoreProxy, line: socket.socket
) -> None:
    with dialled(proxy) as ear:
        assert said_back(ear, b"SSUBSCRIBE x")
        proxy.deafen()
        ear.sendall(b"anything?")
        assert is_silent(ear)
        assert said_back(line, b"fine")
    with dialled(proxy) as new_ear:
        assert said_back(new_ear, b"SSUBSCRIBE x")
