"""`httpx.Request` in, `httpx.Response` out, over our own connections: httpx's pool is quadratic in its size.

The transport follows no redirects, decodes nothing and resolves nothing: it sends one request to vetted endpoints when
its slot has come. Everything else that it must know travels in `request.extensions["exchange"]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from types import TracebackType

import httpx

import weburl
from fetcher.loop_time import LoopTime
from fetcher.resolver import Endpoint
from fetcher.settings import TransportSettings
from fetcher.slots import Slot
from fetcher.time_budget import Budget
from fetcher.transport.connection import HttpConnection, HttpConnectionPool, Lane, StaleConnection
from fetcher.transport.dial import Dialler, Proxy, check
from fetcher.transport.tls import verifying_context
from runtime.clock import Clock
from runtime.single_flight import SingleFlight
from thrift_idl.errors import BadReply, ConnectFailure, NoSlot, Unavailable

_MOST_LEFT = 4  # steps of reading an unwanted answer, to keep the connection
_MOST_LOOKS = 20  # checks for unread bytes before a request, with turns of the event loop between them


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request beyond its HTTP: its endpoints, its time of sending, its time limit."""

    url: weburl.Url
    endpoints: Sequence[Endpoint]
    slot: Slot
    budget: Budget


class BodyStream(httpx.AsyncByteStream):
    """The body as on the wire, transfer coding decoded. Read it or close it: either returns the connection."""

    def __init__(self, owner: GuardedTransport, lane: Lane, connection: HttpConnection, budget: Budget) -> None:
        self._owner = owner
        self._lane = lane
        self._budget = budget
        self.connection = connection
        assert connection.reader is not None, "a request is under way"
        self._reader = connection.reader
        self.reused = connection.requests > 1
        self._released = False

    @property
    def loop_time(self) -> LoopTime:
        """The time that all work on bodies shares."""
        return self._owner.loop_time

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reader = self._reader
        while True:
            try:
                await self._come()
            except Unavailable:
                await self._owner.blame_proxy()
                raise
            if not reader.pieces:
                break
            yield reader.take()
        if self.early_close:
            await self._owner.blame_proxy()
        await self.aclose()

    async def _come(self) -> None:
        """Return when there is a piece of the body, or its end."""
        reader = self._reader
        await self._read_on()
        if reader.pieces or reader.complete:  # already received: no timer
            return
        async with self._budget.phase("idle", self._owner.settings.idle_ms):
            while not reader.pieces and not reader.complete:
                await self.connection.more()
                await self._read_on()

    async def _read_on(self) -> None:
        """Read the received bytes up to a piece of the body, in turns with others."""
        loop_time, now_ms = self.loop_time, self._owner.now_ms
        while self._reader.unread and not self._reader.pieces:
            if loop_time.used_up:
                await loop_time.wait()
                self._budget.check()
            began_ms = now_ms()
            self.connection.read_on()
            loop_time.spend(now_ms() - began_ms)

    @property
    def early_close(self) -> bool:
        """The server closed before the announced end of the answer."""
        return self._reader.early_close

    @property
    def wire_bytes(self) -> int:
        """Bytes of the body so far, as on the wire."""
        return self._reader.body_bytes

    async def aclose(self) -> None:
        """Keep the connection if its answer was read to the end, or little of it is left; else close it."""
        if not self._released:
            self._released = True
            with contextlib.suppress(BadReply):  # it closes the connection
                for _ in range(_MOST_LEFT):
                    if self._reader.unread:
                        self.connection.read_on()
            self._owner.release(self._lane, self.connection)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Order of one request: connection, slot, wait, send. A dead kept connection is replaced once, with a new slot."""

    def __init__(
        self,
        settings: TransportSettings | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self.settings = settings or TransportSettings()
        self.now_ms = (clock or Clock()).now_ms
        self._dialler = Dialler(tls or verifying_context(), self.settings, proxy, clock or Clock())
        self._pool = HttpConnectionPool(self.settings)
        self.loop_time = LoopTime()
        self._proxy = proxy
        self._checks: SingleFlight[str, None] = SingleFlight()

    @property
    def open_connections(self) -> int:
        """Connections that are open now, idle ones included."""
        return self._pool.open_connections

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`. Raises the tree's errors, `ProxyDown` if the proxy failed and not the site.

        Extensions of the response: `peer`, `sent_ms` (by the clock), `queue_ms`, `connect_ms`, `tls_ms`, `tls`.
        """
        try:
            return await self._answered(request, request.extensions["exchange"])
        except Unavailable as error:
            if "proxy_status" not in error.details:  # otherwise the proxy reported it
                await self.blame_proxy()
            raise

    async def blame_proxy(self) -> None:
        """Raise `ProxyDown` if a proxy on the way doesn't answer: then an error says nothing about the site.

        Of many concurrent callers one checks.
        """
        proxy = self._proxy
        if proxy is not None:
            await self._checks.join(str(proxy), lambda: check(proxy))

    async def _answered(self, request: httpx.Request, exchange: Exchange) -> httpx.Response:
        lane = self._pool.enter(weburl.deciding_origin(exchange.url))
        try:
            queue_ms = await self._find_room(lane, exchange)
        except BaseException:
            self._pool.leave(lane)
            raise
        try:
            response = await self._converse(request, exchange, lane)
            response.extensions["queue_ms"] = queue_ms
            return response
        except BaseException:
            self._depart(lane)
            raise

    async def aclose(self) -> None:
        """Close every connection."""
        await self._checks.close()
        self._pool.close()
        await asyncio.sleep(0)

    def release(self, lane: Lane, connection: HttpConnection) -> None:
        """The answer has ended."""
        self._pool.keep(lane, connection)
        self._depart(lane)

    def _depart(self, lane: Lane) -> None:
        lane.room.release()
        self._pool.leave(lane)

    async def _find_room(self, lane: Lane, exchange: Exchange) -> float:
        """Wait for a place among the origin's requests, no longer than for a slot; returns the waiting time."""
        if not lane.room.locked():
            await lane.room.acquire()
            return 0.0
        patience_ms, began_ms = exchange.slot.max_wait_ms, self.now_ms()
        try:
            async with asyncio.timeout(patience_ms / 1000):
                await lane.room.acquire()
        except TimeoutError:
            raise NoSlot("too many requests to this origin are under way", delay_ms=patience_ms) from None
        finally:
            exchange.budget.exclude(self.now_ms() - began_ms)
        return self.now_ms() - began_ms

    async def _converse(self, request: httpx.Request, exchange: Exchange, lane: Lane) -> httpx.Response:
        connection = await self._reserved(exchange, lane)
        try:
            return await self._ask(request, exchange, lane, connection)
        except StaleConnection:
            await exchange.slot.reserve()
            return await self._ask(request, exchange, lane, await self._fresh(exchange))

    async def _reserved(self, exchange: Exchange, lane: Lane) -> HttpConnection:
        """A connection whose slot has come."""
        connection = self._pool.take(lane)
        if connection is not None:
            with _AbortedOnError(connection):
                await exchange.slot.reserve()
        elif lane.unreserved.locked():
            await exchange.slot.reserve()
            connection = await self._connect(exchange)
        else:
            async with lane.unreserved:
                connection = await self._connect(exchange)
                with _AbortedOnError(connection):
                    await exchange.slot.reserve()
        if await self._ready(exchange, connection):
            return connection
        # It didn't outlive the wait, or sent without a request; the slot is still valid, or is replaced.
        return await self._fresh(exchange)

    async def _fresh(self, exchange: Exchange) -> HttpConnection:
        """A new connection for a slot that was taken."""
        connection = await self._connect(exchange)
        if not await self._ready(exchange, connection):
            raise ConnectFailure("the server closed the connection, or spoke, before it was asked")
        return connection

    async def _ready(self, exchange: Exchange, connection: HttpConnection) -> bool:
        """Wait for the slot. True if a request may be sent at once after it: no unrequested bytes came.

        Unread bytes are left to the event loop, which takes time: so the slot is checked again. Half a TLS record
        passes unseen: it means nothing until its sender, who has the keys, completes it.
        """
        for _ in range(_MOST_LOOKS):
            await self._wait(exchange, connection)
            if connection.closed:
                return False
            if not connection.unread:
                return True
            with _AbortedOnError(connection):
                await asyncio.sleep(0)
        connection.abort()
        return False

    async def _wait(self, exchange: Exchange, connection: HttpConnection) -> None:
        with _AbortedOnError(connection):
            await exchange.slot.wait()

    async def _connect(self, exchange: Exchange) -> HttpConnection:
        made: list[HttpConnection] = []

        def make() -> HttpConnection:
            made.append(self._pool.made())
            return made[-1]

        try:
            return await self._dialler.dial(exchange.url, exchange.endpoints, make, exchange.budget)
        except BaseException:
            for connection in made:
                connection.abort()
                self._pool.dropped(connection)
            raise

    async def _ask(
        self, request: httpx.Request, exchange: Exchange, lane: Lane, connection: HttpConnection
    ) -> httpx.Response:
        with _AbortedOnError(connection):
            sent_ms = self.now_ms()
            connection.ask(serialized(request, exchange.url), request.method)
            async with exchange.budget.phase("first_byte", self.settings.first_byte_ms):
                head = await connection.head()
        is_new = connection.requests == 1
        extensions = {
            "peer": connection.peer,
            "sent_ms": sent_ms,
            "connect_ms": connection.connect_ms if is_new else 0.0,
            "tls_ms": connection.tls_ms if is_new else 0.0,
            "tls": connection.tls if exchange.url.scheme == "https" else None,
        }
        stream = BodyStream(self, lane, connection, exchange.budget)
        return httpx.Response(head.status, headers=list(head.headers), stream=stream, extensions=extensions)


class _AbortedOnError:
    """If the block raises, the connection isn't used again."""

    __slots__ = ("_connection",)

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            self._connection.abort()


def serialized(request: httpx.Request, url: weburl.Url) -> bytes:
    """Request line and headers; Host and target come from our own parse, so that no second parser decides."""
    host = url.origin.partition("://")[2]
    lines = [f"{request.method} {url.target} HTTP/1.1\r\nHost: {host}\r\n".encode("ascii")]
    lines += [b"%b: %b\r\n" % (name, value) for name, value in request.headers.raw if name.lower() != b"host"]
    return b"".join(lines) + b"\r\n"
