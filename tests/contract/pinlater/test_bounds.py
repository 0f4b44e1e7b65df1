"""Hostile input from outside: bounded, refused by name, and never the end of a service."""

from __future__ import annotations

import asyncio

import pytest

from pinlater import Backend, PinLaterService, ServiceSettings
from tests.support.pinlater_caller import (
    OWNER,
    PENDING,
    QUEUE,
    START_MS,
    Caller,
    Clock,
    Counts,
    jobs_of,
    numbered,
    refused_with,
)
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterJob

MIB = 1024 * 1024


async def test_a_limit_that_is_no_number_of_jobs_is_refused_with_a_reason(worker: Caller) -> None:
    for limit in (0, -1):
        with refused_with(ErrorCode.UNKNOWN):
            await worker.take(limit)
        with refused_with(ErrorCode.UNKNOWN):
            await worker.scan(PENDING, limit=limit)
        with refused_with(ErrorCode.UNKNOWN):
            await worker.delete_jobs(PENDING, limit=limit)
        with refused_with(ErrorCode.UNKNOWN):
            await worker.retry_failed(limit=limit)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", ErrorCode.QUEUE_NAME_INVALID),
        ("a-b", ErrorCode.QUEUE_NAME_INVALID),
        ("a\n", ErrorCode.QUEUE_NAME_INVALID),
        ("größe", ErrorCode.QUEUE_NAME_INVALID),
        ("q" * 65, ErrorCode.QUEUE_NAME_TOO_LONG),
    ],
)
async def test_a_bad_queue_name_is_refused(service: PinLater, name: str, code: int) -> None:
    with refused_with(code):
        await Caller(service, queue=name).create()


async def test_a_bad_job_descriptor_is_refused_and_nothing_of_its_batch_is_done(worker: Caller) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    await worker.take()
    for bad in ("nonsense", job + "x", job.replace("work:", "other:"), job.replace(":s1:", ":s9:"), f"{QUEUE}:s1:p1:"):
        with refused_with(ErrorCode.UNKNOWN):
            await worker.ack(done=[job, bad])
        with refused_with(ErrorCode.UNKNOWN):
            await worker.checkpoint(job, bad, moveToPending=True)
    assert await worker.counts() == [0, 1, 0, 0]
    assert await worker.lookup(f"{QUEUE}:s9:p1:1") == []
    await worker.ack(done=[f"{QUEUE}:s1:p1:999999999"])
    assert await worker.counts() == [0, 1, 0, 0]


async def test_times_beyond_all_bounds_become_the_nearest_that_there_are(worker: Caller, clock: Clock) -> None:
    never, past = await worker.enqueue(
        [PinLaterJob(b"never", runAfterTimestampMillis=2**63 - 1), PinLaterJob(b"past", runAfterTimestampMillis=-5)]
    )
    assert await worker.take() == [past]
    await worker.ack(failed=[past], retryDelayMillis=-(2**63))
    assert await worker.take() == [past]
    await worker.checkpoint(past, moveToPending=True, runAfterTimestampMillis=2**63 - 1)
    clock.ms = START_MS * 2
    assert await worker.take() == []
    assert {info.runAfterTimestampMillis for info in await worker.lookup(never, past)} == {2**53 - 1}


async def test_a_job_without_attempts_or_with_too_long_a_body_refuses_its_batch(worker: Caller) -> None:
    for bad in (PinLaterJob(b"", numAttemptsAllowed=0), PinLaterJob(bytes(MIB + 1))):
        with refused_with(ErrorCode.UNKNOWN):
            await worker.enqueue([*jobs_of("fine"), bad])
    (job,) = await worker.enqueue(jobs_of("fine"))
    await worker.take()
    for asked in ({"numOfAttemptsAllowed": 0}, {"newBody": "x" * (MIB + 1)}):
        with refused_with(ErrorCode.UNKNOWN):
            await worker.checkpoint(job, **asked)
    assert await worker.counts() == [0, 1, 0, 0]


async def test_bodies_are_bytes_and_come_back_as_they_went(worker: Caller) -> None:
    bodies = [bytes(range(256)), b"", b"\xff" * MIB]
    jobs = await worker.enqueue([PinLaterJob(body) for body in bodies])
    assert list(((await worker.dequeue()).jobs or {}).values()) == bodies
    assert [info.body for info in await worker.lookup(*jobs, body=True)] == bodies


