"""Jobs that do nothing in a queue of others, in its own environment; no code of ours.

`python pinlater_peer.py NAME REDIS_PORT JOBS` prints `enqueued a second, CPU seconds, worked a second, CPU seconds`.
Each as its documentation has it for throughput: many at a time, no results kept where that can be said.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

CONCURRENCY = 64
BODY = "x" * 280


@dataclass
class Lap:
    """A stretch by the clock and by this process's CPU."""

    jobs: int

    def __enter__(self) -> Lap:
        self._clock, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.rate = self.jobs / (time.perf_counter() - self._clock)
        self.cpu_rate = self.jobs / (time.process_time() - self._cpu)


Laps = tuple[Lap, Lap]


def dramatiq(port: int, jobs: int) -> Laps:
    from dramatiq import Worker, actor, set_broker
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(host="127.0.0.1", port=port)
    set_broker(broker)

    @actor(broker=broker)
    def nothing(body: str) -> None:
        return

    with Lap(jobs) as enqueued:
        for _ in range(jobs):
            nothing.send(BODY)
    worker = Worker(broker, worker_threads=8)
    with Lap(jobs) as worked:
        worker.start()
        broker.join(nothing.queue_name)
        worker.join()
    worker.stop()
    return enqueued, worked


def arq(port: int, jobs: int) -> Laps:
    return asyncio.run(_arq(port, jobs))


async def _arq(port: int, jobs: int) -> Laps:
    import arq as library
    from arq.connections import RedisSettings
    from arq.worker import Worker, func

    async def nothing(_: object, body: str) -> None:
        return

    pool = await library.create_pool(RedisSettings(port=port))
    with Lap(jobs) as enqueued:
        for start in range(0, jobs, CONCURRENCY):
            some = range(min(CONCURRENCY, jobs - start))
            await asyncio.gather(*(pool.enqueue_job("nothing", BODY) for _ in some))
    functions = [func(nothing, name="nothing", keep_result=0)]
    worker = Worker(functions, redis_pool=pool, burst=True, max_jobs=CONCURRENCY, poll_delay=0.01, handle_signals=False)
    with Lap(jobs) as worked:
        await worker.async_run()
    return enqueued, worked


PEERS: dict[str, Callable[[int, int], Laps]] = {"dramatiq": dramatiq, "arq": arq}

if __name__ == "__main__":
    import logging

    logging.disable()
    done, worked = PEERS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
    print(done.rate, done.cpu_rate, worked.rate, worked.cpu_rate)
