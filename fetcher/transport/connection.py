"""One connection of HTTP/1.1: bytes between the event loop and a `ReplyReader`, one request at a time.

And the pool: kept connections, bounded for each origin and in all, closed when they are no longer used.

A `Lane` is one origin's share: `room` bounds its running requests, `unreserved` the new connections made before they
have a slot (a thousand waiting fetches of one host must not open a thousand connections).
"""

from __future__ import annotations

import asyncio
import select
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import cast

from fetcher.settings import KIB, TransportSettings
from fetcher.transport.reply import ReplyHead, ReplyReader
from fetcher.transport.tls import facts_of, remember_session
from thrift_idl.errors import BadReply, ConnectFailure
from thrift_idl.gen.fetcher.ttypes import TlsFacts

_PAUSE_AT = 256 * KIB  # untaken body; more stays in the kernel's buffers, and with the sender


class StaleConnection(ConnectFailure):
    """A kept connection that the server closed before the first byte of an answer: safe to try again elsewhere."""


class HttpConnection(asyncio.Protocol):
    """Made by the dialler; owned by one request or by the pool."""

    def __init__(self, settings: TransportSettings, on_lost: Callable[[HttpConnection], None]) -> None:
        self._settings = settings
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self.reader: ReplyReader | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._paused = False
        self.closed = False
        self.peer = ""
        self.requests = 0
        self.connect_ms = self.tls_ms = 0.0
        self._tls: TlsFacts | None = None
        self._kernel: select.poll | None = None

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one except for its base class
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""

    def data_received(self, data: bytes) -> None:  # noqa: D102
        reader = self.reader
        if reader is None:
            self.abort()  # it sends without a request
            return
        try:
            reader.receive(data)
        except BadReply as error:
            self._fail(error)
            return
        if reader.buffered > _PAUSE_AT and not reader.complete:
            self._pause()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: D102
        self.closed = True
        reader = self.reader
        if reader is not None and not reader.complete and self._error is None:
            self._lost_amid(reader, error)
        self._wake()
        self._on_lost(self)

    # Called by the transport.

    @property
    def unread(self) -> bool:
        """True if bytes, or the end, are in the kernel's buffer: a system call of a microsecond.

        Bytes sent before a request would be taken for its answer. With TLS they may be a session ticket: only the event
        loop, which reads them, can tell; it closes a connection that sends without a request.
        """
        assert self._transport is not None
        if self._kernel is None:
            self._kernel = select.poll()
            self._kernel.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(self._kernel.poll(0))

    def ask(self, request: bytes, method: str) -> None:
        """Send one request; the last answer must have been read. Raises `StaleConnection`."""
        self.requests += 1
        if self.closed or self._transport is None or self._transport.is_closing():
            raise StaleConnection("the server closed the connection")
        self.reader = ReplyReader(method, self._settings)
        self._transport.write(request)

    async def head(self) -> ReplyHead:
        """The answer's head. Raises `BadReply`, `ConnectFailure`, `StaleConnection`."""
        assert self.reader is not None
        while self.reader.head is None:
            self._raise_error()
            await self._wait()
        return self.reader.head

    async def more(self) -> None:
        """Wait until bytes have come, or the end. Raises `BadReply`, `ConnectFailure`."""
        self._raise_error()
        self._resume()
        await self._wait()

    def read_on(self) -> None:
        """Read a little of the received, unread bytes. Raises `BadReply`."""
        assert self.reader is not None
        try:
            self.reader.read_on()
        except BadReply as error:
            self._fail(error)
            raise

    @property
    def reusable(self) -> bool:
        """The answer is complete and the connection may carry the next request."""
        reader = self.reader
        return not self.closed and reader is not None and reader.complete and reader.reusable

    @property
    def tls(self) -> TlsFacts | None:
        """The terms agreed with the server; None = no TLS. Read while the connection is open."""
        if self._tls is None and self._transport is not None:
            connected = self._transport.get_extra_info("ssl_object")
            if connected is not None:
                self._tls = facts_of(connected)
                remember_session(connected)
        return self._tls

    def rest(self) -> None:
        """Between requests: bytes that come now belong to no request."""
        self.reader = None
        self._resume()

    def abort(self) -> None:
        """Close at once, in any state."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close an idle connection (TLS sends its closing message)."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def _lost_amid(self, reader: ReplyReader, error: Exception | None) -> None:
        """The connection broke before the answer's end."""
        if not reader.started:
            kind = StaleConnection if self.requests > 1 else ConnectFailure
            self._error = kind(f"the server closed the connection without an answer{_why(error)}")
        elif reader.head is None:
            self._error = BadReply(f"the connection broke within the head{_why(error)}")
        else:
            reader.eof(broken=error is not None)

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._wake()
        self.abort()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and self._transport is not None and not self.closed:
            self._paused = False
            self._transport.resume_reading()


