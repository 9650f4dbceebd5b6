"""A proxy between an instance and its store, or between a phone and an instance, which gives the line bad days.

It works on the bytes of TCP connections: it passes them on, keeps them back, throws them away and closes connections.
What it does not simulate: bytes that overtake each other or arrive twice, half an answer, a narrow line (however much
is sent, all of it is late by the same time), a slow or lost opening of a connection, or a host that refuses
connections (a store that does is seen through the proxy as one that hangs up at once). Single packets cannot be lost
either: TCP would send them again, so that a lossy network is seen as a late one (`delay` with jitter) or as broken
connections (`cut_at_random`).
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum

BUFFER_BYTES = 65536
BACKLOG = 1024


class Way(Enum):
    """One of the two directions of a connection."""

    THERE = "from the instance to the store"
    BACK = "from the store to the instance"


BOTH = (Way.THERE, Way.BACK)


class StoreProxy:
    """Forwards from a port of its own to one on this machine, until it is given a bad day; `mend` ends them all.

    One event loop in a thread of its own carries all connections; the verbs may be used from any thread.
    """

    def __init__(self, store_port: int) -> None:
        self.port = 0
        self.cuts = 0
        """How many connections have been closed instead of passing something on."""
        self.lost = 0
        """How many pieces have been thrown away."""
        self._store_port = store_port
        self._seconds = 0.0
        self._frozen: frozenset[Way] = frozenset()
        self._dropping: frozenset[Way] = frozenset()
        self._cuts_after_send = False
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = socket.socket()
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def close(self) -> None:
        """Close everything and wait for the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Break every connection that there is; new ones are taken."""
        self._do(self._cut_all)

    def delay(self, seconds: float) -> None:
        """Hold each piece of an answer for so long from its arrival, those held already included; 0 lets all go.

        Only what the store sends is late, events included: commands take effect at once.
        """
        self._set(_seconds=seconds)

    def freeze(self, *ways: Way) -> None:
        """Let nothing pass in these directions, in both where none is named, with all connections open.

        New connections are taken, and are as silent. Nothing is lost: what is sent waits, first here and then with
        its sender, whose buffers fill, and goes on at `mend`. Not even the end of a connection passes.
        """
        self._set(_frozen=frozenset(ways or BOTH))

    def drop(self, *ways: Way) -> None:
        """Throw away whatever comes in these directions, in both where none is named, with all connections open.

        The end of a connection is lost as well. New connections are taken, and lose as much. Bytes lost are lost for
        good, so connections of that time are of no use after `mend`, as those through a firewall that forgot them.
        """
        self._set(_dropping=frozenset(ways or BOTH))

    def stall_subscriptions(self) -> None:
        """Lose from now on what the store sends on any subscription that there is; those made later are whole."""
        self._do(self._stall_all)

    def cut_after_send(self) -> None:
        """Let what an instance sends reach the store; as soon as the store answers, close the connection instead."""
        self._set(_cuts_after_send=True)

    def mend(self) -> None:
        """Let everything pass again, at once, and let go what waits; stalled subscriptions stay stalled."""
        self._set(
            _seconds=0.0,
            _frozen=frozenset(),
            _dropping=frozenset(),
            _cuts_after_send=False,
        )

    def _do(self, act: Callable[[], None]) -> None:
        async def in_the_loop() -> None:
            act()

        asyncio.run_coroutine_threadsafe(in_the_loop(), self._loop).result()

    def _set(self, **rules: object) -> None:
        def change() -> None:
            vars(self).update(rules)
            self._changed.set()
            self._changed = asyncio.Event()

        self._do(change)

    def _cut_all(self) -> None:
        for link in self._links:
            link.cut()

    def _stall_all(self) -> None:
        subscribed = [link for link in self._links if link.has_subscribed]
        assert subscribed, "there is no subscription"
        for link in subscribed:
            link.is_stalled = True

    async def _listen(self) -> None:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._loop.add_reader(self._listener, self._accept)

    async def _end(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self) -> None:
        """Take one; a server of `asyncio` would lose those that it has just accepted when it is closed."""
        with suppress(OSError):
            instance, _ = self._listener.accept()
            task = self._loop.create_task(self._forward(instance))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            # A task that is cancelled before its first turn closes nothing itself.
            task.add_done_callback(lambda _: instance.close())

    async def _forward(self, instance: socket.socket) -> None:
        link = _Link()
        self._links.add(link)
        try:
            reader, writer = await link.open(instance)
            store_reader, store_writer = await link.open(await self._dialled())
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(link, Way.THERE, reader, store_writer))
                tasks.create_task(self._pump(link, Way.BACK, store_reader, writer))
        except OSError:
            pass  # the store takes no connection: the instance hears so by the end of its own
        finally:
            self._links.remove(link)
            link.cut()

    async def _dialled(self) -> socket.socket:
        plug = socket.socket()
        try:
            # The kernel would buffer megabytes, and the store would notice late that its reader has stopped.
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            plug.setblocking(False)
            await self._loop.sock_connect(plug, ("127.0.0.1", self._store_port))
        except BaseException:
            plug.close()
            raise
        return plug

    async def _pump(self, link: "_Link", way: Way, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        held: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
        carrier = asyncio.create_task(self._carry(held, way, target))
        try:
            with suppress(OSError):
                while data := await self._read(way, source):
                    if way is Way.BACK and self._cuts_after_send:
                        self.cuts += 1
                        link.cut()
                    elif not self._loses(link, way, data):
                        held.put_nowait((self._loop.time(), data))
            if way in self._dropping:
                return  # the end is dropped as well
            held.put_nowait(None)
            await carrier
            link.cut()
        finally:
            carrier.cancel()

    async def _read(self, way: Way, source: asyncio.StreamReader) -> bytes:
        await self._thawed(way)
        return await source.read(BUFFER_BYTES)

    def _loses(self, link: "_Link", way: Way, data: bytes) -> bool:
        if way is Way.THERE and b"SUBSCRIBE" in data.upper():
            link.has_subscribed = True
        is_lost = way in self._dropping or (way is Way.BACK and link.is_stalled)
        self.lost += is_lost
        return is_lost

    async def _carry(
        self, held: "asyncio.Queue[tuple[float, bytes] | None]", way: Way, target: asyncio.StreamWriter
    ) -> None:
        while (item := await held.get()) is not None:
            came_at, data = item
            for seconds in self._waits(way, came_at):
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._changed.wait()
            await self._thawed(way)
            with suppress(OSError):
                target.write(data)
                await target.drain()
        await self._thawed(way)

    def _waits(self, way: Way, came_at: float) -> Iterator[float]:
        """How long to wait, afresh after each change, until something may go on that came then."""
        while way is Way.BACK:
            left = came_at + self._seconds - self._loop.time()
            if left <= 0:
                return
            yield left

    async def _thawed(self, way: Way) -> None:
        while way in self._frozen:
            await self._changed.wait()


class _Link:
    """A connection of an instance, and the one to the store that belongs to it."""

    def __init__(self) -> None:
        self.has_subscribed = False
        self.is_stalled = False
        self._ends: list[asyncio.StreamWriter] = []

    async def open(self, plug: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Read from and write to one of the two."""
        try:
            reader, writer = await asyncio.open_connection(sock=plug)
        except BaseException:
            plug.close()
            raise
        self._ends.append(writer)
        return reader, writer

    def cut(self) -> None:
        """Close both at once."""
        for end in self._ends:
            end.transport.abort()
