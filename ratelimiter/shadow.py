"""Shadow mode: the answers of a candidate override file, counted beside the live ones. They cause no request.

Each reservation is decided a second time, by the candidate's limits over its own slots in memory. Refused callers
come again when the *live* limiter told them to: a candidate that is faster than the live file looks a little slower
here than it would be.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratelimiter.domain_state import DomainStates
from ratelimiter.limits import LimitsSource
from ratelimiter.overrides import Overrides
from ratelimiter.shadow_decisions import AT_ONCE, DELAYED, REFUSED, ShadowLimiter, ShadowTally
from thrift_idl.gen.ratelimiter.ttypes import Grant, Reservation
from thrift_idl.gen.ratelimiter.ttypes import Shadow as Report


class Shadow:
    """Counts the candidate file's decisions. Starts again when that file changes."""

    def __init__(self, limits: LimitsSource, domain_states: DomainStates, max_crawl_delay_ms: float) -> None:
        self.limits = limits
        self.tally = ShadowTally()
        self._candidate = ShadowLimiter(domain_states, max_crawl_delay_ms)
        self._overrides: Overrides | None = None

    async def see(self, wishes: Sequence[Reservation], grants: Sequence[Grant], now_ms: float) -> None:
        """Repeat the last decision with the candidate."""
        overrides = await self.limits.current(now_ms)
        if overrides is not self._overrides:
            self._overrides, self.tally = overrides, ShadowTally()
        for wish, grant in zip(wishes, grants, strict=True):
            live = grant.wait_ms if grant.granted else None
            self.tally.add(wish.domain, live, self._candidate.decide(wish, overrides, now_ms))

    async def report(self, domain: str, now_ms: float) -> Report:
        """The counts since the candidate was last read."""
        limit = (await self.limits.current(now_ms)).of_domain(domain)
        live, candidate = self.tally.live, self.tally.candidate
        return Report(
            limit=limit.name,
            interval_ms=limit.interval_ms,
            live_at_once=live[AT_ONCE],
            live_delayed=live[DELAYED],
            live_refused=live[REFUSED],
            at_once=candidate[AT_ONCE],
            delayed=candidate[DELAYED],
            refused=candidate[REFUSED],
            error=self.limits.complaint,
        )
