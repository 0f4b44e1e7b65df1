"""The monitor: takes back claims whose time is over, removes finished jobs that were kept long enough.

Any number of servers may run one over the same backends: each step is repeatable. Their clocks may differ, but by
less than a queue's claim time-out, or living workers lose their claims (which costs attempts, never a job).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial

from pinlater.backends import Backend
from pinlater.errors import suppress_gone
from pinlater.service import wall_ms
from pinlater.telemetry import SILENT, Telemetry
from thrift_idl.errors import BackendDown
from thrift_idl.gen.pinlater.ttypes import PinLaterJobState

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_CHUNK_JOBS = 1_000  # in one write: others' writes come in between


@dataclass(frozen=True, slots=True)
class QueueRules:
    """The monitor's numbers for one queue; the defaults are the contract's."""

    claim_timeout_ms: int = 600_000
    """A claim lives so long after the dequeue, or after the last checkpoint."""
    keep_succeeded_ms: int = 24 * _HOUR_MS
    keep_failed_ms: int = 168 * _HOUR_MS
    cycle_ms: int = 120_000
    """From one look at the queue to the next."""
    updates: int | None = 1_000
    """Jobs changed or removed in one cycle on one shard at most; None = no bound."""


OWN_QUEUES = QueueRules(claim_timeout_ms=30_000, keep_succeeded_ms=5 * _MINUTE_MS, cycle_ms=2_000, updates=None)
"""The rules of Aragog's own queues: short claims, kept up by heartbeats."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which queue has which rules: the first pattern (`crawl*`) that its name matches, else the default."""

    by_pattern: Mapping[str, QueueRules] = field(default_factory=dict)
    default: QueueRules = QueueRules()

    def of(self, queue: str) -> QueueRules:
        """The queue's rules."""
        found = (rules for pattern, rules in self.by_pattern.items() if fnmatchcase(queue, pattern))
        return next(found, self.default)

    @property
    def shortest_cycle_ms(self) -> int:
        """How often somebody has to look whether a queue's cycle has passed."""
        return min(rules.cycle_ms for rules in (self.default, *self.by_pattern.values()))


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What was last touched before these times is over."""

    claims_ms: int
    succeeded_ms: int
    failed_ms: int


def cutoffs(rules: QueueRules, now_ms: int) -> Cutoffs:
    """The times that the rules mean now."""
    return Cutoffs(now_ms - rules.claim_timeout_ms, now_ms - rules.keep_succeeded_ms, now_ms - rules.keep_failed_ms)


class Monitor:
    """Looks after the queues of some backends; `run` it beside the service."""

    def __init__(
        self,
        backends: Iterable[Backend],
        rules: Rules = Rules(),
        now_ms: Callable[[], int] = wall_ms,
        telemetry: Telemetry = SILENT,
    ) -> None:
        self._backends = tuple(backends)
        self._rules = rules
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._next_ms: dict[tuple[str, str], int] = {}
        self._silent: set[str] = set()
        self._answers_since_ms: dict[str, int] = {}

    async def run(self) -> None:
        """Look after the queues until cancelled. A shard that is down is looked after once it is back.

        Nobody could keep up a claim while a shard, or this server, was down: from then on, as from the start of this,
        claims have all their time.
        """
        self._silent = {backend.shard for backend in self._backends}
        while True:
            await self.look_after_all()
            await asyncio.sleep(self._rules.shortest_cycle_ms / 1000)

    async def look_after_all(self) -> None:
        """One round: every queue whose cycle has passed, and what deleted queues left behind."""
        for backend in self._backends:
            try:
                await self._look_after_shard(backend)
            except BackendDown as error:
                self._silent.add(backend.shard)
                self._telemetry.shard_failed(backend.shard, str(error))

    async def _look_after_shard(self, backend: Backend) -> None:
        queues = await backend.queue_names()
        now_ms = self._now_ms()
        if backend.shard in self._silent:
            self._silent.remove(backend.shard)
            self._answers_since_ms[backend.shard] = now_ms
        for queue in queues:
            if now_ms >= self._next_ms.get((backend.shard, queue), now_ms):
                self._next_ms[backend.shard, queue] = now_ms + self._rules.of(queue).cycle_ms
                with suppress_gone():
                    await self._look_after(backend, queue)
        for shard, queue in tuple(self._next_ms):
            if shard == backend.shard and queue not in queues:
                del self._next_ms[shard, queue]
        while await backend.sweep(_CHUNK_JOBS) == _CHUNK_JOBS:
            pass

    async def _look_after(self, backend: Backend, queue: str) -> None:
        rules = self._rules.of(queue)
        over = cutoffs(rules, self._now_ms())

        async def time_out(limit: int) -> int:
            lost = await backend.time_out(queue, over.claims_ms, limit, self._now_ms())
            if lost.done or lost.retry:
                self._telemetry.timed_out(queue, lost.done, lost.retry)
            return lost.done + lost.retry

        async def collect(limit: int, state: int, before_ms: int) -> int:
            removed = await backend.collect(queue, state, before_ms, limit)
            if removed:
                self._telemetry.collected(queue, removed)
            return removed

        left = rules.updates
        if self._answers_since_ms.get(backend.shard, over.claims_ms) <= over.claims_ms:
            left = await _until_done(left, time_out)
        succeeded = partial(collect, state=PinLaterJobState.SUCCEEDED, before_ms=over.succeeded_ms)
        left = await _until_done(left, succeeded)
        await _until_done(left, partial(collect, state=PinLaterJobState.FAILED, before_ms=over.failed_ms))


async def _until_done(most: int | None, step: Callable[[int], Awaitable[int]]) -> int | None:
    """Repeat a step in chunks until it finds less than it may change; what is then left of `most`."""
    while most is None or most > 0:
        limit = _CHUNK_JOBS if most is None else min(most, _CHUNK_JOBS)
        changed = await step(limit)
        most = None if most is None else most - changed
        if changed < limit:
            break
    return most
