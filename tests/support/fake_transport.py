"""Fake a socket: written bytes stay in its buffer until the other side reads."""

import asyncio
import json
import socket
import struct
from typing import Any, cast

from aiohttp import web

from hubbub.transport.connection import SocketConnection


class FakeTransport(asyncio.Transport):
    """Keeps all that was written; `reads` says whether the other side takes it at once."""

    def __init__(self, *, reads: bool = True) -> None:
        super().__init__({"socket": self})
        self.reads = reads
        self.written = bytearray()
        self.unsent = 0
        self.aborted = False
        self.options: list[tuple[int, int, bytes]] = []
        self._closing = False

    def write(self, data: Any) -> None:
        assert not self._closing
        self.written += data
        if not self.reads:
            self.unsent += len(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """See `asyncio.BaseTransport`; what was written is still to be read."""
        self._closing = True

    def abort(self) -> None:
        self._closing = self.aborted = True
        self.unsent = 0

    def setsockopt(self, level: int, name: int, value: bytes) -> None:
        """The socket's own, which the transport gives as its `socket`."""
        assert level == socket.SOL_SOCKET
        self.options.append((level, name, value))

    def taken(self, length: int) -> None:
        """The other side reads so many bytes."""
        self.unsent = max(0, self.unsent - length)

    @property
    def texts(self) -> list[str]:
        """The text frames written, taken apart by RFC 6455 (§5.2)."""
        texts = []
        rest = bytes(self.written)
        while rest:
            first, length = rest[0], rest[1]
            assert first == 0x81, "one whole text frame"
            assert length < 128, "a server does not mask"
            head = 2
            if length == 126:
                (length,) = struct.unpack_from("!H", rest, 2)
                assert length > 125, "the shortest form"
                head = 4
            elif length == 127:
                (length,) = struct.unpack_from("!Q", rest, 2)
                assert length > 65535, "the shortest form"
                head = 10
            texts.append(rest[head : head + length].decode())
            rest = rest[head + length :]
        return texts

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages written."""
        decoded = [json.loads(text) for text in self.texts]
        return [message for frame in decoded for message in (frame if isinstance(frame, list) else [frame])]


class FakeWebSocket:
    """Notes how it was closed, and takes as long about it as the other side; never where that is None."""

    def __init__(self, transport: FakeTransport, *, answers_after: float | None = 0.0) -> None:
        self.transport = transport
        self.closed_with: list[tuple[int, bytes]] = []
        self.answers_after = answers_after

    async def close(self, *, code: int, message: bytes, drain: bool) -> bool:
        assert not drain, "who does not read would make it wait"
        self.closed_with.append((code, message))
        if self.answers_after is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self.answers_after or 0.0)
        self.transport.close()
        return True


class FakeSocketConnection(SocketConnection):
    """The real phone on a fake socket."""

    def __init__(self, *, reads: bool = True, answers_after: float | None = 0.0) -> None:
        self.transport = FakeTransport(reads=reads)
        self.socket = FakeWebSocket(self.transport, answers_after=answers_after)
        super().__init__(cast("web.WebSocketResponse", self.socket), self.transport)
