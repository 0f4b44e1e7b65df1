"""The rate limiter: in this process over the backends that the settings name, or a client of its service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from aragog.assembly.backends import HOLDS, LIMITER_STATE, open_backend
from aragog.assembly.clients import client_of, pool_of
from aragog.settings import Settings
from aragog.telemetry import limiter_telemetry
from drivers.owner_lock import Locks
from drivers.paths import path_of
from ratelimiter import FileState, LimitsInForce, Ownership, RateLimiterService
from ratelimiter import ReservingSettings as LimiterOptions
from ratelimiter.backends.file import boot_id
from ratelimiter.backends.holds_file import FileHolds
from ratelimiter.ledger.writing import SEGMENT_BYTES, Ledger
from ratelimiter.ownership import LockedAlone
from ratelimiter.pool import ShardOwnership
from runtime.clock import monotonic_ms, precise_wall_ms
from thrift_idl.errors import BadConfiguration
from thrift_idl.gen.ratelimiter.protocol import RateLimiter

_POOL = "pool://"
_CALL_MS = 5_000


@asynccontextmanager
async def limiter_of(settings: Settings, locks: Locks) -> AsyncIterator[RateLimiter]:
    """The rate limiter. In this process it needs the data directory's lock, among `locks`."""
    if settings.ratelimiter.service:
        async with _client(settings) as client:
            yield client
        return
    async with local_limiter(settings, locks) as limiter:
        yield limiter


@asynccontextmanager
async def local_limiter(settings: Settings, locks: Locks) -> AsyncIterator[RateLimiterService]:
    """The rate limiter of this process. It grants as long as `locks` hold; it adds its own to them."""
    given, log = settings.ratelimiter, limiter_telemetry(settings)
    limits = await LimitsInForce.open(settings.path("ratelimiter.overrides"), given.qps, log)
    candidate = settings.path("ratelimiter.shadow_overrides")
    shadow = await LimitsInForce.open(candidate, given.qps, log) if candidate else None
    state = await open_backend("ratelimiter.state", LIMITER_STATE, given.state, settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(state.close)
        holds = await open_backend("ratelimiter.holds", HOLDS, given.holds, settings)
        stack.push_async_callback(holds.close)
        ledger = await _ledger(settings, stack)
        for place in (state, holds, ledger):
            if isinstance(place, (FileState, FileHolds, Ledger)):
                locks.add(place.lock)
        yield RateLimiterService(
            state,
            limits,
            telemetry=log,
            settings=LimiterOptions(max_crawl_delay_ms=given.max_crawl_delay_ms),
            ownership=await _ownership(settings, stack, locks),
            ledger=ledger,
            shadow_limits=shadow,
            holds=holds,
        )


async def _ledger(settings: Settings, stack: AsyncExitStack) -> Ledger | None:
    given = settings.ratelimiter
    if not given.ledger:
        return None
    directory, most = ledger_folder(settings), given.ledger_mib << 20
    segment = min(SEGMENT_BYTES, most // 4)
    shard = given.shard or "alone"
    ledger = await Ledger.open(
        directory, shard, boot_id(), monotonic_ms, precise_wall_ms, segment_bytes=segment, max_bytes=most
    )
    stack.push_async_callback(ledger.close)
    return ledger


def ledger_folder(settings: Settings) -> Path:
    """The folder of this process's ledger. Raises `BadConfiguration`."""
    try:
        return path_of(settings.expand(settings.ratelimiter.ledger), "file")
    except BadConfiguration as error:
        raise BadConfiguration(f"ratelimiter.ledger: {error.message}, or nothing") from None


def _client(settings: Settings) -> AbstractAsyncContextManager[RateLimiter]:
    service = settings.ratelimiter.service
    if service.startswith(_POOL):
        return pool_of(_pool_file(service, settings), _CALL_MS)
    return client_of(service, RateLimiter, _CALL_MS)


def membership_file(settings: Settings) -> Path | None:
    """The file that names the pool's shards, for a client of it or for a shard; None = no pool.

    Raises `BadConfiguration`.
    """
    service = settings.ratelimiter.service
    return _pool_file(service, settings) if service.startswith(_POOL) else settings.path("ratelimiter.membership")


def _pool_file(service: str, settings: Settings) -> Path:
    try:
        return path_of(settings.expand(service), "pool")
    except BadConfiguration as error:
        raise BadConfiguration(f"ratelimiter.service: {error.message}") from None


async def _ownership(settings: Settings, stack: AsyncExitStack, locks: Locks) -> Ownership:
    """The share of the shard that the settings name, or everything."""
    shard, membership = settings.ratelimiter.shard, settings.path("ratelimiter.membership")
    if not shard and not membership:
        return LockedAlone(locks.check, monotonic_ms)
    if not shard or not membership:
        raise BadConfiguration("ratelimiter.shard and ratelimiter.membership go together: which one of which pool?")
    ownership = await ShardOwnership.open(shard, membership, monotonic_ms, limiter_telemetry(settings), locks.check)
    stack.push_async_callback(ownership.close)
    return ownership
