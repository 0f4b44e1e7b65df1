"""Reservations: no request is sent without a slot of its registrable domain, and none is sent late on an old one.

Nor on a grant that is older than a hold. A grant may lie a second ahead. A 429 or 503 that comes before it counts for
the whole registrable domain (the limiter decides about the hold: a new request for a grant is refused, or not), and so
does a refusal because of a hold that another process caused. `HoldsHeard` counts in marks, not in times: no clock is
fine enough.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from cachetools import FIFOCache

from fetcher.telemetry import FetcherTelemetry
from fetcher.time_budget import Budget
from runtime.clock import Clock
from thrift_idl.errors import Deferred, HostHeld, NoSlot
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import SlotTaken
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Grant, Reservation, ReserveRequest

HOLDING = frozenset((429, 503))  # RFC 6585 section 4, RFC 9110 section 15.6.4
_MOST_DOMAINS = 10_000  # the oldest are dropped: a grant lives for a second
_NOTHING = (0, 0.0)
_Notes = FIFOCache[str, tuple[int, float]]
"""Domain -> (the mark at which it was heard, the time until which there is no slot)."""


class HoldsHeard:
    """The holds heard, by registrable domain. Used by one event loop."""

    def __init__(self) -> None:
        self.mark = 0
        """The present mark: holds heard before don't affect later grants."""
        self._answers: _Notes = FIFOCache(_MOST_DOMAINS)
        self._refusals: _Notes = FIFOCache(_MOST_DOMAINS)
        self._telling: dict[str, set[asyncio.Future[None]]] = {}

    def voids(self, domain: str, mark: int, due_ms: float) -> bool:
        """True if a grant requested at `mark`, with its slot at `due_ms`, is void."""
        if self.mark <= mark:  # nearly always: nothing was heard since
            return False
        return any(
            heard > mark and due_ms < until_ms
            for heard, until_ms in (self._answers.get(domain, _NOTHING), self._refusals.get(domain, _NOTHING))
        )

    @contextmanager
    def telling(self, domain: str) -> Iterator[None]:
        """The block tells the limiter of an answer that may hold `domain`. A grant older than its end is void."""
        telling = self._telling.setdefault(domain, set())
        told = asyncio.get_running_loop().create_future()
        telling.add(told)
        self._note(self._answers, domain, math.inf)
        try:
            yield
        finally:
            self._note(self._answers, domain, math.inf)
            telling.remove(told)
            if not telling:
                del self._telling[domain]
            told.set_result(None)

    async def told(self, domain: str) -> None:
        """Return when the limiter knows every answer about `domain`: before that, it might grant a held domain."""
        while telling := self._telling.get(domain):
            await asyncio.shield(next(iter(telling)))

    def refused(self, domain: str, until_ms: float) -> None:
        """The limiter holds `domain` until `until_ms` at least: no slot is sooner."""
        self._note(self._refusals, domain, until_ms)

    def _note(self, notes: _Notes, domain: str, until_ms: float) -> None:
        self.mark += 1
        notes[domain] = self.mark, until_ms


SLACK_MS = 50.0
"""The slots of 1.05 s are at most 1.05 x qps + 1, the bound for one second: so a request may be this late."""
_TAKES = 4  # a process that stalls repeatedly should defer instead of taking more slots


def is_void(reserve_sent_ms: float, grant: Grant, now_ms: float) -> bool:
    """True if `grant` is too old: used later than 50 ms after its slot, for any interval (ADR 12).

    The slot is counted from when the reserve call was *sent*: the limiter answered no earlier than that, so a process
    that stalled between answer and use can't use an old slot as a new one.
    """
    return now_ms - (reserve_sent_ms + grant.wait_ms) > SLACK_MS


def refusal(grant: Grant) -> Deferred:
    """The error for a reservation that was refused."""
    kind = NoSlot if grant.reason in ("", "no_slot") else HostHeld
    reason = grant.reason or "no_slot"
    return kind(f"the rate limiter refused: {reason}", delay_ms=max(1, math.ceil(grant.retry_after_ms)), reason=reason)


