"""The request middleware: ids, headers, the error document, and one log line per request."""

import asyncio
import math
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final

import msgspec
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from hubbub import __version__
from hubbub.core.errors import REFUSALS, Reason, Refusal
from hubbub.core.json_input import decode_json
from hubbub.core.limits import BODY_BYTES_MAX, BODY_SECONDS_MAX, REQUEST_ID_CHARS_MAX, RETRY_AFTER_SECONDS
from hubbub.store.port import StoreUnavailableError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def content_security_policy(host: str | None = None) -> str:
    """Return the policy of a page: load and call only this server, run nothing inline, show pictures it has drawn.

    `host`, if given, is allowed as an address of WebSockets: before Safari 16, `'self'` does not include those
    (w3c/webappsec-csp#7). The caller must have checked that it is a host. A policy cannot name an IPv6 address.
    """
    sockets = "" if host is None or "[" in host else f" ws://{host} wss://{host}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        f"connect-src 'self'{sockets}; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


_COMMON_HEADERS: Final = {"Server": "hubbub", "X-Content-Type-Options": "nosniff"}
_DOCUMENT_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    # Web Share needs no permission here. Browsers without it log a warning for every page that names it.
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), screen-wake-lock=(self), clipboard-write=(self)",
    "Content-Security-Policy": content_security_policy(),
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers for what a browser shows, unless the handler sets its own."""
IS_SUBRESOURCE: Final = web.ResponseKey("part_of_a_page", bool)
"""Marks what no browser shows by itself. Without this, each of the app's modules would carry 400 bytes more."""
CROSS_ORIGIN: Final = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""Lets pages of other origins embed the response."""
_REQUEST_ID: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{REQUEST_ID_CHARS_MAX}}}")
_REASONS_OF_STATUS: Final = {
    404: Reason.NOT_FOUND,
    405: Reason.METHOD_NOT_ALLOWED,
    413: Reason.BODY_TOO_LARGE,
}

REQUEST_ID: Final = web.RequestKey("request_id", str)
LOG_FIELDS: Final = web.RequestKey("log_fields", dict[str, Any])
"""Fields that the handler adds to the request's log line."""


class HttpRefusalError(Exception):
    """End a handler with a refusal; `sentence` replaces that of the table.

    `retry_after_s` replaces the `Retry-After` of retryable reasons, `headers` are added to the response.
    """

    def __init__(
        self,
        reason: Reason,
        sentence: str | None = None,
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence
        self.retry_after_s = retry_after_s
        self.headers = headers


def json_response(value: object, status: int = 200) -> web.Response:
    """Encode `value` as a JSON response that no cache stores."""
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        headers={"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"},
    )


