"""The composition root: builds every part of one instance, owns every task, and shuts all down in order."""

import asyncio
import errno
import secrets
import signal
import socket
import string
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Final, Literal

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from hubbub.config import Settings
from hubbub.core.limits import (
    DEAD_SOCKET_SECONDS_MAX,
    DRAIN_SECONDS_MAX,
    DRAIN_SOCKETS_SECONDS,
    ENGINE_START_SECONDS_MAX,
    LAST_ANSWERS_SECONDS_MAX,
    LISTEN_BACKLOG,
    PROBE_BUDGET_SECONDS,
    PROBE_INTERVAL_SECONDS,
    SOCKET_SEND_BUFFER_BYTES,
)
from hubbub.core.protocol import Status
from hubbub.doctor import run as doctor
from hubbub.doctor.facts import servers_of
from hubbub.hub.hub import Hub
from hubbub.logs import log_store_changes, make_log
from hubbub.loop import now
from hubbub.recovery.recovery import Recovery
from hubbub.services.lease_renewer import LeaseRenewer
from hubbub.services.parties import PartyService
from hubbub.services.rollbacks import Rollbacks
from hubbub.store.client.connect import StoreConnections, open_embedded, open_store
from hubbub.store.engine.embedded import EmbeddedEngine, EngineUnavailableError
from hubbub.store.generation import DataLossDetector
from hubbub.store.health import StoreHealth, StoreState
from hubbub.store.port import StoreUnavailableError
from hubbub.store.pubsub.event_stream import EventStream
from hubbub.store.redis_store import RedisStore
from hubbub.transport.connection import text_frame
from hubbub.transport.http import HttpApi
from hubbub.transport.lan import lan_addresses
from hubbub.transport.links import JoinLinks
from hubbub.transport.middleware import RequestMiddleware
from hubbub.transport.readiness import Readiness
from hubbub.transport.websocket import WebSocketApi

_INSTANCE_ID_CHARS: Final = 10
_ENDING_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_STATUS: Final[dict[StoreState, Literal["connected", "disconnected", "recovering"]]] = {
    StoreState.CONNECTING: "disconnected",
    StoreState.CONNECTED: "connected",
    StoreState.DISCONNECTED: "disconnected",
    StoreState.RECOVERING: "recovering",
}


class ListenError(Exception):
    """This instance cannot listen on its address; `bad_value` if no instance on this machine ever can."""

    def __init__(self, sentence: str, *, bad_value: bool) -> None:
        super().__init__(sentence)
        self.bad_value = bad_value


class TaskFailedError(Exception):
    """A task of this instance failed, so the instance stopped instead of running in part."""


def new_instance_id() -> str:
    """Return `server-` and ten random characters: logs and answers distinguish instances by it."""
    alphabet = string.ascii_lowercase + string.digits
    return "server-" + "".join(secrets.choice(alphabet) for _ in range(_INSTANCE_ID_CHARS))


async def serve(settings: Settings, on_listening: Callable[[int], None]) -> None:
    """Run one instance until SIGTERM or SIGINT; call `on_listening` with the port once it listens.

    Raises `ListenError`, `EngineUnavailableError` or `EngineStartError` if it cannot start, and `TaskFailedError` if
    one of its tasks fails.
    """
    listener = _bind(settings.host, settings.port)
    port = listener.getsockname()[1]
    instance_id = new_instance_id()
    log = make_log(settings.log_format, instance_id)
    shutdown = _Shutdown(log)
    try:
        async with AsyncExitStack() as stack:
            stack.callback(listener.close)
            store, detector, event_stream, health = await stack.enter_async_context(
                _open_store(settings, instance_id, shutdown, log)
            )
            hub = await stack.enter_async_context(_open_hub(store, event_stream, health, shutdown))
            recovery = Recovery(store, detector, hub, settings.lease_seconds, partial(_log_recovery, log))
            health.on_change(
                lambda state, _: recovery.recheck_recent_creates() if state is StoreState.CONNECTED else None
            )
            await stack.enter_async_context(_running(recovery.run(), "recovery", shutdown))
            renewer = LeaseRenewer(store, hub, recovery, settings.lease_seconds)
            await stack.enter_async_context(_running(renewer.run(), "lease renewer", shutdown))
            rollbacks = Rollbacks(store, partial(_log_rollback, log))
            stack.push_async_callback(rollbacks.drain)
            await stack.enter_async_context(_running(rollbacks.run(), "rollbacks", shutdown))
            service = PartyService(store, hub, rollbacks, recovery, settings.party_terms)
            readiness = Readiness(store, health, event_stream, hub)
            links = JoinLinks(settings.public_url, port, lan_addresses)
            middleware = RequestMiddleware(instance_id, log)
            http = HttpApi(service=service, readiness=readiness, links=links, instance_id=instance_id)
            websocket = WebSocketApi(
                service=service,
                hub=hub,
                middleware=middleware,
                origins=settings.page_origins,
                instance_id=instance_id,
            )
            with _raising_listen_errors(settings.host, port):
                server = _http_server(http.application(middleware, websocket), middleware, hub, listener)
                await stack.enter_async_context(server)
            log.info("listening", host=settings.host, port=port, redis=health.state)
            on_listening(port)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not shutdown.requested:
            raise
    finally:
        # Everything is shut down. Without this, a second signal could kill the process before it exits cleanly.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING_SIGNALS)
    if shutdown.failed is not None:
        raise TaskFailedError(
            f"This instance stopped because its task {shutdown.failed!r} failed: the log has the cause."
        )


