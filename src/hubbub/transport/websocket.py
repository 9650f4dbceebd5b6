"""The WebSocket interface: the upgrade, and the conversation with one client."""

import asyncio
import secrets
from collections.abc import Iterable
from typing import Any, assert_never
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web
from emoji import is_emoji

from hubbub import __version__
from hubbub.core.errors import CLOSINGS, CloseCode, Reason
from hubbub.core.limits import (
    CLOSE_SECONDS_MAX,
    FRAME_BYTES_MAX,
    ID_BYTES,
    PING_INTERVAL_SECONDS,
    STORE_BUDGET_SECONDS,
)
from hubbub.core.protocol import Create, Join, KickedMessage, Leave, MemberCommand, Watch
from hubbub.core.results import Accepted
from hubbub.core.session import Close, Enter, Execute, Send, Session, Step
from hubbub.hub.hub import Hub, Membership
from hubbub.loop import now
from hubbub.services.parties import Entry, PartyService
from hubbub.store.port import StoreUnavailableError
from hubbub.transport.connection import SocketConnection
from hubbub.transport.middleware import LOG_FIELDS, REQUEST_ID, HttpRefusalError, RequestMiddleware


class WebSocketApi:
    """The WebSocket handler of one instance; pages of `origins` may connect besides those of this host."""

    def __init__(
        self,
        *,
        service: PartyService,
        hub: Hub,
        middleware: RequestMiddleware,
        origins: Iterable[str],
        instance_id: str,
    ) -> None:
        self._service = service
        self._hub = hub
        self._middleware = middleware
        self._origins = frozenset(origins)
        self._instance_id = instance_id

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Upgrade the request and run the conversation until the connection closes."""
        if self._hub.draining:
            raise HttpRefusalError(Reason.STORE_UNAVAILABLE, "This instance is about to stop: connect again")
        origin = request.headers.get("Origin")
        if origin is not None and not self._allows(origin, request.headers.get("Host", "")):
            raise HttpRefusalError(Reason.ORIGIN_NOT_ALLOWED)
        ws = web.WebSocketResponse(
            timeout=CLOSE_SECONDS_MAX,
            heartbeat=PING_INTERVAL_SECONDS,
            max_msg_size=FRAME_BYTES_MAX + 1,  # aiohttp refuses a frame of exactly this size
            compress=False,
            decode_text=False,
        )
        self._middleware.stamp(ws, request[REQUEST_ID])
        try:
            await ws.prepare(request)
        except ConnectionResetError:
            raise HttpRefusalError(Reason.BAD_REQUEST, "The connection was closed while it was being opened") from None
        transport = request.transport
        if transport is not None:
            phone = SocketConnection(ws, transport)
            handler = ConnectionHandler(self._service, self._hub, phone)
            self._hub.add_connection(phone)
            try:
                await self._converse(ws, phone, handler, request)
            finally:
                self._hub.remove_connection(phone)
                self._log_expulsion(request, phone, handler)
                await handler.end()
                await phone.closed()
                request[LOG_FIELDS].update(handler.log_fields, closeCode=phone.closed_with or ws.close_code)
        return ws

    def _log_expulsion(self, request: web.Request, phone: SocketConnection, handler: "ConnectionHandler") -> None:
        """Log why this instance closed the connection, unless the client left or is sent to another instance."""
        code = phone.closed_with
        if code is None or code in {CloseCode.LEFT, CloseCode.SERVICE_RESTART}:
            return
        facts = {name: handler.log_fields[name] for name in ("code",) if name in handler.log_fields}
        self._middleware.log_expulsion(
            request[REQUEST_ID],
            clientId=request[LOG_FIELDS].get("clientId"),
            reason=code.name.lower(),
            foundBy=phone.found_by,
            closeCode=code,
            **facts,
        )

    async def _converse(
        self, ws: web.WebSocketResponse, phone: SocketConnection, handler: "ConnectionHandler", request: web.Request
    ) -> None:
        client_id = secrets.token_urlsafe(ID_BYTES)
        request[LOG_FIELDS].update(clientId=client_id)
        phone.send_message(Session.welcome(client_id, self._instance_id, __version__))
        handler.arm_entry_timeout()
        async for message in ws:
            await handler.on_frame(message.data if message.type is WSMsgType.TEXT else None)
            if phone.is_closed:
                break

    def _allows(self, origin: str, host: str) -> bool:
        """Return whether a page of that origin may connect: one of this host, or one that the operator allowed."""
        try:
            asked = urlsplit(origin).netloc.lower()
        except ValueError:
            return False
        return origin.lower() in self._origins or (asked != "" and asked == host.lower())


class ConnectionHandler:
    """Carries out the steps of one client's session with the service and the hub."""

    def __init__(self, service: PartyService, hub: Hub, phone: SocketConnection) -> None:
        self._service = service
        self._hub = hub
        self._phone = phone
        self._session = Session(now=now(), store_ms=service.now_ms, is_emoji=is_emoji)
        self._entry_timeout: asyncio.TimerHandle | None = None
        self._membership: Membership | None = None
        self.log_fields: dict[str, Any] = {}
        """Fields for the log line of the connection."""

    async def on_frame(self, frame: bytes | None) -> None:
        """Handle a frame from the client; None stands for a frame that is not text."""
        for step in self._session.read(frame, now()):
            await self._take(step)
            if self._phone.is_closed:
                return
        self.arm_entry_timeout()

    def arm_entry_timeout(self) -> None:
        """Close the connection if it enters no party in time; once it has entered, cancel that."""
        if self._entry_timeout is not None:
            self._entry_timeout.cancel()
            self._entry_timeout = None
        if self._session.enter_by is not None:
            loop = asyncio.get_running_loop()
            self._entry_timeout = loop.call_at(
                self._session.enter_by, self._phone.close, CloseCode.ENTER_TIMEOUT, "entry timer"
            )

    async def end(self) -> None:
        """Release what the connection had: its timer and its seat."""
        if self._entry_timeout is not None:
            self._entry_timeout.cancel()
        if self._membership is not None:
            self._hub.unseat(self._membership)
            if self._phone.closed_with is None or CLOSINGS[self._phone.closed_with].keeps_seat:
                await self._service.disconnect(self._membership.lease)

    def _note(self, unavailable: StoreUnavailableError) -> None:
        self.log_fields["unavailable"] = self.log_fields.get("unavailable", 0) + 1
        self.log_fields["trouble"] = unavailable.failure

    async def _take(self, step: Step) -> None:
        match step:
            case Send(message=message):
                self._phone.send_message(message)
            case Close(code=code):
                self._hang_up(code)
            case Enter(command=command, code=code):
                await self._enter(command, code)
            case Execute(command=command):
                await self._act(command)
            case _:
                assert_never(step)

    def _hang_up(self, code: CloseCode) -> None:
        if code is CloseCode.PARTY_ENDED and self._membership is not None and self._membership.is_active:
            self._hub.schedule_close(self._membership.room)
            return
        if code is CloseCode.KICKED:
            self._phone.send_message(KickedMessage())
        self._phone.close(code, "command")

    async def _enter(self, command: Create | Join | Watch, code: str) -> None:
        try:
            match command:
                case Create(name=name, token=token):
                    entered = await self._service.create_and_enter(name, token)
                case Join(name=name, token=token):
                    entered = await self._service.join(code, name, token)
                case Watch():
                    entered = await self._service.watch(code)
        except StoreUnavailableError as unavailable:
            self._note(unavailable)
            await self._take(self._session.unavailable(command, unavailable.reason, now()))
            return
        if isinstance(entered, Entry) and self._phone.is_closed:
            await self._service.roll_back_entry(entered, None if isinstance(command, Watch) else command.token)
            return
        if isinstance(entered, Entry):
            self._seat(command, entered)
            return
        for step in self._session.not_entered(command, entered, now()):
            await self._take(step)

    def _seat(self, command: Create | Join | Watch, entry: Entry) -> None:
        """Answer, send the room and subscribe to it without an await: no event can come in between."""
        since = command.since if isinstance(command, Join) else None
        self._phone.send_message(self._session.entered(command, entry.lease.code, entry.token, entry.outcome))
        self._membership = self._hub.seat(entry.room, self._phone, entry.lease, since)
        self.log_fields["code"] = entry.lease.code

    async def _act(self, command: MemberCommand | Leave) -> None:
        assert self._membership is not None
        self._membership.begin_command()
        try:
            outcome = await self._service.act(self._membership.lease, command)
        except StoreUnavailableError as unavailable:
            self._note(unavailable)
            doubtful = unavailable.in_doubt
            await self._take(self._session.unavailable(command, unavailable.reason, now(), in_doubt=doubtful))
        else:
            if isinstance(command, Leave) and isinstance(outcome, Accepted):
                await self._wait_party_ended(self._membership)
            for step in self._session.acted(command, outcome):
                await self._take(step)
        self._membership.end_command()
        if self._membership.room.is_closed:
            self._phone.close(CloseCode.PARTY_ENDED, self._membership.room.end_found_by)

    async def _wait_party_ended(self, membership: Membership) -> None:
        """Wait until the host who ended the party has received PARTY_ENDED, before the connection closes."""
        await membership.room.wait_until_ended(membership.lease.member_id, now() + STORE_BUDGET_SECONDS)
