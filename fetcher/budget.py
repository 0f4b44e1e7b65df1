"""How long one fetch may still take. Waiting for slots is not counted; the caller's own patience counts everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fetcher.clock import Clock
from thrift_idl.errors import FetchTimeout

_NO_END_MS = 1e15
_HEADWAY_MS = 200.0  # the answer is on its way this long before the caller gives up, or a tenth of their time


class Budget:
    """`total_ms` of working time, within `remaining_ms` of real time if the caller gave it."""

    def __init__(self, total_ms: float, remaining_ms: float | None, clock: Clock) -> None:
        self._now_ms = clock.now_ms
        began_ms = clock.now_ms()
        self._deadline_at = began_ms + total_ms
        patience_ms = _NO_END_MS if remaining_ms is None else remaining_ms
        self._caller_until = began_ms + patience_ms - min(_HEADWAY_MS, patience_ms / 10)

    def left_ms(self) -> float:
        """Time left to work; 0 or less = over."""
        now_ms = self._now_ms()
        return min(self._deadline_at, self._caller_until) - now_ms

    def caller_left_ms(self) -> float:
        """Time left until the caller stops waiting."""
        return self._caller_until - self._now_ms()

    def exclude(self, waited_ms: float) -> None:
        """Don't count `waited_ms`, which went by waiting for a slot."""
        self._deadline_at += waited_ms

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Don't count the time of the block."""
        began_ms = self._now_ms()
        try:
            yield
        finally:
            self.exclude(self._now_ms() - began_ms)

    @asynccontextmanager
    async def patience(self) -> AsyncIterator[None]:
        """Bound the block by the caller's patience alone; raises `FetchTimeout`, phase `caller`."""
        left_ms = self.caller_left_ms()
        if left_ms >= _NO_END_MS / 2:
            yield
            return
        try:
            async with asyncio.timeout(max(0.0, left_ms) / 1000):
                yield
        except TimeoutError:
            raise FetchTimeout("the caller's time ran out", phase="caller") from None

    @asynccontextmanager
    async def phase(self, name: str, limit_ms: float) -> AsyncIterator[None]:
        """Bound the block; raises `FetchTimeout` naming the phase, or `total` where the budget ran out first."""
        left_ms = self.left_ms()
        try:
            async with asyncio.timeout(max(0.0, min(limit_ms, left_ms)) / 1000):
                yield
        except TimeoutError:
            over = name if limit_ms < left_ms else "total"
            message = f"deadline passed ({over}, {min(limit_ms, left_ms):.0f} ms)"
            raise FetchTimeout(message, phase=over) from None
