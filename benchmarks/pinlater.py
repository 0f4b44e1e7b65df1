"""Jobs a second on both backends: `python -m benchmarks.pinlater [--queued 1000 100000] [--thrift]`.

Enqueued 1,000 at a time; dequeued 100 at a time with the acks of the last batch riding along, the queue kept at its
depth. Work shares the machine: CPU time of this process, and of Redis, stands beside the clock.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from redis import Redis

from deploy.engines import private
from pinlater import Backend, PinLaterService
from pinlater.backends.redis import RedisBackend
from pinlater.backends.sqlite import SqliteBackend
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterDequeueRequest,
    PinLaterEnqueueRequest,
    PinLaterJob,
    PinLaterJobAckInfo,
    PinLaterJobAckRequest,
    RequestContext,
)
from thrift_idl.rpc import Channel, RpcServer, run

CONTEXT = RequestContext("benchmark")
QUEUE = "benchmark"
BODY = b'{"url": "https://www.example.org/a/page.html", "crawl": "c1", "depth": 2, "tries": 0}' + b" " * 200
BATCH = 1_000
STEP = 100
STEPS = 150


@dataclass
class Measure:
    """Jobs by the clock and by CPU, and how long each call took."""

    server: Redis | None
    jobs: int = 0
    calls_ms: list[float] = field(default_factory=list)

    def __enter__(self) -> Measure:
        self._clock, self._cpu, self._redis = time.perf_counter(), time.process_time(), self._redis_cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.clock = time.perf_counter() - self._clock
        self.cpu = time.process_time() - self._cpu
        self.redis = self._redis_cpu() - self._redis

    def _redis_cpu(self) -> float:
        if self.server is None:
            return 0.0
        used = self.server.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])

    def line(self, name: str) -> str:
        cuts = quantiles(self.calls_ms, n=100)
        redis = f", Redis {self.jobs / self.redis:9,.0f}" if self.redis else ""
        return (
            f"{name:34} {self.jobs / self.clock:9,.0f} a second, {self.jobs / self.cpu:9,.0f} a CPU second{redis};"
            f" a call p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms"
        )


async def enqueue(service: PinLater, count: int, measure: Measure) -> None:
    request = PinLaterEnqueueRequest(QUEUE, tuple(PinLaterJob(BODY) for _ in range(min(BATCH, count))))
    while measure.jobs < count:
        start = time.perf_counter()
        await service.enqueueJobs(CONTEXT, request)
        measure.calls_ms.append((time.perf_counter() - start) * 1000)
        measure.jobs += len(request.jobs)


async def work(service: PinLater, measure: Measure) -> None:
    acks = None
    for _ in range(STEPS):
        start = time.perf_counter()
        answer = await service.dequeueJobs(CONTEXT, PinLaterDequeueRequest(QUEUE, STEP, acks))
        measure.calls_ms.append((time.perf_counter() - start) * 1000)
        done = [
            PinLaterJobAckInfo(job, "", 0, each.claimDescriptor) for job, each in (answer.jobMetadata or {}).items()
        ]
        acks = PinLaterJobAckRequest(QUEUE, tuple(done))
        measure.jobs += len(done)


async def measured(name: str, service: PinLater, queued: int, server: Redis | None) -> None:
    await service.createQueue(CONTEXT, QUEUE)
    with Measure(server) as enqueued:
        await enqueue(service, queued + STEP * STEPS, enqueued)
    with Measure(server) as worked:
        await work(service, worked)
    print(enqueued.line(f"{name}: enqueue to {queued:,}"))
    print(worked.line(f"{name}: dequeue + ack at {queued:,}"), flush=True)


@asynccontextmanager
async def through_thrift(service: PinLater, thrift: bool) -> AsyncIterator[PinLater]:
    if not thrift:
        yield service
        return
    server = RpcServer(PinLater, service)
    channel = Channel(f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
    yield channel.client(PinLater)
    await channel.close()
    await server.close(1_000)


async def one(name: str, backend: Backend, queued: int, thrift: bool, server: Redis | None = None) -> None:
    service = PinLaterService([backend], "benchmark:0:0")
    async with through_thrift(service, thrift) as reached:
        await measured(name, reached, queued, server)
    await backend.close()


async def main(depths: list[int], thrift: bool) -> None:
    for queued in depths:
        with tempfile.TemporaryDirectory() as folder:
            await one("SQLite", await SqliteBackend.open(f"sqlite:///{Path(folder)}/jobs.sqlite"), queued, thrift)
    engine = private("redis-durable")
    try:
        engine.start()
        server = Redis(engine.host, engine.port)
        for queued in depths:
            server.flushall()
            await one("Redis", await RedisBackend.open(engine.url), queued, thrift, server)
        used = server.info("memory")["used_memory"]
        print(f"Redis: {used / (depths[-1] + STEP * STEPS):,.0f} bytes a job of {len(BODY)} bytes of body")
    finally:
        engine.wipe()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queued", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--thrift", action="store_true", help="through a server in this process")
    arguments = parser.parse_args()
    run(main(arguments.queued, arguments.thrift))
