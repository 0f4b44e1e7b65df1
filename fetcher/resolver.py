"""The resolver from a host to the addresses that we dial: resolved once, each vetted, never resolved again.

A `Resolver` only answers; `guarded_endpoints` decides. The transport dials the addresses that it returns, so that a
name that answers differently a moment later (DNS rebinding) changes nothing. Hosts come from `weburl`, whose parser has
already turned every spelling of an address into the address.

A `Lookup` asks the DNS, which gives a time to live, or the operating system, which gives none. c-ares (pycares) asks
the nameservers of /etc/resolv.conf and reads /etc/hosts; names that it can't resolve (mDNS, NIS and the like) are left
to getaddrinfo. `SystemResolver` keeps the answers for their time to live within bounds, failures briefly.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pycares
from cachetools import FIFOCache

from fetcher.addresses import PUBLIC_WEB, AddressPolicy, host_matches, host_pattern, literal, port_verdict, verdict
from fetcher.settings import NameSettings
from runtime.clock import monotonic_ms
from runtime.durations import HOUR_MS
from runtime.host_port import join, split
from runtime.single_flight import SingleFlight
from thrift_idl.errors import AddressDenied, BadConfiguration, DnsFailure
from weburl import deciding_form


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address to dial: numeric, IPv6 without brackets, and a port."""

    address: str
    port: int


class Resolver(Protocol):
    """Returns the endpoints of a host; vets nothing."""

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """Endpoints of `host` (as in a parsed URL), best first. Raises `DnsFailure`, also for an empty answer."""
        ...


async def guarded_endpoints(
    host: str, port: int, resolver: Resolver, policy: AddressPolicy = PUBLIC_WEB
) -> tuple[Endpoint, ...]:
    """The endpoints to dial for `host` and the URL's `port`: one resolution, every answer allowed by `policy`.

    One denied answer among good ones denies the host: honest names don't mix public and private addresses. The resolver
    gets the deciding form: all spellings of a host have the same addresses. It doesn't get a name with an
    empty label, which can't be in the DNS (RFC 1034 3.1). Raises `AddressDenied` (details: host, address or port,
    reason) and `DnsFailure`.
    """
    if not (answer := port_verdict(port)).allowed:
        raise AddressDenied(f"port {port} of {host}: {answer.reason}", host=host, port=str(port), reason=answer.reason)
    if host.startswith(".") or ".." in host:
        raise DnsFailure(f"{host} does not resolve: it has an empty label", host=host)
    endpoints = await resolver.resolve(deciding_form(host), port)
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
    like any other, so that a loopback one needs its host pattern in the policy.
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
    return {host_pattern(pattern): _endpoint(pattern, text) for pattern, text in entries.items()}


def _endpoint(pattern: str, text: str) -> Endpoint:
    found = split(text)
    address = literal(found[0]) if found else None
    if found is None or address is None:
        message = f'connect_to: {pattern!r} = {text!r} is no address and port, such as "127.0.0.1:8765" or "[::1]:8765"'
        raise BadConfiguration(message, entry=pattern)
    return Endpoint(str(address), found[1])


SYSTEM = "system"
MOST_ADDRESSES = 256  # of a name: an answer has room for 4,000, and each is vetted and kept
_THREADS = 32  # getaddrinfo blocks; further names wait within their time-out
_RENEW_AFTER = 10_000  # look-ups: c-ares has a cache of its own, bounded only by time
_RENEW_AFTER_MS = HOUR_MS
_GIVE_UP_S = 30  # c-ares ends earlier by itself; but a lost callback must not block a name for ever
_READ_BY_CARES = {"files", "dns", "resolve"}
_OF_SHORT_NAMES = {"myhostname", "mymachines"}


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """The result of one look-up."""

    addresses: tuple[str, ...]
    """Numeric, best first (RFC 6724); none if the name doesn't resolve, or has more than `MOST_ADDRESSES`."""
    ttl_ms: int | None = None
    """The least of the records' times to live, CNAMEs included; None if unknown."""
    reason: str = ""
    """The reason why there is no address."""


class Lookup(Protocol):
    """One way to find a name's addresses, without a cache of ours."""

    async def look_up(self, host: str) -> LookupAnswer:
        """The addresses of `host`, an ASCII name; failures are answers too. Ends by itself, perhaps late."""
        ...

    async def close(self) -> None:
        """Ends it; running look-ups are abandoned."""
        ...


