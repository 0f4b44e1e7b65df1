"""Turns at a resource that only a few may use at a time: a child process, the place of a large page.

Among the waiting owners, the one that has used it least in recent time comes first. Waiting time counts as much as
used time, so that no owner waits for ever. An owner with slow calls delays its own calls, and others by one call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from runtime.clock import monotonic_ms

T = TypeVar("T")

#: After this time, half of the use counts.
_HALF_LIFE_MS = 60_000
_MOST_OWNERS = 10_000


@dataclass(slots=True)
class OwnerLines(Generic[T]):
    """The waiting items, in a line for each owner, and each owner's use. Pure: time is an argument."""

    _lines: dict[str, deque[tuple[float, T]]] = field(default_factory=dict)
    _used: dict[str, tuple[float, float]] = field(default_factory=dict)
    """The milliseconds counted at a time, and that time."""

    def __bool__(self) -> bool:
        return bool(self._lines)

    def join(self, owner: str, who: T, now_ms: float) -> None:
        """Wait at the end of the owner's line."""
        self._lines.setdefault(owner, deque()).append((now_ms, who))

    def next(self, now_ms: float) -> T:
        """The next item, taken out of its line. Some must wait."""
        owner = min(self._lines, key=lambda each: self._rank(each, now_ms))
        line = self._lines[owner]
        _, who = line.popleft()
        if not line:
            del self._lines[owner]
        return who

    def use(self, owner: str, used_ms: float, now_ms: float) -> None:
        """Count an owner's use."""
        if len(self._used) >= _MOST_OWNERS:
            self._used = {each: used for each, used in self._used.items() if self.used_ms(each, now_ms) >= 1}
        self._used[owner] = (self.used_ms(owner, now_ms) + used_ms, now_ms)

    def used_ms(self, owner: str, now_ms: float) -> float:
        """The part of its use that still counts."""
        used_ms, at_ms = self._used.get(owner, (0.0, now_ms))
        return float(used_ms * 0.5 ** ((now_ms - at_ms) / _HALF_LIFE_MS))

    def _rank(self, owner: str, now_ms: float) -> tuple[float, float]:
        since_ms = self._lines[owner][0][0]
        return self.used_ms(owner, now_ms) - (now_ms - since_ms), since_ms


class Turns:
    """A limited number at a time, the others in turn."""

    def __init__(self, size: int, now_ms: Callable[[], float] = monotonic_ms) -> None:
        self._free = size
        self._now_ms = now_ms
        self._lines: OwnerLines[asyncio.Future[None]] = OwnerLines()
        self.waiting = 0
        """The number of waiting callers."""

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """Wait for the owner's turn, and have it."""
        await self._take(owner)
        began_ms = self._now_ms()
        try:
            yield
        finally:
            now_ms = self._now_ms()
            self._lines.use(owner, now_ms - began_ms, now_ms)
            self._leave()

    async def _take(self, owner: str) -> None:
        if self._free and not self._lines:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.join(owner, turn, self._now_ms())
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it got its turn at the same moment
                self._leave()
            raise
        finally:
            self.waiting -= 1

    def _leave(self) -> None:
        """Pass on the free place."""
        while self._lines:
            turn = self._lines.next(self._now_ms())
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
