"""The load of PinLater's benchmark on a service, and its time by the clock and by CPU."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from redis import Redis

from pinlater.worker import ClaimedJob, Worker
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterDequeueRequest,
    PinLaterEnqueueRequest,
    PinLaterGetJobCountRequest,
    PinLaterJob,
    PinLaterJobAckInfo,
    PinLaterJobAckRequest,
    PinLaterJobState,
    RequestContext,
)

CONTEXT = RequestContext("benchmark")
BODY = b'{"url": "https://www.example.org/a/page.html", "crawl": "c1", "depth": 2, "tries": 0}' + b" " * 200
BATCH = 1_000
STEP = 100
CALLERS = 64


@dataclass
class Measure:
    """Jobs by the clock and by CPU, and how long each call took. One that is entered again goes on."""

    servers: Sequence[Redis] = ()
    jobs: int = 0
    calls_ms: list[float] = field(default_factory=list)
    clock: float = 0.0
    cpu: float = 0.0
    redis: float = 0.0

    def __enter__(self) -> Measure:
        self._before = time.perf_counter(), time.process_time(), self._redis_cpu()
        return self

    def __exit__(self, *_: object) -> None:
        clock, cpu, redis = self._before
        self.clock += time.perf_counter() - clock
        self.cpu += time.process_time() - cpu
        self.redis += self._redis_cpu() - redis

    def _redis_cpu(self) -> float:
        used = [server.info("cpu") for server in self.servers]
        return float(sum(each["used_cpu_user"] + each["used_cpu_sys"] for each in used))

    @property
    def p99_ms(self) -> float:
        """Of a call."""
        return quantiles(self.calls_ms, n=100)[98]

    def line(self, name: str) -> str:
        """For people, and for `benchmarks.medians`."""
        redis = f", Redis {self.jobs / self.redis:9,.0f}" if self.redis else ""
        told = f"{name:34} {self.jobs / self.clock:9,.0f} a second, {self.jobs / self.cpu:9,.0f} a CPU second{redis}"
        if len(self.calls_ms) > 1:
            told += f"; a call p50 {quantiles(self.calls_ms, n=100)[49]:.2f} ms, p99 {self.p99_ms:.2f} ms"
        return told


async def enqueue(service: PinLater, queue: str, count: int, measure: Measure, batch: int = BATCH) -> None:
    """So many jobs, a batch at a time."""
    with measure:
        for start in range(0, count, batch):
            jobs = tuple(PinLaterJob(BODY) for _ in range(min(batch, count - start)))
            began = time.perf_counter()
            await service.enqueueJobs(CONTEXT, PinLaterEnqueueRequest(queue, jobs))
            measure.calls_ms.append((time.perf_counter() - began) * 1000)
            measure.jobs += len(jobs)


async def enqueue_one_by_one(service: PinLater, queue: str, count: int, measure: Measure) -> None:
    """Each job by itself, as producers do that don't know of each other, 64 of them at a time."""
    request = PinLaterEnqueueRequest(queue, (PinLaterJob(BODY),))

    async def some() -> None:
        for _ in range(count // CALLERS):
            await service.enqueueJobs(CONTEXT, request)
            measure.jobs += 1

    with measure:
        await asyncio.gather(*(some() for _ in range(CALLERS)))


@dataclass
class Taker:
    """Dequeues from one queue, the acks of the last batch riding along, and keeps the queue at its depth."""

    service: PinLater
    queue: str
    measure: Measure
    acks: PinLaterJobAckRequest | None = None

    async def step(self) -> None:
        """One batch; only its dequeue is measured."""
        request = PinLaterDequeueRequest(self.queue, STEP, self.acks)
        with self.measure:
            began = time.perf_counter()
            answer = await self.service.dequeueJobs(CONTEXT, request)
            self.measure.calls_ms.append((time.perf_counter() - began) * 1000)
        done = [
            PinLaterJobAckInfo(job, "", 0, each.claimDescriptor) for job, each in (answer.jobMetadata or {}).items()
        ]
        self.measure.jobs += len(done)
        self.acks = PinLaterJobAckRequest(self.queue, tuple(done))
        jobs = tuple(PinLaterJob(BODY) for _ in done)
        await self.service.enqueueJobs(CONTEXT, PinLaterEnqueueRequest(self.queue, jobs))


async def work(service: PinLater, queue: str, count: int, measure: Measure) -> None:
    """A `pinlater.worker.Worker` whose handler does nothing, until that many jobs have succeeded."""

    async def nothing(_: ClaimedJob) -> None:
        measure.jobs += 1
        if measure.jobs == count:
            worker.stop()

    worker = Worker(service, queue, nothing, concurrency=4 * CALLERS)
    with measure:
        await worker.run()
    request = PinLaterGetJobCountRequest(queue, PinLaterJobState.SUCCEEDED)
    assert await service.getJobCount(CONTEXT, request) >= count