class SystemLookup:
    """getaddrinfo, in its own threads: every source of the system, without times to live.

    `addresses` blocks and returns numeric addresses, none for a name that doesn't resolve.
    """

    def __init__(self, addresses: Callable[[str], tuple[str, ...]] | None = None) -> None:
        self._addresses = addresses or system_addresses
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")

    async def look_up(self, host: str) -> LookupAnswer:
        """The system's answer."""
        addresses = await asyncio.get_running_loop().run_in_executor(self._pool, self._addresses, host)
        return _bounded(LookupAnswer(addresses, reason="" if addresses else "unknown to the system's resolver"))

    async def close(self) -> None:
        """Lets the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class DnsLookup:
    """c-ares: asks `nameservers` ("10.0.0.2:53", those of the system if none), after /etc/hosts.

    A try waits `try_ms`; there are `tries` for each nameserver. Raises `pycares.AresError` if c-ares can't start.
    """

    def __init__(
        self,
        nameservers: Sequence[str] = (),
        *,
        try_ms: int = 2_000,
        tries: int = 2,
        now_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        self._nameservers = tuple(nameservers)
        self._try_s = try_ms / 1000
        self._tries = tries
        self._now_ms = now_ms
        self._channel = self._opened()

    async def look_up(self, host: str) -> LookupAnswer:
        """Addresses of both families, with the least time to live."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[LookupAnswer] = loop.create_future()

        def settle(answer: LookupAnswer) -> None:
            if not found.done():
                found.set_result(answer)

        def answered(result: pycares.AddrInfoResult | None, error: int | None) -> None:
            if not loop.is_closed():  # c-ares calls from its own thread, at the end too
                loop.call_soon_threadsafe(settle, _answer(result, error))

        try:
            self._renewed().getaddrinfo(host, None, type=socket.SOCK_STREAM, callback=answered)
        except (UnicodeError, RuntimeError) as error:  # an invalid name; a closed channel
            return LookupAnswer((), reason=str(error))
        try:
            async with asyncio.timeout(_GIVE_UP_S):
                return await found
        except TimeoutError:
            return LookupAnswer((), reason="no answer")

    async def close(self) -> None:
        """Abandons running look-ups."""
        self._channel.close()

    def _opened(self) -> pycares.Channel:
        self._left = _RENEW_AFTER
        self._renew_at_ms = self._now_ms() + _RENEW_AFTER_MS
        return pycares.Channel(timeout=self._try_s, tries=self._tries, servers=self._nameservers or None)

    def _renewed(self) -> pycares.Channel:
        """The channel, replaced from time to time: so its cache stays small. The old one ends with its last answer."""
        self._left -= 1
        if self._left < 0 or self._now_ms() >= self._renew_at_ms:
            self._channel = self._opened()
        return self._channel


class ByName:
    """The DNS for its names; the system for names with other sources: one label, or `.local` (mDNS)."""

    def __init__(self, dns: Lookup, system: Lookup) -> None:
        self._dns = dns
        self._system = system

    async def look_up(self, host: str) -> LookupAnswer:
        """The answer of one of the two."""
        labels = host.rstrip(".").split(".")
        local = len(labels) == 1 or labels[-1] == "local"
        return await (self._system if local else self._dns).look_up(host)

    async def close(self) -> None:
        """Closes both."""
        await self._dns.close()
        await self._system.close()


def lookup_of(dns: str = "") -> tuple[Lookup, str]:
    """The look-up that the setting `fetcher.dns` names, and its description for people. Raises `BadConfiguration`.

    "" = the system's nameservers, or getaddrinfo if those don't know all names; "system" = getaddrinfo; otherwise
    nameservers by address, separated by commas.
    """
    if dns and dns != SYSTEM:
        servers = tuple(_nameserver(text.strip()) for text in dns.split(","))
        return DnsLookup(servers), f"DNS by {', '.join(servers)}: times to live are kept"
    why = "set so" if dns else system_only()
    if not why:
        try:
            channel = DnsLookup()
        except pycares.AresError as error:
            why = f"c-ares can't start: {error}"
        else:
            return ByName(channel, SystemLookup()), "DNS by the system's nameservers: times to live are kept"
    return SystemLookup(), f"the system's getaddrinfo ({why}): an answer is kept for a minute"


def system_only(resolv: Path = Path("/etc/resolv.conf"), switch: Path = Path("/etc/nsswitch.conf")) -> str:
    """The reason why only the operating system can look up names here; "" if the DNS can be asked."""
    if not sys.platform.startswith("linux"):
        return ""  # c-ares asks the system for its nameservers
    if not any(line.split()[:1] == ["nameserver"] for line in _lines(resolv)):
        return f"{resolv} names no nameserver"
    for line in _lines(switch):
        if line.startswith("hosts:"):
            return _unread(line.removeprefix("hosts:").split(), switch)
    return ""


def system_addresses(host: str) -> tuple[str, ...]:
    """Numeric addresses of `host`; none if it doesn't resolve. Blocks."""
    try:
        # Bytes: text would pass through Python's own IDNA codec; the host is ASCII already.
        answers = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))


