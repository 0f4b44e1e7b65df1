"""The service: validate, delegate, answer in durations."""

from __future__ import annotations

import time
from collections.abc import Callable

from ratelimiter import rules
from ratelimiter.limits import LimitsSource
from ratelimiter.ownership import ALONE, Ownership
from ratelimiter.reserving import DEFAULTS, Reserving, Settings
from ratelimiter.standing import DAY_MS, UNHEARD, Standings, blocked_until
from ratelimiter.state import StateBackend, state_key
from ratelimiter.telemetry import SILENT, Telemetry
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.ratelimiter.ttypes import (
    BlockRequest,
    DomainStatus,
    FeedbackRequest,
    Grant,
    Reservation,
    ReserveBatchRequest,
    ReserveRequest,
    StatusRequest,
)

MAX_BATCH = 1_000
_MAX_NAME = 253  # RFC 1035 section 2.3.4, without the trailing dot
_MAX_MS = 2**53  # exact as a double


def monotonic_ms() -> float:
    """The machine's monotonic clock in milliseconds; all processes of one boot share it."""
    return time.monotonic_ns() / 1e6


class RateLimiterService:
    """Fills `thrift_idl.gen.ratelimiter.protocol.RateLimiter`. Used by one event loop."""

    def __init__(
        self,
        state: StateBackend,
        limits: LimitsSource,
        now_ms: Callable[[], float] = monotonic_ms,
        telemetry: Telemetry = SILENT,
        settings: Settings = DEFAULTS,
        ownership: Ownership = ALONE,
    ) -> None:
        self._state = state
        self._limits = limits
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._standings = Standings()
        self._reserving = Reserving(state, limits, self._standings, now_ms, telemetry, settings, ownership)
        self._ownership = ownership

    async def reserve(self, request: ReserveRequest) -> Grant:
        """Take the next slot of a domain, or learn when to ask again: a refusal is an answer, not an error.

        Raises `InvalidRequest`; `BackendDown` if the slot can't be recorded: then none was taken that counts.
        """
        _check(request.reservation)
        return await self._reserving.take(request.context.source, request.reservation)

    async def reserve_batch(self, request: ReserveBatchRequest) -> tuple[Grant, ...]:
        """Many reservations, answered in order; at most 1,000. One that makes no sense refuses the whole call."""
        if len(request.reservations) > MAX_BATCH:
            raise InvalidRequest(f"reservations: at most {MAX_BATCH} a call, not {len(request.reservations)}")
        for reservation in request.reservations:
            _check(reservation)
        return await self._reserving.take_each(request.context.source, request.reservations)

    async def feedback(self, request: FeedbackRequest) -> None:
        """Tell how a request ended; 429, and 503 with Retry-After, hold the domain for all callers.

        Raises `NotOwner`, as all calls that speak of one domain.
        """
        _check_domain(request.domain)
        _check_number("status", request.status)
        _check_number("retry_after_ms", request.retry_after_ms or 0)
        _check_number("latency_ms", request.latency_ms or 0)
        domain, status = request.domain, request.status
        self._ownership.floor_ms(domain)
        if status not in {429, 503} and self._standings.find(domain) is None:
            return
        now = self._now_ms()
        hold_ms = self._standings.take(domain, now).answered(now, status, request.retry_after_ms)
        if hold_ms:
            self._telemetry.held(domain, status, hold_ms)

    async def status(self, request: StatusRequest) -> DomainStatus:
        """What holds for a domain at present. Takes no slot."""
        _check_domain(request.domain)
        now = self._now_ms()
        limit = await self._limits.of(request.domain, now)
        (last,) = await self._state.get((state_key(request.domain),))
        last = max(last, self._ownership.floor_ms(request.domain))
        standing = self._standings.find(request.domain) or UNHEARD
        until = blocked_until(limit, standing, now)
        slot = rules.slot_ms(now, last, limit.interval_ms, self._reserving.not_before(request.domain, limit, now))
        return DomainStatus(
            domain=request.domain,
            interval_ms=limit.interval_ms,
            next_slot_ms=slot - now,
            held_ms=max(standing.held_until - now, 0.0),
            blocked_ms=max(until - now, 0.0),
            limit=limit.name,
            version=self._ownership.version,
        )

    async def block(self, request: BlockRequest) -> None:
        """Grant nothing to a domain for `for_ms` (at most a day at a time); 0 lifts the block."""
        _check_domain(request.domain)
        _check_number("for_ms", request.for_ms)
        self._ownership.floor_ms(request.domain)
        now = self._now_ms()
        standing = self._standings.take(request.domain, now)
        standing.blocked_until = now + min(request.for_ms, DAY_MS) if request.for_ms else rules.NEVER


def _check(wish: Reservation) -> None:
    _check_domain(wish.domain)
    if len(wish.host or "") > _MAX_NAME:
        raise InvalidRequest(f"host: at most {_MAX_NAME} characters")
    if wish.crawl_delay_ms is not None:
        _check_number("crawl_delay_ms", wish.crawl_delay_ms)
    if wish.max_wait_ms is not None:
        _check_number("max_wait_ms", wish.max_wait_ms)


def _check_domain(domain: str) -> None:
    """One spelling only: another one of the same domain would have a limit of its own."""
    if not domain or len(domain) > _MAX_NAME:
        raise InvalidRequest(f"domain: 1 to {_MAX_NAME} characters, please")
    if not domain.isascii() or domain != domain.lower() or domain[-1] == ".":
        raise InvalidRequest(f"domain: {domain!r} must be in lower case ASCII, without a trailing dot")


def _check_number(name: str, value: float) -> None:
    if not 0 <= value <= _MAX_MS:  # nor does NaN compare
        raise InvalidRequest(f"{name}: must be a number from 0 to 2**53, not {value!r}")
