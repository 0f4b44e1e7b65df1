"""Takes slots: reads a domain's last one, asks the rules, moves it. Nothing is granted before it is recorded.

A state in this process (`LocalState`) can't change between reading and moving: one pass, no suspension, one record for
a whole batch. One further away is moved by compare-and-set, tried again a bounded number of times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ratelimiter import rules
from ratelimiter.limits import LimitsSource
from ratelimiter.overrides import Limit
from ratelimiter.ownership import Ownership
from ratelimiter.standing import UNHEARD, Standings, blocked_until
from ratelimiter.state import LocalState, StateBackend, state_key
from ratelimiter.telemetry import Telemetry
from thrift_idl.errors import NotOwner
from thrift_idl.gen.ratelimiter.ttypes import Grant, Reservation

_MEMO = 1_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be configured of the service."""

    max_crawl_delay_ms: float = 60_000
    """A Crawl-delay lengthens the interval up to this; a longer limit of ours stays longer."""
    cas_attempts: int = 32
    """So many compare-and-sets may lose before a reservation is refused."""


DEFAULTS: Final = Settings()


class Reserving:
    """Takes slots over one state. Used by one event loop."""

    def __init__(
        self,
        state: StateBackend,
        limits: LimitsSource,
        standings: Standings,
        now_ms: Callable[[], float],
        telemetry: Telemetry,
        settings: Settings,
        ownership: Ownership,
    ) -> None:
        self._state = state
        self._here = state if isinstance(state, LocalState) else None
        self._limits = limits
        self._standings = standings
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._settings = settings
        self._ownership = ownership
        self._memo: dict[float, Grant] = {}

    async def take(self, source: str, wish: Reservation) -> Grant:
        """The next slot of the wish's domain, or a refusal. Raises `NotOwner`, `BackendDown`."""
        limit = await self._limits.of(wish.domain, self._now_ms())
        if self._here is None:
            grant = await self._take_there(self._state, wish, limit)
        else:
            now = await self.sure()
            grant = self._take_here(self._here, wish, limit, now, self._ownership.floor_ms(wish.domain))
            self._here.commit()
        self._telemetry.reserved(source, wish.domain, grant)
        return grant

    async def take_each(self, source: str, wishes: Sequence[Reservation]) -> tuple[Grant, ...]:
        """As `take` for each, in order; a domain of another shard's is refused with `not_owner`.

        Raises `BackendDown`: then none counts.
        """
        limits = [await self._limits.of(wish.domain, self._now_ms()) for wish in wishes]
        if self._here is None:
            # At once: the backend puts what waits together into few round trips.
            taking = (self._take_ours(self._state, wish, limit) for wish, limit in zip(wishes, limits, strict=True))
            grants = await asyncio.gather(*taking)
        else:
            grants = self._take_all_here(self._here, wishes, limits, await self.sure())
        for wish, grant in zip(wishes, grants, strict=True):
            self._telemetry.reserved(source, wish.domain, grant)
        return tuple(grants)

    async def sure(self) -> float:
        """The time at which our hold on our domains is beyond doubt. Raises `BackendDown`.

        What is decided for this time is right, though the process be stopped before it is answered: such a grant is
        void when it arrives, for its caller counts from when it asked.
        """
        now = self._now_ms()
        while not self._ownership.lasts(now):
            await self._ownership.renew()
            now = self._now_ms()
        return now

    def _take_all_here(
        self, here: LocalState, wishes: Sequence[Reservation], limits: Sequence[Limit], now: float
    ) -> list[Grant]:
        grants = []
        for wish, limit in zip(wishes, limits, strict=True):
            try:
                floor = self._ownership.floor_ms(wish.domain)
            except NotOwner:
                grants.append(self._not_ours())
            else:
                grants.append(self._take_here(here, wish, limit, now, floor))
        here.commit()
        return grants

    async def _take_ours(self, state: StateBackend, wish: Reservation, limit: Limit) -> Grant:
        try:
            return await self._take_there(state, wish, limit)
        except NotOwner:
            return self._not_ours()

    def _not_ours(self) -> Grant:
        return Grant(False, 0.0, 0.0, 0.0, "not_owner", self._ownership.version, True)

    def not_before(self, domain: str, limit: Limit, now: float) -> float:
        """No slot of the domain earlier than this: holds, blocks, the Crawl-delay of the last grant."""
        standing = self._standings.find(domain)
        if standing is None and not limit.blocked:
            return rules.NEVER
        return max((standing or UNHEARD).not_before(), blocked_until(limit, standing, now))

    def _take_here(self, here: LocalState, wish: Reservation, limit: Limit, now: float, floor: float) -> Grant:
        domain, key = wish.domain, state_key(wish.domain)
        interval = self._interval(wish, limit)
        slot = rules.slot_ms(now, max(here.find(key), floor), interval, self.not_before(domain, limit, now))
        if slot - now > _max_wait(wish):
            return self._refusal(wish, limit, interval, now, slot)
        if interval > limit.interval_ms:
            self._space(domain, now, slot + interval)
        here.put(key, slot)
        return self._grant(slot - now, interval)

    async def _take_there(self, state: StateBackend, wish: Reservation, limit: Limit) -> Grant:
        domain, interval = wish.domain, self._interval(wish, limit)
        keys = (state_key(domain),)
        last = await state.get(keys)
        for _ in range(self._settings.cas_attempts):
            now, floor = await self.sure(), self._ownership.floor_ms(domain)
            slot = rules.slot_ms(now, max(last[0], floor), interval, self.not_before(domain, limit, now))
            if slot - now > _max_wait(wish):
                return self._refusal(wish, limit, interval, now, slot)
            before = self._space(domain, now, slot + interval) if interval > limit.interval_ms else None
            found = await state.compare_and_set(keys, last, (slot,))
            if found == last:
                return self._grant(slot - now, interval)
            if before is not None:
                self._unspace(domain, slot + interval, before)
            last = found
        self._telemetry.contended(domain)
        now = self._now_ms()
        return self._refusal(wish, limit, interval, now, rules.slot_ms(now, last[0], interval))

    def _interval(self, wish: Reservation, limit: Limit) -> float:
        if wish.crawl_delay_ms is None:
            return limit.interval_ms
        return rules.interval_ms(limit.interval_ms, wish.crawl_delay_ms, self._settings.max_crawl_delay_ms)

    def _grant(self, wait_ms: float, interval: float) -> Grant:
        """Most grants are of idle domains, hence equal, and can't be changed: they are made once."""
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
        """Note that the grant being taken asks for a longer distance than the limit's; returns what was noted before.

        Noted before the compare-and-set, so that nobody decides between its success and the note.
        """
        standing = self._standings.take(domain, now)
        before, standing.spaced_until = standing.spaced_until, max(standing.spaced_until, until)
        return before

    def _unspace(self, domain: str, until: float, before: float) -> None:
        """The grant wasn't taken: take the note back, unless another's replaced it."""
        standing = self._standings.find(domain)
        if standing is not None and standing.spaced_until == until:
            standing.spaced_until = before

    def _refusal(self, wish: Reservation, limit: Limit, interval: float, now: float, slot: float) -> Grant:
        standing = self._standings.take(wish.domain, now)
        until = blocked_until(limit, standing, now)
        not_before = self.not_before(wish.domain, limit, now)
        standing.cursor = rules.next_cursor_ms(now, standing.cursor, slot, interval, not_before)
        retry_after = rules.retry_after_ms(now, standing.cursor, _max_wait(wish))
        reason = "blocked" if slot == until else "held" if slot == standing.held_until else "no_slot"
        return Grant(False, 0.0, retry_after, interval, reason, self._ownership.version)


def _max_wait(wish: Reservation) -> float:
    return rules.MAX_WAIT_MS if wish.max_wait_ms is None else min(wish.max_wait_ms, rules.MAX_WAIT_MS)
