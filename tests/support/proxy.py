"""Proxies between an instance and its store: one can lose answers, one can go deaf, one can hold answers back.

They forward bytes, drop them, hold them and close connections; they do not simulate reordering or a half-lost answer.
A store that refuses connections is seen through them as one that hangs up at once.
"""

import socket
import threading
import time
from contextlib import suppress
from queue import SimpleQueue

BUFFER_BYTES = 65536


class StoreProxy:
    """Forwards to a store on this machine."""

    def __init__(self, store_port: int) -> None:
        self._store_port = store_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="proxy accept")]
        self._threads[0].start()

    def close(self) -> None:
        """Close everything and wait for the threads."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for connection in self._sockets:
            _shut(connection)
        for thread in self._threads[1:]:
            thread.join()
        for connection in self._sockets:
            connection.close()

    def cut(self) -> None:
        """Break every connection that there is; new ones are taken."""
        for connection in list(self._sockets):
            _shut(connection)

    def _accept(self) -> None:
        while True:
            try:
                instance, _ = self._listener.accept()
            except OSError:
                return
            try:
                store = socket.create_connection(("127.0.0.1", self._store_port))
            except OSError:
                instance.close()
                continue
            self._sockets += [instance, store]
            for source, target in ((instance, store), (store, instance)):
                thread = threading.Thread(target=self._pump, args=(source, target, instance), name="proxy pump")
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, instance: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(BUFFER_BYTES):
                passed = self._asked(instance, data) if source is instance else self._answered(instance, data)
                if passed is None:
                    break
                target.sendall(passed)
        _shut(source)
        _shut(target)

    def _asked(self, instance: socket.socket, data: bytes) -> bytes | None:  # noqa: ARG002
        """What of the instance's bytes goes on to the store; None closes the connection."""
        return data

    def _answered(self, instance: socket.socket, data: bytes) -> bytes | None:  # noqa: ARG002
        """What of the store's bytes goes on to the instance; None closes the connection."""
        return data


class AnswerLosingProxy(StoreProxy):
    """Forwards until told to cut.

    While `cutting`, what an instance sends still reaches the store; as soon as the store answers, the answer
    is dropped and the instance's connection is closed instead.
    """

    def __init__(self, store_port: int) -> None:
        self.cutting = False
        self.cuts = 0
        super().__init__(store_port)

    def _answered(self, instance: socket.socket, data: bytes) -> bytes | None:
        if not self.cutting:
            return super()._answered(instance, data)
        self.cuts += 1
        return None


class DeafeningProxy(StoreProxy):
    """Forwards until told to deafen: then the subscriptions of that moment stay open, and nothing comes of them."""

    def __init__(self, store_port: int) -> None:
        self._subscribed: set[socket.socket] = set()
        self._deaf: frozenset[socket.socket] = frozenset()
        self.lost = 0
        super().__init__(store_port)

    def deafen(self) -> None:
        """Lose from now on what the store sends on any subscription that there is."""
        self._deaf = frozenset(self._subscribed)
        assert self._deaf, "nobody has subscribed to anything"

    def _asked(self, instance: socket.socket, data: bytes) -> bytes | None:
        if b"SUBSCRIBE" in data.upper():
            self._subscribed.add(instance)
        return super()._asked(instance, data)

    def _answered(self, instance: socket.socket, data: bytes) -> bytes | None:
        if instance not in self._deaf:
            return super()._answered(instance, data)
        self.lost += 1
        return b""


class DelayingProxy(StoreProxy):
    """Forwards until told to delay: then it holds whatever the store answers for that long, all in its order.

    What it does not simulate: a slow way to the store (commands take effect at once; only their answers are late, and
    so is every event that the store publishes), a slow opening of connections, jitter, loss, or a narrow line (however
    much the store answers, all of it is late by the same time).
    """

    def __init__(self, store_port: int) -> None:
        self._seconds = 0.0
        self._closing = False
        self._changed = threading.Condition()
        super().__init__(store_port)

    def delay(self, seconds: float) -> None:
        """Hold each answer for so long from its arrival, those held already included; 0 lets all of them go."""
        with self._changed:
            self._seconds = seconds
            self._changed.notify_all()

    def close(self) -> None:
        """Let go what is held, close everything and wait for the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        super().close()

    def _pump(self, source: socket.socket, target: socket.socket, instance: socket.socket) -> None:
        if source is instance:
            super()._pump(source, target, instance)
            return
        held: SimpleQueue[tuple[float, bytes] | None] = SimpleQueue()
        carrier = threading.Thread(target=self._carry, args=(held, target), name="proxy carrier")
        carrier.start()
        with suppress(OSError):
            while data := source.recv(BUFFER_BYTES):
                held.put((time.monotonic(), data))
        held.put(None)
        carrier.join()
        _shut(source)
        _shut(target)

    def _carry(self, held: SimpleQueue[tuple[float, bytes] | None], target: socket.socket) -> None:
        while (item := held.get()) is not None:
            came_at, data = item
            with self._changed:
                while not self._closing and (left := came_at + self._seconds - time.monotonic()) > 0:
                    self._changed.wait(left)
            with suppress(OSError):
                target.sendall(data)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
