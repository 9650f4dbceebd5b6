"""The HTTP interface: routes and handlers."""

import time
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, assert_never

import msgspec
from aiohttp import web

from hubbub import __version__
from hubbub.core import tokens
from hubbub.core.codes import normalize_code, parse_code
from hubbub.core.errors import CREATE_STORE_UNAVAILABLE, Reason
from hubbub.core.limits import BODY_BYTES_MAX, ECHOED_CODE_CHARS_MAX, QR_CACHE_SECONDS
from hubbub.core.party import PartyDocument
from hubbub.core.results import Ended, Found, Full, Joinable, Locked, Missing
from hubbub.services.parties import PartyService
from hubbub.store.port import StoreUnavailableError
from hubbub.transport.assets import WebApp, asset_response, read_sources
from hubbub.transport.links import JoinLinks, is_host, qr_svg
from hubbub.transport.middleware import (
    CROSS_ORIGIN,
    IS_SUBRESOURCE,
    LOG_FIELDS,
    HttpRefusalError,
    RequestMiddleware,
    content_security_policy,
    expect_short_body,
    json_response,
    read_object,
    refusal_response,
)
from hubbub.transport.readiness import Readiness
from hubbub.transport.schema.schemas import asyncapi
from hubbub.transport.websocket import WebSocketApi


