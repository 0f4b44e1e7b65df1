"""Several pumps send acks and checkpoints through the same queues at the same time: each is sent once, none is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aragog.crawl.queues import JobQueues
from pinlater import PinLaterService
from pinlater.backends.sqlite import SqliteBackend

JOBS = 200


async def test_flushes_at_the_same_time_send_all_that_has_gathered(tmp_path: Path) -> None:
    backend = await SqliteBackend.open(f"sqlite:///{tmp_path}/jobs.sqlite")
    jobs = JobQueues(PinLaterService([backend], "host:1:1"), "worker")
    names = ("first", "second", "third")
    for name in names:
        await jobs.create(name)
        await jobs.enqueue(name, [b"job"] * JOBS)
    for _ in range(5):
        for name in names:
            for at, held in enumerate(await jobs.dequeue(name, JOBS // 5)):
                jobs.ack(held) if at % 2 else jobs.give_back(held, 3_600_000)
        await asyncio.gather(*(jobs.flush() for _ in range(3)))
    await jobs.flush()
    left = [len(await jobs.dequeue(name, JOBS)) for name in names]
    waiting = [await jobs.count(name) for name in names]
    await backend.close()
    assert left == [0, 0, 0] and waiting == [JOBS // 2] * 3
