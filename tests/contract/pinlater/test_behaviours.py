"""The 28 behaviours of PinLater's own tests, over SQLite and Redis, called directly and through Thrift.

The tests have the names of the cases of conformance/pinlater/behaviours.json; `tests/conformance/pinlater` holds
the two lists together.
"""

from __future__ import annotations

from random import Random

import pytest

from pinlater import Monitor
from tests.support.pinlater_caller import (
    FAILED,
    IN_PROGRESS,
    OWNER,
    PASSWORD,
    PENDING,
    QUEUE,
    START_MS,
    SUCCEEDED,
    Caller,
    Clock,
    Counts,
    jobs_of,
    numbered,
    refused_with,
)
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import ErrorCode

HOUR_MS = 3_600_000


async def test_basic(worker: Caller, clock: Clock) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    info = await worker.one(job)
    assert info.jobDescriptor == job and job.startswith(f"{QUEUE}:s1:p1:")
    assert (info.jobState, info.attemptsAllowed, info.attemptsRemaining) == (PENDING, 2, 2)
    assert info.createdAtTimestampMillis == info.runAfterTimestampMillis == info.updatedAtTimestampMillis == START_MS
    assert (info.claimDescriptor, info.customStatus) == (None, "")
    assert await worker.count(PENDING) == 1
    clock.ms += 5
    assert await worker.take(10) == [job]
    assert (await worker.one(job)).jobState == IN_PROGRESS
    await worker.ack(done=[job])
    (info,) = await worker.lookup(job)
    assert (info.jobState, info.attemptsRemaining, info.updatedAtTimestampMillis) == (SUCCEEDED, 2, START_MS + 5)
    assert info.claimDescriptor == f"{OWNER}:worker-1:1"
    assert info.body is None
    assert await worker.count(PENDING) == 0


async def test_priorities(worker: Caller) -> None:
    for priority in (3, 2, 1):
        await worker.enqueue(jobs_of(f"P{priority}", priority=priority))
    assert [await worker.bodies(1) for _ in range(3)] == [["P1"], ["P2"], ["P3"]]


async def test_runAfter(worker: Caller, clock: Clock) -> None:
    (job,) = await worker.enqueue(jobs_of("later", runAfterTimestampMillis=START_MS + 1_000))
    clock.ms += 999
    assert (await worker.count(PENDING), await worker.take()) == (0, [])
    clock.ms += 1
    assert (await worker.count(PENDING), await worker.take()) == (1, [job])


async def test_manyJobs(worker: Caller) -> None:
    random = Random(1)
    for number in range(100):
        await worker.enqueue(jobs_of(f"{number}", priority=random.randint(1, 3), numAttemptsAllowed=1))
    taken = [job for _ in range(10) for job in await worker.take(10)]
    assert len(set(taken)) == len(taken) == 100
    assert await worker.counts() == [0, 100, 0, 0]
    await worker.ack(done=taken[:50], failed=taken[50:])
    assert await worker.counts() == [0, 0, 50, 50]


async def test_failedRetry(worker: Caller) -> None:
    await worker.enqueue(numbered(5, numAttemptsAllowed=3))
    for done, pending, failed in ((2, 3, 0), (1, 2, 0), (0, 0, 2)):
        taken = await worker.take()
        await worker.ack(done=taken[:done], failed=taken[done:])
        assert [(await worker.counts())[state] for state in (PENDING, FAILED)] == [pending, failed]
    assert (await worker.counts())[SUCCEEDED] == 3
    assert await worker.take() == []


async def test_ackDuringDequeue(worker: Caller) -> None:
    await worker.enqueue(numbered(5, numAttemptsAllowed=1))
    one, two = await worker.take(2)
    assert [(await worker.counts())[state] for state in (IN_PROGRESS, SUCCEEDED)] == [2, 0]
    three, four = await worker.take(2, jobAckRequest=worker.acks(done=[one, two]))
    assert [(await worker.counts())[state] for state in (IN_PROGRESS, SUCCEEDED)] == [2, 2]
    (five,) = await worker.take(2, jobAckRequest=worker.acks(done=[three, four]))
    assert [(await worker.counts())[state] for state in (IN_PROGRESS, SUCCEEDED)] == [1, 4]
    assert await worker.take(2, jobAckRequest=worker.acks(done=[five])) == []
    assert [(await worker.counts())[state] for state in (IN_PROGRESS, SUCCEEDED)] == [0, 5]


