"""The guard in front of every connection: the endpoints of a URL, vetted, or the error that keeps it from a request."""

from __future__ import annotations

from dataclasses import dataclass

import weburl
from fetcher.addresses import AddressPolicy, literal
from fetcher.resolver import Endpoint, Resolver, guarded_endpoints
from fetcher.settings import has_contact
from thrift_idl.errors import BadConfiguration


@dataclass(frozen=True, slots=True)
class EndpointGuard:
    """Pages, robots.txt and explanations ask it, each time anew."""

    resolver: Resolver
    policy: AddressPolicy
    user_agent: str

    async def endpoints(self, url: weburl.Url) -> tuple[Endpoint, ...]:
        """The endpoints to dial. Raises `AddressDenied`, `DnsFailure`; `BadConfiguration` without a contact."""
        endpoints = await guarded_endpoints(url.host, url.port, self.resolver, self.policy)
        check_contact(self.user_agent, [endpoint.address for endpoint in endpoints])
        return endpoints


def check_contact(user_agent: str, addresses: list[str]) -> None:
    """Raise `BadConfiguration` if one of `addresses` leaves loopback and the User-Agent names no contact."""
    if has_contact(user_agent) or all(_is_loopback(address) for address in addresses):
        return
    raise BadConfiguration(
        f"user_agent {user_agent!r} names no contact: add a URL or mail address before fetching from other hosts"
    )


def _is_loopback(address: str) -> bool:
    parsed = literal(address)
    return parsed is not None and parsed.is_loopback