class _Shutdown:
    """Shuts this instance down after a signal or after a task of it has failed.

    It cancels the serving task once, so that everything built by then is shut down in order.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self.requested = False
        self.failed: str | None = None
        self._log = log
        self._serving = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in _ENDING_SIGNALS:
            loop.add_signal_handler(number, self._request)

    def fail(self, name: str, cause: BaseException | None) -> None:
        """Shut down because the task of that name ended unexpectedly."""
        self._log.error("a task ended that should not", task=name, exc_info=cause)
        self.failed = self.failed or name
        self._request()

    def _request(self) -> None:
        if self.requested or self._serving is None:
            return
        self.requested = True
        self._log.info("stopping")
        self._serving.cancel()


def _log_recovery(log: FilteringBoundLogger, what: str, parties: int) -> None:
    """Log what recovery has restored after the store lost data."""
    log.warning("healing", what=what, parties=parties)


def _log_rollback(log: FilteringBoundLogger, code: str, what: str) -> None:
    """Log the result of rolling back a create that was answered as failed."""
    log.warning("withdrawal", code=code, outcome=what)


def _bind(host: str, port: int) -> socket.socket:
    """Bind a socket before anything else starts, so that a port in use fails early.

    Bind now, listen later: until the instance can answer, connections are refused instead of left waiting.
    """
    with _raising_listen_errors(host, port):
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Every connection inherits these. Without them, the kernel would buffer megabytes for a client that does not
        # read, and keep data that a vanished client never acknowledges for a quarter of an hour.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(DEAD_SOCKET_SECONDS_MAX * 1000))
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            bound.bind((host, port))
        except BaseException:
            bound.close()
            raise
        return bound


@contextmanager
def _raising_listen_errors(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        sentence = f"PORT={port} needs more rights than this user has: choose one from 1024 up."
        raise ListenError(sentence, bad_value=True) from None
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror | UnicodeError) or error.errno == errno.EADDRNOTAVAIL:
            sentence = f"HOST must be an address of this machine, or 0.0.0.0 for all, not {host!r}."
            raise ListenError(sentence, bad_value=True) from None
        sentence = f"PORT={port} on {host} cannot be used ({error.strerror}): choose another, or 0 for any free one."
        raise ListenError(sentence, bad_value=False) from None


@asynccontextmanager
async def _open_store(
    settings: Settings, instance_id: str, shutdown: _Shutdown, log: FilteringBoundLogger
) -> AsyncIterator[tuple[RedisStore, DataLossDetector, EventStream, StoreHealth]]:
    """Open the store and its event stream; probe it once, so that its state is known before the instance listens."""
    health = StoreHealth()
    health.on_change(log_store_changes(log))
    async with AsyncExitStack() as stack:
        address = settings.store_address
        if address is None:
            engine = await stack.enter_async_context(_embedded_engine(settings, shutdown, log))
            connections = open_embedded(engine.socket_path, instance_id, health)
        else:
            connections = open_store(address, settings.store_tls, instance_id, health, settings.redis_min_replicas)
        stack.push_async_callback(connections.aclose)
        detector = DataLossDetector(connections.client, health)
        store = RedisStore(connections.client, detector, settings.lease_seconds, connections.create_client)
        event_stream = EventStream(connections, instance_id, lambda what: log.info("feed", what=what))
        with suppress(StoreUnavailableError):
            await store.ping(now() + PROBE_BUDGET_SECONDS)
        await stack.enter_async_context(_running(connections.monitor(), "primary monitor", shutdown))
        await stack.enter_async_context(_running(detector.run(), "data-loss detector", shutdown))
        checks = _check_at_start(connections, settings.redis_min_replicas, log)
        await stack.enter_async_context(_running(checks, "doctor", shutdown, may_end=True))
        yield store, detector, event_stream, health


async def _check_at_start(connections: StoreConnections, replicas: int, log: FilteringBoundLogger) -> None:
    """Check the store with the doctor once its servers are known, and log the findings."""
    while True:
        with suppress(StoreUnavailableError):
            servers = await servers_of(connections, now() + PROBE_BUDGET_SECONDS)
            break
        await asyncio.sleep(PROBE_INTERVAL_SECONDS)
    await doctor.check_at_start(servers, replicas, log)


@asynccontextmanager
async def _open_hub(
    store: RedisStore, event_stream: EventStream, health: StoreHealth, shutdown: "_Shutdown"
) -> AsyncIterator[Hub]:
    """Run the hub: it receives the event stream and sends the store's state to the clients."""
    hub = Hub(store, event_stream, text_frame, shutdown.fail)
    health.on_change(lambda state, _: hub.send_status(Status(_STATUS[state])))
    try:
        async with _running(event_stream.run(hub), "event stream", shutdown):
            yield hub
    finally:
        await hub.aclose()


