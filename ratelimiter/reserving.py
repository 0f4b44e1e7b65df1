"""Takes slots: reads a domain's last one, asks the rules, moves it. Nothing is granted before it is recorded.

A state in this process (`LocalState`) can't change between reading and moving: one pass, no suspension, one record for
a whole batch. One further away is moved by compare-and-set, tried again a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ratelimiter import rules
from ratelimiter.limits import LimitsSource
from ratelimiter.overrides import Limit
from ratelimiter.standing import UNHEARD, Standings, blocked_until
from ratelimiter.state import LocalState, StateBackend, state_key
from ratelimiter.telemetry import Telemetry
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
    ) -> None:
        self._state = state
        self._here = state if isinstance(state, LocalState) else None
        self._limits = limits
        self._standings = standings
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._settings = settings
        self._memo: dict[float, Grant] = {}

    async def take(self, source: str, wish: Reservation) -> Grant:
        """The next slot of the wish's domain, or a refusal. Raises `BackendDown`."""
        limit = await self._limits.of(wish.domain, self._now_ms())
        if self._here is None:
            return await self._take_there(source, wish, limit)
        grant = self._take_here(self._here, wish, limit)
        self._here.commit()
        self._telemetry.reserved(source, wish.domain, grant)
        return grant

    async def take_each(self, source: str, wishes: Sequence[Reservation]) -> tuple[Grant, ...]:
        """As `take` for each, in order; recorded at once. Raises `BackendDown`: then none counts."""
        if self._here is None:
            return tuple([await self.take(source, wish) for wish in wishes])
        grants = []
        for wish in wishes:
            limit = await self._limits.of(wish.domain, self._now_ms())
            grants.append(self._take_here(self._here, wish, limit))
        self._here.commit()
        for wish, grant in zip(wishes, grants, strict=True):
            self._telemetry.reserved(source, wish.domain, grant)
        return tuple(grants)

    def not_before(self, domain: str, limit: Limit, now: float) -> float:
        """No slot of the domain earlier than this: holds, blocks, the Crawl-delay of the last grant."""
        standing = self._standings.find(domain)
        if standing is None and not limit.blocked:
            return rules.NEVER
        return max((standing or UNHEARD).not_before(), blocked_until(limit, standing, now))

    def _take_here(self, here: LocalState, wish: Reservation, limit: Limit) -> Grant:
        domain, now, key = wish.domain, self._now_ms(), state_key(wish.domain)
        interval = self._interval(wish, limit)
        slot = rules.slot_ms(now, here.find(key), interval, self.not_before(domain, limit, now))
        if slot - now > _max_wait(wish):
            return self._refusal(wish, limit, interval, now, slot)
        if interval > limit.interval_ms:
            self._space(domain, now, slot + interval)
        here.put(key, slot)
        return self._grant(slot - now, interval)

    async def _take_there(self, source: str, wish: Reservation, limit: Limit) -> Grant:
        domain, interval = wish.domain, self._interval(wish, limit)
        keys = (state_key(domain),)
        last = await self._state.get(keys)
        for _ in range(self._settings.cas_attempts):
            now = self._now_ms()
            slot = rules.slot_ms(now, last[0], interval, self.not_before(domain, limit, now))
            if slot - now > _max_wait(wish):
                return self._refused(source, wish, limit, interval, now, slot)
            before = self._space(domain, now, slot + interval) if interval > limit.interval_ms else None
            found = await self._state.compare_and_set(keys, last, (slot,))
            if found == last:
                grant = self._grant(slot - now, interval)
                self._telemetry.reserved(source, domain, grant)
                return grant
            if before is not None:
                self._unspace(domain, slot + interval, before)
            last = found
        self._telemetry.contended(domain)
        now = self._now_ms()
        return self._refused(source, wish, limit, interval, now, rules.slot_ms(now, last[0], interval))

    def _interval(self, wish: Reservation, limit: Limit) -> float:
        if wish.crawl_delay_ms is None:
            return limit.interval_ms
        return rules.interval_ms(limit.interval_ms, wish.crawl_delay_ms, self._settings.max_crawl_delay_ms)

    def _grant(self, wait_ms: float, interval: float) -> Grant:
        """Most grants are of idle domains, hence equal, and can't be changed: they are made once."""
        if wait_ms:
            return Grant(True, wait_ms, 0.0, interval)
        grant = self._memo.get(interval)
        if grant is None:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            grant = self._memo[interval] = Grant(True, 0.0, 0.0, interval)
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

    def _refused(self, source: str, wish: Reservation, limit: Limit, interval: float, now: float, slot: float) -> Grant:
        grant = self._refusal(wish, limit, interval, now, slot)
        self._telemetry.reserved(source, wish.domain, grant)
        return grant

    def _refusal(self, wish: Reservation, limit: Limit, interval: float, now: float, slot: float) -> Grant:
        standing = self._standings.take(wish.domain, now)
        until = blocked_until(limit, standing, now)
        not_before = self.not_before(wish.domain, limit, now)
        standing.cursor = rules.next_cursor_ms(now, standing.cursor, slot, interval, not_before)
        retry_after = rules.retry_after_ms(now, standing.cursor, _max_wait(wish))
        reason = "blocked" if slot == until else "held" if slot == standing.held_until else "no_slot"
        return Grant(False, 0.0, retry_after, interval, reason)


def _max_wait(wish: Reservation) -> float:
    return rules.MAX_WAIT_MS if wish.max_wait_ms is None else min(wish.max_wait_ms, rules.MAX_WAIT_MS)
