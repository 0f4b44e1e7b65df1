"""Work on the event loop that a server sizes: done in steps, between which everybody else has a turn."""

from __future__ import annotations

import asyncio

TURN_MS = 4.0


class Turns:
    """After `TURN_MS` of such work, whoever did it, the event loop has a turn; then the next that waits goes on.

    So a hundred hostile replies at once hold up a ping no longer than one does. Ordinary work ends within a turn, and
    rarely waits.
    """

    def __init__(self) -> None:
        self._spent_ms = 0.0
        self._queue = asyncio.Lock()

    def spend(self, spent_ms: float) -> bool:
        """A step took `spent_ms`; whether to `wait` before the next one."""
        self._spent_ms += spent_ms
        return self._spent_ms >= TURN_MS

    async def wait(self) -> None:
        """Let the event loop have its turn, behind those that wait already."""
        async with self._queue:
            await asyncio.sleep(0)
            self._spent_ms = 0.0
