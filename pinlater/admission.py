"""Admission: the reasons to delay a queue's dequeues - too many at a time, its rate, a pause, a cap of claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from pinlater.backends import NO_CAP
from pinlater.errors import queue_paused, refusal
from pinlater.queue_limits import QueueLimits, QueueLimitsSource
from pinlater.queue_rate import QueueRate
from pinlater.settings import ServiceSettings
from thrift_idl.errors import BackendDown
from thrift_idl.gen.pinlater.ttypes import ErrorCode

_COUNT_SERVERS_MS = 2_000
_PAUSED_MS = 1_000
_CROWDED_MS = 50


@dataclass(slots=True)
class Permit:
    """The number of jobs that one dequeue may claim; the dequeue sets `taken` to the number it has claimed."""

    limit: int
    most_claimed: int
    taken: int = 0


class Admission:
    """The gate of every dequeue. The live servers share a queue's rate evenly."""

    def __init__(
        self,
        limits: QueueLimitsSource,
        settings: ServiceSettings,
        now_ms: Callable[[], float],
        live_servers: Callable[[], Awaitable[int]],
    ) -> None:
        """`now_ms` is a clock that never goes back."""
        self._limits = limits
        self._settings = settings
        self._now_ms = now_ms
        self._live_servers = live_servers
        self._servers = 1
        self._count_at_ms = float("-inf")
        self._dequeues: Counter[str] = Counter()
        self._paces: dict[str, QueueRate] = {}

    async def limits_of(self, queue: str) -> QueueLimits:
        """The queue's limits in force."""
        return (await self._limits.current(self._now_ms())).of(queue)

    @contextmanager
    def gate(self, queue: str) -> Iterator[None]:
        """One of the queue's dequeues at a time, dry runs too. Raises DEQUEUE_RATE_LIMITED."""
        if self._dequeues[queue] >= self._settings.concurrent_dequeues:
            text = f"{self._dequeues[queue]} dequeues of queue {queue!r} are running: ask later"
            raise refusal(ErrorCode.DEQUEUE_RATE_LIMITED, text)
        self._dequeues[queue] += 1
        try:
            yield
        finally:
            self._dequeues[queue] -= 1
            if not self._dequeues[queue]:
                del self._dequeues[queue]

    @asynccontextmanager
    async def permit(self, queue: str, limit: int) -> AsyncIterator[Permit]:
        """Permission to claim at most `limit` jobs. Raises DEQUEUE_RATE_LIMITED."""
        limits = await self.limits_of(queue)
        if limits.is_paused:
            raise queue_paused(queue)
        granted = await self._paced(queue, limits, limit)
        permit = Permit(granted, NO_CAP if limits.concurrency is None else limits.concurrency)
        try:
            yield permit
        finally:
            if queue in self._paces:
                self._paces[queue].give_back(granted - permit.taken)

    async def retry_ms(self, queue: str) -> float:
        """The time in ms after which a refused dequeue may be tried again."""
        limits = await self.limits_of(queue)
        if limits.is_paused:
            return _PAUSED_MS
        if limits.rate is None or queue not in self._paces:
            return _CROWDED_MS
        return min(max(self._paces[queue].next_ms(limits.rate / self._servers, self._now_ms()), 1.0), _PAUSED_MS)

    async def _paced(self, queue: str, limits: QueueLimits, limit: int) -> int:
        if limits.rate is None:
            self._paces.pop(queue, None)
            return limit
        await self._count_servers()
        pace = self._paces.setdefault(queue, QueueRate(at_ms=self._now_ms()))
        granted = pace.take(limits.rate / self._servers, limit, self._now_ms())
        if not granted:
            text = f"queue {queue!r} gives {limits.rate:g} jobs a second, and has given them: ask later"
            raise refusal(ErrorCode.DEQUEUE_RATE_LIMITED, text)
        return granted

    async def _count_servers(self) -> None:
        now_ms = self._now_ms()
        if now_ms < self._count_at_ms:
            return
        self._count_at_ms = now_ms + _COUNT_SERVERS_MS
        try:
            self._servers = max(1, await self._live_servers())
        except BackendDown:
            return  # as many as there were: the dequeue itself will refuse
