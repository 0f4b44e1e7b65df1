"""The crawl's queues: a worker's operations on claimed jobs, and the calls of commands and crawls to PinLater."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

from pinlater.worker import ClaimedJob, WorkerQueues, asking
from thrift_idl.errors import NotFound
from thrift_idl.gen.pinlater.constants import CONTINUATION_END, CONTINUATION_START
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterEnqueueRequest,
    PinLaterGetJobCountRequest,
    PinLaterJob,
    PinLaterJobState,
    PinLaterLookupJobRequest,
    PinLaterScanJobsRequest,
)

#: Attempts count only deaths of workers; this many is "no end" (a Redis score and an i32 hold it).
ATTEMPTS = 1_000_000
_ENQUEUE_BATCH = 1_000
#: (state, whether for later): claimed, for later, waiting.
_TO_BE_DONE = (
    (PinLaterJobState.IN_PROGRESS, False),
    (PinLaterJobState.PENDING, True),
    (PinLaterJobState.PENDING, False),
)


@dataclass(frozen=True, slots=True)
class LaterJobs:
    """Some of a queue's jobs that are for later."""

    bodies: Mapping[str, bytes]
    """By job descriptor."""
    continuation: str
    """The place of the next ones; "" = these were the last."""


class JobQueues(WorkerQueues):
    """The queues as one process of a crawl uses them."""

    async def create(self, queue: str) -> None:
        """Make a queue; an existing one stays unchanged."""
        async with asking():
            await self._pinlater.createQueue(self._context, queue)

    async def names(self) -> frozenset[str]:
        """All queues."""
        async with asking():
            return frozenset(await self._pinlater.getQueueNames(self._context))

    async def delete(self, queue: str, password: str) -> None:
        """Drop a queue with its jobs. Raises `InvalidRequest` for a wrong password."""
        async with asking():
            await self._pinlater.deleteQueue(self._context, queue, password)

    async def count(self, queue: str) -> int:
        """Unfinished jobs: claimed, for later, or waiting; 0 if there is no such queue.

        The three are read one after another, and a job may change its state between, past each of them: zero is
        believed only if found twice. Between, the job would have had to be claimed, given back, and wait no time.
        """
        try:
            return await self._count(queue) or await self._count(queue)
        except NotFound:
            return 0

    async def _count(self, queue: str) -> int:
        return sum([await self._count_of(queue, state, future=future) for state, future in _TO_BE_DONE])

    async def _count_of(self, queue: str, state: int, *, future: bool) -> int:
        async with asking():
            request = PinLaterGetJobCountRequest(queue, state, countFutureJobs=future)
            return await self._pinlater.getJobCount(self._context, request)

    async def claimed(self) -> int:
        """Jobs of all queues that workers hold."""
        counts = [
            await self._count_of(queue, PinLaterJobState.IN_PROGRESS, future=False) for queue in await self.names()
        ]
        return sum(counts)

    async def waiting(self, queue: str, continuation: str = "") -> LaterJobs:
        """At most a thousand jobs that are for later, the latest first. They stay unchanged."""
        return await self._some(queue, PinLaterJobState.PENDING, True, continuation)

    async def all_jobs(self, queue: str) -> AsyncIterator[Mapping[str, bytes]]:
        """Bodies of all unfinished or failed jobs, by descriptor, a thousand at a time.

        Complete if no other process works with the queue meanwhile.
        """
        for state, future in (*_TO_BE_DONE, (PinLaterJobState.FAILED, False)):
            some = await self._some(queue, state, future, "")
            yield some.bodies
            while some.continuation:
                some = await self._some(queue, state, future, some.continuation)
                yield some.bodies

    async def _some(self, queue: str, state: int, future: bool, continuation: str) -> LaterJobs:
        place = continuation or CONTINUATION_START
        scan = PinLaterScanJobsRequest(queue, state, scanFutureJobs=future, continuation=place, limit=1_000)
        try:
            async with asking():
                found = await self._pinlater.scanJobs(self._context, scan)
                names = tuple(info.jobDescriptor for info in found.scannedJobs)
                jobs = await self._pinlater.lookupJobs(self._context, PinLaterLookupJobRequest(names, True))
        except NotFound:
            return LaterJobs({}, "")
        going_on = "" if found.continuation == CONTINUATION_END else found.continuation
        return LaterJobs({name: info.body for name, info in jobs.items() if info.body is not None}, going_on)

    async def enqueue(self, queue: str, bodies: Sequence[bytes], run_after_ms: Sequence[int] = ()) -> list[str]:
        """Enqueue jobs; their descriptors, in order. Not atomic: repeated after an error, some are there twice.

        `run_after_ms`: the time from which each may run, UTC in ms since 1970, 0 = at once; () = all of them at once.
        """
        found: list[str] = []
        for start in range(0, len(bodies), _ENQUEUE_BATCH):
            some, times = bodies[start : start + _ENQUEUE_BATCH], run_after_ms[start : start + _ENQUEUE_BATCH]
            jobs = tuple(_job(body, after_ms) for body, after_ms in zip(some, times or repeat(0), strict=False))
            async with asking():
                response = await self._pinlater.enqueueJobs(self._context, PinLaterEnqueueRequest(queue, jobs))
            found += response.jobDescriptors
        return found

    def give_back(
        self, held: ClaimedJob, delay_ms: int, body: bytes | None = None, attempts: int | None = None
    ) -> None:
        """The job goes back to its queue for `delay_ms`; spends no attempt.

        With a body the worker has survived the job: it gets that body, and its losses are forgotten.
        """
        super().give_back(held, delay_ms, body, ATTEMPTS if held.lost and body is not None else attempts)

    async def set_aside(self, held: ClaimedJob, status: str) -> None:
        """The job is FAILED, even with attempts left, until `aragog queue retry`. Raises `BackendDown`."""
        await self.keep(held, attempts=1)
        self.fail(held, 0, status)

    async def failed(self, queue: str) -> int:
        """Jobs that were set aside; 0 if there is no such queue."""
        try:
            async with asking():
                return await self._pinlater.getJobCount(
                    self._context, PinLaterGetJobCountRequest(queue, PinLaterJobState.FAILED)
                )
        except NotFound:
            return 0


def _job(body: bytes, run_after_ms: int) -> PinLaterJob:
    return PinLaterJob(body, runAfterTimestampMillis=run_after_ms or None, numAttemptsAllowed=ATTEMPTS)
