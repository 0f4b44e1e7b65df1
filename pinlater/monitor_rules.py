"""The monitor's numbers, by queue. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

from runtime.durations import HOUR_MS, MINUTE_MS


@dataclass(frozen=True, slots=True)
class QueueRules:
    """The monitor's numbers for one queue; the defaults are the contract's."""

    claim_timeout_ms: int = 600_000
    """A claim lives for this time after the dequeue, or after the last checkpoint."""
    keep_succeeded_ms: int = 24 * HOUR_MS
    keep_failed_ms: int = 168 * HOUR_MS
    cycle_ms: int = 120_000
    """From one check of the queue to the next."""
    updates: int | None = 1_000
    """Jobs changed or removed in one cycle on one shard at most; None = no bound."""


OWN_QUEUES = QueueRules(claim_timeout_ms=30_000, keep_succeeded_ms=5 * MINUTE_MS, cycle_ms=2_000, updates=None)
"""The rules of Aragog's own queues: short claims, extended by heartbeats."""


@dataclass(frozen=True, slots=True)
class MonitorRules:
    """The rules of each queue: those of the first pattern (`crawl*`) that its name matches, else the default."""

    by_pattern: Mapping[str, QueueRules] = field(default_factory=dict)
    default: QueueRules = QueueRules()

    def of(self, queue: str) -> QueueRules:
        """The queue's rules."""
        found = (rules for pattern, rules in self.by_pattern.items() if fnmatchcase(queue, pattern))
        return next(found, self.default)

    async def current(self, now_ms: float) -> MonitorRules:
        """These; they don't change."""
        return self

    @property
    def shortest_cycle_ms(self) -> int:
        """The interval of checks whether a queue's cycle has passed."""
        return min(rules.cycle_ms for rules in (self.default, *self.by_pattern.values()))


CONTRACT = MonitorRules()
"""The contract's numbers for every queue."""


class RulesSource(Protocol):
    """The monitor's source of rules."""

    async def current(self, now_ms: float) -> MonitorRules:
        """The rules in force; `now_ms` is of a clock that never goes back."""
        ...


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Times before which untouched claims and finished jobs are over."""

    claims_ms: int
    succeeded_ms: int
    failed_ms: int


def cutoffs(rules: QueueRules, now_ms: int) -> Cutoffs:
    """The times that follow from the rules now."""
    return Cutoffs(now_ms - rules.claim_timeout_ms, now_ms - rules.keep_succeeded_ms, now_ms - rules.keep_failed_ms)
