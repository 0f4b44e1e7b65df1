"""Workers and servers are killed with SIGKILL at random: no acknowledged job is lost, none succeeds twice.

`make test` runs some seconds of it; under ARAGOG_TORTURE=1 there are 1,000 kills, 500 a backend, and `test_kills.py`
adds 450.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.faults.pinlater.killing import (
    ATTEMPTS,
    POISON_ATTEMPTS,
    Cluster,
    assert_whole,
    cluster,
    drained,
    patiently,
)
from tests.support.engines import REDIS
from tests.support.pinlater_caller import Caller
from thrift_idl.gen.pinlater.ttypes import PinLaterJob

pytestmark = pytest.mark.timeout(1_800)
TORTURE = bool(os.environ.get("ARAGOG_TORTURE"))
JOBS = 20_000 if TORTURE else 800
KILLS = {"workers": 100, "all": 400} if TORTURE else {"workers": 3, "all": 5}
MINUTE_MS = 60_000


@pytest.fixture(params=["sqlite", REDIS])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite's servers are on one machine, and share its clock."""
    sqlite = f"sqlite:///{tmp_path}/jobs.sqlite"
    return sqlite if request.param == "sqlite" else str(request.getfixturevalue("redis_durable_url"))


def skews(url: str) -> Sequence[int]:
    return (0, 0) if url.startswith("sqlite") else (0, MINUTE_MS)


async def feed(callers: Sequence[Caller], count: int, random: Random) -> tuple[list[str], list[str]]:
    """Enqueue so many jobs, one in a hundred of them poison; their descriptors."""
    jobs = [PinLaterJob(b"job", numAttemptsAllowed=ATTEMPTS) for _ in range(count)]
    poison = [PinLaterJob(b"poison", numAttemptsAllowed=POISON_ATTEMPTS) for _ in range(max(1, count // 100))]
    return await patiently(callers, jobs, random), await patiently(callers, poison, random)


async def under_kills(made: Cluster, callers: Sequence[Caller], victims: str) -> tuple[list[str], list[str]]:
    random, kills = Random(8), KILLS[victims]
    jobs, poison = [], []
    for _ in range(kills):
        some, bad = await feed(callers, JOBS // kills, random)
        jobs += some
        poison += bad
        await asyncio.sleep(random.uniform(0, 0.4))
        await random.choice(made.workers if victims == "workers" else (*made.workers, *made.servers)).kill()
    return jobs, poison


@pytest.mark.parametrize("victims", ["workers", "all"])
async def test_killed_workers_and_servers_lose_nothing_and_succeed_once(url: str, victims: str, tmp_path: Path) -> None:
    with cluster(url, tmp_path, skews(url)) as made:
        async with made.callers() as callers:
            await callers[0].create()
            made.start_workers(1)
            jobs, poison = await under_kills(made, callers, victims)
            ended = await drained(callers)
            seen = await assert_whole(callers[0], jobs, poison)
            kills = sum(process.kills for process in (*made.workers, *made.servers))
            print(f"\n{kills} kills of {victims}: {dict(seen)}, counts {ended}, told {made.spent()}")
            if victims == "workers":  # whatever spends an attempt was told by a living server
                assert sum(ended) == len(jobs) + len(poison) and made.spent() == seen["spent"]
            else:  # enqueued, but not acknowledged: a killed server's
                assert sum(ended) >= len(jobs) + len(poison)
    assert kills == KILLS[victims]


async def test_servers_whose_clocks_are_a_minute_apart_take_no_living_claim(
    redis_durable_url: str, tmp_path: Path
) -> None:
    with cluster(redis_durable_url, tmp_path, (-MINUTE_MS, MINUTE_MS)) as made:
        async with made.callers() as callers:
            await callers[0].create()
            made.start_workers(1)
            jobs, poison = [], []
            for caller in callers:
                some, bad = await feed([caller], 200, Random(1))
                jobs += some
                poison += bad
            await drained(callers)
            seen = await assert_whole(callers[0], jobs, poison)
            assert seen["spent"] == seen["failures"] == made.spent()
            assert [worker.end() for worker in made.workers] == [0, 0]