def _why(error: Exception | None) -> str:
    return f": {error}" if error else ""


UNRESERVED = 2


class Lane:
    """Connections of one origin."""

    def __init__(self, origin: str, most: int) -> None:
        self.origin = origin
        self.room = asyncio.Semaphore(most)
        self.unreserved = asyncio.Semaphore(UNRESERVED)
        self.idle: deque[HttpConnection] = deque()
        self.users = 0


class HttpConnectionPool:
    """Lanes by origin. All calls belong to one event loop."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._lanes: dict[str, Lane] = {}
        self._idle: OrderedDict[HttpConnection, tuple[Lane, asyncio.TimerHandle]] = OrderedDict()
        self._open: set[HttpConnection] = set()

    @property
    def open_connections(self) -> int:
        """Connections that are open now, idle ones included."""
        return len(self._open)

    def enter(self, origin: str) -> Lane:
        """The lane of `origin`, held until `leave`."""
        lane = self._lanes.get(origin)
        if lane is None:
            lane = self._lanes[origin] = Lane(origin, self._settings.max_connections_per_origin)
        lane.users += 1
        return lane

    def leave(self, lane: Lane) -> None:
        """One user less; a lane without users and connections is forgotten."""
        lane.users -= 1
        self._forget(lane)

    def made(self) -> HttpConnection:
        """A connection to dial with, counted as open until it is lost."""
        connection = HttpConnection(self._settings, self._lost)
        self._open.add(connection)
        return connection

    def dropped(self, connection: HttpConnection) -> None:
        """A connection of `made` that was never established."""
        self._open.discard(connection)

    def take(self, lane: Lane) -> HttpConnection | None:
        """The connection used last, if one is kept: the longest unused ones expire."""
        while lane.idle:
            connection = lane.idle.pop()
            _, timer = self._idle.pop(connection)
            timer.cancel()
            if not connection.closed:
                return connection
        return None

    def keep(self, lane: Lane, connection: HttpConnection) -> None:
        """Keep a connection for the next request, or close it."""
        if not connection.reusable:
            connection.abort()
            return
        connection.rest()
        expire = asyncio.get_running_loop().call_later(self._settings.keep_alive_ms / 1000, connection.close)
        lane.idle.append(connection)
        self._idle[connection] = (lane, expire)
        if len(self._idle) > self._settings.max_idle_connections:
            next(iter(self._idle)).close()

    def close(self) -> None:
        """Close everything."""
        for connection in list(self._open):
            connection.abort()

    def _lost(self, connection: HttpConnection) -> None:
        self._open.discard(connection)
        kept = self._idle.pop(connection, None)
        if kept is not None:
            lane, timer = kept
            timer.cancel()
            lane.idle.remove(connection)
            self._forget(lane)

    def _forget(self, lane: Lane) -> None:
        if not lane.users and not lane.idle:
            self._lanes.pop(lane.origin, None)
