"""The limits of a queue in the file of queues: its rate, its concurrency, and the monitor's numbers. Pure.

[queues.mail]
rate = 100               # jobs a second that are dequeued, over all servers; 0 = paused
concurrency = 50         # jobs claimed at a time
paused = false
claim_timeout_ms = 30000
keep_succeeded_ms = 300000
keep_failed_ms = 604800000
cycle_ms = 2000
updates = 1000           # of the monitor in one cycle; 0 = no bound

[queues."report_*"]      # all that match; a queue's own name comes first, then the first pattern
rate = 5
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from pinlater.monitor_rules import MonitorRules, QueueRules
from pinlater.toml_lines import TomlText

_MOST_MS: Final = 2**53 - 1
Time = Annotated[int, Meta(ge=1, le=_MOST_MS)]


class QueueLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry; an absent field has no effect."""

    rate: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    concurrency: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    paused: bool = False
    claim_timeout_ms: Time | None = None
    keep_succeeded_ms: Time | None = None
    keep_failed_ms: Time | None = None
    cycle_ms: Time | None = None
    updates: Annotated[int, Meta(ge=0, le=10**9)] | None = None

    @property
    def is_paused(self) -> bool:
        """True if nothing is dequeued."""
        return self.paused or self.rate == 0

    def rules(self, base: QueueRules) -> QueueRules:
        """The monitor's numbers: those of the entry, else those of `base`."""
        times = ("claim_timeout_ms", "keep_succeeded_ms", "keep_failed_ms", "cycle_ms")
        said = {name: getattr(self, name) for name in times if getattr(self, name) is not None}
        updates = base.updates if self.updates is None else self.updates or None
        return replace(base, updates=updates, **said)


NO_LIMITS: Final = QueueLimits()


@dataclass(frozen=True, slots=True)
class LimitsOfQueues:
    """The whole file."""

    entries: Mapping[str, QueueLimits] = field(default_factory=dict)

    def of(self, queue: str) -> QueueLimits:
        """The queue's entry: its own, else the first pattern that it matches, else one that limits nothing."""
        own = self.entries.get(queue)
        if own is not None:
            return own
        found = (entry for pattern, entry in self.entries.items() if fnmatchcase(queue, pattern))
        return next(found, NO_LIMITS)


class QueueLimitsSource(Protocol):
    """The service's source of queue limits."""

    async def current(self, now_ms: float) -> LimitsOfQueues:
        """The limits in force."""
        ...


class Unlimited:
    """No file, no limits."""

    async def current(self, now_ms: float) -> LimitsOfQueues:
        """No limits."""
        return LimitsOfQueues()


class LiveRules:
    """The monitor's rules: the numbers of the file in force, over those without it."""

    def __init__(self, source: QueueLimitsSource, base: MonitorRules) -> None:
        self._source = source
        self._base = base

    async def current(self, now_ms: float) -> MonitorRules:
        """The rules in force."""
        said = (await self._source.current(now_ms)).entries
        above = {pattern: entry.rules(self._base.of(pattern)) for pattern, entry in said.items()}
        exact = dict(sorted(above.items(), key=lambda one: not one[0].isidentifier()))
        return MonitorRules(
            exact | {name: rules for name, rules in self._base.by_pattern.items() if name not in exact},
            self._base.default,
        )


def parse(text: str, file: str) -> LimitsOfQueues:
    """The file's text. Raises `BadConfiguration` naming `file`, line and reason."""
    given = TomlText(text, file)
    return LimitsOfQueues(given.table("queues", QueueLimits))
