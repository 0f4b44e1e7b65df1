"""A worker's side of PinLater: claimed jobs, acks and checkpoints gathered into batches, heartbeats.

What is handed to `ack` and `give_back` is sent with the next dequeue of its queue, or by `flush`; what could not be
sent stays gathered. Every ack and checkpoint names its claim, so that one sent twice, or too late, changes nothing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aragog.crawl.steps import Steps, silent
from pinlater import from_pinlater
from thrift_idl.errors import AragogError, NotFound, Overloaded
from thrift_idl.gen.pinlater.constants import CONTINUATION_END, CONTINUATION_START
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterCheckpointJobRequest,
    PinLaterCheckpointJobsRequest,
    PinLaterDequeueRequest,
    PinLaterEnqueueRequest,
    PinLaterException,
    PinLaterGetJobCountRequest,
    PinLaterJob,
    PinLaterJobAckInfo,
    PinLaterJobAckRequest,
    PinLaterJobState,
    PinLaterLookupJobRequest,
    PinLaterScanJobsRequest,
    RequestContext,
)

#: Attempts count deaths of workers only; this many is "no end" (a Redis score and an i32 hold it).
ATTEMPTS = 1_000_000
_ENQUEUE_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Held:
    """A job that this worker has claimed."""

    queue: str
    descriptor: str
    claim: str | None
    body: bytes
    lost: int
    """How many workers died, or stalled, with it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Some of the jobs of a queue that are for later."""

    bodies: Mapping[str, bytes]
    """By job descriptor."""
    continuation: str
    """Where the next ones are; "" = these were the last."""


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    """Raise PinLater's exception as an error of our tree: the original where the service runs in this process."""
    try:
        yield
    except PinLaterException as error:
        cause = error.__cause__
        raise (cause if isinstance(cause, AragogError) else from_pinlater(error)) from error


