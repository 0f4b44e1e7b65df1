"""The state of a domain beyond its last slot: holds, blocks, its refused callers. Volatile, bounded. Pure.

A hold is the domain's own wish (429, 503 with Retry-After); a block is an operator's. Neither saves up slots: after it
ends the domain goes on at its interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ratelimiter.next_slot import HORIZON_MS, NEVER
from ratelimiter.overrides import Limit
from runtime.durations import DAY_MS

FAILURES_WITHIN_MS: Final = 60_000
"""Two URLs that answer 503 within this time speak for their domain."""
_MAX_DOMAINS: Final = 100_000


@dataclass(slots=True)
class DomainState:
    """One domain's state; times in milliseconds of the service's clock, `NEVER` = not set."""

    held_until: float = NEVER
    blocked_until: float = NEVER
    spaced_until: float = NEVER
    """The last grant had a Crawl-delay: no slot before this, for any caller."""
    cursor: float = NEVER
    """Place of the last refused caller."""
    held_status: int = 0
    """Status of the answer that holds it."""
    failed_at: float = NEVER
    failed_url: bytes = b""
    """The time of a 503 answer without Retry-After, and its URL's key."""
    unasked_hold_ms: float = 0.0
    """Length of the latest hold that came without Retry-After: the next one is twice as long; a success resets it."""

    def not_before(self) -> float:
        """No slot earlier than this."""
        return max(self.held_until, self.blocked_until, self.spaced_until)

    def until(self) -> float:
        """The time when nothing of this matters any longer: doubling of holds is remembered for a day after them."""
        remembered = self.held_until + DAY_MS if self.unasked_hold_ms else NEVER
        return max(self.not_before(), self.cursor, self.failed_at + FAILURES_WITHIN_MS, remembered)


UNHEARD: Final = DomainState()
"""The state of an unknown domain. Not to be changed."""


def blocked_until(limit: Limit, domain_state: DomainState | None, now: float) -> float:
    """End of the block; a limit that blocks is checked again in an hour, and then in another."""
    if limit.blocked:
        return now + HORIZON_MS
    return domain_state.blocked_until if domain_state else NEVER


class DomainStates:
    """States by domain. Past ones are dropped when there are too many, then those that end soonest."""

    def __init__(self, max_domains: int = _MAX_DOMAINS) -> None:
        self._by_domain: dict[str, DomainState] = {}
        self._max = max_domains
        self.find = self._by_domain.get

    def __len__(self) -> int:
        return len(self._by_domain)

    def take(self, domain: str, now: float) -> DomainState:
        """The domain's state, made if it has none."""
        domain_state = self._by_domain.get(domain)
        if domain_state is None:
            if len(self._by_domain) >= self._max:
                self._make_room(now)
            domain_state = self._by_domain[domain] = DomainState()
        return domain_state

    def _make_room(self, now: float) -> None:
        ends = sorted(self._by_domain.items(), key=lambda item: item[1].until())
        past = sum(domain_state.until() <= now for _, domain_state in ends)
        for domain, _ in ends[: max(past, self._max // 4, 1)]:
            del self._by_domain[domain]
