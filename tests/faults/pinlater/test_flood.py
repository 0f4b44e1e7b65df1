"""One queue is flooded: another's jobs are dequeued and acked meanwhile, at a share of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pinlater import PinLaterService
from tests.faults.pinlater.worker import open_backend
from tests.support.engines import REDIS
from tests.support.pinlater_caller import OWNER, Caller, numbered

CALLERS = 20
CALLS = 10
BATCH = 500
QUIET = 5


@pytest.mark.parametrize("kind", ["sqlite", REDIS])
async def test_a_flood_of_one_queue_leaves_another_its_turns(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = f"sqlite:///{tmp_path}/jobs.sqlite"
    backend = await open_backend(sqlite if kind == "sqlite" else request.getfixturevalue("redis_durable_url"))
    service = PinLaterService([backend], OWNER)
    loud, quiet = Caller(service, "loud", "loud"), Caller(service, "quiet", "quiet")
    await loud.create()
    await quiet.create()
    await quiet.enqueue(numbered(QUIET))
    jobs = numbered(BATCH)
    calls = 0

    async def flood() -> None:
        nonlocal calls
        for _ in range(CALLS):
            await loud.enqueue(jobs)
            await loud.take(BATCH)
            calls += 2

    flooding = asyncio.gather(*(flood() for _ in range(CALLERS)))
    await asyncio.sleep(0)
    before = []
    for _ in range(QUIET):
        begun = calls
        await quiet.ack(done=await quiet.take(1))
        before.append(calls - begun)
    still_flooded = not flooding.done()
    await flooding
    print(f"\n{kind}: calls of the flood in one dequeue and ack of the other queue: {before}")
    assert still_flooded
    # Each of the two calls waits for the round that is under way, and has its turn in the next.
    assert max(before) <= 5 * CALLERS < CALLERS * CALLS
    assert (await quiet.counts())[2] == QUIET
    await service.close()
    await backend.close()