async def test_ackFailedJob(worker: Caller) -> None:
    (job,) = await worker.enqueue(jobs_of("fails"))
    for state, remaining in ((PENDING, 1), (FAILED, 0)):
        assert await worker.take() == [job]
        await worker.ack(failed=[job], appendCustomStatus="!")
        info = await worker.one(job)
        assert (info.jobState, info.attemptsRemaining, info.attemptsAllowed) == (state, remaining, 2)
        assert (info.claimDescriptor is None) == (state == PENDING)
    assert (await worker.one(job)).customStatus == "!!"


async def test_ackNotDequeued(worker: Caller, counts: Counts) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    before = await worker.one(job)
    await worker.ack(done=[job])
    await worker.ack(failed=[job])
    assert await worker.one(job) == before
    assert counts.of["ack_noop"] == 2


async def test_retryDelay(worker: Caller, clock: Clock) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    await worker.take()
    await worker.ack(failed=[job], retryDelayMillis=2_000)
    assert (await worker.one(job)).runAfterTimestampMillis == START_MS + 2_000
    clock.ms += 1_999
    assert await worker.take() == []
    clock.ms += 1
    assert await worker.take() == [job]


async def test_dryRun(worker: Caller) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    shown = await worker.dequeue(dryRun=True)
    assert dict(shown.jobs or {}) == {job: b"work"}
    assert (await worker.one(job)).jobState == PENDING
    assert (await worker.one(job)).claimDescriptor is None


async def test_jobCount(worker: Caller) -> None:
    await worker.enqueue(numbered(20, priority=1))
    await worker.enqueue(jobs_of("later", "much later", priority=2, runAfterTimestampMillis=START_MS + 1))
    assert await worker.count(PENDING) == await worker.count(PENDING, priority=1) == 20
    assert await worker.count(PENDING, priority=2) == 0
    assert await worker.count(PENDING, countFutureJobs=True) == 2
    assert await worker.count(PENDING, priority=1, bodyRegexToMatch="job_body_1.*") == 11
    assert await worker.count(PENDING, bodyRegexToMatch="^much", countFutureJobs=True) == 1
    await worker.take(5)
    assert (await worker.count(PENDING), await worker.count(IN_PROGRESS, priority=1)) == (15, 5)
    assert await worker.count(IN_PROGRESS, countFutureJobs=True) == 0


async def test_createQueueTwice_deleteMissing(worker: Caller, service: PinLater) -> None:
    (job,) = await worker.enqueue(jobs_of("kept"))
    await worker.create()
    assert len(await worker.lookup(job)) == 1
    await service.deleteQueue(worker.context, "missing", PASSWORD)


async def test_deleteQueuePassword(worker: Caller, service: PinLater) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    with refused_with(ErrorCode.PASSWORD_INVALID):
        await service.deleteQueue(worker.context, QUEUE, "guess")
    assert len(await worker.lookup(job)) == 1
    await service.deleteQueue(worker.context, QUEUE, PASSWORD)
    assert await worker.lookup(job) == []
    await worker.create()
    assert (await worker.lookup(job), await worker.take()) == ([], [])


async def test_scanBadContinuation(worker: Caller) -> None:
    for bad in ("nonsense", "-1", "1.2", f"{2**64}.1.1", "1.1.1\n"):
        with refused_with(ErrorCode.CONTINUATION_INVALID):
            await worker.scan(PENDING, continuation=bad)


async def test_dequeueMetadata(worker: Caller) -> None:
    (job,) = await worker.enqueue(jobs_of("work", numAttemptsAllowed=3))
    for place in range(3):
        metadata = ((await worker.dequeue()).jobMetadata or {})[job]
        assert (metadata.attemptsAllowed, metadata.attemptsRemaining) == (3, 3 - place)
        assert metadata.claimDescriptor == (await worker.one(job)).claimDescriptor
        await worker.ack(failed=[job])