async def test_a_status_with_a_nul_in_it_is_kept_to_its_end(worker: Caller) -> None:
    (job,) = await worker.enqueue(jobs_of("work", customStatus="a\0b"))
    await worker.take()
    await worker.ack(done=[job], appendCustomStatus="c\0d")
    assert (await worker.one(job)).customStatus == "a\ufffdbc\ufffdd"


async def test_more_bytes_of_bodies_than_a_message_holds_come_in_several_answers(worker: Caller) -> None:
    for _ in range(2):
        await worker.enqueue([PinLaterJob(bytes(MIB)) for _ in range(10)])
    answers = [await worker.take(100) for _ in range(4)]
    assert [len(answer) for answer in answers] == [8, 8, 4, 0]
    assert len({job for answer in answers for job in answer}) == 20
    assert await worker.delete_jobs(1, bodyRegexToMatch="\\x00") == 20


async def test_thousands_of_jobs_keep_their_order(worker: Caller) -> None:
    jobs = await worker.enqueue(numbered(3_000))
    assert len(set(jobs)) == 3_000
    dequeued: list[str] = []
    while found := await worker.take(2_000):
        dequeued += found
    assert dequeued == jobs
    await worker.ack(done=jobs)
    assert await worker.counts() == [0, 0, 3_000, 0]


async def test_an_empty_batch_is_no_error(worker: Caller) -> None:
    assert await worker.enqueue([]) == []
    await worker.ack()
    await worker.checkpoint()
    assert await worker.lookup() == []


async def test_a_bad_regular_expression_is_refused(worker: Caller) -> None:
    await worker.enqueue(jobs_of("work"))
    for bad in ("(", "a" * 1_001, "(?=ahead)"):
        with refused_with(ErrorCode.UNKNOWN):
            await worker.count(PENDING, bodyRegexToMatch=bad)


async def test_an_expression_that_would_backtrack_for_ages_takes_linear_time(worker: Caller) -> None:
    await worker.enqueue([PinLaterJob(b"a" * 100_000 + b"b")])
    assert await worker.count(PENDING, bodyRegexToMatch="^(a+)+$") == 0
    assert await worker.count(PENDING, bodyRegexToMatch="'; DROP TABLE job; --") == 0


async def test_a_state_that_does_not_exist_is_refused(worker: Caller) -> None:
    with refused_with(ErrorCode.UNKNOWN):
        await worker.count(7)
    with refused_with(ErrorCode.PRIORITY_NOT_SUPPORTED):
        await worker.count(PENDING, priority=4)


async def test_one_dequeue_too_many_at_a_time_is_refused_and_counted(
    backend: Backend, clock: Clock, counts: Counts
) -> None:
    service = PinLaterService([backend], OWNER, ServiceSettings(concurrent_dequeues=2), clock, counts)
    worker = Caller(service)
    await worker.create()
    await worker.enqueue(numbered(9))
    answers = await asyncio.gather(*(worker.take(1, dryRun=True) for _ in range(3)), return_exceptions=True)
    assert [isinstance(answer, list) for answer in answers] == [True, True, False]
    assert counts.of["rate_limited"] == 1
    assert len(await worker.take(9)) == 9


async def test_delays_are_counted_from_run_after_and_first_ones_apart(
    worker: Caller, clock: Clock, counts: Counts
) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    clock.ms += 30
    await worker.take()
    await worker.ack(failed=[job], retryDelayMillis=100)
    clock.ms += 107
    await worker.take()
    assert (counts.delays_ms, counts.first_delays_ms) == ([30, 7], [30])
    assert (counts.of["enqueue"], counts.of["dequeue"]) == (1, 2)


async def test_a_queue_may_be_dropped_without_a_password_by_whoever_runs_the_service(direct: PinLaterService) -> None:
    worker = Caller(direct)
    await worker.create()
    await worker.enqueue(numbered(3))
    await direct.drop_queue(QUEUE)
    assert await direct.getQueueNames(worker.context) == frozenset()
