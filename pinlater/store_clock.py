"""The clock that the servers of one store share: the store's own, because theirs may differ by minutes.

Claims, time-outs and retries use it, so that no server takes back a job that another one has just given out. If a
store has no clock of its own (a file), its servers are on one machine and use that machine's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from pinlater.backends import Backend
from thrift_idl.errors import BackendDown

_MEASURE_S = 10.0
_FIRST_S = 1.0
_SAME_MS = 50  # a smaller difference is the time of the call, and no reason to change


class StoreClock:
    """A `now_ms`: this server's clock plus its distance from the store's."""

    def __init__(self, backends: Iterable[Backend], wall_ms: Callable[[], int]) -> None:
        """`backends` is iterated again each time. The first of several by name that answers gives the time."""
        self._backends = backends
        self._wall_ms = wall_ms
        self._ahead_ms = 0

    def __call__(self) -> int:
        """Milliseconds since the epoch."""
        return self._wall_ms() + self._ahead_ms

    async def measure(self) -> bool:
        """Compare the clocks; returns True if a store answered."""
        for backend in sorted(self._backends, key=lambda one: one.shard):
            before_ms = self._wall_ms()
            try:
                store_ms = await backend.clock_ms()
            except BackendDown:
                continue
            self._note(0 if store_ms is None else store_ms - (before_ms + self._wall_ms()) // 2)
            return True
        return False

    def _note(self, ahead_ms: int) -> None:
        if abs(ahead_ms - self._ahead_ms) > _SAME_MS:
            self._ahead_ms = ahead_ms if abs(ahead_ms) > _SAME_MS else 0

    async def run(self) -> None:
        """Compare the clocks now and then, until cancelled."""
        known = await self.measure()
        while True:
            await asyncio.sleep(_MEASURE_S if known else _FIRST_S)
            known = await self.measure() or known
