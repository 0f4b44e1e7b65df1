"""Dequeues that wait: woken by an arrival here or on another server, by a due time, by a resumed queue."""

from __future__ import annotations

import asyncio

import pytest

from pinlater import Backend, PinLaterService, ServiceSettings
from tests.support.pinlater_caller import OWNER, QUEUE, SETTINGS, Caller, jobs_of, numbered, refused_with
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterDequeueRequest, PinLaterJob

LONG_MS = 60_000
SOON_S = 30.0
"""Less than `LONG_MS`: who gets a job within it was woken."""


def waits(worker: Caller, limit: int = 10, wait_ms: int = LONG_MS) -> asyncio.Task[list[str]]:
    async def wait() -> list[str]:
        request = PinLaterDequeueRequest(worker.queue, limit)
        return list((await worker.service.dequeueJobsWait(worker.context, request, wait_ms)).jobs or {})

    return asyncio.create_task(wait())


@pytest.fixture
async def now(backend: Backend) -> PinLaterService:
    """A service by the real clock: who waits, waits by that."""
    return PinLaterService([backend], OWNER, SETTINGS)


async def test_what_is_ready_comes_at_once(worker: Caller) -> None:
    jobs = await worker.enqueue(numbered(3))
    assert await waits(worker) == jobs


async def test_who_waits_gets_the_job_that_comes(worker: Caller) -> None:
    waiting = waits(worker)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    assert await worker.enqueue(jobs_of("work")) == await waiting


async def test_a_job_enqueued_by_another_server_wakes_who_waits(backend: Backend, worker: Caller) -> None:
    other = Caller(PinLaterService([backend], "other:1:1", SETTINGS))
    waiting = waits(Caller(PinLaterService([backend], OWNER, SETTINGS)))
    await asyncio.sleep(0.3)
    assert await other.enqueue(jobs_of("work")) == await asyncio.wait_for(waiting, SOON_S)


async def test_who_waits_gets_a_job_when_it_is_due(now: PinLaterService) -> None:
    worker = Caller(now)
    await worker.create()
    due_ms = now._now_ms() + 400
    jobs = await worker.enqueue([PinLaterJob(b"", runAfterTimestampMillis=due_ms)])
    assert await asyncio.wait_for(waits(worker), SOON_S) == jobs
    assert now._now_ms() >= due_ms


async def test_of_many_who_wait_one_gets_a_job_that_is_enqueued_for_later(now: PinLaterService) -> None:
    worker = Caller(now)
    await worker.create()
    waiting = [waits(worker, 1) for _ in range(3)]
    await asyncio.sleep(0.1)
    for delay_ms in (300, 600, 900):
        await worker.enqueue([PinLaterJob(b"", runAfterTimestampMillis=now._now_ms() + delay_ms)])
    found = await asyncio.wait_for(asyncio.gather(*waiting), SOON_S)
    assert sorted(map(len, found)) == [1, 1, 1]


async def test_a_failed_job_wakes_who_waits_for_its_retry(worker: Caller) -> None:
    (job,) = await worker.enqueue(jobs_of("work", numAttemptsAllowed=2))
    await worker.take()
    waiting = waits(worker)
    await asyncio.sleep(0.05)
    await worker.ack(failed=[job])
    assert await waiting == [job]


async def test_many_who_wait_share_the_jobs_and_none_gets_another_s(worker: Caller) -> None:
    waiting = [waits(worker, 1) for _ in range(20)]
    await asyncio.sleep(0.1)
    jobs = await worker.enqueue(numbered(20))
    found = await asyncio.wait_for(asyncio.gather(*waiting), SOON_S)
    assert sorted(job for some in found for job in some) == sorted(jobs)


async def test_one_who_goes_away_leaves_the_job_to_the_next(direct: PinLaterService) -> None:
    worker = Caller(direct)
    await worker.create()
    gone, stays = waits(worker, 1), waits(worker, 1)
    await asyncio.sleep(0.1)
    gone.cancel()
    await asyncio.sleep(0)
    jobs = await worker.enqueue(jobs_of("work"))
    assert await asyncio.wait_for(stays, SOON_S) == jobs


async def test_without_a_job_it_answers_with_none_when_its_time_is_over(worker: Caller) -> None:
    assert await waits(worker, wait_ms=50) == []
    assert await waits(worker, wait_ms=0) == []
    assert await waits(worker, wait_ms=-5) == []


async def test_a_queue_dropped_meanwhile_is_told(direct: PinLaterService) -> None:
    worker = Caller(direct)
    await worker.create()
    waiting = waits(worker)
    await asyncio.sleep(0.05)
    await direct.drop_queue(QUEUE)
    with refused_with(ErrorCode.QUEUE_NOT_FOUND):
        await asyncio.wait_for(waiting, SOON_S)


async def test_a_paused_queue_lets_wait_and_gives_once_it_is_resumed(worker: Caller, service: PinLater) -> None:
    jobs = await worker.enqueue(jobs_of("work"))
    await service.pauseQueue(worker.context, QUEUE, True)
    waiting = waits(worker)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await service.pauseQueue(worker.context, QUEUE, False)
    assert await asyncio.wait_for(waiting, SOON_S) == jobs


async def test_where_too_many_wait_already_one_more_does_not(backend: Backend) -> None:
    worker = Caller(PinLaterService([backend], OWNER, ServiceSettings(waiting_dequeues=1)))
    await worker.create()
    waiting = waits(worker)
    await asyncio.sleep(0.05)
    assert await asyncio.wait_for(waits(worker), SOON_S) == []
    waiting.cancel()


async def test_acks_ride_along_with_a_dequeue_that_waits(worker: Caller) -> None:
    done = await worker.enqueue(jobs_of("work"))
    await worker.take()
    request = PinLaterDequeueRequest(QUEUE, 1, worker.acks(done=done))
    await worker.service.dequeueJobsWait(worker.context, request, 10)
    assert await worker.counts() == [0, 0, 1, 0]
