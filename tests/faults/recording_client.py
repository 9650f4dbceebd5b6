"""A client that stays in its party whatever happens, and records everything it sends and receives.

It behaves as the phone app does: a token of its own from the start, a heartbeat, a timeout for answers. After a loss it
returns at a random moment to any instance, with its token and its position.
"""

import asyncio
import json
import random
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin

from tests.faults import history as h
from tests.support.client_core import decode_frame
from tests.support.party_view import Message, PartyView

OPEN_SECONDS_MAX = 3.0
ANSWER_TIMEOUT_SECONDS = 5.0
HEARTBEAT_SECONDS = 3.0
NORMAL = 1000
NO_FAREWELL = 1006
FINAL = frozenset({4504, 4509})


class Phase(Enum):
    """What a phone is about."""

    OUTSIDE = "not in its party at the moment"
    INSIDE = "in it, and knows all that it was promised"
    DONE = "does not come back"


class Line(NamedTuple):
    """How phones reach instances: the ports to try, how many may be dialling at once, how soon they come back."""

    ports: Callable[[], Sequence[int]]
    gate: asyncio.Semaphore
    jitter_seconds: float


class RecordingClient:
    """One phone, which first gets in by `CREATE`, or by `JOIN` where it is given a code; `token` is the host's."""

    def __init__(self, history: h.History, line: Line, client: str, *, code: str = "", token: str = "") -> None:
        self.client = client
        self.code = code
        self.member_id = ""
        self.phase = Phase.OUTSIDE
        self.view = PartyView()
        self.newest_heard = -1
        """The number of the latest message that it knows of."""
        self._history = history
        self._line = line
        self._rng = random.Random(client)
        self._kind = "JOIN" if code else "CREATE"
        self._is_owner = bool(token)
        self._token = token or secrets.token_urlsafe(16)
        self._attempts = 0
        self._name = ""
        self._connection: ClientConnection | None = None
        self._unanswered: dict[str, str] = {}
        self._sent = 0

    @property
    def is_inside(self) -> bool:
        """Return whether it is in its party, and knows all that it was promised."""
        return self.phase is Phase.INSIDE and self.view.is_caught_up

    @property
    def is_done(self) -> bool:
        """Return whether it does not come back."""
        return self.phase is Phase.DONE

    @property
    def is_host(self) -> bool:
        """Return whether it is the host, as far as it knows."""
        return bool(self.view.room) and self.view.room["hostId"] == self.member_id

    async def stay(self) -> None:
        """Enter, and return after every loss, until the client leaves or is closed for good."""
        while not self.is_done:
            await self._visit()
            if not self.is_done:
                await asyncio.sleep(self._rng.uniform(0, self._line.jitter_seconds))

    async def try_once(self) -> bool:
        """Try to get in once, then leave, which ends the party of a host; whether it got in."""
        self._history.add(h.Leaving(h.now(), self.client, self.code))
        connection = await self._dial()
        if connection is None:
            return False
        got_in = False
        try:
            with suppress(ConnectionClosed, TimeoutError):
                if got_in := await self._enter(connection):
                    await self._leave_by(connection)
            await connection.close()
        finally:
            connection.transport.abort()
        return got_in

    async def _leave_by(self, connection: ClientConnection) -> None:
        if self._is_owner:
            self._history.add(h.Ending(h.now(), self.code))
        await connection.send('{"t":"LEAVE"}')
        await asyncio.wait_for(connection.wait_closed(), ANSWER_TIMEOUT_SECONDS)
        if self._is_owner and connection.close_code == NORMAL:
            self._history.add(h.Ended(h.now(), self.code))

    async def say(self, text: str) -> None:
        """Send a message; its answer is recorded when it comes."""
        connection = self._connection
        if connection is None or not self.is_inside:
            return
        self._sent += 1
        question = f"say-{self._sent}"
        self._unanswered[question] = text
        self._history.add(h.MessageSent(h.now(), self.client, self.code, text))
        with suppress(ConnectionClosed):
            await connection.send(json.dumps({"t": "SEND_MESSAGE", "text": text, "requestId": question}))

    async def leave(self) -> None:
        """Give the seat up; from the host it ends the party."""
        if self.is_host:
            self._history.add(h.Ending(h.now(), self.code))
        self._history.add(h.Leaving(h.now(), self.client, self.code))
        self.phase = Phase.DONE
        if self._connection is not None:
            with suppress(ConnectionClosed):
                await self._connection.send('{"t":"LEAVE"}')

    def hang_up(self) -> None:
        """Be gone for good, without a word."""
        self.phase = Phase.DONE
        if self._connection is not None:
            self._connection.transport.abort()

    async def _visit(self) -> None:
        connection = await self._dial()
        if connection is None:
            return
        close_code: int | None = NO_FAREWELL
        try:
            if await self._enter(connection):
                self._connection = connection
                await self._listen(connection)
            else:
                close_code = None
        except ConnectionClosed as end:
            close_code = end.rcvd.code if end.rcvd is not None else NO_FAREWELL
        finally:
            self._connection = None
            self._unanswered.clear()
            connection.transport.abort()
            if close_code is not None:
                self._history.add(h.Closed(h.now(), self.client, self.code, close_code))
            if not self.is_done:
                self.phase = Phase.DONE if close_code in FINAL else Phase.OUTSIDE

    async def _dial(self) -> ClientConnection | None:
        """Return a connection to any instance that takes one."""
        ports = list(self._line.ports())
        self._rng.shuffle(ports)
        for port in ports:
            with suppress(OSError, InvalidHandshake, TimeoutError, EOFError):
                async with self._line.gate:
                    return await connect(
                        f"ws://127.0.0.1:{port}/ws",
                        origin=Origin(f"http://127.0.0.1:{port}"),
                        compression=None,
                        proxy=None,
                        open_timeout=OPEN_SECONDS_MAX,
                        ping_interval=None,
                        close_timeout=1,
                        max_size=None,
                    )
        return None

    async def _enter(self, connection: ClientConnection) -> bool:
        """Ask to be let in, and whether that was granted."""
        self._attempts += 1
        is_return = bool(self.member_id)
        kind = "JOIN" if is_return else self._kind
        self._name = "" if is_return else f"{self.client} try {self._attempts}"
        since = h.Position(self.view.epoch, self.view.version) if self.view.room else None
        command: Message = {"t": kind, "token": self._token}
        if kind == "JOIN":
            command["code"] = self.code
        if self._name:
            command["name"] = self._name
        if since is not None:
            command["since"] = since._asdict()
        self.view.opening = {}
        port = connection.remote_address[1]
        self._history.add(h.EnterRequested(h.now(), self.client, port, kind, self.code, self._name, since))
        await connection.send(json.dumps(command))
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                while True:
                    for message in decode_frame(await connection.recv()):
                        if message["t"] == "ERROR":
                            self._refused(kind, message)
                            return False
                        self._hear(message, kind)
                    if self.view.opening:
                        return True
        return False

    async def _listen(self, connection: ClientConnection) -> None:
        """Hear all that comes, and give up on a connection that does not answer a heartbeat."""
        is_asked = False
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    frame = await connection.recv()
            except TimeoutError:
                if is_asked:
                    return
                is_asked = True
                await connection.send('{"t":"PING","id":"heartbeat"}')
                continue
            is_asked = False
            for message in decode_frame(frame):
                self._hear(message, "")

    def _refused(self, kind: str, message: Message) -> None:
        self._history.add(h.Refused(h.now(), self.client, kind, self.code, self._name, message["reason"]))

    def _hear(self, message: Message, asked: str) -> None:
        match message["t"]:
            case "CREATED" | "JOINED":
                self._entered(message, asked)
            case "OK" | "ERROR" if text := self._unanswered.pop(message.get("requestId", ""), None):
                reason = message.get("reason", "")
                in_doubt = message.get("inDoubt", False)
                self._history.add(h.MessageAnswered(h.now(), self.client, self.code, text, reason, in_doubt))
        epoch = self.view.epoch or ""
        try:
            self.view.take(message)
        except AssertionError as fault:
            self._history.add(h.Contradicted(h.now(), self.client, self.code, f"{message['t']}: {fault}"[:500]))
            self._begin_afresh(message)
        self._write_down(message, epoch)
        if self.view.is_caught_up and self.phase is Phase.OUTSIDE:
            self.phase = Phase.INSIDE

    def _entered(self, message: Message, asked: str) -> None:
        self.code, self.member_id = message["code"], message["memberId"]
        position = h.Position(message["epoch"], message["version"])
        resumed = bool(message.get("resumed"))
        self._history.add(
            h.Entered(h.now(), self.client, asked, self.code, self.member_id, self._name, position, resumed)
        )

    def _begin_afresh(self, message: Message) -> None:
        """Forget what was contradicted; a `ROOM` stands for itself, anything else is asked for anew."""
        opening, self.view = self.view.opening, PartyView()
        self.view.opening = opening
        if message["t"] == "ROOM":
            with suppress(AssertionError):
                self.view.take(message)
        elif self._connection is not None:
            self._connection.transport.abort()

    def _write_down(self, message: Message, epoch: str) -> None:
        kind = message["t"]
        if kind == "ROOM":
            position = h.Position(message["epoch"], message["version"])
            texts = tuple(said["text"] for said in message["snapshot"]["messages"])
            self._heard(texts)
            told = h.digest(self.view.state()) if self.view.room else 0
            self._history.add(h.RoomReceived(h.now(), self.client, self.code, position, told, texts))
        elif "version" in message and kind not in {"CREATED", "JOINED", "WELCOME"}:
            version = int(message["version"])
            first = int(message.get("from", version))
            position = h.Position(epoch, version)
            subject = _subject(message)
            if kind == "MESSAGE":
                self._heard((subject,))
            self._history.add(
                h.EventReceived(h.now(), self.client, self.code, kind, first, position, h.digest(message), subject)
            )

    def _heard(self, texts: Sequence[str]) -> None:
        self.newest_heard = max([self.newest_heard, *map(number_of, texts)])


def text_of(number: int) -> str:
    """Return a message unlike any other."""
    return f"message {number}"


def number_of(text: str) -> int:
    """Which message it is; later ones have larger numbers."""
    return int(text.rpartition(" ")[2])


def _subject(message: Message) -> str:
    match message:
        case {"t": "MESSAGE", "text": text}:
            return str(text)
        case {"t": "MEMBER_LEFT", "cause": "timeout", "memberId": member_id}:
            return str(member_id)
        case {"t": "MEMBER_UPDATED", "member": {"id": member_id, "connected": False}}:
            return str(member_id)
    return ""