class Slot(Protocol):
    """The reservations of one request, in the transport's view."""

    max_wait_ms: int

    async def reserve(self) -> None:
        """Take a slot. Raises `NoSlot` or `HostHeld`."""

    async def wait(self) -> None:
        """Return when the slot has come; takes another one if it was missed."""


class ReservedSlot:
    """`Slot` over the rate limiter. `waited_ms` adds up the waiting time.

    The grant is checked right before the request is sent, without a suspension between: it is
    void if it is too old, or if a hold was heard since it was requested. Nothing is sent if `check` raises.
    """

    def __init__(
        self,
        limiter: RateLimiter,
        reservation: Reservation,
        context: Context,
        budget: Budget,
        clock: Clock,
        telemetry: FetcherTelemetry,
        holds: HoldsHeard,
        check: Callable[[], None],
    ) -> None:
        self._limiter = limiter
        self._reservation = reservation
        self._context = context
        self._budget = budget
        self._now_ms = clock.now_ms
        self._telemetry = telemetry
        self._holds = holds
        self._check = check
        self._mark = 0
        self._grant: Grant | None = None
        self._sent_ms = self._due_ms = 0.0
        self.taken = 0
        self.waited_ms = 0.0
        self.max_wait_ms = reservation.max_wait_ms

    async def reserve(self) -> None:
        """Take a slot. Raises `NoSlot` or `HostHeld`."""
        began_ms, domain = self._now_ms(), self._reservation.domain
        await self._holds.told(domain)
        wish, self._sent_ms, self._mark = self._within_patience(), self._now_ms(), self._holds.mark
        grant = await self._limiter.reserve(ReserveRequest(self._context, wish))
        now_ms = self._now_ms()
        self._count(now_ms - began_ms)
        if not grant.granted:
            if grant.reason == "held":
                self._holds.refused(domain, self._sent_ms + wish.max_wait_ms)
            raise refusal(grant)
        self.taken += 1
        # The limiter computed it between sending and now: counting from now is never too early.
        self._grant, self._due_ms = grant, now_ms + grant.wait_ms

    async def wait(self) -> None:
        """Return when the slot has come; takes another one if it was missed."""
        for _ in range(_TAKES):
            assert self._grant is not None, "reserve first"
            began_ms = self._now_ms()
            if self._due_ms > began_ms and not self._is_void(self._grant, began_ms):
                await asyncio.sleep((self._due_ms - began_ms) / 1000)
            now_ms = self._now_ms()
            self._count(now_ms - began_ms)
            if not self._is_void(self._grant, now_ms):
                self._check()
                return
            self._telemetry.grant_voided(self._reservation.domain)
            await self.reserve()
        raise NoSlot("slots went by unused, again and again", delay_ms=self.max_wait_ms, reason="void")

    @property
    def facts(self) -> SlotTaken:
        """The facts of the slot that the request was sent on."""
        interval_ms = self._grant.interval_ms if self._grant else 0.0
        return SlotTaken(self._reservation.domain, self.taken, self.waited_ms, interval_ms)

    def _is_void(self, grant: Grant, now_ms: float) -> bool:
        heard = self._holds.voids(self._reservation.domain, self._mark, self._due_ms)
        return heard or is_void(self._sent_ms, grant, now_ms)

    def _count(self, waited_ms: float) -> None:
        self.waited_ms += waited_ms
        self._budget.exclude(waited_ms)

    def _within_patience(self) -> Reservation:
        """The reservation, its wait bounded by the caller's remaining time."""
        left_ms = int(max(0.0, self._budget.caller_left_ms()))
        given = self._reservation
        if left_ms >= given.max_wait_ms:
            return given
        return Reservation(given.domain, given.host, given.crawl_delay_ms, left_ms)
