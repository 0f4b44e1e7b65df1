"""Jobs in a worker of one handler: acks, retries, deadlines, heartbeats, a graceful stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pinlater import Monitor, MonitorRules, PinLaterService, QueueRules, ServiceSettings
from pinlater.backends.sqlite import SqliteBackend
from pinlater.worker import ClaimedJob, Later, Retries, Worker, WorkerQueues
from tests.support.pinlater_caller import (
    FAILED,
    IN_PROGRESS,
    OWNER,
    PENDING,
    QUEUE,
    SUCCEEDED,
    Caller,
    jobs_of,
    numbered,
)
from thrift_idl.errors import BackendDown
from thrift_idl.gen.pinlater.ttypes import PinLaterDequeueRequest, PinLaterDequeueResponse, RequestContext

AT_ONCE = Retries(first_ms=1, longest_ms=1)


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[SqliteBackend]:
    opened = await SqliteBackend.open(f"sqlite:///{tmp_path}/jobs.sqlite")
    yield opened
    await opened.close()


@pytest.fixture
async def caller(backend: SqliteBackend) -> AsyncIterator[Caller]:
    service = PinLaterService([backend], OWNER)
    caller = Caller(service)
    await caller.create()
    yield caller
    await service.close()


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    """The worker works; afterwards it has stopped, gracefully."""
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await running


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0.01)


def states(caller: Caller, *wanted: int) -> Callable[[], Awaitable[bool]]:
    async def hold() -> bool:
        return await caller.counts() == list(wanted)

    return hold


async def test_a_job_whose_handler_returns_has_succeeded(caller: Caller) -> None:
    await caller.enqueue(numbered(100))
    seen: list[bytes] = []

    async def handle(job: ClaimedJob) -> None:
        seen.append(job.body)

    async with running(Worker(caller.service, QUEUE, handle)):
        await until(states(caller, 0, 0, 100, 0))
    assert sorted(seen) == sorted(f"job_body_{number}".encode() for number in range(100))


async def test_no_more_jobs_than_its_concurrency_are_worked_on_or_claimed(caller: Caller) -> None:
    await caller.enqueue(numbered(30))
    busy, most, claimed = 0, 0, 0

    async def handle(job: ClaimedJob) -> None:
        nonlocal busy, most, claimed
        busy += 1
        most, claimed = max(most, busy), max(claimed, await caller.count(IN_PROGRESS))
        busy -= 1

    async with running(Worker(caller.service, QUEUE, handle, concurrency=4)):
        await until(states(caller, 0, 0, 30, 0))
    assert 1 < most <= 4
    assert claimed <= 8  # acks of those that are done ride with the next dequeue


async def test_a_failing_job_is_tried_as_often_as_it_allows_and_says_why(caller: Caller) -> None:
    (job,) = await caller.enqueue(jobs_of("bad", numAttemptsAllowed=3))
    tries: list[int] = []

    async def handle(held: ClaimedJob) -> None:
        tries.append(held.lost)
        raise ValueError(f"try {len(tries)}")

    async with running(Worker(caller.service, QUEUE, handle, retries=AT_ONCE)):
        await until(states(caller, 0, 0, 0, 1))
    info = await caller.one(job)
    assert tries == [0, 1, 2]
    assert info.customStatus.splitlines() == [f"ValueError: try {number}" for number in (1, 2, 3)]
    assert info.attemptsRemaining == 0


@pytest.mark.parametrize(
    ("failures", "chance", "delay_ms"), [(1, 1.0, 1_000), (1, 0.0, 500), (3, 1.0, 4_000), (99, 1.0, 600_000)]
)
def test_delays_double_up_to_a_bound_and_half_of_each_is_chance(failures: int, chance: float, delay_ms: int) -> None:
    assert Retries().delay_ms(failures, chance) == delay_ms


async def test_a_retry_waits_for_its_delay(caller: Caller) -> None:
    (job,) = await caller.enqueue(jobs_of("bad", numAttemptsAllowed=2))

    async def handle(held: ClaimedJob) -> None:
        raise OSError("no luck")

    async with running(Worker(caller.service, QUEUE, handle, retries=Retries(first_ms=60_000, jitter=0.0))):
        await until(states(caller, 1, 0, 0, 0))
    info = await caller.one(job)
    assert (info.runAfterTimestampMillis or 0) - (info.updatedAtTimestampMillis or 0) == 60_000
    assert info.attemptsRemaining == 1


async def test_a_handler_beyond_its_deadline_is_cancelled_and_has_failed(caller: Caller) -> None:
    (job,) = await caller.enqueue(jobs_of("slow", numAttemptsAllowed=1))
    cancelled = asyncio.Event()

    async def handle(held: ClaimedJob) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with running(Worker(caller.service, QUEUE, handle, deadline_ms=20)):
        await until(states(caller, 0, 0, 0, 1))
    assert cancelled.is_set()
    assert (await caller.one(job)).customStatus == "TimeoutError: not done within 20 ms\n"


async def test_a_handler_that_is_cancelled_from_within_has_failed(caller: Caller) -> None:
    await caller.enqueue(jobs_of("odd", numAttemptsAllowed=1))

    async def handle(held: ClaimedJob) -> None:
        raise asyncio.CancelledError

    async with running(Worker(caller.service, QUEUE, handle)):
        await until(states(caller, 0, 0, 0, 1))


async def test_later_spends_no_attempt_and_may_change_the_body(caller: Caller) -> None:
    (job,) = await caller.enqueue(jobs_of("first", numAttemptsAllowed=1))
    bodies: list[bytes] = []

    async def handle(held: ClaimedJob) -> None:
        bodies.append(held.body)
        if len(bodies) < 3:
            raise Later(1, b"second")

    async with running(Worker(caller.service, QUEUE, handle)):
        await until(states(caller, 0, 0, 1, 0))
    assert bodies == [b"first", b"second", b"second"]
    assert (await caller.one(job)).attemptsRemaining == 1


async def test_a_checkpoint_outlives_its_worker(caller: Caller) -> None:
    (job,) = await caller.enqueue(jobs_of("page 1"))
    kept = asyncio.Event()

    async def handle(held: ClaimedJob) -> None:
        await worker.checkpoint(held, b"page 2")
        kept.set()
        await asyncio.Event().wait()

    worker = Worker(caller.service, QUEUE, handle, drain_ms=10)
    async with running(worker):
        await kept.wait()
    info = await caller.one(job)
    assert (info.body, info.jobState, info.attemptsRemaining) == (b"page 2", PENDING, 2)


async def test_heartbeats_keep_up_a_claim_that_outlasts_its_time(caller: Caller, backend: SqliteBackend) -> None:
    await caller.enqueue(numbered(1))
    begun, end = asyncio.Event(), asyncio.Event()

    async def handle(held: ClaimedJob) -> None:
        begun.set()
        await end.wait()

    monitor = Monitor([backend], MonitorRules(default=QueueRules(claim_timeout_ms=3_000, cycle_ms=0)))
    async with running(Worker(caller.service, QUEUE, handle, heartbeat_ms=50)):
        await begun.wait()
        for _ in range(35):
            await asyncio.sleep(0.1)
            await monitor.look_after_all()
            assert await caller.count(IN_PROGRESS) == 1
        end.set()
        await until(states(caller, 0, 0, 1, 0))


async def test_told_to_stop_it_lets_work_end_and_gives_back_the_rest_with_all_attempts(caller: Caller) -> None:
    jobs = await caller.enqueue(jobs_of("quick", "slow", numAttemptsAllowed=1))
    begun: list[bytes] = []
    stopping = asyncio.Event()

    async def handle(held: ClaimedJob) -> None:
        begun.append(held.body)
        await stopping.wait()
        if held.body == b"slow":
            await asyncio.Event().wait()

    async def both_begun() -> bool:
        return len(begun) == 2

    async with running(Worker(caller.service, QUEUE, handle, drain_ms=100)):
        await until(both_begun)
        asyncio.get_running_loop().call_later(0.03, stopping.set)
    quick, slow = await caller.lookup(*jobs)
    assert (quick.jobState, slow.jobState, slow.attemptsRemaining) == (SUCCEEDED, PENDING, 1)
    assert await caller.count(FAILED) == 0


class Asked(PinLaterService):
    """Counts its dequeues."""

    dequeues = 0

    async def dequeueJobsWait(
        self, context: RequestContext, request: PinLaterDequeueRequest, maxWaitMillis: int
    ) -> PinLaterDequeueResponse:
        self.dequeues += 1
        return await super().dequeueJobsWait(context, request, maxWaitMillis)


async def test_an_empty_queue_is_asked_once_and_its_first_job_answers_that_call(backend: SqliteBackend) -> None:
    service = Asked([backend], OWNER)
    caller = Caller(service)
    await caller.create()
    dequeues: list[int] = []

    async def handle(held: ClaimedJob) -> None:
        dequeues.append(service.dequeues)

    async def asked() -> bool:
        return service.dequeues == 1

    async with running(Worker(service, QUEUE, handle)):
        await until(asked)
        await caller.enqueue(numbered(1))
        await until(states(caller, 0, 0, 1, 0))
    await service.close()
    assert dequeues == [1]


class Unsteady(PinLaterService):
    """Does what it is asked, and then every other call of each kind is as if the answer had been lost."""

    calls = 0

    async def dequeueJobsWait(
        self, context: RequestContext, request: PinLaterDequeueRequest, maxWaitMillis: int
    ) -> PinLaterDequeueResponse:
        self.calls += 1
        if self.calls % 2:
            if request.jobAckRequest:
                await self.ackDequeuedJobs(context, request.jobAckRequest)
            raise BackendDown("the connection broke")
        return await super().dequeueJobsWait(context, request, maxWaitMillis)


async def test_acks_whose_answer_was_lost_are_sent_again_and_applied_once(
    backend: SqliteBackend, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller(Unsteady([backend], OWNER))
    await caller.create()
    await caller.enqueue(numbered(6))
    handled: list[str] = []

    async def handle(held: ClaimedJob) -> None:
        handled.append(held.descriptor)

    with caplog.at_level(logging.ERROR):
        async with running(Worker(caller.service, QUEUE, handle, concurrency=2)):
            await until(states(caller, 0, 0, 6, 0))
    assert len(set(handled)) == len(handled) == 6


async def test_acks_of_a_shard_that_is_gone_hold_up_no_others(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    jobs = await caller.enqueue(numbered(3))
    queues = WorkerQueues(caller.service, "worker")
    for held in await queues.dequeue(QUEUE, 3):
        queues.ack(replace(held, descriptor=f"{QUEUE}:sgone:p1:1") if held.descriptor == jobs[0] else held)
    await queues.flush()
    await queues.flush()
    assert await caller.counts() == [0, 1, 2, 0]
    assert "refused" in caplog.text


async def test_a_queue_that_is_not_there_has_no_jobs(caller: Caller) -> None:
    assert await WorkerQueues(caller.service, "worker").dequeue("elsewhere", 10) == []


async def test_a_queue_at_its_bound_of_dequeues_has_no_jobs_and_keeps_the_acks(backend: SqliteBackend) -> None:
    caller = Caller(PinLaterService([backend], OWNER))
    await caller.create()
    await caller.enqueue(numbered(1))
    crowded = PinLaterService([backend], f"{OWNER}1", ServiceSettings(concurrent_dequeues=0))
    queues = WorkerQueues(caller.service, "worker")
    (held,) = await queues.dequeue(QUEUE, 1)
    other = WorkerQueues(crowded, "worker")
    other.ack(held)
    assert await other.dequeue(QUEUE, 1) == []
    await other.flush()
    assert await caller.counts() == [0, 0, 1, 0]
