"""A proxy for egress: every connection is a tunnel through it (CONNECT, RFC 9110 9.3.6), http as well as https.

The proxy is told the address that we vetted, never a name: whatever it resolves or routes, the address guard keeps its
say, and a name that answers differently a moment later changes nothing.
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
from thrift_idl.errors import BadConfiguration, ConnectFailure

_MOST_HEAD = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is, and who we are to it."""

    endpoint: Endpoint
    authorization: str = field(default="", repr=False)
    """Value of Proxy-Authorization; "" = none."""


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


async def tunnel(sock: socket.socket, endpoint: Endpoint, proxy: Proxy) -> None:
    """Have the proxy connect `sock` to `endpoint`. Raises `ConnectFailure`, OSError."""
    loop = asyncio.get_running_loop()
    host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    where = f"{host}:{endpoint.port}"
    said = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    await loop.sock_sendall(sock, f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n{said}\r\n".encode())
    head = b""
    # What comes after the head belongs to the tunnel, but servers of TLS and HTTP speak only when spoken to.
    while b"\r\n\r\n" not in head:
        piece = await loop.sock_recv(sock, 4096)
        head += piece
        if not piece or len(head) > _MOST_HEAD:
            raise ConnectFailure(f"the proxy broke off connecting to {where}")
    found = _STATUS.match(head)
    status = int(found[1]) if found else 0
    if not 200 <= status <= 299:
        raise ConnectFailure(
            f"the proxy refused to connect to {where}: {status or 'no HTTP'}", proxy_status=str(status)
        )
    if not head.endswith(b"\r\n\r\n"):
        raise ConnectFailure(f"the proxy spoke unasked within the tunnel to {where}")
