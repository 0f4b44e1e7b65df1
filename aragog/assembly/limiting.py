"""The rate limiter: in this process over the backends that the settings name, or a client of its service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aragog.assembly.backends import LIMITER_STATE, open_backend
from aragog.assembly.clients import client_of
from aragog.settings import Settings
from aragog.telemetry import LimiterLog
from ratelimiter import Limits, RateLimiterService
from thrift_idl.gen.ratelimiter.protocol import RateLimiter


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
    given, log = settings.ratelimiter, LimiterLog()
    path = Path(settings.expand(given.overrides)) if given.overrides else None
    limits = await Limits.open(path, given.qps, log)
    state = await open_backend("ratelimiter.state", LIMITER_STATE, given.state, settings)
    try:
        yield RateLimiterService(state, limits, telemetry=log)
    finally:
        await state.close()
