"""The step that takes slots: reads a domain's last one, applies the rules, moves it. A grant follows its record.

If a host has a limit of its own, its last slot is read and moved together with its domain's, both or neither.

A state in this process (`LocalState`) can't change between reading and moving: one pass, no suspension, one record for
a whole batch. A remote one is moved by compare-and-set, repeated a bounded number of times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ratelimiter import next_slot
from ratelimiter.domain_state import DomainStates
from ratelimiter.holds import HoldSync
from ratelimiter.ledger.lines import BY_CRAWL_DELAY, Row
from ratelimiter.ledger.writing import LedgerSink
from ratelimiter.limits import LimitsSource
from ratelimiter.overrides import Overrides
from ratelimiter.ownership import Ownership
from ratelimiter.pace import DomainPace
from ratelimiter.shadow import Shadow
from ratelimiter.state import LocalState, StateBackend, Times, state_key
from ratelimiter.telemetry import LimiterTelemetry
from thrift_idl.errors import NotOwner
from thrift_idl.gen.ratelimiter.ttypes import Grant, Reservation
from weburl import deciding_form

_MEMO = 1_000


@dataclass(frozen=True, slots=True)
class ReservingSettings:
    """The settings of reserving."""

    max_crawl_delay_ms: float = 60_000
    """A Crawl-delay lengthens the interval up to this; a longer limit of ours stays longer."""
    cas_attempts: int = 32
    """This many compare-and-sets may lose before a reservation is refused."""


DEFAULTS: Final = ReservingSettings()


class Reserving:
    """Takes slots over one state. Used by one event loop."""

    def __init__(
        self,
        state: StateBackend,
        limits: LimitsSource,
        domain_states: DomainStates,
        hold_sync: HoldSync,
        now_ms: Callable[[], float],
        telemetry: LimiterTelemetry,
        settings: ReservingSettings,
        ownership: Ownership,
        ledger: LedgerSink | None = None,
        shadow: Shadow | None = None,
    ) -> None:
        self._state = state
        self._here = state if isinstance(state, LocalState) else None
        self._limits = limits
        self._domain_states = domain_states
        self._hold_sync = hold_sync
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._settings = settings
        self._ownership = ownership
        self._lasts, self._is_due = ownership.lasts, hold_sync.is_due
        self._ledger = ledger
        self._shadow = shadow
        self._rows: list[Row] = []
        self._memo: dict[float, Grant] = {}

    def take_at_once(self, source: str, wish: Reservation) -> Grant | None:
        """Like `take` if it needs no waiting, which is nearly always; else None, and nothing was done."""
        here, limits, now = self._here, self._limits, self._now_ms()
        if here is None or self._shadow is not None or now >= limits.due_ms:
            return None
        if not self._lasts(now) or self._is_due(now):
            return None
        grant = self._take_here(here, wish, limits.in_force, now, self._ownership.floor_ms(wish.domain))
        self._commit(here)
        self._telemetry.reserved(source, wish.domain, grant)
        return grant

    async def take(self, source: str, wish: Reservation) -> Grant:
        """The next slot of the wish's domain, or a refusal. Raises `NotOwner`, `BackendDown`."""
        limits = await self._limits.current(self._now_ms())
        if self._here is None:
            grant = await self._take_there(self._state, wish, limits)
        else:
            now = await self.sure()
            grant = self._take_here(self._here, wish, limits, now, self._ownership.floor_ms(wish.domain))
            self._commit(self._here)
        self._telemetry.reserved(source, wish.domain, grant)
        if self._shadow is not None:
            await self._shadow.see((wish,), (grant,), self._now_ms())
        return grant

    async def take_each(self, source: str, wishes: Sequence[Reservation]) -> tuple[Grant, ...]:
        """Like `take` for each, in order; a domain of another shard is refused with `not_owner`.

        Raises `BackendDown`: then none counts.
        """
        limits = await self._limits.current(self._now_ms())
        if self._here is None:
            # At once: the backend combines waiting calls into few round trips.
            grants = await asyncio.gather(*(self._take_ours(self._state, wish, limits) for wish in wishes))
        else:
            grants = self._take_all_here(self._here, wishes, limits, await self.sure())
        for wish, grant in zip(wishes, grants, strict=True):
            self._telemetry.reserved(source, wish.domain, grant)
        if self._shadow is not None:
            await self._shadow.see(wishes, grants, self._now_ms())
        return tuple(grants)

    def pace(self, wish: Reservation, limits: Overrides) -> DomainPace:
        """The pace of a wish."""
        return DomainPace.of(wish, limits, self._settings.max_crawl_delay_ms)

    async def sure(self) -> float:
        """The time at which our hold on our domains is certain. Raises `BackendDown`.

        A decision for this time is right, even if the process is stopped before it answers: such a grant is
        void when it arrives, because its caller counts from its request.
        """
        now = self._now_ms()
        while not self._lasts(now) or self._is_due(now):
            await self._hold_sync.read() if self._ownership.lasts(now) else await self._ownership.renew()
            now = self._now_ms()
        return now

    def _take_all_here(
        self, here: LocalState, wishes: Sequence[Reservation], limits: Overrides, now: float
    ) -> list[Grant]:
        grants = []
        for wish in wishes:
            try:
                floor = self._ownership.floor_ms(wish.domain)
            except NotOwner:
                grants.append(self._not_ours())
            else:
                grants.append(self._take_here(here, wish, limits, now, floor))
        self._commit(here)
        return grants

    def _commit(self, here: LocalState) -> None:
        """Record the taken slots: in the state, then in the ledger."""
        if not self._rows:
            here.commit()
            return
        rows, self._rows = self._rows, []
        here.commit()
        if self._ledger is not None:
            self._ledger.extend(rows)

    async def _take_ours(self, state: StateBackend, wish: Reservation, limits: Overrides) -> Grant:
        try:
            return await self._take_there(state, wish, limits)
        except NotOwner:
            return self._not_ours()

    def _not_ours(self) -> Grant:
        return Grant(False, 0.0, 0.0, 0.0, "not_owner", self._ownership.version, True)

    def _take_here(self, here: LocalState, wish: Reservation, limits: Overrides, now: float, floor: float) -> Grant:
        """The common, fast case: nothing is blocked, and the host has no limit of its own."""
        domain = wish.domain
        limit = limits.of_domain(domain)
        if limit.blocked or (limits.others and limits.of_host(domain, deciding_form(wish.host))):
            return self._take_both_here(here, self.pace(wish, limits), now, floor)
        key, interval, slot = state_key(domain), limit.interval_ms, now
        domain_state = self._domain_states.find(domain)
        last = here.find(key)
        if (
            domain_state is not None
            or wish.crawl_delay_ms is not None
            or last + interval > now
            or floor + interval > now
        ):
            last = max(last, floor)
            interval = next_slot.interval_ms(interval, wish.crawl_delay_ms, self._settings.max_crawl_delay_ms)
            not_before = next_slot.NEVER if domain_state is None else domain_state.not_before()
            slot = next_slot.slot_ms(now, last, interval, not_before)
            if slot - now > min(next_slot.max_wait_ms(wish.max_wait_ms), limit.max_wait_ms):
                return self._refusal(self.pace(wish, limits), now, slot, (last,))
            if interval > limit.interval_ms:
                self._space(domain, now, slot + interval)
        here.put(key, slot)
        if self._ledger is not None:
            name = limit.name if interval == limit.interval_ms else limit.name + BY_CRAWL_DELAY
            self._rows.append((domain, wish.host, slot, slot - now, interval, 0.0, name, self._ownership.version))
        return self._grant(slot - now, interval)

    def _take_both_here(self, here: LocalState, pace: DomainPace, now: float, floor: float) -> Grant:
        last = tuple([max(here.find(key), floor) for key in pace.keys])
        slot = pace.slot_ms(now, last, self._domain_states)
        if slot - now > pace.max_wait_ms:
            return self._refusal(pace, now, slot, last)
        if pace.interval > pace.limit.interval_ms:
            self._space(pace.domain, now, slot + pace.interval)
        for key in pace.keys:
            here.put(key, slot)
        self._rows.append(pace.row(slot, now, self._ownership.version))
        return self._grant(slot - now, pace.shown_ms)

    async def _take_there(self, state: StateBackend, wish: Reservation, limits: Overrides) -> Grant:
        pace = self.pace(wish, limits)
        await self.sure()  # suspend before reading: each caller then builds on the one before
        last = await state.get(pace.keys)
        for _ in range(self._settings.cas_attempts):
            now, floor = await self.sure(), self._ownership.floor_ms(pace.domain)
            slot = pace.slot_ms(now, tuple([max(time, floor) for time in last]), self._domain_states)
            if slot - now > pace.max_wait_ms:
                return self._refusal(pace, now, slot, last)
            spaced = pace.interval > pace.limit.interval_ms
            before = self._space(pace.domain, now, slot + pace.interval) if spaced else None
            found = await state.compare_and_set(pace.keys, last, (slot,) * len(last))
            if found == last:
                if self._ledger is not None:
                    self._ledger.extend([pace.row(slot, now, self._ownership.version)])
                return self._grant(slot - now, pace.shown_ms)
            if before is not None:
                self._unspace(pace.domain, slot + pace.interval, before)
            last = found
        self._telemetry.contended(pace.domain)
        now = self._now_ms()
        return self._refusal(pace, now, pace.slot_ms(now, last, self._domain_states), last)

    def _grant(self, wait_ms: float, interval: float) -> Grant:
        """Most grants are of idle domains, so they are equal, and can't be changed: they are made once."""
        version = self._ownership.version
        if wait_ms:
            return Grant(True, wait_ms, 0.0, interval, "", version)
        grant = self._memo.get(interval)
        if grant is None or grant.version != version:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            grant = self._memo[interval] = Grant(True, 0.0, 0.0, interval, "", version)
        return grant

    def _space(self, domain: str, now: float, until: float) -> float:
        """Note that the grant being taken asks for a longer distance than the limit's; returns the previous note.

        Noted before the compare-and-set, so that no other caller decides between its success and the note.
        """
        domain_state = self._domain_states.take(domain, now)
        before, domain_state.spaced_until = domain_state.spaced_until, max(domain_state.spaced_until, until)
        return before

    def _unspace(self, domain: str, until: float, before: float) -> None:
        """The grant wasn't taken: restore the previous note, unless another caller's has replaced it."""
        domain_state = self._domain_states.find(domain)
        if domain_state is not None and domain_state.spaced_until == until:
            domain_state.spaced_until = before

    def _refusal(self, pace: DomainPace, now: float, slot: float, last: Times) -> Grant:
        """Refused callers get places one interval apart: of the domain, or of the host whose budget was used up."""
        reason, queue, interval = pace.refusal(now, slot, last, self._domain_states)
        domain_state = self._domain_states.take(queue, now)
        not_before = pace.not_before(now, self._domain_states)
        domain_state.cursor = next_slot.next_cursor_ms(now, domain_state.cursor, slot, interval, not_before)
        retry_after = next_slot.retry_after_ms(now, domain_state.cursor, pace.max_wait_ms)
        return Grant(False, 0.0, retry_after, pace.shown_ms, reason, self._ownership.version)
