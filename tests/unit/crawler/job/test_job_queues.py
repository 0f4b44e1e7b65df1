"""Several pumps send acks and checkpoints through the same queues at the same time: each is sent once, none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from crawler.job.job_queues import JobQueues
from pinlater import PinLaterService
from pinlater.backends.sqlite import SqliteBackend
from thrift_idl.gen.pinlater.ttypes import PinLaterGetJobCountRequest, RequestContext

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


class Restless(PinLaterService):
    """After each count the next of `moves` is made: its only job is never where the next count looks."""

    moves: list[Callable[[], Awaitable[None]]]

    async def getJobCount(self, context: RequestContext, request: PinLaterGetJobCountRequest) -> int:
        counted = await super().getJobCount(context, request)
        if self.moves:
            await self.moves.pop(0)()
        return counted


async def test_a_job_that_moves_on_between_two_counts_is_counted(tmp_path: Path) -> None:
    backend = await SqliteBackend.open(f"sqlite:///{tmp_path}/jobs.sqlite")
    service = Restless([backend], "host:1:1")
    jobs = JobQueues(service, "worker")

    async def stay() -> None:
        return

    async def claim() -> None:
        (held,) = await jobs.dequeue("work", 1)
        jobs.give_back(held, 250)

    service.moves = [stay, claim, jobs.flush]
    await jobs.create("work")
    await jobs.enqueue("work", [b"job"])
    assert await jobs.count("work") == 1 and not service.moves
    await backend.close()