@asynccontextmanager
async def _embedded_engine(
    settings: Settings, shutdown: _Shutdown, log: FilteringBoundLogger
) -> AsyncIterator[EmbeddedEngine]:
    """Start and supervise the embedded engine."""
    if settings.redis_min_replicas:
        raise EngineUnavailableError(
            f"REDIS_MIN_REPLICAS must be 0 for the embedded engine, which has no replicas,"
            f" not {settings.redis_min_replicas}. Or set REDIS_URL or REDIS_HOST to a store with replicas."
        )
    engine = EmbeddedEngine(settings.hubbub_data_dir, lambda event: log.info("engine", what=event))
    try:
        async with _running(engine.supervise(), "engine supervisor", shutdown):
            await engine.wait_until_ready(ENGINE_START_SECONDS_MAX)
            yield engine
    finally:
        engine.close()


@asynccontextmanager
async def _running(
    job: Coroutine[None, None, None], name: str, shutdown: _Shutdown, *, may_end: bool = False
) -> AsyncIterator[None]:
    """Run `job` for the length of the block; if it fails or ends unexpectedly, shut the instance down."""
    task = asyncio.create_task(job, name=name)

    def on_done(ended: asyncio.Task[None]) -> None:
        if not ended.cancelled() and not (may_end and ended.exception() is None):
            shutdown.fail(name, ended.exception())

    task.add_done_callback(on_done)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def _http_server(
    application: web.Application, middleware: RequestMiddleware, hub: Hub, listener: socket.socket
) -> AsyncIterator[None]:
    """Serve on `listener`; at the end stop accepting, close the WebSockets and finish requests in progress."""
    runner = web.AppRunner(application, shutdown_timeout=LAST_ANSWERS_SECONDS_MAX, handle_signals=False)
    await runner.setup()
    assert runner.server is not None
    # Without this, uvloop would hide that another instance already listens.
    listener.listen(LISTEN_BACKLOG)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        middleware.connection_factory(runner.server), sock=listener, backlog=LISTEN_BACKLOG
    )
    try:
        yield
    finally:
        server.close()
        middleware.announce_end()
        await hub.drain(DRAIN_SOCKETS_SECONDS)
        await middleware.drain(runner.server, DRAIN_SECONDS_MAX - DRAIN_SOCKETS_SECONDS)
        await runner.cleanup()
