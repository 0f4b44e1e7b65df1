"""The time left for one fetch. Waiting for slots is not counted; the caller's own deadline counts everything."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from types import TracebackType

from runtime.clock import Clock
from thrift_idl.errors import FetchTimeout

_NO_END_MS = 1e15
_HEADWAY_MS = 200.0  # the answer leaves this long before the caller gives up, or a tenth of their time


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
        """Don't count `waited_ms`, the time of waiting for a slot or a robots.txt."""
        self._deadline_at += waited_ms

    def check(self) -> None:
        """Check between steps of work that doesn't wait. Raises `FetchTimeout`, phase `total`, if no time is left."""
        if self.left_ms() <= 0:
            raise FetchTimeout("deadline passed (total)", phase="total")

    def patience(self) -> AbstractAsyncContextManager[None]:
        """Bound the block by the caller's time alone; raises `FetchTimeout`, phase `caller`."""
        left_ms = self.caller_left_ms()
        return nullcontext() if left_ms >= _NO_END_MS / 2 else _Bounded("caller", left_ms)

    def phase(self, name: str, limit_ms: float) -> AbstractAsyncContextManager[None]:
        """Bound the block; raises `FetchTimeout` naming the phase, or `total` if the budget ended first."""
        left_ms = self.left_ms()
        return _Bounded(name, limit_ms) if limit_ms < left_ms else _Bounded("total", left_ms)


class _Bounded:
    """A block with a time limit. Not made of a generator: that would cost as much as the timer itself."""

    __slots__ = ("_limit_ms", "_phase", "_timeout")

    def __init__(self, phase: str, limit_ms: float) -> None:
        self._phase = phase
        self._limit_ms = max(0.0, limit_ms)
        self._timeout = asyncio.timeout(self._limit_ms / 1000)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """A TimeoutError of the block itself, such as the kernel's of a connection, counts for the phase, too."""
        is_over = isinstance(error, TimeoutError)
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            is_over = True
        if is_over:
            message = f"deadline passed ({self._phase}, {self._limit_ms:.0f} ms)"
            raise FetchTimeout(message, phase=self._phase) from None
