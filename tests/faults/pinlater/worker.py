"""A process to be killed: enqueues, dequeues, acks in a loop over one store, and writes down what it was told.

`python -m tests.faults.pinlater.worker URL LOG SEED`. Lines of the log: `enqueued JOB` once the enqueue is
acknowledged, `succeeded JOB` once an ack is acknowledged and has taken effect. A line is one write: kill -9 leaves no
half of it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from random import Random

from pinlater import Backend, Monitor, MonitorRules, PinLaterService, QueueRules
from pinlater.backends.redis import RedisBackend
from pinlater.backends.sqlite import SqliteBackend
from runtime.clock import wall_ms
from tests.support.pinlater_caller import Caller, Counts, jobs_of
from thrift_idl.gen.pinlater.ttypes import PinLaterException

RULES = MonitorRules(default=QueueRules(claim_timeout_ms=150, keep_succeeded_ms=3_600_000, cycle_ms=20, updates=None))
ATTEMPTS = 10_000


async def open_backend(url: str) -> Backend:
    return await (RedisBackend if url.startswith("redis") else SqliteBackend).open(url)


class Log:
    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, what: str, jobs: list[str]) -> None:
        os.write(self._file, "".join(f"{what} {job}\n" for job in jobs).encode())


class Worker:
    def __init__(self, backend: Backend, log: Log, name: str) -> None:
        self.counts = Counts()
        service = PinLaterService([backend], f"{name}:{os.getpid()}:{wall_ms()}", telemetry=self.counts)
        self.caller = Caller(service, name)
        self.log = log

    async def enqueue(self, random: Random) -> None:
        bodies = (f"{os.getpid()} {number}" for number in range(random.randint(1, 20)))
        self.log.write("enqueued", await self.caller.enqueue(jobs_of(*bodies, numAttemptsAllowed=ATTEMPTS)))

    async def work(self, random: Random, *, always: bool = False) -> int:
        """Dequeue some, ack one after the other, forget some; how many were dequeued."""
        taken = (await self.caller.dequeue(random.randint(1, 20))).jobMetadata or {}
        for job, metadata in taken.items():
            if always or random.random() < 0.8:
                before = self.counts.of["ack_succeeded"]
                await self.caller.ack(done=[job], claimDescriptor=metadata.claimDescriptor)
                if self.counts.of["ack_succeeded"] > before:
                    self.log.write("succeeded", [job])
        return len(taken)


async def main(url: str, path: str, seed: str) -> None:
    random = Random(seed)
    backend = await open_backend(url)
    worker = Worker(backend, Log(path), f"worker-{seed}")
    monitor = asyncio.create_task(Monitor([backend], RULES).run())
    await worker.caller.create()
    print("running", flush=True)
    while not monitor.done():
        try:
            await worker.enqueue(random)
            await worker.work(random)
        except PinLaterException:  # the store is down: nothing was acknowledged, nothing is written down
            await asyncio.sleep(0.02)
    await monitor


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
