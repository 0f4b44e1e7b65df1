"""The guard in front of every connection: the endpoints of a URL, vetted, or the error that keeps it from a request."""

from __future__ import annotations

from dataclasses import dataclass

import weburl
from fetcher.addresses import AddressPolicy
from fetcher.resolver import Endpoint, Resolver, guarded_endpoints
from fetcher.settings import check_contact


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
