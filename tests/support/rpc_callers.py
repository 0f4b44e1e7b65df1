"""Callers with plain sockets and threads: one that behaves and keeps time, and the ends that the others need."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from tests.support.server_processes import Server
from thrift_idl.rpc.message import REPLY, read_header

PATIENCE_S = 30.0


def connected(port: int) -> socket.socket:
    """A connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def vanish(connection: socket.socket) -> None:
    """Close with a reset instead of a goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def received(connection: socket.socket) -> bytes | None:
    """The next frame; None once the server has closed, however it did. Raises TimeoutError."""
    try:
        head = _exactly(connection, 4)
        return None if head is None else _exactly(connection, int.from_bytes(head, "big"))
    except ConnectionError:
        return None


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            return None
        data += more
    return data


class Witness(threading.Thread):
    """Another caller, who behaves: calls on a connection that it keeps, and every fifth time on a new one.

    Each call must be answered, by the service itself and on its connection; `worst_ms` is the longest that took.
    """

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._over = threading.Event()
        self.took_ms: list[float] = []
        self.failures: list[str] = []

    def run(self) -> None:
        """Call until stopped."""
        with connected(self._server.port) as kept:
            self._call(kept)
            while not self._over.wait(0.005):
                if len(self.took_ms) % 5:
                    self._call(kept)
                else:
                    with connected(self._server.port) as fresh:
                        self._call(fresh)

    def _call(self, connection: socket.socket) -> None:
        began = time.monotonic()
        try:
            connection.sendall(self._server.sample)
            answer = received(connection)
        except OSError as error:
            self.failures.append(repr(error))
        else:
            self._judge(answer)
        self.took_ms.append((time.monotonic() - began) * 1000)

    def _judge(self, answer: bytes | None) -> None:
        if answer is None:
            self.failures.append("closed")
        elif int.from_bytes(answer[2:4], "big") != REPLY or b"overloaded" in answer:
            self.failures.append(repr(answer[:200]))
        else:
            read_header(answer, REPLY)

    def __enter__(self) -> Self:
        """Its first call is answered: it is a caller that the server knows."""
        self.start()
        while not self.took_ms and self.is_alive():
            time.sleep(0.001)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.join(2 * PATIENCE_S)

    @property
    def worst_ms(self) -> float:
        """The longest call."""
        return max(self.took_ms, default=0.0)

    @property
    def median_ms(self) -> float:
        """Half of the calls took no longer."""
        return sorted(self.took_ms)[len(self.took_ms) // 2]


@contextlib.contextmanager
def crowd(port: int, size: int) -> Iterator[list[socket.socket]]:
    """Many connections at once."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connected(port)) for _ in range(size)]
