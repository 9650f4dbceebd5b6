"""The composition root: builds every part of one instance, owns every task, and takes it all down again."""

import asyncio
import errno
import secrets
import signal
import socket
import string
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from hubbub.config import Settings
from hubbub.core.limits import DRAIN_SECONDS_MAX, ENGINE_START_SECONDS_MAX, PROBE_BUDGET_SECONDS
from hubbub.observe import make_log, tell_store_changes
from hubbub.service import PartyService
from hubbub.store import StoreUnavailable
from hubbub.store.batch import Batcher
from hubbub.store.connect import server_pool, socket_pool
from hubbub.store.embedded import EmbeddedEngine
from hubbub.store.health import StoreHealth
from hubbub.store.redis import RedisStore
from hubbub.transport.envelope import Envelope
from hubbub.transport.http import HttpApi
from hubbub.transport.lan import lan_addresses
from hubbub.transport.links import JoinLinks

_INSTANCE_ID_CHARS: Final = 10
_BACKLOG: Final = 1024


class CannotListen(Exception):  # noqa: N818 - told to the operator in one sentence
    """The address cannot be listened on; `bad_value` tells that it never will be on this machine."""

    def __init__(self, sentence: str, *, bad_value: bool) -> None:
        super().__init__(sentence)
        self.bad_value = bad_value


def new_instance_id() -> str:
    """An id of `server-` and ten random characters, by which logs and answers tell instances apart."""
    alphabet = string.ascii_lowercase + string.digits
    return "server-" + "".join(secrets.choice(alphabet) for _ in range(_INSTANCE_ID_CHARS))


async def serve(settings: Settings, on_listening: Callable[[int], None]) -> None:
    """Run one instance until SIGTERM or SIGINT; `on_listening` is told the port once it listens.

    Raises `CannotListen`, or `EngineUnavailable` where the embedded engine cannot run.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    listener = _listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    instance_id = new_instance_id()
    log = make_log(settings.log_format, instance_id)
    async with AsyncExitStack() as stack:
        stack.callback(listener.close)
        store, health = await stack.enter_async_context(_open_store(settings, instance_id, log))
        service = PartyService(store, settings.party_terms)
        await stack.enter_async_context(_running(service.withdraw_doubtful(), "withdrawals", log))
        links = JoinLinks(settings.public_url, lan_addresses)
        api = HttpApi(service=service, store=store, health=health, links=links, instance_id=instance_id)
        await stack.enter_async_context(_http_server(api, Envelope(instance_id, log), listener))
        log.info("listening", host=settings.host, port=port, redis=health.state)
        on_listening(port)
        await stop.wait()
        log.info("stopping")


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything else is started: a taken port should cost nothing."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except PermissionError:
        sentence = f"PORT={port} needs more rights than this user has: choose one from 1024 up."
        raise CannotListen(sentence, bad_value=True) from None
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            sentence = f"HOST must be an address of this machine, or 0.0.0.0 for all, not {host!r}."
            raise CannotListen(sentence, bad_value=True) from None
        sentence = f"PORT={port} on {host} cannot be had ({error.strerror}): choose another, or 0 for any free one."
        raise CannotListen(sentence, bad_value=False) from None


@asynccontextmanager
async def _open_store(
    settings: Settings, instance_id: str, log: FilteringBoundLogger
) -> AsyncIterator[tuple[RedisStore, StoreHealth]]:
    """The store, watched, and its health: known by the time an instance listens, be it "disconnected"."""
    health = StoreHealth(tell_store_changes(log))
    async with AsyncExitStack() as stack:
        address = settings.store_address
        if address is None:
            engine = EmbeddedEngine(settings.hubbub_data_dir, lambda event: log.info("engine", what=event))
            stack.callback(engine.close)
            await stack.enter_async_context(_running(engine.guard(), "engine guard", log))
            await engine.accepting(ENGINE_START_SECONDS_MAX)
            pool = socket_pool(engine.socket_path, instance_id)
        else:
            pool = server_pool(address, settings.store_tls, instance_id)
        batcher = Batcher(pool, health)
        stack.push_async_callback(batcher.aclose)
        store = RedisStore(batcher)
        with suppress(StoreUnavailable):
            await store.ping(asyncio.get_running_loop().time() + PROBE_BUDGET_SECONDS)
        await stack.enter_async_context(_running(store.watch(), "store watch", log))
        yield store, health


@asynccontextmanager
async def _running(job: Coroutine[None, None, None], name: str, log: FilteringBoundLogger) -> AsyncIterator[None]:
    """A task that lives as long as the block; should it end by itself, that is logged as the fault it is."""
    task = asyncio.create_task(job, name=name)

    def tell_end(ended: asyncio.Task[None]) -> None:
        if not ended.cancelled():
            log.error("a task ended that should not", task=name, exc_info=ended.exception())

    task.add_done_callback(tell_end)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def _http_server(api: HttpApi, envelope: Envelope, listener: socket.socket) -> AsyncIterator[None]:
    """Serve HTTP on `listener`; at the end, stop accepting and let the requests in progress finish."""
    runner = web.AppRunner(
        api.application(envelope), access_log=None, shutdown_timeout=DRAIN_SECONDS_MAX, handle_signals=False
    )
    await runner.setup()
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(envelope.connection_factory(runner.server), sock=listener, backlog=_BACKLOG)
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()
