"""Time on the event loop for work whose size servers decide: done in steps, with other tasks running between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

TURN_MS = 4.0
T = TypeVar("T")


class LoopTime:
    """One for all of a fetcher: after `TURN_MS` of such work by any body, the event loop has a turn; then the next
    waiting one continues.

    So a hundred hostile replies at once delay a ping no longer than one does. Normal work ends within a turn, and
    rarely waits.
    """

    def __init__(self) -> None:
        self._spent_ms = 0.0
        self._queue = asyncio.Lock()
        self._thread = asyncio.Lock()

    @property
    def used_up(self) -> bool:
        """True if the next step must `wait`."""
        return self._spent_ms >= TURN_MS

    def spend(self, spent_ms: float) -> None:
        """A step took `spent_ms`."""
        self._spent_ms += spent_ms

    async def wait(self) -> None:
        """Let the event loop have its turn, after those that wait already."""
        async with self._queue:
            await asyncio.sleep(0)
            self._spent_ms = 0.0

    async def apart(self, step: Callable[[], T]) -> T:
        """Do a long step in a thread: one at a time, so that hostile replies don't take all threads."""
        async with self._thread:
            return await asyncio.to_thread(step)
