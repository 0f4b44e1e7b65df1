"""A Redis whose clock is set an hour on, and back, under load: the grants stop for a moment, and never burst."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.engines import Engine
from ratelimiter import LimitsInForce, RateLimiterService
from ratelimiter.backends.redis import RedisState
from runtime.clock import monotonic_ms
from tests.faults.ratelimiter.arrivals import windows_above
from tests.faults.ratelimiter.test_redis_killed import QPS, SHARDS, UP_S, Callers

HOUR_S = 3_600
#: Redis reads the wall clock by gettimeofday alone. (libfaketime and Redis's allocator don't get along.)
SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int gettimeofday(struct timeval *now, void *zone) {
    long offset = 0;
    FILE *file = fopen(getenv("CLOCK_OFFSET_FILE"), "r");
    if (file) { if (fscanf(file, "%ld", &offset) != 1) offset = 0; fclose(file); }
    int failed = syscall(SYS_gettimeofday, now, zone);
    now->tv_sec += offset;
    return failed;
}
"""


@pytest.fixture
def clock(private_redis: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says how many seconds off the clock of `private_redis` is."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is installed: it makes the clock that can be set")
    source, library, file = tmp_path / "clock.c", tmp_path / "clock.so", tmp_path / "clock"
    source.write_text(SOURCE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    file.write_text("0")
    private_redis.kill()
    with monkeypatch.context() as environment:
        environment.setenv("CLOCK_OFFSET_FILE", str(file))
        environment.setenv("LD_PRELOAD", str(library))
        private_redis.start()
    return file


def set_clock(file: Path, offset_s: int) -> None:
    """In one step: the file is read all the time."""
    aside = file.with_suffix(".aside")
    aside.write_text(str(offset_s))
    aside.replace(file)


async def test_a_redis_whose_clock_is_set_neither_blocks_a_domain_nor_makes_a_burst(
    private_redis: Engine, clock: Path
) -> None:
    states = [await RedisState.open(private_redis.url, monotonic_ms) for _ in range(SHARDS)]
    callers = Callers([RateLimiterService(state, await LimitsInForce.open(None, QPS)) for state in states])
    await asyncio.sleep(UP_S)
    for distance in (HOUR_S, 0, -HOUR_S, 0):
        set_at = time.monotonic()
        set_clock(clock, distance)
        await asyncio.sleep(UP_S)
        # Slots that were granted before are still used: the second in which nothing is granted isn't silent.
        await callers.send_again(set_at + 2, 10)
        async with Redis.from_url(private_redis.url) as redis:
            assert abs((await redis.time())[0] - time.time() - distance) < 5
    await callers.end()
    for state in states:
        await state.close()
    assert windows_above(sorted(callers.sent), lambda _: QPS, callers.slowest_s) == []
