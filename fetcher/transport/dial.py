"""Connections made: to vetted endpoints only, in their order, never by name; directly, or in a tunnel of a proxy.

A proxy for egress: every connection is a tunnel through it (CONNECT, RFC 9110 9.3.6), http as well as https.

The proxy gets the address that we vetted, never a name: whichever way it resolves or routes, the address guard
decides, and a name that answers differently a moment later changes nothing. A proxy that is down is a backend of ours
that is down, and not the outcome of a URL.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote, urlsplit

import weburl
from fetcher.addresses import literal
from fetcher.resolver import Endpoint
from fetcher.settings import TransportSettings
from fetcher.time_budget import Budget
from fetcher.transport.connection import HttpConnection
from runtime.clock import Clock
from runtime.host_port import join
from thrift_idl.errors import BadConfiguration, ConnectFailure, FetchTimeout, ProxyDown, TlsFailure, Unavailable

_MOST_HEAD = 16 * 1024
_STATUS = re.compile(rb"\AHTTP/1\.[01] (\d{3})")
_HEAD_END = re.compile(rb"\r\n\r\n")
_NOT_LET_IN = frozenset((402, 407, 429))
_CHECK_MS = 2_000


@dataclass(frozen=True, slots=True)
class Proxy:
    """The address of the proxy, and our login there."""

    endpoint: Endpoint
    authorization: str = field(default="", repr=False)
    """Value of Proxy-Authorization; "" = none."""

    def __str__(self) -> str:
        return f"the proxy at {_authority(self.endpoint)}"


def parse_proxy(text: str) -> Proxy:
    """The proxy that `http://[user:password@]address:port` names. Raises `BadConfiguration`, without the password."""
    try:
        url = urlsplit(text)
        port, address = url.port, literal(url.hostname or "")
    except ValueError:
        url, port, address = urlsplit(""), None, None
    if url.scheme != "http" or address is None or not port or url.path not in ("", "/") or url.query or url.fragment:
        raise BadConfiguration("fetcher.proxy: write http://address:port, the address numeric")
    if url.username is None:
        return Proxy(Endpoint(str(address), port))
    named = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return Proxy(Endpoint(str(address), port), "Basic " + base64.b64encode(named.encode()).decode())


async def tunnelled(endpoint: Endpoint, proxy: Proxy) -> socket.socket:
    """A connection to `endpoint` through the proxy.

    Raises `ProxyDown`; `ConnectFailure` if the proxy couldn't connect, or failed itself: `check` finds which.
    """
    sock = await _reached(proxy)
    where = _authority(endpoint)
    try:
        head = await _asked(sock, where, proxy, _HEAD_END)
        _judge(head, where, proxy)
    except OSError as error:
        sock.close()
        raise ConnectFailure(f"{proxy} broke off connecting to {where}: {error.strerror or error}") from None
    except BaseException:
        sock.close()
        raise
    return sock


async def check(proxy: Proxy) -> None:
    """Raise `ProxyDown` unless the proxy answers a request for a tunnel to itself; any answer counts.

    So if either the proxy or the site may have failed, it is known which of them did.
    """
    try:
        async with asyncio.timeout(_CHECK_MS / 1000):
            sock = await _reached(proxy)
            try:
                head = await _asked(sock, _authority(proxy.endpoint), proxy, _STATUS)
            finally:
                sock.close()
    except (TimeoutError, OSError) as error:
        raise ProxyDown(f"{proxy} doesn't answer: {str(error) or f'nothing within {_CHECK_MS} ms'}") from None
    if not _STATUS.match(head):
        raise ProxyDown(f"{proxy} closes connections, or speaks no HTTP")
    if _is_ours(head):
        raise ProxyDown(_not_let_in(head, proxy))


def _judge(head: bytes, where: str, proxy: Proxy) -> None:
    """Raise unless the proxy has connected us to `where`.

    A proxy that refuses all our requests is for us to fix: 407, a 403 that asks for authentication, 402 and 429 of
    those that sell their service. Any other refusal (403 of a rule, 502, 503, 504 of a site that it can't reach) may
    concern this one address, and a page that links there must not stop a worker: it is the outcome of the URL.
    """
    found = _STATUS.match(head)
    if found and _is_ours(head):
        raise ProxyDown(_not_let_in(head, proxy))
    if not _HEAD_END.search(head):
        raise ConnectFailure(f"{proxy} broke off connecting to {where}")
    if not found or not found[1].startswith(b"2"):
        status = found[1].decode() if found else ""
        error = ConnectFailure(f"{proxy} refused to connect to {where}: {status or 'no HTTP'}")
        if status:
            error.details["proxy_status"] = status
        raise error
    if not head.endswith(b"\r\n\r\n"):
        raise ConnectFailure(f"{proxy} spoke unasked within the tunnel to {where}")


def _is_ours(head: bytes) -> bool:
    found = _STATUS.match(head)
    status = int(found[1]) if found else 0
    return status in _NOT_LET_IN or (status == 403 and b"\nproxy-authenticate:" in head.lower())


def _not_let_in(head: bytes, proxy: Proxy) -> str:
    found = _STATUS.match(head)
    return f"{proxy} doesn't let us in: {found[1].decode() if found else ''}; look at the setting fetcher.proxy"


async def _reached(proxy: Proxy) -> socket.socket:
    """A TCP connection to the proxy. Raises `ProxyDown`."""
    endpoint = proxy.endpoint
    sock = socket.socket(socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (endpoint.address, endpoint.port))
    except OSError as error:
        sock.close()
        raise ProxyDown(f"no connection to {proxy}: {error.strerror or error}") from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _asked(sock: socket.socket, where: str, proxy: Proxy, until: re.Pattern[bytes]) -> bytes:
    """The proxy's answer to CONNECT, until it matches, the proxy closes, or it is too long. Raises OSError."""
    loop = asyncio.get_running_loop()
    said = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    await loop.sock_sendall(sock, f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n{said}\r\n".encode())
    head = b""
    # Bytes after the head belong to the tunnel, but servers of TLS and HTTP send only after a request.
    while not until.search(head) and len(head) <= _MOST_HEAD:
        piece = await loop.sock_recv(sock, 4096)
        if not piece:
            break
        head += piece
    return head


def _authority(endpoint: Endpoint) -> str:
    return join(endpoint.address, endpoint.port)


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
            transport, _ = await loop.create_connection(_PausedReader, endpoint.address, endpoint.port)
        else:
            transport, _ = await loop.create_connection(_PausedReader, sock=await tunnelled(endpoint, self.proxy))
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


class _PausedReader(asyncio.Protocol):
    """Between TCP and the protocol on top of it: nothing is read, so that nothing is lost."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).pause_reading()


def _reason(error: ssl.SSLError) -> str:
    verdict = getattr(error, "verify_message", "")
    return str(verdict or error.reason or error)
