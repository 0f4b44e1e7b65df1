"""The health of a shard: failures in a window make it unhealthy, an answered probe makes it healthy. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HealthRules:
    """The rules for avoiding a shard."""

    failures: int = 3
    """This many failures within the window make it unhealthy."""
    window_ms: int = 10_000
    probe_every_ms: int = 2_000
    """The time between two probes of an unhealthy shard."""


DEFAULTS = HealthRules()


class ShardHealth:
    """The health of one shard. Times are milliseconds of a clock that never goes back."""

    def __init__(self, rules: HealthRules = DEFAULTS) -> None:
        self._rules = rules
        self._failures: deque[float] = deque(maxlen=rules.failures)
        self._probe_at_ms = 0.0
        self.well = True
        self.reason = ""
        """The text of the last failure."""

    def failed(self, reason: str, now_ms: float) -> bool:
        """Note a call without an answer; True if that made the shard unhealthy."""
        self.reason = reason
        self._failures.append(now_ms)
        was_well = self.well
        if len(self._failures) == self._rules.failures and now_ms - self._failures[0] <= self._rules.window_ms:
            self.well = False
            self._probe_at_ms = now_ms + self._rules.probe_every_ms
        return was_well and not self.well

    def answered(self) -> bool:
        """Note an answer; True if that made the shard healthy. Failures before it no longer count."""
        self._failures.clear()
        was_well, self.well = self.well, True
        return not was_well

    def wants_probe(self, now_ms: float) -> bool:
        """True if it is time to probe an unhealthy shard; only once an interval."""
        if self.well or now_ms < self._probe_at_ms:
            return False
        self._probe_at_ms = now_ms + self._rules.probe_every_ms
        return True
