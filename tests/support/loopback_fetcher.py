"""A fetcher over loopback, put together as the assembly does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

from fetcher.addresses import AddressPolicy
from fetcher.resolver import Endpoint, MappedResolver, SystemResolver
from fetcher.robots.cache import MemoryRobotsCache
from fetcher.service import FetcherService
from fetcher.settings import FetchPolicy
from fetcher.transport import GuardedTransport
from tests.support.open_limiter import OpenLimiter
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchRequest

HOSTS = "*.test"
CONTEXT = Context("test")


def asked(url: str, **fields: Any) -> FetchRequest:
    return FetchRequest(context=fields.pop("context", CONTEXT), url=url, **fields)


@asynccontextmanager
async def fetching(
    port: int, limiter=None, cache=None, tls=None, settings=None, telemetry=None, clock=None, proxy=None, **changes
):
    """A `FetcherService` for 127.0.0.1 and *.test, the latter mapped to `port`."""
    settings = settings or FetchPolicy(**changes)
    resolver = MappedResolver({HOSTS: Endpoint("127.0.0.1", port)}, SystemResolver())
    transport = GuardedTransport(settings.transport, tls, clock, proxy)
    service = FetcherService(
        limiter=limiter or OpenLimiter(),
        resolver=resolver,
        transport=transport,
        robots_cache=cache or MemoryRobotsCache(),
        settings=settings,
        policy=AddressPolicy.of([HOSTS, "127.0.0.1"]),
        telemetry=telemetry,
        clock=clock,
    )
    try:
        yield service, transport
    finally:
        await service.close()
