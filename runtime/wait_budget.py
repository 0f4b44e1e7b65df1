"""The total time that a caller will wait for a service that may defer it several times."""

from __future__ import annotations

import asyncio

from runtime.durations import SECOND_MS


class WaitBudget:
    """Milliseconds to wait, of which every delay takes its part."""

    def __init__(self, left_ms: float) -> None:
        self.left_ms = left_ms
        """The remaining wait."""

    async def wait(self, delay_ms: float) -> bool:
        """Wait `delay_ms`, at least one millisecond. False, at once, if less is left: then the caller gives up."""
        if delay_ms > self.left_ms:
            return False
        delay_ms = max(delay_ms, 1)
        self.left_ms -= delay_ms
        await asyncio.sleep(delay_ms / SECOND_MS)
        return True
