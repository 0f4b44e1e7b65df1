"""Shared parts of the limiter's tests: a clock that tests move, short requests, conditions of granted slots."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ratelimiter import ALONE, LimitsInForce, MemoryState, RateLimiterService, StateBackend
from ratelimiter.ownership import Ownership
from ratelimiter.telemetry import SilentLimiterTelemetry
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import (
    BlockRequest,
    DomainStatus,
    FeedbackRequest,
    Grant,
    Reservation,
    ReserveRequest,
    StatusRequest,
)

CONTEXT = Context(source="test")
START_MS = 5_000_000.0
ROUNDING_MS = 1e-6


class Clock:
    """A monotonic clock that only tests move."""

    def __init__(self, now_ms: float = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> float:
        return self.now_ms

    def advance(self, ms: float) -> None:
        assert ms >= 0
        self.now_ms += ms


class Heard(SilentLimiterTelemetry):
    """Telemetry that keeps what it is told."""

    def __init__(self) -> None:
        self.loaded: list[int] = []
        self.refused: list[str] = []
        self.holds: list[tuple[str, int, float]] = []
        self.contentions: list[str] = []

    def limits_loaded(self, path: str, overrides: int) -> None:
        self.loaded.append(overrides)

    def limits_refused(self, path: str, reason: str) -> None:
        self.refused.append(reason)

    def held(self, domain: str, status: int, hold_ms: float) -> None:
        self.holds.append((domain, status, hold_ms))

    def contended(self, domain: str) -> None:
        self.contentions.append(domain)


async def limiter(
    clock: Clock,
    state: StateBackend | None = None,
    *,
    overrides: Path | None = None,
    qps: float = 10,
    telemetry: SilentLimiterTelemetry | None = None,
    ownership: Ownership = ALONE,
) -> RateLimiterService:
    heard = telemetry or SilentLimiterTelemetry()
    limits = await LimitsInForce.open(overrides, qps, heard)
    return RateLimiterService(state or MemoryState(), limits, clock, heard, ownership=ownership, jitter=lambda: 0.0)


def wish(domain: str = "example.com", crawl_delay_ms: int | None = None, max_wait_ms: int = 1000) -> Reservation:
    return Reservation(domain, "www." + domain, crawl_delay_ms, max_wait_ms)


async def reserve(
    service: RateLimiter, domain: str = "example.com", crawl_delay_ms: int | None = None, max_wait_ms: int = 1000
) -> Grant:
    return await service.reserve(ReserveRequest(CONTEXT, wish(domain, crawl_delay_ms, max_wait_ms)))


async def answer(
    service: RateLimiter, status: int, retry_after_ms: int | None = None, domain: str = "example.com"
) -> None:
    await service.feedback(FeedbackRequest(CONTEXT, domain, domain, status, retry_after_ms))


async def status_of(service: RateLimiter, domain: str = "example.com") -> DomainStatus:
    return await service.status(StatusRequest(CONTEXT, domain))


async def block(service: RateLimiter, for_ms: int, domain: str = "example.com") -> None:
    await service.block(BlockRequest(CONTEXT, domain, for_ms))


def assert_spaced(slots: Sequence[float], interval_ms: float) -> None:
    """Slots in the order of their grants: strictly increasing, never nearer than the interval."""
    gaps = [later - earlier for earlier, later in pairwise(slots)]
    assert min(gaps, default=interval_ms) >= interval_ms - ROUNDING_MS
    assert_promise(slots, 1_000 / interval_ms)


def assert_promise(slots: Sequence[float], qps: float) -> None:
    """No 1 s window holds more than 1.05 x qps + 1 of them."""
    ordered = sorted(slots)
    first = 0
    for last, slot in enumerate(ordered):
        while ordered[first] <= slot - 1_000:
            first += 1
        assert last - first + 1 <= 1.05 * qps + 1
