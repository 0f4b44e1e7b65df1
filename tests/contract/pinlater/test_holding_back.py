"""Limits of a queue: a pause, a rate, a cap of claims; and counts of queues."""

from __future__ import annotations

import pytest

from pinlater import Backend, PinLaterService
from tests.support.pinlater_caller import (
    OWNER,
    PENDING,
    QUEUE,
    SETTINGS,
    START_MS,
    Caller,
    Clock,
    Counts,
    Said,
    jobs_of,
    numbered,
    refused_with,
)
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterQueueStats, PinLaterQueueStatsRequest


class Held:
    """A server with limits, its clock and what it counted."""

    def __init__(self, backend: Backend, said: Said, owner: str = OWNER) -> None:
        self.clock, self.counts = Clock(), Counts()
        self.service = PinLaterService(
            [backend], owner, SETTINGS, self.clock, self.counts, limits=said, steady_ms=self.clock
        )
        self.worker = Caller(self.service)


async def stats_of(service: PinLater, queue: str = QUEUE) -> PinLaterQueueStats:
    (stats,) = (await service.getQueueStats(Caller(service).context, PinLaterQueueStatsRequest((queue,)))).queues
    return stats


async def test_a_paused_queue_gives_nothing_and_takes_everything_else(
    worker: Caller, service: PinLater, counts: Counts
) -> None:
    held, waiting = await worker.enqueue(numbered(2))
    await worker.take(1)
    await service.pauseQueue(worker.context, QUEUE, True)
    with refused_with(ErrorCode.DEQUEUE_RATE_LIMITED):
        await worker.take()
    assert counts.of["rate_limited"] == 1
    assert await worker.take(dryRun=True) == [waiting]
    await worker.checkpoint(held)
    with refused_with(ErrorCode.DEQUEUE_RATE_LIMITED):
        await worker.take(jobAckRequest=worker.acks(done=[held]))
    await worker.enqueue(jobs_of("more"))
    assert await worker.counts() == [2, 0, 1, 0]
    assert (await stats_of(service)).paused
    await service.pauseQueue(worker.context, QUEUE, False)
    assert len(await worker.take()) == 2


async def test_a_pause_holds_on_every_server_and_for_that_queue_alone(backend: Backend, worker: Caller) -> None:
    other = PinLaterService([backend], "other:1:1", SETTINGS)
    await worker.service.pauseQueue(worker.context, QUEUE, True)
    with refused_with(ErrorCode.DEQUEUE_RATE_LIMITED):
        await Caller(other).take()
    await Caller(other, queue="free").create()
    assert await Caller(other, queue="free").take() == []
    with refused_with(ErrorCode.QUEUE_NOT_FOUND):
        await other.pauseQueue(worker.context, "nowhere", True)


async def test_a_queue_made_anew_is_not_paused(direct: PinLaterService) -> None:
    worker = Caller(direct)
    await worker.create()
    await direct.pauseQueue(worker.context, QUEUE, True)
    await direct.drop_queue(QUEUE)
    await worker.create()
    assert await worker.take() == []


@pytest.mark.parametrize("said", [{"paused": True}, {"rate": 0.0}])
async def test_the_file_pauses_too(backend: Backend, said: dict[str, object]) -> None:
    held = Held(backend, Said(**said))
    await held.worker.create()
    with refused_with(ErrorCode.DEQUEUE_RATE_LIMITED):
        await held.worker.take()
    assert (await stats_of(held.service)).paused


async def test_a_rate_bounds_the_jobs_of_every_second(backend: Backend) -> None:
    held = Held(backend, Said(rate=20.0))
    await held.worker.create()
    await held.worker.enqueue(numbered(400))
    given: list[int] = []
    for _ in range(1_000):
        held.clock.ms += 10
        try:
            given += [held.clock.ms] * len(await held.worker.take(100))
        except Exception:
            held.counts.of["refused"] += 1
    assert 199 <= len(given) <= 202
    assert max(sum(start <= each < start + 1_000 for each in given) for start in given) <= 1.1 * 20 + 1
    assert held.counts.of["rate_limited"] == held.counts.of["refused"] > 0


async def test_jobs_that_are_not_there_cost_no_rate(backend: Backend) -> None:
    held = Held(backend, Said(rate=1.0))
    await held.worker.create()
    for _ in range(5):
        assert await held.worker.take() == []
    await held.worker.enqueue(numbered(2))
    assert len(await held.worker.take()) == 1


async def test_a_rate_is_shared_by_the_servers_that_live(backend: Backend) -> None:
    servers = [Held(backend, Said(rate=100.0), f"server-{number}:1:1") for number in range(2)]
    await servers[0].worker.create()
    await servers[0].worker.enqueue(numbered(1_500))
    given = 0
    for tick in range(1_100):
        for server in servers:
            server.clock.ms += 10
            try:
                found = await server.worker.take(100)
            except Exception:
                continue
            given += len(found) if tick >= 300 else 0
    assert 780 <= given <= 820


async def test_no_more_jobs_are_claimed_at_once_than_the_cap(backend: Backend) -> None:
    servers = [Held(backend, Said(concurrency=3), f"server-{number}:1:1") for number in range(2)]
    one, two = (server.worker for server in servers)
    await one.create()
    await one.enqueue(numbered(10))
    jobs = await one.take(2) + await two.take(2)
    assert len(jobs) == 3
    assert await one.take() == await two.take() == []
    await one.ack(done=jobs[:1])
    assert len(await two.take()) == 1
    assert (await stats_of(servers[0].service)).claimedAtOnce == 3


async def test_how_a_queue_stands(worker: Caller, service: PinLater, clock: Clock) -> None:
    assert (await stats_of(service)).oldestReadyMillis is None
    jobs = await worker.enqueue(numbered(5, numAttemptsAllowed=1))
    await worker.enqueue(jobs_of("later", runAfterTimestampMillis=START_MS + 90_000, priority=2))
    await worker.take(3)
    await worker.ack(done=jobs[:1], failed=jobs[1:2])
    clock.ms += 7_000
    stats = await stats_of(service)
    assert (stats.ready, stats.later, stats.inProgress, stats.succeeded, stats.failed) == (2, 1, 1, 1, 1)
    assert (stats.oldestReadyMillis, stats.paused, stats.jobsPerSecond) == (7_000, False, None)
    every = await service.getQueueStats(worker.context, PinLaterQueueStatsRequest())
    assert ([one.queueName for one in every.queues], every.missingShards) == ([QUEUE], ())
    nothing = await service.getQueueStats(worker.context, PinLaterQueueStatsRequest(("nowhere",)))
    assert nothing.queues == ()


async def test_failed_jobs_are_kept_and_chosen_ones_retried(worker: Caller) -> None:
    await worker.enqueue(numbered(20, numAttemptsAllowed=1))
    await worker.ack(failed=await worker.take(20))
    assert await worker.retry_failed(bodyRegexToMatch="_1.?$") == 11
    assert [(await worker.counts())[state] for state in (PENDING, 3)] == [11, 9]
