"""A proxy for egress: every connection is a tunnel through it (CONNECT, RFC 9110 9.3.6), http as well as https.

The proxy gets the address that we vetted, never a name: whichever way it resolves or routes, the address guard
decides, and a name that answers differently a moment later changes nothing. A proxy that is down is a backend of ours
that is down, and not the outcome of a URL.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from fetcher.addresses import literal
from fetcher.resolver import Endpoint
from runtime.host_port import join
from thrift_idl.errors import BadConfiguration, ConnectFailure, ProxyDown

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
