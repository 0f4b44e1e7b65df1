"""One service each: in this process, or a client of the address that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from aragog.assembly.backends import CONTENT, METADATA, open_backend
from aragog.settings import Settings
from ratelimiter import FileState, Limits, MemoryState, RateLimiterService, StateBackend, monotonic_ms
from thrift_idl.errors import BadConfiguration
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
    async with AsyncExitStack() as stack:
        opened = []
        for setting, table, url in (
            ("urlstore.metadata", METADATA, settings.urlstore.metadata),
            ("urlstore.content", CONTENT, settings.urlstore.content),
        ):
            backend = await open_backend(setting, table, settings.expand(url), durability=settings.durability)
            stack.push_async_callback(backend.close)
            opened.append(backend)
        yield UrlStoreService(*opened)


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
    state = await _limiter_state(settings.expand(settings.ratelimiter.state))
    try:
        yield RateLimiterService(state, limits)
    finally:
        await state.close()


async def _limiter_state(url: str) -> StateBackend:
    if url == "memory://":
        return MemoryState()
    path = url.removeprefix("file:///")
    if path == url or not path:
        raise BadConfiguration(f"ratelimiter.state: {url!r} names no backend; known: file:///path, memory://")
    return await FileState.open(Path(path), monotonic_ms)
