"""Claims: fenced where acks and checkpoints name them, kept up by heartbeats, given back, taken back, released."""

from __future__ import annotations

from pinlater import Backend, Monitor, PinLaterService
from tests.support.pinlater_caller import (
    FAILED,
    IN_PROGRESS,
    OWNER,
    PENDING,
    SETTINGS,
    START_MS,
    SUCCEEDED,
    Caller,
    Clock,
    Counts,
    jobs_of,
    numbered,
)
from thrift_idl.gen.pinlater.protocol import PinLater


async def taken(worker: Caller) -> tuple[str, str]:
    """A job and the claim on it."""
    ((job, metadata),) = ((await worker.dequeue(1)).jobMetadata or {}).items()
    assert metadata.claimDescriptor is not None
    return job, metadata.claimDescriptor


async def retaken(worker: Caller, clock: Clock, monitor: Monitor) -> tuple[str, str, str]:
    """A job, a claim that has moved on, and the claim that lives."""
    await worker.enqueue(jobs_of("work", numAttemptsAllowed=9))
    job, late = await taken(worker)
    clock.ms += 600_001
    await monitor.look_after_all()
    again, living = await taken(worker)
    assert again == job and late != living
    return job, late, living


async def test_a_late_ack_of_a_claim_that_moved_on_changes_nothing_and_is_counted(
    worker: Caller, clock: Clock, monitor: Monitor, counts: Counts
) -> None:
    job, late, living = await retaken(worker, clock, monitor)
    before = await worker.one(job)
    await worker.ack(done=[job], claimDescriptor=late)
    await worker.ack(failed=[job], claimDescriptor=late)
    await worker.ack(done=[job], claimDescriptor="")
    assert await worker.one(job) == before
    assert counts.of["ack_noop"] == 3
    await worker.ack(done=[job], claimDescriptor=living)
    assert (await worker.one(job)).jobState == SUCCEEDED


async def test_a_late_checkpoint_of_a_claim_that_moved_on_changes_nothing_and_is_counted(
    worker: Caller, clock: Clock, monitor: Monitor, counts: Counts
) -> None:
    job, late, living = await retaken(worker, clock, monitor)
    before = await worker.one(job)
    await worker.checkpoint(job, claimDescriptor=late, newBody="late", moveToPending=True)
    assert await worker.one(job) == before
    assert counts.of["checkpoint_noop"] == 1
    await worker.checkpoint(job, claimDescriptor=living, newBody="in time")
    assert (await worker.one(job)).body == b"in time"


async def test_an_ack_without_a_claim_is_guarded_by_the_state_alone(
    worker: Caller, clock: Clock, monitor: Monitor
) -> None:
    job, _, _ = await retaken(worker, clock, monitor)
    await worker.ack(done=[job])
    assert (await worker.one(job)).jobState == SUCCEEDED


async def test_whoever_names_the_claim_may_checkpoint_it(worker: Caller, service: PinLater) -> None:
    await worker.enqueue(jobs_of("work"))
    job, claim = await taken(worker)
    await Caller(service, "its helper").checkpoint(job, claimDescriptor=claim, newBody="helped")
    assert (await worker.one(job)).body == b"helped"


async def test_the_same_ack_twice_is_applied_once(worker: Caller, counts: Counts) -> None:
    await worker.enqueue(jobs_of("work", numAttemptsAllowed=5))
    job, claim = await taken(worker)
    for _ in range(2):
        await worker.ack(failed=[job], claimDescriptor=claim, appendCustomStatus="once")
    info = await worker.one(job)
    assert (info.attemptsRemaining, info.customStatus) == (4, "once")
    assert (counts.of["ack_failed"], counts.of["ack_noop"]) == (1, 1)


async def test_five_hundred_deferrals_spend_no_attempt(worker: Caller, clock: Clock) -> None:
    jobs = await worker.enqueue(jobs_of("a", "b", numAttemptsAllowed=2))
    for tries in range(1, 501):
        assert await worker.take() == jobs
        clock.ms += 5
        await worker.checkpoint(
            *jobs, moveToPending=True, runAfterTimestampMillis=clock.ms + 60_000, newBody=f"tries {tries}"
        )
        assert await worker.take() == []
        clock.ms += 60_000
    for info in await worker.lookup(*jobs, body=True):
        assert (info.attemptsRemaining, info.attemptsAllowed, info.body) == (2, 2, b"tries 500")
    await worker.take()
    await worker.ack(done=jobs)
    assert await worker.counts() == [0, 0, 2, 0]


async def test_a_heartbeat_keeps_a_claim_alive(worker: Caller, clock: Clock, monitor: Monitor) -> None:
    kept, lost = await worker.enqueue(numbered(2))
    await worker.take()
    for _ in range(5):
        clock.ms += 400_000
        await worker.checkpoint(kept)
        await monitor.look_after_all()
    assert [(await worker.one(job)).jobState for job in (kept, lost)] == [IN_PROGRESS, PENDING]


