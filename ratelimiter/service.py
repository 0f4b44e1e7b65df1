"""The service: validate, delegate, answer in durations."""

from __future__ import annotations

import random
from collections.abc import Callable

from ratelimiter import next_slot
from ratelimiter.checks import check, check_batch, check_domain, check_host, check_number
from ratelimiter.domain_state import DomainStates
from ratelimiter.feedback import HOLDING, Answered, hear
from ratelimiter.holds import VOLATILE, Holds, HoldSync
from ratelimiter.ledger.writing import LedgerSink
from ratelimiter.limits import LimitsSource
from ratelimiter.ownership import ALONE, Ownership
from ratelimiter.reserving import DEFAULTS, Reserving, ReservingSettings
from ratelimiter.shadow import Shadow
from ratelimiter.state import StateBackend
from ratelimiter.status import status_of
from ratelimiter.telemetry import SILENT, LimiterTelemetry
from runtime.clock import monotonic_ms
from runtime.durations import DAY_MS
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


class RateLimiterService:
    """Implements `thrift_idl.gen.ratelimiter.protocol.RateLimiter`. Used by one event loop."""

    def __init__(
        self,
        state: StateBackend,
        limits: LimitsSource,
        now_ms: Callable[[], float] = monotonic_ms,
        telemetry: LimiterTelemetry = SILENT,
        settings: ReservingSettings = DEFAULTS,
        ownership: Ownership = ALONE,
        ledger: LedgerSink | None = None,
        shadow_limits: LimitsSource | None = None,
        jitter: Callable[[], float] = random.random,
        holds: Holds = VOLATILE,
    ) -> None:
        self._state = state
        self._limits = limits
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._domain_states = DomainStates()
        self._hold_sync = HoldSync(self._domain_states, holds, ownership, now_ms)
        self._jitter = jitter
        self._shadow = (
            Shadow(shadow_limits, self._domain_states, settings.max_crawl_delay_ms) if shadow_limits else None
        )
        self._reserving = Reserving(
            state,
            limits,
            self._domain_states,
            self._hold_sync,
            now_ms,
            telemetry,
            settings,
            ownership,
            ledger,
            self._shadow,
        )
        self._ownership = ownership

    async def reserve(self, request: ReserveRequest) -> Grant:
        """Take the next slot of a domain, or get the time to ask again: a refusal is an answer, not an error.

        Raises `InvalidRequest`; `BackendDown` if the slot can't be recorded: then no valid one was taken.
        """
        wish, source = request.reservation, request.context.source
        check(wish)
        grant = self._reserving.take_at_once(source, wish)
        return await self._reserving.take(source, wish) if grant is None else grant

    async def reserve_batch(self, request: ReserveBatchRequest) -> tuple[Grant, ...]:
        """Many reservations, answered in order; at most 1,000. An invalid one refuses the whole call."""
        check_batch(request.reservations)
        return await self._reserving.take_each(request.context.source, request.reservations)

    async def feedback(self, request: FeedbackRequest) -> None:
        """Report the end of a request; some answers hold the domain for all callers (`ratelimiter.feedback`).

        Raises `NotOwner`, like all calls about one domain.
        """
        check_domain(request.domain)
        check_number("status", request.status)
        check_number("retry_after_ms", request.retry_after_ms or 0)
        check_number("latency_ms", request.latency_ms or 0)
        domain, status = request.domain, request.status
        await self._reserving.sure()
        self._ownership.floor_ms(domain)
        if status not in HOLDING and self._domain_states.find(domain) is None:
            return
        now = self._now_ms()
        answer = Answered(status, request.retry_after_ms, request.url_key or b"", request.latency_ms or 0.0)
        domain_state = self._domain_states.take(domain, now)
        doubled = domain_state.unasked_hold_ms
        hold_ms = hear(domain_state, now, answer, self._jitter())
        if hold_ms:
            self._telemetry.held(domain, status, hold_ms)
        if hold_ms or domain_state.unasked_hold_ms != doubled:
            await self._hold_sync.keep(domain, domain_state)

    async def status(self, request: StatusRequest) -> DomainStatus:
        """The present state of a domain, and of one of its hosts if it is named. Takes no slot."""
        check_domain(request.domain)
        check_host(request.host)
        now = await self._reserving.sure()
        limits = await self._limits.current(now)
        pace = self._reserving.pace(Reservation(request.domain, request.host), limits)
        found, floor = await self._state.get(pace.keys), self._ownership.floor_ms(request.domain)
        slot = pace.slot_ms(now, tuple([max(time, floor) for time in found]), self._domain_states)
        shadow = await self._shadow.report(request.domain, now) if self._shadow else None
        return status_of(pace, now, slot, self._domain_states, self._ownership.version, self._limits.complaint, shadow)

    async def block(self, request: BlockRequest) -> None:
        """Grant nothing to a domain for `for_ms` (at most a day at a time); 0 lifts the block."""
        check_domain(request.domain)
        check_number("for_ms", request.for_ms)
        await self._reserving.sure()
        self._ownership.floor_ms(request.domain)
        now = self._now_ms()
        domain_state = self._domain_states.take(request.domain, now)
        domain_state.blocked_until = now + min(request.for_ms, DAY_MS) if request.for_ms else next_slot.NEVER
        await self._hold_sync.keep(request.domain, domain_state)
