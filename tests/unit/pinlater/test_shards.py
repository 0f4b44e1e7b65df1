"""Several shards as one: jobs spread, priorities strict across them, and what happens when one is down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from pinlater import Backend, PinLaterService
from pinlater.backends.sqlite import SqliteBackend
from tests.support.pinlater_caller import (
    OWNER,
    PENDING,
    QUEUE,
    SETTINGS,
    START_MS,
    Caller,
    Clock,
    Counts,
    jobs_of,
    numbered,
    refused_with,
)
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterJob

SHARDS = ("1", "2", "3")


@pytest.fixture
async def backends(tmp_path: Path) -> AsyncIterator[list[Backend]]:
    urls = {shard: f"sqlite:///{tmp_path}/{shard}.sqlite" for shard in SHARDS}
    opened: list[Backend] = [await SqliteBackend.open(url, shard=shard) for shard, url in urls.items()]
    yield opened
    for backend in opened:
        await backend.close()


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
async def worker(backends: list[Backend], counts: Counts) -> Caller:
    caller = Caller(PinLaterService(backends, OWNER, SETTINGS, Clock(), counts, Random(7)))
    await caller.create()
    return caller


def shard_of(job: str) -> str:
    return job.split(":")[1]


async def test_jobs_are_spread_and_their_descriptors_keep_the_order(worker: Caller) -> None:
    jobs = await worker.enqueue(numbered(60))
    assert {shard_of(job) for job in jobs} == {"s1", "s2", "s3"}
    assert [info.body for info in await worker.lookup(*jobs, body=True)] == [
        f"job_body_{number}".encode() for number in range(60)
    ]


async def test_the_first_priority_of_all_shards_comes_before_the_second_of_any(worker: Caller) -> None:
    await worker.enqueue(job for number in range(60) for job in jobs_of(f"{number}", priority=1 + number % 3))
    dequeued = [job.split(":")[2] for _ in range(12) for job in await worker.take(5)]
    assert dequeued == ["p1"] * 20 + ["p2"] * 20 + ["p3"] * 20


async def test_acks_checkpoints_and_counts_reach_every_shard(worker: Caller) -> None:
    jobs = await worker.enqueue(numbered(30))
    await worker.take(30)
    await worker.checkpoint(*jobs[:10], moveToPending=True)
    await worker.ack(done=jobs[10:20], failed=jobs[20:])
    assert await worker.counts() == [20, 0, 10, 0]


async def test_coverage_is_the_share_of_shards_that_are_asked(worker: Caller) -> None:
    await worker.enqueue(numbered(60))
    shards = {shard_of(job) for job in await worker.take(60, coverage=0.5)}
    assert len(shards) == 2
    assert len({shard_of(job) for job in await worker.take(60, coverage=0.0)}) <= 1
    await worker.take(60, coverage=float("nan"))
    assert (await worker.counts())[PENDING] == 0


async def test_a_scan_goes_on_across_shards_though_all_are_due_at_once(worker: Caller) -> None:
    jobs = await worker.enqueue(numbered(30))
    jobs += await worker.enqueue([PinLaterJob(b"", runAfterTimestampMillis=START_MS - number) for number in range(30)])
    seen: list[str] = []
    times: list[int] = []
    going_on = "0"
    while going_on != "-1":
        page = await worker.scan(PENDING, limit=7, continuation=going_on)
        seen += [info.jobDescriptor for info in page.scannedJobs]
        times += [info.runAfterTimestampMillis or 0 for info in page.scannedJobs]
        going_on = page.continuation
    assert sorted(seen) == sorted(jobs)
    assert times == sorted(times, reverse=True)


async def test_a_shard_that_is_down_is_routed_around(worker: Caller, backends: list[Backend], counts: Counts) -> None:
    before = await worker.enqueue(numbered(60))
    await backends[0].close()
    jobs = await worker.enqueue(numbered(60))
    assert {shard_of(job) for job in jobs} == {"s2", "s3"}
    taken = await worker.take(200)
    assert sorted(taken) == sorted(jobs + [job for job in before if shard_of(job) != "s1"])
    assert counts.of["shard_failed 1"] > 0


async def test_of_a_shard_that_is_down_nobody_pretends_to_know(worker: Caller, backends: list[Backend]) -> None:
    jobs = await worker.enqueue(numbered(60))
    taken = await worker.take(60)
    await backends[0].close()
    with refused_with(ErrorCode.SHARD_CONNECTION_FAILED):
        await worker.count(PENDING)
    with refused_with(ErrorCode.SHARD_CONNECTION_FAILED):
        await worker.lookup(*jobs)
    with refused_with(ErrorCode.SHARD_CONNECTION_FAILED):
        await worker.ack(done=taken)
    healthy = [job for job in jobs if shard_of(job) != "s1"]
    assert {info.jobState for info in await worker.lookup(*healthy)} == {2}


async def test_without_any_healthy_shard_it_says_so(worker: Caller, backends: list[Backend]) -> None:
    for backend in backends:
        await backend.close()
    with refused_with(ErrorCode.NO_HEALTHY_SHARDS):
        await worker.enqueue(numbered(1))
    with refused_with(ErrorCode.NO_HEALTHY_SHARDS):
        await worker.take()


async def test_failed_jobs_are_retried_and_removed_on_every_shard_up_to_the_limit(worker: Caller) -> None:
    await worker.enqueue(numbered(60, numAttemptsAllowed=1))
    await worker.ack(failed=await worker.take(60))
    assert await worker.retry_failed(limit=50) == 50
    assert await worker.delete_jobs(PENDING, limit=45) == 45
    assert await worker.counts() == [5, 0, 0, 10]
    assert QUEUE in await worker.service.getQueueNames(worker.context)
