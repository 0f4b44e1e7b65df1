"""Connecting: to vetted endpoints only, in their order, never by name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence

import certifi

import weburl
from fetcher.budget import Budget
from fetcher.resolver import Endpoint
from fetcher.settings import TransportSettings
from fetcher.transport.connection import Connection
from thrift_idl.errors import ConnectFailure, FetchTimeout, TlsFailure, Unavailable

_MOST_TRIES = 4


def verifying_context() -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name verified against the system's and certifi's roots."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


async def dial(
    url: weburl.Url,
    endpoints: Sequence[Endpoint],
    make: Callable[[], Connection],
    context: ssl.SSLContext,
    budget: Budget,
    settings: TransportSettings,
) -> Connection:
    """A connection to the first endpoint that takes one. Raises `ConnectFailure`, `TlsFailure`, `FetchTimeout`."""
    tries = endpoints[:_MOST_TRIES]
    share_ms = settings.connect_ms / max(1, len(tries))
    failure: Unavailable = ConnectFailure(f"{url.host} has no address to dial")
    for endpoint in tries:
        try:
            async with budget.phase("connect", share_ms):
                return await _open(url, endpoint, make, context)
        except FetchTimeout as error:
            if error.details.get("phase") == "total":
                raise
            failure = error
        except ssl.SSLError as error:
            failure = TlsFailure(f"TLS with {url.host} at {endpoint.address} failed: {_reason(error)}")
        except OSError as error:
            where = f"{endpoint.address} port {endpoint.port}"
            failure = ConnectFailure(f"no connection to {url.host} at {where}: {error.strerror or error}")
    raise failure


async def _open(
    url: weburl.Url, endpoint: Endpoint, make: Callable[[], Connection], context: ssl.SSLContext
) -> Connection:
    """Dial the address; name the URL's host to the server (SNI) and hold its certificate against that name."""
    secure = url.scheme == "https"
    name = url.host.strip("[]").rstrip(".")
    _, connection = await asyncio.get_running_loop().create_connection(
        make, endpoint.address, endpoint.port, ssl=context if secure else None, server_hostname=name if secure else None
    )
    return connection


def _reason(error: ssl.SSLError) -> str:
    verdict = getattr(error, "verify_message", "")
    return str(verdict or error.reason or error)
