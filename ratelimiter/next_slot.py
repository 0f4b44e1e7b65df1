"""The rule for the next slot. Pure: times in milliseconds of any one monotonic clock, which is an argument.

A slot is the moment at which one request may be sent. Two slots of a domain are at least one interval apart, even if
the domain was idle for long: unused time earns nothing, so that there are no bursts.
"""

from __future__ import annotations

from typing import Final

from runtime.durations import HOUR_MS

NEVER: Final = float("-inf")
"""The last slot of a domain that has had none; also "not held": earlier than every time."""

MAX_WAIT_MS: Final = 1_000
"""No caller waits longer for a slot: the default and the cap of `max_wait_ms`. So no slot is further ahead."""

HORIZON_MS: Final = HOUR_MS
"""A refused caller is asked to return within an hour of the moment when the domain is open again."""


def interval_ms(limit_ms: float, crawl_delay_ms: float | None, cap_ms: float) -> float:
    """Distance of two slots: the limit's, lengthened by robots.txt's Crawl-delay up to `cap_ms`, never shortened."""
    if crawl_delay_ms is None:
        return limit_ms
    return max(limit_ms, min(crawl_delay_ms, cap_ms))


def max_wait_ms(wished: float | None) -> float:
    """The longest wait that results from a caller's wish."""
    return MAX_WAIT_MS if wished is None else min(wished, MAX_WAIT_MS)


def slot_ms(now: float, last: float, interval: float, not_before: float = NEVER) -> float:
    """The first free slot: not in the past, one interval after the last one, and not while the domain is held.

    `not_before` also carries the request of the *last* grant if its interval was the longer one (a Crawl-delay that
    this caller doesn't know of): the larger of the two distances applies.
    """
    return max(now, last + interval, not_before)


def next_cursor_ms(now: float, cursor: float, first: float, interval: float, not_before: float = NEVER) -> float:
    """The second cursor after a refusal: each refused caller gets its own place, one interval apart.

    `first` is the slot that was too far away. The cursor is volatile and takes no slot, so that refusals never move the
    domain's clock. It stays within an hour of now, or of the end of a hold.
    """
    return min(max(cursor + interval, first), max(now + HORIZON_MS, not_before + HORIZON_MS))


def retry_after_ms(now: float, cursor: float, max_wait: float) -> float:
    """Time until a refused caller should ask again: half its longest wait before its place, so that it finds a slot."""
    return cursor - now - max_wait / 2
