"""The resolver from a host to the addresses that we dial: resolved once, each vetted, never resolved again.

A `Resolver` only answers; `guarded_endpoints` decides. The transport dials the addresses that it returns, so that a
name that answers differently a moment later (DNS rebinding) changes nothing. Hosts come from `weburl`, whose parser has
already turned every spelling of an address into the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fetcher.addresses import PUBLIC_WEB, AddressPolicy, host_matches, host_pattern, literal, port_verdict, verdict
from thrift_idl.errors import AddressDenied, BadConfiguration, DnsFailure
from weburl import deciding_form


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

    One denied answer among good ones denies the host: honest names don't mix public and private addresses. The resolver
    is asked for the deciding form: all spellings of a host are at the same addresses. It isn't asked for a name with an
    empty label, which is none of the DNS (RFC 1034 3.1). Raises `AddressDenied` (details: host, address or port,
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
    return {host_pattern(pattern): _endpoint(pattern, text) for pattern, text in entries.items()}


def _endpoint(pattern: str, text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    address = literal(host)
    if address is None or not port.isdecimal() or not 0 < int(port) < 65536:
        message = f'connect_to: {pattern!r} = {text!r} is no address and port, such as "127.0.0.1:8765" or "[::1]:8765"'
        raise BadConfiguration(message, entry=pattern)
    return Endpoint(str(address), int(port))
