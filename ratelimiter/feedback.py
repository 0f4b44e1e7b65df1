"""The effect of an answer on its domain: none, a hold, or the end of the doubling of holds. Pure.

- 429 (RFC 6585 section 4) and 503 (RFC 9110 section 15.6.4) with Retry-After hold the domain as long as asked, at most
  a day.
- 429 without, or 503 without from two URLs within a minute, hold it for a minute, then twice as long each time, at
  most a day; and up to a tenth longer by chance, so that domains that failed together don't all come back together.
  A success after the hold starts again at a minute.
- A single 503 counts for its URL only. One that doesn't name its URL counts as another URL's: in doubt, for the site.

Latency is part of every answer (`Answered.latency_ms`) and changes nothing: a slow-down on rising latency would belong
into `hear`, beside the holds, and would lengthen the domain's interval through its `DomainState`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ratelimiter.domain_state import FAILURES_WITHIN_MS, DomainState
from runtime.durations import DAY_MS

FIRST_HOLD_MS: Final = 60_000
_JITTER: Final = 0.1
HOLDING: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Answered:
    """The end of a request."""

    status: int
    """HTTP status; 0 = no answer."""
    retry_after_ms: float | None = None
    url_key: bytes = b""
    """Key of the requested URL; empty = not told."""
    latency_ms: float = 0.0


def hear(domain_state: DomainState, now: float, answer: Answered, jitter: float) -> float:
    """Take an answer into account; returns how long it holds the domain (ms, 0 = not). `jitter`: 0 to 1, by chance.

    While the domain is held, answers to requests sent before count as the same event: they neither double the hold nor
    reset it, but a longer Retry-After lengthens it.
    """
    if answer.status in HOLDING and answer.retry_after_ms:
        return _hold(domain_state, now, min(answer.retry_after_ms, DAY_MS), answer.status)
    if answer.status == 503 and not _second_failure(domain_state, now, answer.url_key):
        return 0.0
    if now < domain_state.held_until:
        return 0.0
    if answer.status in HOLDING:
        domain_state.unasked_hold_ms = min(max(FIRST_HOLD_MS, 2 * domain_state.unasked_hold_ms), DAY_MS)
        return _hold(domain_state, now, domain_state.unasked_hold_ms * (1 + _JITTER * jitter), answer.status)
    if 200 <= answer.status < 400:
        domain_state.unasked_hold_ms = 0.0
    return 0.0


def _hold(domain_state: DomainState, now: float, hold_ms: float, status: int) -> float:
    if now + hold_ms > domain_state.held_until:
        domain_state.held_until, domain_state.held_status = now + hold_ms, status
    return hold_ms


def _second_failure(domain_state: DomainState, now: float, url_key: bytes) -> bool:
    """True if another URL answered 503 shortly before; remembers this one."""
    recent = now - domain_state.failed_at <= FAILURES_WITHIN_MS
    other = url_key != domain_state.failed_url or not url_key
    domain_state.failed_at, domain_state.failed_url = now, url_key
    return recent and other