class HttpApi:
    """The handlers of one instance."""

    def __init__(
        self,
        *,
        service: PartyService,
        readiness: Readiness,
        links: JoinLinks,
        instance_id: str,
    ) -> None:
        self._service = service
        self._readiness = readiness
        self._links = links
        self._instance_id = instance_id
        self._web_app = WebApp(read_sources())
        self._openapi = files("hubbub.transport.schema").joinpath("openapi.json").read_bytes()
        self._asyncapi = msgspec.json.encode(asyncapi(__version__))

    def application(self, middleware: RequestMiddleware, websocket: WebSocketApi) -> web.Application:
        """Build the aiohttp application with every route."""
        app = web.Application(middlewares=[middleware.middleware()], client_max_size=BODY_BYTES_MAX)
        routes = [
            ("POST", "/api/create-party", self.create_party),
            ("POST", "/api/join-party", self.join_party),
            ("GET", "/api/party/{code}", self.look_up),
            ("GET", "/api/party/{code}/qr.svg", self.qr_code),
            ("GET", "/api/ping", self.ping),
            ("GET", "/health", self.health),
            ("GET", "/ready", self.ready),
            ("GET", "/openapi.json", self.openapi),
            ("GET", "/asyncapi.json", self.asyncapi),
            ("GET", "/ws", websocket.handle),
            ("GET", "/", self.page),
            ("GET", "/p/{code}", self.page),
            ("GET", "/p/{code}/wall", self.page),
            ("GET", "/service-worker.js", self.service_worker),
            ("GET", "/app/{path:.+}", self.app_file),
        ]
        for method, path, handler in routes:
            resource = app.router.add_resource(path)
            resource.add_route(method, handler, expect_handler=expect_short_body)
            if method == "GET" and path != "/ws":
                resource.add_route("HEAD", handler, expect_handler=expect_short_body)
        return app

    async def create_party(self, request: web.Request) -> web.Response:
        """Create a party; answer when the store has confirmed it."""
        key = request.headers.get("Idempotency-Key")
        if key is not None and not tokens.is_idempotency_key(key):
            raise HttpRefusalError(Reason.IDEMPOTENCY_KEY_INVALID)
        name = (await read_object(request)).get("name")
        if name is not None and not isinstance(name, str):
            raise HttpRefusalError(Reason.BAD_FIELD, "The host's name must be text")
        log = request[LOG_FIELDS]
        try:
            party = await self._service.create(name, key)
        except StoreUnavailableError as unavailable:
            log.update(storeWriteOk=False, trouble=unavailable.failure)
            return refusal_response(Reason.STORE_UNAVAILABLE, CREATE_STORE_UNAVAILABLE)
        if isinstance(party, Ended):
            log.update(storeWriteOk=False)
            raise HttpRefusalError(party.reason)
        log.update(code=party.code, storeWriteOk=True)
        return json_response(
            {
                "partyCode": party.code,
                "hostId": party.host_id,
                "hostToken": party.host_token,
                "expiresAt": party.expires_at,
            }
        )

    async def join_party(self, request: web.Request) -> web.Response:
        """Check that the party can be joined; the WebSocket takes the seat."""
        typed = (await read_object(request)).get("partyCode")
        if typed is None:
            raise HttpRefusalError(Reason.CODE_REQUIRED)
        if not isinstance(typed, str):
            raise HttpRefusalError(Reason.CODE_INVALID)
        if not normalize_code(typed):
            raise HttpRefusalError(Reason.CODE_REQUIRED)
        log = request[LOG_FIELDS]
        code = parse_code(typed)
        if code is None:
            log.update(storeReadResult="not_a_code")
            raise HttpRefusalError(Reason.PARTY_NOT_FOUND)
        log.update(code=code, storeReadResult="unavailable")
        outcome = await self._service.check_join(code)
        log.update(storeReadResult=type(outcome).__name__.lower())
        match outcome:
            case Joinable():
                return json_response({"ok": True})
            case Missing() | Ended() | Locked() | Full():
                raise HttpRefusalError(outcome.reason)
            case _:
                assert_never(outcome)

    async def look_up(self, request: web.Request) -> web.Response:
        """Describe a party for an operator or a page."""
        typed = request.match_info["code"]
        code = parse_code(typed)
        if code is None:
            return self._absent(normalize_code(typed)[:ECHOED_CODE_CHARS_MAX])
        request[LOG_FIELDS].update(code=code)
        match await self._service.look_up(code):
            case Found(party=party):
                return json_response(self._described(code, party))
            case Missing() | Ended():
                return self._absent(code)
            case unexpected:
                assert_never(unexpected)

    async def qr_code(self, request: web.Request) -> web.Response:
        """Draw the join link of any well-formed code."""
        code = parse_code(request.match_info["code"])
        if code is None:
            raise HttpRefusalError(Reason.PARTY_NOT_FOUND)
        link = self._links.join_link(code, request.scheme, request.headers.get("Host", ""))
        return web.Response(
            body=qr_svg(link),
            content_type="image/svg+xml",
            headers={"Cache-Control": f"private, max-age={QR_CACHE_SECONDS}", **CROSS_ORIGIN},
        )

    async def ping(self, _: web.Request) -> web.Response:
        """Answer with the time."""
        return json_response({"message": "pong", "timestamp": int(time.time() * 1000)})

    async def health(self, _: web.Request) -> web.Response:
        """Report that the process runs, and the state of the store."""
        return json_response(
            {
                "status": "ok",
                "instanceId": self._instance_id,
                "redis": self._readiness.store_state,
                "version": __version__,
            }
        )

    async def ready(self, request: web.Request) -> web.Response:
        """Report whether a proxy should send clients here."""
        if (why_not := await self._readiness.why_not_ready()) is not None:
            request[LOG_FIELDS].update(notReady=why_not)
            raise HttpRefusalError(Reason.STORE_UNAVAILABLE, why_not)
        return json_response({"status": "ready", "instanceId": self._instance_id})

    async def openapi(self, _: web.Request) -> web.Response:
        """Serve the OpenAPI document."""
        return web.Response(body=self._openapi, content_type="application/json")

    async def asyncapi(self, _: web.Request) -> web.Response:
        """Serve the AsyncAPI document of the WebSocket."""
        return web.Response(body=self._asyncapi, content_type="application/json")

    async def page(self, request: web.Request) -> web.Response:
        """Serve the phone app's page; the page itself checks the code in its address."""
        host = request.headers.get("Host", "")
        policy = content_security_policy(host if is_host(host) else None)
        return asset_response(request, self._web_app.page, {"Content-Security-Policy": policy})

    async def service_worker(self, request: web.Request) -> web.Response:
        """Serve the service worker from the root: its folder limits which addresses it controls."""
        return asset_response(request, self._web_app.worker, {})

    async def app_file(self, request: web.Request) -> web.Response:
        """Serve one of the app's files. Pages of other origins import the SDK by addresses without a hash."""
        found = self._web_app.find(request.match_info["path"])
        if found is None:
            raise HttpRefusalError(Reason.NOT_FOUND)
        headers = {} if found.is_exact else {"Access-Control-Allow-Origin": "*", **CROSS_ORIGIN}
        response = asset_response(request, found.asset, headers, is_exact=found.is_exact)
        response[IS_SUBRESOURCE] = found.asset.content_type.startswith("text/")
        return response

    def _described(self, code: str, party: PartyDocument) -> dict[str, Any]:
        return {
            "exists": True,
            "code": code,
            "createdAt": _iso_utc(party.created_at),
            "hostConnected": party.host_connected,
            "guestCount": party.guest_count,
            "instanceId": self._instance_id,
            "hostName": party.host_name,
            "locked": party.locked,
            "full": party.full,
        }

    def _absent(self, code: str) -> web.Response:
        return json_response({"exists": False, "code": code, "instanceId": self._instance_id})


def _iso_utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