async def test_scanJobs(worker: Caller) -> None:
    for number in range(10):
        late = START_MS + 60_000 if number >= 8 else START_MS - number
        await worker.enqueue(
            jobs_of(f"job_body_{number}", priority=1 + number % 2, runAfterTimestampMillis=late),
        )
    scanned = (await worker.scan(PENDING)).scannedJobs
    times = [job.runAfterTimestampMillis for job in scanned]
    assert times == [START_MS - number for number in range(8)]
    assert all(job.body is None for job in scanned)
    assert len((await worker.scan(PENDING, scanFutureJobs=True)).scannedJobs) == 2
    assert len((await worker.scan(PENDING, priority=2)).scannedJobs) == 4
    assert len((await worker.scan(PENDING, bodyRegexToMatch="_[12]$")).scannedJobs) == 2
    assert (await worker.scan(IN_PROGRESS)).scannedJobs == ()
    seen, going_on = [], "0"
    while going_on != "-1":
        page = await worker.scan(PENDING, limit=3, continuation=going_on)
        seen += [job.jobDescriptor for job in page.scannedJobs]
        going_on = page.continuation
    assert seen == [job.jobDescriptor for job in scanned]


async def test_queueNames(worker: Caller, service: PinLater) -> None:
    await service.createQueue(worker.context, "other")
    assert await service.getQueueNames(worker.context) == {QUEUE, "other"}
    await service.deleteQueue(worker.context, "other", PASSWORD)
    assert await service.getQueueNames(worker.context) == {QUEUE}


async def test_queueDoesNotExist(service: PinLater) -> None:
    nowhere = Caller(service, queue="nowhere")
    with refused_with(ErrorCode.QUEUE_NOT_FOUND):
        await nowhere.enqueue(jobs_of("work"))
    with refused_with(ErrorCode.QUEUE_NOT_FOUND):
        await nowhere.take()
    with refused_with(ErrorCode.QUEUE_NOT_FOUND):
        await nowhere.count(PENDING)
    with refused_with(ErrorCode.QUEUE_NOT_FOUND):
        await nowhere.ack(done=["nowhere:s1:p1:1"])
    assert await nowhere.lookup("nowhere:s1:p1:1") == []


async def test_priorityNotSupported(worker: Caller) -> None:
    for priority in (0, 4, -1):
        with refused_with(ErrorCode.PRIORITY_NOT_SUPPORTED):
            await worker.enqueue([*jobs_of("fine"), *jobs_of("not", priority=priority)])
    assert await worker.counts() == [0, 0, 0, 0]


async def test_retryFailedJobs(worker: Caller, clock: Clock) -> None:
    await worker.enqueue(numbered(20, priority=2, numAttemptsAllowed=1))
    await worker.ack(failed=await worker.take(20))
    assert await worker.retry_failed(priority=1) == 0
    later = START_MS + 1_000
    retried = {"priority": 2, "attemptsToAllow": 2, "runAfterTimestampMillis": later, "limit": 15}
    assert await worker.retry_failed(**retried) == 15
    assert await worker.take(20) == []
    clock.ms = later
    for state in (PENDING, FAILED):
        taken = await worker.take(20)
        assert len(taken) == 15
        await worker.ack(failed=taken)
        assert {info.jobState for info in await worker.lookup(*taken)} == {state}
    assert await worker.counts() == [0, 0, 0, 20]


async def test_deleteJobs(worker: Caller) -> None:
    await worker.enqueue(numbered(20, priority=2))
    assert await worker.delete_jobs(PENDING, priority=1) == 0
    assert await worker.delete_jobs(IN_PROGRESS, priority=2) == 0
    assert await worker.delete_jobs(PENDING, priority=2, bodyRegexToMatch="job_body_1.*", limit=4) == 4
    assert await worker.delete_jobs(PENDING, priority=2, bodyRegexToMatch="job_body_1.*") == 7
    assert await worker.count(PENDING) == 9
    assert await worker.delete_jobs(PENDING, priority=2, limit=5) == 5
    assert len(await worker.take(20)) == 4


async def test_checkpoint_default(worker: Caller, clock: Clock) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    await worker.take()
    before = await worker.one(job)
    clock.ms += 7_000
    await worker.checkpoint(job)
    after = await worker.one(job)
    assert after.runAfterTimestampMillis == after.updatedAtTimestampMillis == START_MS + 7_000
    assert (after.jobState, after.body, after.claimDescriptor) == (IN_PROGRESS, b"work", before.claimDescriptor)


