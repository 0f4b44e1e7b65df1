"""Redis as state, killed in the middle of a run and started again, with what it kept and with less than that."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis

from deploy.engines import Engine
from ratelimiter import LimitsInForce, RateLimiterService
from ratelimiter.backends.redis import RedisState
from runtime.clock import monotonic_ms
from tests.faults.ratelimiter.arrivals import windows_above
from tests.support.limiter_requests import reserve
from thrift_idl.errors import BackendDown

QPS = 50.0
SHARDS, CALLERS = 2, 40
VOID_MS = 50.0
DOWN_S, UP_S = 2.0, 2.5
PATIENCE_S = 60.0


class Callers:
    """Callers of one domain through several shards, who send when they may; seconds of the monotonic clock."""

    def __init__(self, services: list[RateLimiterService]) -> None:
        self.sent: list[float] = []
        self.down = self.refused = 0
        self.slowest_s = 0.0
        self._tasks = [asyncio.create_task(self._calling(services[number % SHARDS])) for number in range(CALLERS)]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def send_again(self, after: float, count: int = 1) -> None:
        """Wait until so many more have a time to send at that is later than `after`."""
        async with asyncio.timeout(PATIENCE_S):
            while sum(when > after for when in self.sent) < count:
                await asyncio.sleep(0.05)

    async def _calling(self, service: RateLimiterService) -> None:
        while True:
            began = time.monotonic()
            try:
                grant = await reserve(service)
            except BackendDown:
                self.down += 1
                await asyncio.sleep(0.05)
                continue
            answered = time.monotonic()
            if not grant.granted:
                self.refused += 1
                await asyncio.sleep(min(grant.retry_after_ms / 1_000, 0.5))
            elif answered - began <= VOID_MS / 1_000:
                self.slowest_s = max(self.slowest_s, answered - began)
                self.sent.append(answered + grant.wait_ms / 1_000)
                await asyncio.sleep(grant.wait_ms / 1_000)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_redis_that_is_killed_stops_the_grants_and_never_makes_a_burst(
    private_redis: Engine, lost: bool
) -> None:
    states = [await RedisState.open(private_redis.url, monotonic_ms) for _ in range(SHARDS)]
    callers = Callers([RateLimiterService(state, await LimitsInForce.open(None, QPS)) for state in states])
    await asyncio.sleep(UP_S)
    for _ in range(2):
        await asyncio.to_thread(private_redis.kill)
        killed = time.monotonic()
        await asyncio.sleep(DOWN_S)
        await asyncio.to_thread(private_redis.start)
        if lost:
            async with Redis.from_url(private_redis.url) as redis:
                await redis.flushall()
        started = time.monotonic()
        await callers.send_again(started)
        await asyncio.sleep(UP_S)
        assert not [when for when in callers.sent if killed + 1.1 < when < started]
    await callers.end()
    for state in states:
        await state.close()
    assert callers.down > 0 and callers.refused > 0
    assert windows_above(sorted(callers.sent), lambda _: QPS, callers.slowest_s) == []
