"""One service each: in this process, or a client of the address that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from aragog.assembly.backends import CONTENT, LIMITER_STATE, METADATA, open_backend
from aragog.settings import Settings
from ratelimiter import Limits, RateLimiterService
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.rpc import Channel, ClientLimits
from urlstore.service import UrlStoreService

P = TypeVar("P")


@asynccontextmanager
async def client_of(address: str, protocol: Callable[..., P], deadline_ms: int = 30_000) -> AsyncIterator[P]:
    """A client of the service at `address`."""
    channel = Channel(address, ClientLimits(deadline_ms=deadline_ms))
    try:
        yield channel.client(protocol)
    finally:
        await channel.close()


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[UrlStore]:
    """The UrlStore. Needs no lock: several processes may read and write one embedded store."""
    if settings.urlstore.service:
        async with client_of(settings.urlstore.service, UrlStore) as client:
            yield client
        return
    async with local_store(settings) as store:
        yield store


@asynccontextmanager
async def local_store(settings: Settings) -> AsyncIterator[UrlStoreService]:
    """The UrlStore of this process, over the backends that the settings name."""
    given = settings.urlstore
    metadata = await open_backend("urlstore.metadata", METADATA, given.metadata, settings)
    try:
        content = await open_backend("urlstore.content", CONTENT, given.content, settings)
    except BaseException:
        await metadata.close()
        raise
    service = UrlStoreService(metadata, content)
    try:
        yield service
    finally:
        await service.close()


@asynccontextmanager
async def limiter_of(settings: Settings) -> AsyncIterator[RateLimiter]:
    """The rate limiter. In this process it wants the data directory's lock."""
    if settings.ratelimiter.service:
        async with client_of(settings.ratelimiter.service, RateLimiter, 5_000) as client:
            yield client
        return
    async with local_limiter(settings) as limiter:
        yield limiter


@asynccontextmanager
async def local_limiter(settings: Settings) -> AsyncIterator[RateLimiterService]:
    """The rate limiter of this process."""
    overrides = settings.ratelimiter.overrides
    limits = await Limits.open(Path(settings.expand(overrides)) if overrides else None, settings.ratelimiter.qps)
    state = await open_backend("ratelimiter.state", LIMITER_STATE, settings.ratelimiter.state, settings)
    try:
        yield RateLimiterService(state, limits)
    finally:
        await state.close()