@pytest.mark.parametrize(
    ("asked", "field", "value"),
    [
        ({"newBody": "näxt"}, "body", "näxt".encode()),
        ({"runAfterTimestampMillis": START_MS + 9}, "runAfterTimestampMillis", START_MS + 9),
        ({"numOfAttemptsAllowed": 5}, "attemptsAllowed", 5),
        ({"numOfAttemptsAllowed": 5}, "attemptsRemaining", 5),
        ({"prependCustomStatus": "new "}, "customStatus", "new old"),
    ],
)
async def test_checkpoint_newBody_newRunAfter_newAttempts_prependCustomStatus(
    worker: Caller, asked: dict[str, object], field: str, value: object
) -> None:
    (job,) = await worker.enqueue(jobs_of("work", customStatus="old"))
    await worker.take()
    before = await worker.one(job)
    await worker.checkpoint(job, **asked)
    after = await worker.one(job)
    assert getattr(after, field) == value
    may_change = {field, *(("attemptsAllowed", "attemptsRemaining") if "attempts" in field else ())}
    same = [name for name in before.__slots__ if name not in may_change]  # type: ignore[attr-defined]  # there at run time
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]


async def test_checkpoint_moveToPending(worker: Caller) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    await worker.take()
    await worker.checkpoint(job, moveToPending=True)
    info = await worker.one(job)
    assert (info.jobState, info.claimDescriptor, info.attemptsRemaining) == (PENDING, None, 2)
    assert await worker.take() == [job]


async def test_checkpoint_no_op(worker: Caller, service: PinLater, counts: Counts) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    before = await worker.one(job)
    await worker.checkpoint(job, newBody="changed")
    assert await worker.one(job) == before
    await worker.take()
    before = await worker.one(job)
    await Caller(service, "worker-2").checkpoint(job, newBody="changed", moveToPending=True)
    assert await worker.one(job) == before
    assert counts.of["checkpoint_noop"] == 2 and counts.of["checkpoint"] == 0


async def test_customStatus_too_long(worker: Caller) -> None:
    (job,) = await worker.enqueue(jobs_of("work", customStatus="ä" * 100_000))
    await worker.take()
    await worker.checkpoint(job, prependCustomStatus="new " + "ö" * 10)
    await worker.ack(done=[job], appendCustomStatus="lost" * 1_000)
    info = await worker.one(job)
    assert info.customStatus == ("new " + "ö" * 10 + "ä" * 2_000)[:2_000]
    assert info.jobState == SUCCEEDED


async def test_monitor_GC(worker: Caller, clock: Clock, monitor: Monitor, counts: Counts) -> None:
    jobs = await worker.enqueue(numbered(4, numAttemptsAllowed=1))
    await worker.take(3)
    await worker.ack(done=jobs[:2], failed=jobs[2:3])
    clock.ms += 24 * HOUR_MS
    await monitor.look_after_all()
    assert len(await worker.lookup(*jobs)) == 4
    clock.ms += 1
    await monitor.look_after_all()
    assert [info.jobDescriptor for info in await worker.lookup(*jobs)] == jobs[2:]
    clock.ms += 144 * HOUR_MS
    await monitor.look_after_all()
    assert [info.jobDescriptor for info in await worker.lookup(*jobs)] == jobs[3:]
    assert counts.of["gc"] == 3


async def test_monitor_claimed_timeout(worker: Caller, clock: Clock, monitor: Monitor, counts: Counts) -> None:
    await worker.enqueue(numbered(50, numAttemptsAllowed=2) + numbered(50, numAttemptsAllowed=1))
    await worker.take(100)
    clock.ms += 600_000
    await monitor.look_after_all()
    assert await worker.counts() == [0, 100, 0, 0]
    clock.ms += 1
    await monitor.look_after_all()
    assert await worker.counts() == [50, 0, 0, 50]
    assert (counts.of["timeout_retry"], counts.of["timeout_done"]) == (50, 50)
    taken = await worker.lookup(*await worker.take(100))
    assert len(taken) == 50 and {info.attemptsRemaining for info in taken} == {1}
