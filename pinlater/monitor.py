"""The monitor: takes back claims whose time is over, removes finished jobs after their time.

Any number of servers may run a monitor over the same backends: each step is repeatable. They use one clock (see
store_clock). Clocks of servers without it may differ by less than a queue's claim time-out; beyond that, living workers
lose their claims, which costs attempts, never a job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from pinlater.backends import Backend
from pinlater.errors import suppress_gone
from pinlater.monitor_rules import CONTRACT, MonitorRules, QueueRules, RulesSource, cutoffs
from pinlater.telemetry import SILENT, PinLaterTelemetry
from runtime.clock import monotonic_ms, wall_ms
from thrift_idl.errors import BackendDown
from thrift_idl.gen.pinlater.ttypes import PinLaterJobState

_CHUNK_JOBS = 1_000  # in one write: other writes come in between


class Monitor:
    """Maintains the queues of some backends; `run` it beside the service."""

    def __init__(
        self,
        backends: Iterable[Backend],
        rules: RulesSource = CONTRACT,
        now_ms: Callable[[], int] = wall_ms,
        telemetry: PinLaterTelemetry = SILENT,
    ) -> None:
        """`backends` is iterated again each round: shards are added and removed."""
        self._backends = backends
        self._rules = rules
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._next_ms: dict[tuple[str, str], int] = {}
        self._silent: set[str] = set()
        self._answers_since_ms: dict[str, int] = {}

    async def run(self) -> None:
        """Maintain the queues until cancelled. A shard that is down is maintained once it is back.

        No worker could keep a claim while a shard, or this server, was down: from then on, as from the start of this,
        claims have their full time.
        """
        self._silent = {backend.shard for backend in self._backends}
        while True:
            await self.look_after_all()
            await asyncio.sleep((await self._rules.current(monotonic_ms())).shortest_cycle_ms / 1000)

    async def look_after_all(self) -> None:
        """One round: every queue whose cycle has passed, and the remains of deleted queues."""
        rules = await self._rules.current(monotonic_ms())
        for backend in self._backends:
            try:
                await self._look_after_shard(backend, rules)
            except BackendDown as error:
                self._silent.add(backend.shard)
                self._telemetry.shard_failed(backend.shard, str(error))

    async def _look_after_shard(self, backend: Backend, rules: MonitorRules) -> None:
        queues = await backend.queue_names()
        now_ms = self._now_ms()
        if backend.shard in self._silent:
            self._silent.remove(backend.shard)
            self._answers_since_ms[backend.shard] = now_ms
        for queue in queues:
            if now_ms >= self._next_ms.get((backend.shard, queue), now_ms):
                self._next_ms[backend.shard, queue] = now_ms + rules.of(queue).cycle_ms
                with suppress_gone():
                    await self._look_after(backend, queue, rules.of(queue))
        for shard, queue in tuple(self._next_ms):
            if shard == backend.shard and queue not in queues:
                del self._next_ms[shard, queue]
        while await backend.sweep(_CHUNK_JOBS) == _CHUNK_JOBS:
            pass

    async def _look_after(self, backend: Backend, queue: str, rules: QueueRules) -> None:
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
    """Repeat a step in chunks until it finds less than it may change; returns the rest of `most`."""
    while most is None or most > 0:
        limit = _CHUNK_JOBS if most is None else min(most, _CHUNK_JOBS)
        changed = await step(limit)
        most = None if most is None else most - changed
        if changed < limit:
            break
    return most