def _answer(result: pycares.AddrInfoResult | None, error: int | None) -> LookupAnswer:
    if result is None or not result.nodes:
        return LookupAnswer((), reason=_text(pycares.errno.strerror(error)).lower() if error else "no address")
    addresses = tuple(dict.fromkeys(_text(node.addr[0]) for node in result.nodes))
    ttls_s = [node.ttl for node in result.nodes] + [alias.ttl for alias in result.cnames]
    return _bounded(LookupAnswer(addresses, 1000 * max(min(ttls_s), 0)))


def _bounded(answer: LookupAnswer) -> LookupAnswer:
    """`answer`, or none: with some addresses left out, the guard would not see all addresses of the name."""
    if len(answer.addresses) <= MOST_ADDRESSES:
        return answer
    return LookupAnswer((), answer.ttl_ms, f"{len(answer.addresses)} addresses are more than any name has")


def _text(told: str | bytes) -> str:
    return told.decode("ascii") if isinstance(told, bytes) else told


def _unread(sources: list[str], switch: Path) -> str:
    """The reason why c-ares doesn't see all sources in the line `hosts:` of nsswitch.conf(5)."""
    names = {source for source in sources if not source.startswith("[")}
    unread = {name for name in names - _READ_BY_CARES - _OF_SHORT_NAMES if not name.startswith("mdns")}
    if unread:
        return f"{switch}: hosts come from {', '.join(sorted(unread))} too"
    return "" if names & {"dns", "resolve"} else f"{switch}: hosts don't come from the DNS"


def _lines(file: Path) -> list[str]:
    try:
        return [line.partition("#")[0].strip() for line in file.read_text(errors="replace").splitlines()]
    except OSError:
        return []


def _nameserver(text: str) -> str:
    found = (text, 53) if literal(text) else split(text)
    address = literal(found[0]) if found else None
    if found is None or address is None:
        message = (
            f'fetcher.dns: {text!r} is no nameserver\'s address, such as "10.0.0.2", "10.0.0.2:5353" or "[::1]:53"'
        )
        raise BadConfiguration(message, entry=text)
    return join(str(address), found[1])


class SystemResolver:
    """This machine's resolver with a cache of ours; without `lookup`, the system's own choice, made at the first use.

    A name whose time to live is 0 is looked up again for every hop. Concurrent calls for one name share one look-up.
    """

    def __init__(
        self,
        lookup: Lookup | None = None,
        settings: NameSettings | None = None,
        now_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        self._lookup = lookup
        self._settings = settings or NameSettings()
        self._now_ms = now_ms
        self._cache: FIFOCache[str, tuple[float, LookupAnswer]] = FIFOCache(self._settings.max_names)
        self._look_ups: SingleFlight[str, LookupAnswer] = SingleFlight(lands_alone=True)

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """Endpoints of `host` in the order of RFC 6724. Raises `DnsFailure` (details: host)."""
        if (address := literal(host)) is not None:
            return (Endpoint(str(address), port),)
        answer = self._cached(host) or await self._looked_up(host)
        if not answer.addresses:
            raise DnsFailure(f"{host} does not resolve: {answer.reason}", host=host)
        return tuple(Endpoint(address, port) for address in answer.addresses)

    async def close(self) -> None:
        """Abandons running look-ups."""
        if self._lookup is not None:
            await self._lookup.close()
        self._look_ups.cancel()

    async def _looked_up(self, host: str) -> LookupAnswer:
        try:
            async with asyncio.timeout(self._settings.timeout_ms / 1000):
                return await self._look_ups.join(host, lambda: self._look_up(host))
        except TimeoutError:
            message = f"{host} did not resolve within {self._settings.timeout_ms} ms"
            raise DnsFailure(message, host=host) from None

    async def _look_up(self, host: str) -> LookupAnswer:
        self._lookup = self._lookup or lookup_of()[0]
        answer = await self._lookup.look_up(host)
        self._remember(host, answer)
        return answer

    def _cached(self, host: str) -> LookupAnswer | None:
        until_ms, answer = self._cache.get(host, (0, None))
        return answer if self._now_ms() < until_ms else None

    def _remember(self, host: str, answer: LookupAnswer) -> None:
        self._cache.pop(host, None)
        if not (kept_ms := kept_for_ms(answer, self._settings)):
            return
        self._cache[host] = (self._now_ms() + kept_ms, answer)


def kept_for_ms(answer: LookupAnswer, settings: NameSettings) -> int:
    """The time for which an answer counts; 0 = only for those that wait for it."""
    if not answer.addresses:
        return settings.failure_ms
    return settings.no_ttl_ms if answer.ttl_ms is None else min(answer.ttl_ms, settings.max_ttl_ms)
