"""The fetcher: in this process with its transport, resolver and robots cache, or a client of its service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aragog.assembly.backends import ROBOTS_CACHE, open_backend
from aragog.assembly.clients import client_of
from aragog.settings import Settings
from aragog.telemetry import fetcher_telemetry
from drivers.owner_lock import Locks
from fetcher.addresses import AddressPolicy
from fetcher.fleet import FetcherFleet
from fetcher.resolver import MappedResolver, SystemResolver, lookup_of, parse_connect_to
from fetcher.service import FetcherService
from fetcher.settings import FetchPolicy, NameSettings, RobotsSettings
from fetcher.transport import GuardedTransport
from fetcher.transport.dial import parse_proxy
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.ratelimiter.protocol import RateLimiter

#: A fetch walks up to eleven hops and their robots.txt, each waiting for a slot.
_CALL_MS = 120_000


@asynccontextmanager
async def fetcher_of(settings: Settings, limiter: RateLimiter, locks: Locks) -> AsyncIterator[Fetcher]:
    """The Fetcher that the settings name."""
    if settings.fetcher.service:
        async with fetcher_client(settings) as client:
            yield client
        return
    async with local_fetcher(settings, limiter, locks) as fetcher:
        yield fetcher


@asynccontextmanager
async def fetcher_client(settings: Settings) -> AsyncIterator[Fetcher]:
    """A client of the fetchers that the setting `fetcher.service` lists, separated by commas."""
    addresses = [address.strip() for address in settings.fetcher.service.split(",") if address.strip()]
    async with AsyncExitStack() as stack:
        clients = {
            address: await stack.enter_async_context(client_of(address, Fetcher, _CALL_MS)) for address in addresses
        }
        yield FetcherFleet(clients) if len(clients) != 1 else clients[addresses[0]]


def fetcher_settings(settings: Settings) -> FetchPolicy:
    """The fetcher's settings; the contact becomes part of the User-Agent."""
    given = settings.fetcher
    return FetchPolicy(
        user_agent=f"{given.user_agent} (+{given.contact})" if given.contact else given.user_agent,
        max_content_bytes=given.max_content_bytes,
        deadline_ms=given.deadline_ms,
        robots=RobotsSettings(max_age_ms=given.robots_max_age_ms),
        names=NameSettings(max_ttl_ms=given.dns_max_ttl_ms),
    )


@asynccontextmanager
async def local_fetcher(settings: Settings, limiter: RateLimiter, locks: Locks) -> AsyncIterator[FetcherService]:
    """The fetcher of this process. It sends as long as `locks` hold: those of a limiter beside it, if there is one."""
    told = fetcher_settings(settings)
    policy = AddressPolicy.of(allow=settings.fetcher.allow_private, deny=settings.fetcher.deny)
    proxy = parse_proxy(settings.fetcher.proxy) if settings.fetcher.proxy else None
    connect_to = parse_connect_to(settings.fetcher.connect_to)
    system = SystemResolver(lookup_of(settings.fetcher.dns)[0], told.names)
    cache = await open_backend("fetcher.robots_cache", ROBOTS_CACHE, settings.fetcher.robots_cache, settings)
    service = FetcherService(
        limiter=limiter,
        resolver=MappedResolver(connect_to, system),
        transport=GuardedTransport(told.transport, proxy=proxy),
        robots_cache=cache,
        settings=told,
        policy=policy,
        telemetry=fetcher_telemetry(settings),
        check=locks.check,
    )
    try:
        yield service
    finally:
        await service.close()
        await system.close()
