"""Bytes that a server sends before it is asked are never an answer: not even those that nobody has read yet."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress

import pytest

from fetcher.transport.tls import verifying_context
from tests.integration.fetcher.certificates import server_context
from tests.support.loopback_fetcher import asked, fetching
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import reply

TRUE, FALSE = reply(200, b"<p>true"), reply(200, b"<p>false")
PATIENCE_S = 20


class Server:
    """Answers in threads of its own, so that it can speak while the fetcher's event loop stands still."""

    def __init__(self, context: ssl.SSLContext | None, first: bytes = TRUE) -> None:
        self._context = context
        self._first = first
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.kept: queue.Queue[socket.socket] = queue.Queue()
        self.requests = self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                self.connections += 1
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # at once, whatever wasn't acknowledged yet
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError):
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            while b"\r\n\r\n" in sock.recv(65536):
                self.requests += 1
                sock.sendall(self._first if self.requests == 1 else TRUE)
                self.kept.put(sock)

    def close(self) -> None:
        self._listening.close()


@contextmanager
def serving(*arguments, **options):
    server = Server(*arguments, **options)
    try:
        yield server
    finally:
        server.close()


class Halting(OpenLimiter):
    """Calls `halt`, once it is set, while a request waits for its slot: the event loop reads nothing meanwhile."""

    halt: Callable[[], None] | None = None

    async def reserve(self, request):
        if self.halt is not None:
            halt, self.halt = self.halt, None
            halt()
        return await super().reserve(request)


def tls(tmp_path, newest: ssl.TLSVersion) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server, _ = server_context(tmp_path, "good.test")
    server.maximum_version = newest
    client = verifying_context()
    client.load_verify_locations(tmp_path / "certificate.pem")
    return server, client


VERSIONS = [None, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


async def second_page(server: Server, client: ssl.SSLContext | None, act: Callable[[socket.socket], None]) -> bytes:
    """Fetch two pages over one connection; between them the server does `act` to it."""

    limiter, scheme = Halting(), "http" if client is None else "https"
    async with fetching(server.port, limiter, tls=client) as (fetcher, _):
        await fetcher.fetch(asked(f"{scheme}://good.test:{server.port}/1"))
        kept = [server.kept.get(timeout=PATIENCE_S) for _ in ("robots.txt", "page")][-1]
        limiter.halt = lambda: act(kept)
        result = await fetcher.fetch(asked(f"{scheme}://good.test:{server.port}/2"))
    return result.content


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_answer_that_came_before_its_request_is_not_believed(version, tmp_path) -> None:
    context, client = tls(tmp_path, version) if version else (None, None)
    with serving(context) as server:
        content = await second_page(server, client, lambda kept: kept.sendall(FALSE))
    assert content == b"<p>true"
    assert server.requests == 3, "asked anew, on another connection"


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_beginning_of_an_answer_counts_as_well(version, tmp_path) -> None:
    context, client = tls(tmp_path, version) if version else (None, None)
    with serving(context) as server:
        content = await second_page(server, client, lambda kept: kept.sendall(b"H"))
    assert content == b"<p>true"
    assert server.requests == 3


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_kept_connection_that_ends_unnoticed_costs_no_second_slot(version, tmp_path) -> None:
    context, client = tls(tmp_path, version) if version else (None, None)
    with serving(context) as server:
        content = await second_page(server, client, lambda kept: kept.shutdown(socket.SHUT_RDWR))
    assert content == b"<p>true"
    assert server.requests == 3


async def test_what_follows_an_answer_in_one_piece_answers_nothing() -> None:
    with serving(None, first=TRUE + FALSE) as server:
        async with fetching(server.port) as (fetcher, _):
            for number in range(3):
                result = await fetcher.fetch(asked(f"http://good.test:{server.port}/{number}"))
                assert result.content == b"<p>true"
    assert server.connections == 2, "robots.txt's was followed by more"
