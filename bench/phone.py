"""One phone of the load: a minimal WebSocket client, because it shares the cores with the server."""

import asyncio
import random
import secrets
import time
from typing import Any

import msgspec

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
COME_BACK_SECONDS = (0.25, 0.75)
MESSAGE = b'"MESSAGE"'
ROOM = b'"ROOM"'
REFUSED = b'"ERROR"'
RETRYABLE = b'"retryable":true'
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class PhoneFailedError(Exception):
    """A server refused a phone, or the connection broke."""


class Tally:
    """Counts the MESSAGE events that a group of phones receives, and their frames."""

    def __init__(self) -> None:
        self.events = 0
        self.frames = 0
        self._wanted = 0
        self._done: asyncio.Future[None] | None = None

    def start(self, wanted: int) -> "asyncio.Future[None]":
        """Reset the counts; the future is done with the event of that number."""
        self.events = self.frames = 0
        self._wanted = wanted
        self._done = asyncio.get_running_loop().create_future()
        return self._done

    def add(self, events: int) -> None:
        """Count a frame with that many events."""
        self.events += events
        self.frames += 1
        if self.events >= self._wanted and self._done is not None and not self._done.done():
            self._done.set_result(None)

    def fail(self, error: Exception) -> None:
        """Fail the future of `start`."""
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)


class Phone(asyncio.Protocol):
    """A phone on Hubbub, or on the peer with Hubbub's protocol."""

    path = "/ws"
    greeting = b'"WELCOME"'

    def __init__(self, port: int, tally: Tally) -> None:
        self.frames = 0
        self.bytes = 0
        self.heard_at = 0.0
        self._port = port
        self._tally = tally
        self._rest = b""
        self._upgraded = False
        self._expected: dict[bytes, asyncio.Future[bytes]] = {}
        self.welcomed = self.expect(self.greeting)

    @classmethod
    async def connect(cls, port: int, tally: Tally) -> "Phone":
        """Connect a phone and wait for the server's greeting."""
        _, phone = await asyncio.get_running_loop().create_connection(lambda: cls(port, tally), "127.0.0.1", port)
        await phone.welcomed
        return phone

    def expect(self, marker: bytes) -> "asyncio.Future[bytes]":
        """Return a future of the next text frame that contains `marker`. Call it before the frame can arrive."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._expected[marker] = future
        return future

    def say(self, kind: str, **fields: Any) -> None:
        """Send one message."""
        self.send_frame(TEXT, self.encode(kind, fields))

    def encode(self, kind: str, fields: dict[str, Any]) -> bytes:
        """Encode a message for this kind of server."""
        return msgspec.json.encode({"t": kind, **fields})

    async def create(self) -> str:
        """Create a party as its host and return its code."""
        created, room = self.expect(b'"CREATED"'), self.expect(ROOM)
        self.say("CREATE")
        answer = await created
        await room
        return answer.split(b'"code":"')[1].split(b'"')[0].decode()

    async def join(self, code: str, **fields: str) -> None:
        """Take a seat in a party."""
        room = self.expect(ROOM)
        self.say("JOIN", code=code, **fields)
        await room

    def vanish(self) -> None:
        """Drop the connection without a closing handshake."""
        self._transport.abort()

    async def join_at_last(self, code: str) -> int:
        """Join, and retry while the refusal is retryable; return the number of retries."""
        token = secrets.token_urlsafe()  # so that a repeat takes the seat that a lost answer gave
        refusals = 0
        while True:
            answer = self._expected[REFUSED] = self.expect(ROOM)
            self.say("JOIN", code=code, token=token)
            heard = await answer
            del self._expected[REFUSED]
            if ROOM in heard:
                return refusals
            if RETRYABLE not in heard:
                raise PhoneFailedError(f"the server answered {heard.decode()}")
            refusals += 1
            await asyncio.sleep(random.uniform(*COME_BACK_SECONDS))

    def send_frame(self, opcode: int, payload: bytes) -> None:
        """Write one frame, masked with zeros: the server unmasks as usual, at no cost for the phone."""
        size = len(payload)
        head = (
            bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE, size >> 8, size & 255))
        )
        self._transport.write(head + b"\0\0\0\0" + payload)

    def connection_made(self, transport: Any) -> None:
        """Send the upgrade request."""
        self._transport = transport
        transport.write(HANDSHAKE.format(path=self.path, port=self._port).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail every waiting future."""
        self._fail(f"the server closed the connection: {exc}")

    def data_received(self, data: bytes) -> None:
        """Handle the complete frames; these servers never send fragments."""
        if self._rest:
            data = self._rest + data
        at = 0 if self._upgraded else self._end_of_handshake(data)
        received = len(data) if self._upgraded else 0
        while received - at >= 2:
            size = data[at + 1]
            body = at + 2
            if size >= 126:
                body += 2 if size == 126 else 8
                if body > received:
                    break
                size = int.from_bytes(data[at + 2 : body], "big")
            end = body + size
            if end > received:
                break
            self.frames += 1
            self.bytes += end - at
            if data[at] == 0x80 | TEXT:
                self.on_text(data[body:end])
            else:
                self._on_other(data[at], data[body:end])
            at = end
        self._rest = data[at:]

    def on_text(self, payload: bytes) -> None:
        """Count the events of a frame and resolve the future that expects it."""
        if events := payload.count(MESSAGE):
            self._tally.add(events)
        elif REFUSED in payload and REFUSED not in self._expected:
            self._fail(f"the server answered {payload.decode()}")
        if self._expected:
            for marker in [marker for marker in self._expected if marker in payload]:
                self._hear(marker, payload)

    def _hear(self, marker: bytes, payload: bytes) -> None:
        self.heard_at = time.perf_counter()
        future = self._expected[marker] if marker == REFUSED else self._expected.pop(marker)
        if not future.done():
            future.set_result(payload)

    def _on_other(self, head: int, payload: bytes) -> None:
        if head == 0x80 | PING:
            self.send_frame(PONG, payload)
        elif head == 0x80 | CLOSE:
            self._fail(f"the server closed with {int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}")
        elif head != 0x80 | PONG:
            self._fail(f"a frame that begins with {head:#x}, which no server here should send")

    def _end_of_handshake(self, data: bytes) -> int:
        head, blank, _ = data.partition(b"\r\n\r\n")
        if not blank:
            return 0
        if b" 101 " not in head[:20]:
            self._fail(f"the server answered {head.decode()}")
        self._upgraded = True
        return len(head) + 4

    def _fail(self, what: str) -> None:
        error = PhoneFailedError(what)
        self._tally.fail(error)
        while self._expected:
            _, future = self._expected.popitem()
            if not future.done():
                future.set_exception(error)


class SocketIoPhone(Phone):
    """A phone on python-socketio, with the same messages inside its own protocol."""

    path = "/socket.io/?EIO=4&transport=websocket"
    greeting = b'40{"sid"'

    def encode(self, kind: str, fields: dict[str, Any]) -> bytes:
        """A socket.io event."""
        return b"42" + msgspec.json.encode([kind, fields])

    def on_text(self, payload: bytes) -> None:
        """Answer the pings and the opening of engine.io; handle the rest as usual."""
        if payload == b"2":
            self.send_frame(TEXT, b"3")
        elif payload.startswith(b"0"):
            self.send_frame(TEXT, b"40")
        else:
            super().on_text(payload)
