"""From a host to the addresses that we dial: resolved once, each answer vetted, never resolved again.

A `Resolver` only answers; `guarded_endpoints` decides. The transport dials what it returns, by address, so that a name
that answers differently a moment later (DNS rebinding) changes nothing. Hosts come from `weburl`, whose parser has
already turned every way to write an address into the address.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from fetcher.addresses import PUBLIC_WEB, AddressPolicy, host_matches, literal, port_verdict, verdict
from thrift_idl.errors import AddressDenied, BadConfiguration, DnsFailure

_THREADS = 32  # getaddrinfo blocks; more names than this at once wait within their time-out
_CACHED_HOSTS = 10_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to dial: a numeric address, IPv6 without brackets, and a port."""

    address: str
    port: int


class Resolver(Protocol):
    """Answers which endpoints a host has; trusts nobody and vets nothing."""

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """Endpoints of `host` (as in a parsed URL), best first. Raises `DnsFailure`, also for an empty answer."""
        ...


async def guarded_endpoints(
    host: str, port: int, resolver: Resolver, policy: AddressPolicy = PUBLIC_WEB
) -> tuple[Endpoint, ...]:
    """The endpoints to dial for `host` and the URL's `port`: one resolution, every answer allowed by `policy`.

    One denied answer among good ones denies the host: honest names don't mix public and private addresses. Raises
    `AddressDenied` (details: host, address or port, reason) and `DnsFailure`.
    """
    if not (answer := port_verdict(port)).allowed:
        raise AddressDenied(f"port {port} of {host}: {answer.reason}", host=host, port=str(port), reason=answer.reason)
    endpoints = await resolver.resolve(host, port)
    if not endpoints:
        raise DnsFailure(f"{host} has no address", host=host)
    for endpoint in endpoints:
        answer = verdict(endpoint.address, policy, host=host)
        if not answer.allowed:
            message = f"{host} is at {endpoint.address}: {answer.reason}"
            raise AddressDenied(message, host=host, address=endpoint.address, reason=answer.reason)
    return endpoints


class MappedResolver:
    """Sends hosts that match a pattern to a fixed endpoint, all others to `inner`, like curl's --connect-to.

    The URL keeps its host and port; only the dialled endpoint changes. A mapping allows nothing: the endpoint is vetted
    like any other, so that a loopback one wants its host pattern in the policy.
    """

    def __init__(self, connect_to: Mapping[str, Endpoint], inner: Resolver) -> None:
        self._connect_to = dict(connect_to)
        self._inner = inner

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """The mapped endpoint of the first pattern that matches, else the inner resolver's answer."""
        for pattern, endpoint in self._connect_to.items():
            if host_matches(pattern, host):
                return (endpoint,)
        return await self._inner.resolve(host, port)


def parse_connect_to(entries: Mapping[str, str]) -> dict[str, Endpoint]:
    """The mapping that `connect_to = {"*.test" = "127.0.0.1:8765"}` configures. Raises `BadConfiguration`."""
    return {pattern.lower(): _endpoint(pattern, text) for pattern, text in entries.items()}


class SystemResolver:
    """The operating system's resolver, in threads of its own, bounded in time, with a small cache.

    `timeout_ms` bounds the caller's wait for one name; a positive answer is kept for `ttl_ms`, a failure for
    `negative_ttl_ms` (getaddrinfo tells no TTL). Concurrent calls for one name share one look-up. `lookup` blocks and
    answers numeric addresses, none for a name that doesn't resolve.
    """

    def __init__(
        self,
        *,
        timeout_ms: int = 5_000,
        ttl_ms: int = 60_000,
        negative_ttl_ms: int = 5_000,
        now_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
        lookup: Callable[[str], tuple[str, ...]] | None = None,
    ) -> None:
        self._timeout_ms = timeout_ms
        self._ttl_ms = ttl_ms
        self._negative_ttl_ms = negative_ttl_ms
        self._now_ms = now_ms
        self._lookup = lookup or system_addresses
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")
        self._cache: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._underway: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """Endpoints of `host` in the order of RFC 6724. Raises `DnsFailure` (details: host)."""
        if (address := literal(host)) is not None:
            return (Endpoint(str(address), port),)
        addresses = self._cached(host)
        if addresses is None:
            addresses = await self._looked_up(host)
        if not addresses:
            raise DnsFailure(f"{host} does not resolve", host=host)
        return tuple(Endpoint(address, port) for address in addresses)

    def close(self) -> None:
        """Lets the threads end; look-ups under way are abandoned."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _looked_up(self, host: str) -> tuple[str, ...]:
        if host not in self._underway:
            future = asyncio.get_running_loop().run_in_executor(self._pool, self._lookup, host)
            self._underway[host] = future
            future.add_done_callback(lambda done: self._remember(host, done))
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                return await asyncio.shield(self._underway[host])
        except TimeoutError:
            message = f"{host} did not resolve within {self._timeout_ms} ms"
            raise DnsFailure(message, host=host) from None

    def _cached(self, host: str) -> tuple[str, ...] | None:
        until_ms, addresses = self._cache.get(host, (0, ()))
        return addresses if self._now_ms() < until_ms else None

    def _remember(self, host: str, done: asyncio.Future[tuple[str, ...]]) -> None:
        self._underway.pop(host, None)
        if done.cancelled():
            return
        while len(self._cache) >= _CACHED_HOSTS:
            self._cache.pop(next(iter(self._cache)))  # the oldest entry
        ttl_ms = self._ttl_ms if done.result() else self._negative_ttl_ms
        self._cache.pop(host, None)
        self._cache[host] = (self._now_ms() + ttl_ms, done.result())


def system_addresses(host: str) -> tuple[str, ...]:
    """Numeric addresses of `host`; none where it doesn't resolve. Blocks."""
    try:
        # Bytes: text would pass through Python's own IDNA codec; the host is ASCII already.
        answers = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))


def _endpoint(pattern: str, text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    address = literal(host)
    if address is None or not port.isdecimal() or not 0 < int(port) < 65536:
        message = f'connect_to: {pattern!r} = {text!r} is no address and port, such as "127.0.0.1:8765" or "[::1]:8765"'
        raise BadConfiguration(message, entry=pattern)
    return Endpoint(str(address), int(port))