class JobQueues:
    """The queues, as one worker uses them."""

    def __init__(
        self,
        pinlater: PinLater,
        source: str,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        steps: Steps = silent,
    ) -> None:
        self._pinlater = pinlater
        self._context = RequestContext(source)
        self._wall_ms = wall_ms
        self._steps = steps
        self._acks: defaultdict[str, list[PinLaterJobAckInfo]] = defaultdict(list)
        self._checkpoints: defaultdict[str, list[PinLaterCheckpointJobRequest]] = defaultdict(list)

    async def create(self, queue: str) -> None:
        """Make a queue; one that exists stays as it is."""
        async with _asking():
            await self._pinlater.createQueue(self._context, queue)

    async def names(self) -> frozenset[str]:
        """All queues."""
        async with _asking():
            return frozenset(await self._pinlater.getQueueNames(self._context))

    async def delete(self, queue: str, password: str) -> None:
        """Drop a queue with its jobs. Raises `InvalidRequest` for a wrong password."""
        async with _asking():
            await self._pinlater.deleteQueue(self._context, queue, password)

    async def count(self, queue: str) -> int:
        """Jobs that are to be done: claimed, for later, or waiting; 0 where there is no such queue.

        The three are asked one after another, and a job may move on between, past each of them: none is believed only
        when it is found twice. Between, the job would have had to be claimed, given back, and wait no time at all.
        """
        try:
            return await self._count(queue) or await self._count(queue)
        except NotFound:
            return 0

    async def _count(self, queue: str) -> int:
        asked = (
            (PinLaterJobState.IN_PROGRESS, False),
            (PinLaterJobState.PENDING, True),
            (PinLaterJobState.PENDING, False),
        )
        async with _asking():
            counts = [
                await self._pinlater.getJobCount(
                    self._context, PinLaterGetJobCountRequest(queue, state, countFutureJobs=future)
                )
                for state, future in asked
            ]
        return sum(counts)

    async def waiting(self, queue: str, continuation: str = "") -> Waiting:
        """At most a thousand jobs that are for later, the latest first. They stay where they are."""
        place = continuation or CONTINUATION_START
        scan = PinLaterScanJobsRequest(
            queue, PinLaterJobState.PENDING, scanFutureJobs=True, continuation=place, limit=1_000
        )
        try:
            async with _asking():
                found = await self._pinlater.scanJobs(self._context, scan)
                names = tuple(info.jobDescriptor for info in found.scannedJobs)
                jobs = await self._pinlater.lookupJobs(self._context, PinLaterLookupJobRequest(names, True))
        except NotFound:
            return Waiting({}, "")
        going_on = "" if found.continuation == CONTINUATION_END else found.continuation
        return Waiting({name: info.body for name, info in jobs.items() if info.body is not None}, going_on)

    async def enqueue(self, queue: str, bodies: Sequence[bytes]) -> list[str]:
        """Enqueue jobs; their descriptors, in order. Not atomic: repeated after an error, some are there twice."""
        found: list[str] = []
        for start in range(0, len(bodies), _ENQUEUE_BATCH):
            some = bodies[start : start + _ENQUEUE_BATCH]
            jobs = tuple(PinLaterJob(body, numAttemptsAllowed=ATTEMPTS) for body in some)
            async with _asking():
                response = await self._pinlater.enqueueJobs(self._context, PinLaterEnqueueRequest(queue, jobs))
            found += response.jobDescriptors
        return found

    async def dequeue(self, queue: str, limit: int) -> list[Held]:
        """Claim at most `limit` jobs; what was acked rides along. A queue that is gone, or held back, has none."""
        acks = self._acks.pop(queue, [])
        riding = PinLaterJobAckRequest(queue, jobsSucceeded=tuple(acks)) if acks else None
        try:
            async with _asking():
                request = PinLaterDequeueRequest(queue, limit, riding)
                response = await self._pinlater.dequeueJobs(self._context, request)
        except NotFound:
            return []  # the queue was dropped: its crawl was cancelled or is over
        except Overloaded:
            self._acks[queue][:0] = acks
            return []  # paused, or beyond its rate: the other queues have their turns
        except BaseException:
            self._acks[queue][:0] = acks  # the claims fence what was done already
            raise
        self._sent(acks)
        metadata = response.jobMetadata or {}
        return [_held(queue, name, body, metadata[name]) for name, body in (response.jobs or {}).items()]

    def ack(self, held: Held, status: str = "") -> None:
        """The job is done."""
        info = PinLaterJobAckInfo(held.descriptor, appendCustomStatus=status, claimDescriptor=held.claim)
        self._acks[held.queue].append(info)
        self._steps("ack", held.descriptor)

    def give_back(self, held: Held, delay_ms: int, body: bytes | None = None) -> None:
        """The job goes back to its queue for `delay_ms`; spends no attempt.

        With a body the worker came through with it: it gets that body, and its losses are forgotten.
        """
        request = PinLaterCheckpointJobRequest(
            held.descriptor,
            newBody=None if body is None else body.decode(),
            numOfAttemptsAllowed=ATTEMPTS if held.lost and body is not None else None,
            moveToPending=True,
            runAfterTimestampMillis=self._wall_ms() + delay_ms,
            claimDescriptor=held.claim,
        )
        self._checkpoints[held.queue].append(request)
        self._steps("give_back", held.descriptor)

    async def keep(self, held: Held, body: bytes) -> None:
        """Give the job another body and keep it."""
        request = PinLaterCheckpointJobRequest(held.descriptor, newBody=body.decode(), claimDescriptor=held.claim)
        await self._checkpoint(held.queue, [request])

    async def heartbeat(self, held: Iterable[Held]) -> None:
        """Keep up the claims of jobs that take long: a checkpoint that changes nothing."""
        by_queue: defaultdict[str, list[PinLaterCheckpointJobRequest]] = defaultdict(list)
        for each in held:
            request = PinLaterCheckpointJobRequest(each.descriptor, claimDescriptor=each.claim)
            by_queue[each.queue].append(request)
        for queue, requests in by_queue.items():
            await self._checkpoint(queue, requests)

    async def flush(self) -> None:
        """Send what has gathered. Raises `BackendDown`; the rest stays gathered.

        Several pumps share these queues: what another sends meanwhile is gone from here.
        """
        for queue in tuple(self._checkpoints):
            requests = self._checkpoints.pop(queue, [])
            try:
                await self._checkpoint(queue, requests)
            except BaseException:
                self._checkpoints[queue][:0] = requests
                raise
            self._sent(requests)
        for queue in tuple(self._acks):
            acks = self._acks.pop(queue, [])
            try:
                await self._ack(queue, acks)
            except BaseException:
                self._acks[queue][:0] = acks
                raise
            self._sent(acks)

    def _sent(self, infos: Sequence[PinLaterJobAckInfo | PinLaterCheckpointJobRequest]) -> None:
        for info in infos:
            self._steps("done", info.jobDescriptor)

    async def _checkpoint(self, queue: str, requests: Sequence[PinLaterCheckpointJobRequest]) -> None:
        if not requests:
            return
        with suppress(NotFound):  # dropped
            async with _asking():
                request = PinLaterCheckpointJobsRequest(queue, tuple(requests))
                await self._pinlater.checkpointJobs(self._context, request)

    async def _ack(self, queue: str, acks: Sequence[PinLaterJobAckInfo]) -> None:
        if not acks:
            return
        with suppress(NotFound):
            async with _asking():
                request = PinLaterJobAckRequest(queue, jobsSucceeded=tuple(acks))
                await self._pinlater.ackDequeuedJobs(self._context, request)


def _held(queue: str, descriptor: str, body: bytes, metadata: object) -> Held:
    allowed = getattr(metadata, "attemptsAllowed", None) or 0
    remaining = getattr(metadata, "attemptsRemaining", None) or 0
    claim = getattr(metadata, "claimDescriptor", None)
    return Held(queue, descriptor, claim, body, max(0, allowed - remaining))
