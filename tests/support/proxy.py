"""A proxy between an instance and its store that can lose answers.

It forwards bytes and closes connections; it does not simulate delay, reordering or a half-lost answer.
"""

import socket
import threading
from contextlib import suppress

BUFFER_BYTES = 65536


class AnswerLosingProxy:
    """Forwards to a store on this machine, until told to cut.

    While `cutting`, what an instance sends still reaches the store; as soon as the store answers, the answer
    is dropped and the instance's connection is closed instead.
    """

    def __init__(self, store_port: int) -> None:
        self.cutting = False
        self.cuts = 0
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

    def _accept(self) -> None:
        while True:
            try:
                instance, _ = self._listener.accept()
            except OSError:
                return
            store = socket.create_connection(("127.0.0.1", self._store_port))
            self._sockets += [instance, store]
            for source, target, answers in ((instance, store, False), (store, instance, True)):
                thread = threading.Thread(target=self._pump, args=(source, target, answers), name="proxy pump")
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(BUFFER_BYTES):
                if answers and self.cutting:
                    self.cuts += 1
                    break
                target.sendall(data)
        _shut(source)
        _shut(target)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