def refusal_response(
    reason: Reason,
    refusal: Refusal | None = None,
    sentence: str | None = None,
    retry_after_s: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Build the error document of `reason`, with the sentence of the table unless another is given.

    A retryable reason has a `Retry-After`. It is in whole seconds, so a fraction is rounded up.
    """
    refusal = refusal or REFUSALS[reason]
    response = json_response(
        {"error": sentence or refusal.sentence, "reason": reason, "retryable": refusal.retryable},
        refusal.status,
    )
    if retry_after_s is None and refusal.retryable:
        retry_after_s = RETRY_AFTER_SECONDS
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    if headers is not None:
        response.headers.update(headers)
    return response


def _status_response(status: int, headers: Any = None) -> web.Response:
    """Build the error document for a status that aiohttp chose."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return refusal_response(Reason.INTERNAL_ERROR)
    reason = _REASONS_OF_STATUS.get(status, Reason.BAD_REQUEST)
    if reason is Reason.BAD_REQUEST:
        sentence = f"The request was not understood: {HTTPStatus(status).phrase}"
        response = refusal_response(reason, Refusal(sentence, status))
    else:
        response = refusal_response(reason)
    if headers is not None and "Allow" in headers:
        response.headers["Allow"] = headers["Allow"]
    return response


class RequestMiddleware:
    """Wraps every request of one instance."""

    def __init__(self, instance_id: str, log: FilteringBoundLogger) -> None:
        self._log = log
        self._busy: set[object] = set()
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._headers = {"X-Instance-Id": instance_id, "X-App-Version": __version__, **_COMMON_HEADERS}

    def stamp(self, response: web.StreamResponse, request_id: str) -> None:
        """Set the headers that every response carries."""
        response.headers.update(self._headers)
        if not response.get(IS_SUBRESOURCE):
            for name, value in _DOCUMENT_HEADERS.items():
                response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = request_id

    def middleware(self) -> Any:
        """Return the outermost middleware: it answers every failure with the error document."""

        @web.middleware
        async def wrap(request: web.Request, handler: Handler) -> web.StreamResponse:
            started = perf_counter()
            request_id = request[REQUEST_ID] = request_id_of(request)
            fields = request[LOG_FIELDS] = {}
            with self._marked_busy(request.protocol):
                response = await self._answer(request, handler, request_id)
            self.stamp(response, request_id)
            if self._draining:
                response.force_close()
            duration_ms = round((perf_counter() - started) * 1000, 2)
            route = _route_of(request)
            self.log_request(request, response.status, request_id, route=route, durationMs=duration_ms, **fields)
            return response

        return wrap

    @contextmanager
    def _marked_busy(self, connection: object) -> Iterator[None]:
        self._busy.add(connection)
        self._idle.clear()
        try:
            yield
        finally:
            self._busy.discard(connection)
            if not self._busy:
                self._idle.set()

    def announce_end(self) -> None:
        """Close each connection after its next response."""
        self._draining = True

    async def drain(self, server: web.Server, seconds: float) -> None:
        """Wait for the requests in progress, including bodies that still arrive; close idle connections.

        Without this, aiohttp's own shutdown would ignore what arrives from now on and leave its connections open.
        """
        for connection in server.connections:
            if connection not in self._busy:
                connection.close()
                if connection.transport is not None:
                    connection.transport.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    def log_request(self, request: web.BaseRequest, status: int, request_id: str, **facts: object) -> None:
        """Log one line for a request; never its path or headers, which may hold secrets."""
        self._log.info("request", requestId=request_id, method=request.method, status=status, **facts)

    def log_expulsion(self, request_id: str, **facts: object) -> None:
        """Log that this instance closed a live connection, and why."""
        self._log.info("expelled", requestId=request_id, **facts)

    async def _answer(self, request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
        try:
            return await handler(request)
        except HttpRefusalError as refused:
            response = refusal_response(
                refused.reason,
                sentence=refused.sentence,
                retry_after_s=refused.retry_after_s,
                headers=refused.headers,
            )
        except StoreUnavailableError as unavailable:
            request[LOG_FIELDS]["trouble"] = unavailable.failure
            response = refusal_response(unavailable.reason)
        except web.HTTPException as error:
            response = _status_response(error.status, error.headers)
        except Exception:  # noqa: BLE001 - a bug must neither reach the caller nor end the process
            self._log.exception("a request failed by a fault of ours", requestId=request_id)
            response = refusal_response(Reason.INTERNAL_ERROR)
        if request.can_read_body and not request.content.is_eof():
            # The rest of the body stays unread, so no other request can follow on this connection.
            response.force_close()
        return response

    def connection_factory(self, server: web.Server) -> Callable[[], web.RequestHandler]:
        """Return a factory of connections that answer malformed HTTP with the error document too."""
        return lambda: _Connection(server, self, lingering_time=1.0, access_log=None)


class _Connection(web.RequestHandler):
    """aiohttp's connection, with the error document instead of plain text."""

    __slots__ = ("_middleware",)

    def __init__(self, server: web.Server, middleware: RequestMiddleware, **kwargs: Any) -> None:
        super().__init__(server, loop=server._loop, **kwargs)
        self._middleware = middleware

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del exc, message
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the response is already sent")
        response = _status_response(status)
        response.force_close()
        request_id = request_id_of(request)
        self._middleware.stamp(response, request_id)
        self._middleware.log_request(request, response.status, request_id, route="malformed", durationMs=0.0)
        return response


def request_id_of(request: web.BaseRequest) -> str:
    """Return the caller's request id if it is valid, else a new one."""
    given = request.headers.get("X-Request-Id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return secrets.token_hex(8)


def _route_of(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical


async def expect_short_body(request: web.Request) -> web.StreamResponse | None:
    """Answer `Expect: 100-continue` only if the announced body is small enough to be read."""
    if (request.content_length or 0) <= BODY_BYTES_MAX and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    return None


async def read_object(request: web.Request) -> dict[str, Any]:
    """Read the body as one JSON object; no body is an empty object. Refuse an oversize body unread."""
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise HttpRefusalError(Reason.BODY_TOO_LARGE)
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            body = await request.read()
    except TimeoutError:
        raise HttpRefusalError(Reason.BODY_TOO_SLOW) from None
    except (web.RequestPayloadError, ConnectionError, ValueError):
        raise HttpRefusalError(Reason.BAD_REQUEST) from None
    if not body.strip():
        return {}
    try:
        value = decode_json(body)
    except (ValueError, RecursionError):
        raise HttpRefusalError(Reason.BAD_REQUEST) from None
    if not isinstance(value, dict):
        raise HttpRefusalError(Reason.BAD_REQUEST)
    return value
