"""Troubles of the pool while it works, in an order that a seed decides; each reports its beginning and end."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.faults.ratelimiter.arrivals import Span
from tests.support.pool_processes import Pool, Process

SETTLED_S = 2.0
SHARD_STOP_S, WORKER_STOP_S = 5.0, 3.0


class Troubles:
    """Each of the six once. What an outage costs beyond its end is bounded by `SETTLED_S`."""

    def __init__(self, pool: Pool, fetchers: list[Process], limits: Path, rng: random.Random) -> None:
        self._pool = pool
        self._fetchers = fetchers
        self._limits = limits
        self._rng = rng
        self.outages: list[Span] = []
        self.limits_changed = 0.0
        self.after = ""

    async def happen(self, calm_s: float) -> None:
        """One after the other, `calm_s` of peace after each."""
        order: list[Callable[[], Awaitable[None]]] = [
            self.kill_shard, self.stop_shard, self.add_shard, self.remove_shard, self.change_limits, self.stall_worker,
        ]  # fmt: skip
        self._rng.shuffle(order)
        for trouble in order:
            print(f"{time.time():.3f} {trouble.__name__}")
            began = time.time()
            await trouble()
            self.outages.append(Span(began, time.time() + SETTLED_S))
            await asyncio.sleep(SETTLED_S + calm_s)

    async def kill_shard(self) -> None:
        shard = self._any_shard()
        await asyncio.to_thread(shard.kill)
        await asyncio.sleep(self._rng.uniform(0, 1))
        await asyncio.to_thread(shard.start, "ratelimiter")

    async def stop_shard(self) -> None:
        await _stopped(self._any_shard(), SHARD_STOP_S)

    async def stall_worker(self) -> None:
        await _stopped(self._rng.choice(self._fetchers), WORKER_STOP_S)

    async def add_shard(self) -> None:
        name = next(name for name in "defgh" if name not in self._pool.shards)
        await asyncio.to_thread(self._pool.add(name).start, "ratelimiter")
        self._pool.name([*self._pool.names, name])

    async def remove_shard(self) -> None:
        gone = self._any_shard()
        self._pool.name([name for name in self._pool.names if name != gone.name])
        await asyncio.sleep(1)
        await asyncio.to_thread(gone.end)

    async def change_limits(self) -> None:
        beside = self._limits.with_suffix(".new")
        beside.write_text(self.after)
        beside.replace(self._limits)
        self.limits_changed = time.time()

    def _any_shard(self) -> Process:
        return self._pool.shards[self._rng.choice(list(self._pool.names))]


async def _stopped(process: Process, seconds: float) -> None:
    process.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    process.send(signal.SIGCONT)
