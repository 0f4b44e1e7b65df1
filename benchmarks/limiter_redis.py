"""The limiter over Redis, beside a plain GCRA in Lua: one script a decision, pipelined; a burst of one, no rivals.

The plain one reads Redis's clock and decides there: no state of ours, no limits of a file, no holds, no refusals that
are spread, nothing that survives a clock that is set. It is what the same Redis can do at best.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from deploy.engines import EngineState, shared
from ratelimiter import LimitsInForce, RateLimiterService
from ratelimiter.backends.redis import RedisState
from runtime.clock import monotonic_ms
from tests.support.engines import redis_database
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest

DOMAINS, BATCH = 20_000, 500
GCRA = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local arrival = tonumber(redis.call('GET', KEYS[1]) or 0)
if arrival > now then return arrival - now end
redis.call('SET', KEYS[1], string.format('%.0f', now + interval), 'PX', 60000)
return 0
"""


async def over_redis() -> None:
    """Ours, then the plain one, each with its CPU time here and by the wall clock."""
    engine = shared("redis-durable")
    if engine.state is not EngineState.RUNNING:
        print("redis: not measured, start it with `make engines`")
        return
    with redis_database(engine) as url:
        await _ours(url)
        await _plain(url)


async def _ours(url: str) -> None:
    state = await RedisState.open(url, monotonic_ms)
    service = RateLimiterService(state, await LimitsInForce.open())
    wishes = tuple(Reservation(f"d{number}.com", f"www.d{number}.com") for number in range(DOMAINS))

    async def decide(start: int) -> None:
        await service.reserve_batch(ReserveBatchRequest(Context("benchmark"), wishes[start : start + BATCH]))

    await _timed("redis: batches of 500", decide)
    await state.close()


async def _plain(url: str) -> None:
    async with Redis.from_url(url) as redis:
        sha = await redis.script_load(GCRA)

        async def decide(start: int) -> None:
            pipeline = redis.pipeline(transaction=False)
            for number in range(start, start + BATCH):
                pipeline.evalsha(sha, 1, f"d{number}.com", 100_000)
            await pipeline.execute()

        await _timed("redis: plain Lua GCRA, 500 in a pipeline", decide)


async def _timed(what: str, decide: Callable[[int], Awaitable[None]]) -> None:
    await decide(0)
    wall, ours = time.perf_counter(), time.process_time()
    for start in range(0, DOMAINS, BATCH):
        await decide(start)
    wall, ours = time.perf_counter() - wall, time.process_time() - ours
    print(f"{what:<44} {DOMAINS / wall:>12,.0f} /s {ours / DOMAINS * 1e6:>9.2f} us of our CPU time")