async def test_a_checkpoint_with_a_later_time_keeps_the_claim_until_then(
    worker: Caller, clock: Clock, monitor: Monitor
) -> None:
    (job,) = await worker.enqueue(jobs_of("long"))
    await worker.take()
    await worker.checkpoint(job, runAfterTimestampMillis=START_MS + 5_000_000)
    clock.ms += 5_600_000
    await monitor.look_after_all()
    assert (await worker.one(job)).jobState == IN_PROGRESS
    clock.ms += 1
    await monitor.look_after_all()
    assert (await worker.one(job)).jobState == PENDING


async def test_a_checkpoint_with_a_time_that_has_passed_still_extends_the_claim(
    worker: Caller, clock: Clock, monitor: Monitor
) -> None:
    (job,) = await worker.enqueue(jobs_of("work"))
    await worker.take()
    clock.ms += 600_000
    await worker.checkpoint(job, runAfterTimestampMillis=START_MS)
    clock.ms += 600_000
    await monitor.look_after_all()
    assert (await worker.one(job)).jobState == IN_PROGRESS


async def test_a_job_lost_with_its_worker_comes_behind_those_that_wait(
    worker: Caller, clock: Clock, monitor: Monitor
) -> None:
    await worker.enqueue(jobs_of("lost", "waiting"))
    await worker.take(1)
    clock.ms += 600_001
    await monitor.look_after_all()
    assert await worker.bodies() == ["waiting", "lost"]


async def test_a_job_that_is_to_be_retried_has_no_claim(worker: Caller, clock: Clock, monitor: Monitor) -> None:
    (job,) = await worker.enqueue(jobs_of("work", numAttemptsAllowed=9))
    await worker.take()
    await worker.ack(failed=[job])
    assert (await worker.one(job)).claimDescriptor is None
    await worker.take()
    clock.ms += 600_001
    await monitor.look_after_all()
    assert (await worker.one(job)).claimDescriptor is None
    await worker.take()
    await worker.checkpoint(job, numOfAttemptsAllowed=1)
    await worker.ack(failed=[job])
    assert (await worker.one(job)).jobState == FAILED
    await worker.retry_failed(attemptsToAllow=1)
    assert (await worker.one(job)).claimDescriptor is None


async def test_the_claims_of_a_dead_source_are_released_at_once_and_each_costs_an_attempt(
    direct: PinLaterService, counts: Counts
) -> None:
    dead, other = Caller(direct, "crawl-1"), Caller(direct, "signals-1")
    await dead.create()
    await dead.enqueue(numbered(2, numAttemptsAllowed=3) + jobs_of("last try", numAttemptsAllowed=1))
    await dead.take(3)
    (living,) = await other.enqueue(jobs_of("other"))
    await other.take()
    lost = await direct.release_claims("crawl-")
    assert (lost.done, lost.retry) == (1, 2)
    assert (counts.of["timeout_done"], counts.of["timeout_retry"]) == (1, 2)
    assert await dead.counts() == [2, 1, 0, 1]
    assert (await other.one(living)).jobState == IN_PROGRESS
    assert {info.attemptsRemaining for info in await dead.lookup(*await dead.take())} == {2}
    await direct.release_claims("")
    assert await dead.counts() == [3, 0, 0, 1]


async def test_servers_whose_clocks_are_a_minute_apart_lose_nothing_and_succeed_once(
    backend: Backend, clock: Clock, counts: Counts
) -> None:
    ahead = PinLaterService([backend], "ahead:1:1", SETTINGS, lambda: clock.ms + 60_000, counts)
    behind = PinLaterService([backend], "behind:1:1", SETTINGS, clock, counts)
    workers = [Caller(ahead, "a"), Caller(behind, "b")]
    await workers[0].create()
    for worker in workers:
        await worker.enqueue(numbered(10))
    for _ in range(130):
        clock.ms += 1_000
        for worker in workers:
            found = (await worker.dequeue(2)).jobMetadata or {}
            for job, metadata in found.items():
                await worker.ack(done=[job], claimDescriptor=metadata.claimDescriptor)
    assert await workers[0].counts() == [0, 0, 20, 0]
    assert counts.of["ack_succeeded"] == 20


async def test_a_claim_names_owner_source_and_a_counter(direct: PinLaterService) -> None:
    worker = Caller(direct, "so:ur:ce")
    await worker.create()
    await worker.enqueue(numbered(2))
    claims = [(await taken(worker))[1] for _ in range(2)]
    assert claims == [f"{OWNER}:so:ur:ce:1", f"{OWNER}:so:ur:ce:2"]
    await worker.checkpoint(*[info.jobDescriptor for info in (await worker.scan(IN_PROGRESS)).scannedJobs])
    assert (await worker.counts())[IN_PROGRESS] == 2
