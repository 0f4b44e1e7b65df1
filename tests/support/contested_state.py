"""A state whose compare-and-set loses at random: between get and set, another shard's caller took the slot."""

from __future__ import annotations

import asyncio
import random

from ratelimiter import MemoryState
from ratelimiter.next_slot import NEVER
from ratelimiter.state import Keys, Times


class ContestedState:
    """A `StateBackend` that suspends in each call, as one over a network does, and has a rival who takes slots."""

    def __init__(self, seed: int, losses: float, interval_ms: float, now_ms: float) -> None:
        self._state = MemoryState()
        self._rng = random.Random(seed)
        self._losses = losses
        self._interval_ms = interval_ms
        self._now_ms = now_ms
        self.slots: list[float] = []
        """Every slot taken, the rival's too, in the order of their writing."""
        self.lost = 0

    async def get(self, keys: Keys) -> Times:
        await self._pause()
        return await self._state.get(keys)

    async def compare_and_set(self, keys: Keys, expected: Times, wanted: Times) -> Times:
        await self._pause()
        if self._rng.random() < self._losses:
            await self._rival(keys)
        found = await self._state.compare_and_set(keys, expected, wanted)
        if found == expected:
            self.slots.append(wanted[0])
        else:
            self.lost += 1
        await self._pause()
        return found

    async def close(self) -> None:
        """Nothing is open."""

    async def _rival(self, keys: Keys) -> None:
        (last,) = await self._state.get(keys)
        slot = self._now_ms if last == NEVER else last + self._interval_ms
        await self._state.compare_and_set(keys, (last,), (slot,))
        self.slots.append(slot)

    async def _pause(self) -> None:
        for _ in range(self._rng.randrange(3)):
            await asyncio.sleep(0)
