"""Connections made: to vetted endpoints only, in their order, never by name; directly, or in a tunnel of a proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import weburl
from fetcher.resolver import Endpoint
from fetcher.settings import TransportSettings
from fetcher.time_budget import Budget
from fetcher.transport.connection import HttpConnection
from fetcher.transport.proxy import Proxy, tunnelled
from runtime.clock import Clock
from thrift_idl.errors import ConnectFailure, FetchTimeout, TlsFailure, Unavailable

_MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class Dialler:
    """Makes connections."""

    tls: ssl.SSLContext
    settings: TransportSettings
    proxy: Proxy | None = None
    clock: Clock = field(default_factory=Clock)

    async def dial(
        self, url: weburl.Url, endpoints: Sequence[Endpoint], make: Callable[[], HttpConnection], budget: Budget
    ) -> HttpConnection:
        """A connection to the first endpoint that takes one. Raises `ConnectFailure`, `TlsFailure`, `FetchTimeout`;
        `ProxyDown`.
        """
        tries = endpoints[:_MOST_TRIES]
        share_ms = self.settings.connect_ms / max(1, len(tries))
        failure: Unavailable = ConnectFailure(f"{url.host} has no address to dial")
        for endpoint in tries:
            try:
                async with budget.phase("connect", share_ms):
                    return await self._open(url, endpoint, make)
            except FetchTimeout as error:
                if error.details.get("phase") == "total":
                    raise
                failure = error
            except (ConnectFailure, TlsFailure) as error:
                failure = error
            except ssl.SSLError as error:
                failure = TlsFailure(f"TLS with {url.host} at {endpoint.address} failed: {_reason(error)}")
            except OSError as error:
                where = f"{endpoint.address} port {endpoint.port}"
                failure = ConnectFailure(f"no connection to {url.host} at {where}: {error.strerror or error}")
        raise failure

    async def _open(self, url: weburl.Url, endpoint: Endpoint, make: Callable[[], HttpConnection]) -> HttpConnection:
        """Dial the address, or the proxy, which gets the address."""
        began_ms, loop = self.clock.now_ms(), asyncio.get_running_loop()
        if self.proxy is None and url.scheme != "https":
            _, connection = await loop.create_connection(make, endpoint.address, endpoint.port)
            connection.connect_ms = self.clock.now_ms() - began_ms
            return connection
        # In two steps: the event loop makes a socket for TLS at a higher cost than a plain one.
        if self.proxy is None:
            transport, _ = await loop.create_connection(_Silent, endpoint.address, endpoint.port)
        else:
            transport, _ = await loop.create_connection(_Silent, sock=await tunnelled(endpoint, self.proxy))
        connected_ms = self.clock.now_ms()
        connection = await self._upon(transport, url, make)
        connection.peer = endpoint.address
        connection.connect_ms = connected_ms - began_ms
        connection.tls_ms = self.clock.now_ms() - connected_ms if url.scheme == "https" else 0.0
        return connection

    async def _upon(
        self, transport: asyncio.Transport, url: weburl.Url, make: Callable[[], HttpConnection]
    ) -> HttpConnection:
        """A connection on `transport`; with TLS, the URL's host is named to the server (SNI) and its certificate is
        checked for it.
        """
        connection = make()
        upper: asyncio.Transport | None = transport
        if url.scheme == "https":
            upper = await self._secured(transport, url, connection)
        else:
            transport.set_protocol(connection)
            transport.resume_reading()
        if upper is None:
            raise TlsFailure(f"{url.host} broke off the TLS handshake")
        connection.connection_made(upper)
        return connection

    async def _secured(
        self, transport: asyncio.Transport, url: weburl.Url, connection: HttpConnection
    ) -> asyncio.Transport | None:
        name = url.host.strip("[]").rstrip(".")
        try:
            return await asyncio.get_running_loop().start_tls(transport, connection, self.tls, server_hostname=name)
        except BaseException as error:
            transport.abort()
            if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
                raise
            why = f": {error.strerror}" if error.strerror else ""
            raise TlsFailure(f"{url.host} broke off the TLS handshake{why}") from None


class _Silent(asyncio.Protocol):
    """Between TCP and the protocol on top of it: nothing is read, so that nothing is lost."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).pause_reading()


def _reason(error: ssl.SSLError) -> str:
    verdict = getattr(error, "verify_message", "")
    return str(verdict or error.reason or error)
