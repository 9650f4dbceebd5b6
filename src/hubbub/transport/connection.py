"""One client's socket: sending frames, closing, and the backlog of a client that does not read."""

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Final

from aiohttp import web

from hubbub.core.errors import CloseCode
from hubbub.core.limits import CLOSE_SECONDS_MAX, UNSENT_BYTES_MAX
from hubbub.core.protocol import ServerMessage, encode
from hubbub.hub.hub import FoundBy

_TEXT_FRAME: Final = 0x81
_RESET_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: an abort drops what the client has not read."""


def text_frame(text: bytes) -> bytes:
    """Encode `text` as one unmasked WebSocket frame (RFC 6455 §5.2)."""
    length = len(text)
    if length < 126:
        head = struct.pack("!BB", _TEXT_FRAME, length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", _TEXT_FRAME, 126, length)
    else:
        head = struct.pack("!BBQ", _TEXT_FRAME, 127, length)
    return head + text


class SocketConnection:
    """The hub's `Connection` on a WebSocket.

    Frames go straight to the transport. The size of its write buffer shows whether the client reads fast enough.
    """

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.closed_with: CloseCode | None = None
        """The close code that this side sent, if it closed the connection."""
        self.found_by: FoundBy | None = None
        """How this instance found out that it must close the connection, if it did."""
        self._ws = ws
        self._transport = transport
        self._exempt_bytes = 0
        self._closing: asyncio.Task[bool] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent."""
        return self.closed_with is not None or self._transport.is_closing()

    def send(self, frame: bytes) -> None:
        """See `Connection.send`."""
        # The hottest path of the server: it makes no call that it does not need.
        transport = self._transport
        if self.closed_with is not None or transport.is_closing():
            return
        if not transport.get_write_buffer_size():
            self._exempt_bytes = 0
        elif not self._check_backlog():
            return
        transport.write(frame)

    def send_text(self, text: bytes) -> None:
        """See `Connection.send_text`."""
        if not self.is_closed and self._check_backlog():
            frame = text_frame(text)
            self._exempt_bytes += len(frame)
            self._transport.write(frame)

    def send_message(self, message: ServerMessage) -> None:
        """Send a message to this client alone."""
        self.send(text_frame(encode(message)))

    def close(self, code: CloseCode, found_by: FoundBy | None = None) -> None:
        """See `Connection.close`."""
        if self.closed_with is not None:
            return
        self.closed_with = code
        self.found_by = found_by
        loop = asyncio.get_running_loop()
        reason = code.name.lower().encode()
        self._closing = loop.create_task(self._ws.close(code=code, message=reason, drain=False), name="close socket")
        loop.call_later(CLOSE_SECONDS_MAX, self._abort)

    def _check_backlog(self) -> bool:
        """Return whether the client has read enough of the backlog; if not, close it as a slow consumer."""
        unsent = self._transport.get_write_buffer_size()
        self._exempt_bytes = min(self._exempt_bytes, unsent)
        if unsent - self._exempt_bytes > UNSENT_BYTES_MAX:
            self.close(CloseCode.SLOW_CONSUMER, "backlog")
            return False
        return True

    async def closed(self) -> None:
        """Wait for the closing handshake that this side began."""
        if self._closing is not None:
            with suppress(OSError):
                await self._closing

    def _abort(self) -> None:
        if not self._transport.is_closing() or self._transport.get_write_buffer_size():
            with suppress(OSError):
                connection = self._transport.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
            self._transport.abort()
