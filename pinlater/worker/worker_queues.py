"""A worker's side of PinLater: claimed jobs, acks and checkpoints gathered into batches, heartbeats.

Everything given to `ack`, `fail` and `give_back` is sent with the next dequeue of its queue, or by `flush`; what could
not be sent stays gathered. Every ack and checkpoint names its claim, so that one sent twice, or too late, changes
nothing.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from pinlater.errors import from_pinlater
from runtime.clock import wall_ms
from thrift_idl.errors import AragogError, BackendDown, NotFound, Overloaded
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterCheckpointJobRequest,
    PinLaterCheckpointJobsRequest,
    PinLaterDequeueMetadata,
    PinLaterDequeueRequest,
    PinLaterDequeueResponse,
    PinLaterException,
    PinLaterJobAckInfo,
    PinLaterJobAckRequest,
    RequestContext,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker has claimed."""

    queue: str
    descriptor: str
    claim: str | None
    body: bytes
    lost: int
    """Attempts spent: by workers that died, or stalled, with it, and by its failures."""


@dataclass(slots=True)
class _Acks:
    """The gathered acks of one queue."""

    succeeded: list[PinLaterJobAckInfo] = field(default_factory=list)
    failed: list[PinLaterJobAckInfo] = field(default_factory=list)

    def request(self, queue: str) -> PinLaterJobAckRequest | None:
        """The request that sends them; None if there are none."""
        if not self.succeeded and not self.failed:
            return None
        return PinLaterJobAckRequest(queue, tuple(self.succeeded), tuple(self.failed))

    def each(self) -> Iterator[_Acks]:
        """Each by itself."""
        yield from (_Acks([one], []) for one in self.succeeded)
        yield from (_Acks([], [one]) for one in self.failed)

    def put_back(self, unsent: _Acks) -> None:
        """Put acks before those gathered meanwhile."""
        self.succeeded[:0] = unsent.succeeded
        self.failed[:0] = unsent.failed


@asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Raise PinLater's exception as an error of our tree: the original if the service runs in this process."""
    try:
        yield
    except PinLaterException as error:
        cause = error.__cause__
        raise (cause if isinstance(cause, AragogError) else from_pinlater(error)) from error


class WorkerQueues:
    """The queues as one worker uses them. Its methods raise `BackendDown` and its kinds."""

    def __init__(self, pinlater: PinLater, source: str, wall_ms: Callable[[], int] = wall_ms) -> None:
        """`source` is a unique name of this worker."""
        self._pinlater = pinlater
        self._context = RequestContext(source)
        self._wall_ms = wall_ms
        self._acks: defaultdict[str, _Acks] = defaultdict(_Acks)
        self._checkpoints: defaultdict[str, list[PinLaterCheckpointJobRequest]] = defaultdict(list)

    async def dequeue(self, queue: str, limit: int, wait_ms: int = 0) -> list[ClaimedJob]:
        """Claim at most `limit` jobs, waiting at most that time for the first one; gathered acks are sent with it.

        A deleted queue has none, nor has one that is paused, or has used up its rate.
        """
        acks = self._acks.pop(queue, _Acks())
        try:
            async with asking():
                request = PinLaterDequeueRequest(queue, limit, acks.request(queue))
                response = await self._ask(request, wait_ms)
        except NotFound:
            return []  # it was dropped
        except Overloaded:
            self._acks[queue].put_back(acks)
            return []
        except BaseException:
            self._acks[queue].put_back(acks)  # the claims fence acks that were done already
            raise
        metadata = response.jobMetadata or {}
        return [_held(queue, name, body, metadata[name]) for name, body in (response.jobs or {}).items()]

    async def _ask(self, request: PinLaterDequeueRequest, wait_ms: int) -> PinLaterDequeueResponse:
        if wait_ms:
            return await self._pinlater.dequeueJobsWait(self._context, request, wait_ms)
        return await self._pinlater.dequeueJobs(self._context, request)

    def ack(self, held: ClaimedJob, status: str = "") -> None:
        """The job is done."""
        self._acks[held.queue].succeeded.append(_info(held, status))

    def fail(self, held: ClaimedJob, delay_ms: int, status: str = "") -> None:
        """The job failed, which spends an attempt: it comes again after `delay_ms`, or is FAILED with its last."""
        self._acks[held.queue].failed.append(_info(held, status, delay_ms))

    def give_back(
        self, held: ClaimedJob, delay_ms: int, body: bytes | None = None, attempts: int | None = None
    ) -> None:
        """The job goes back to its queue for `delay_ms`, which spends no attempt; with that body and those attempts."""
        request = PinLaterCheckpointJobRequest(
            held.descriptor,
            newBody=None if body is None else body.decode(),
            numOfAttemptsAllowed=attempts,
            moveToPending=True,
            runAfterTimestampMillis=self._wall_ms() + delay_ms,
            claimDescriptor=held.claim,
        )
        self._checkpoints[held.queue].append(request)

    async def keep(self, held: ClaimedJob, body: bytes | None = None, attempts: int | None = None) -> None:
        """Give the job another body, or that number of attempts, and keep it."""
        request = PinLaterCheckpointJobRequest(
            held.descriptor,
            newBody=None if body is None else body.decode(),
            numOfAttemptsAllowed=attempts,
            claimDescriptor=held.claim,
        )
        await self._checkpoint(held.queue, [request])

    async def heartbeat(self, held: Iterable[ClaimedJob]) -> None:
        """Extend the claims of jobs that take long: a checkpoint that changes nothing."""
        by_queue: defaultdict[str, list[PinLaterCheckpointJobRequest]] = defaultdict(list)
        for each in held:
            request = PinLaterCheckpointJobRequest(each.descriptor, claimDescriptor=each.claim)
            by_queue[each.queue].append(request)
        for queue, requests in by_queue.items():
            await self._checkpoint(queue, requests)

    async def flush(self) -> None:
        """Send the gathered acks. Raises `BackendDown`; the rest stays gathered.

        Several pumps share these queues: acks that another one sends meanwhile disappear from here.
        """
        for queue in tuple(self._checkpoints):
            await self._flush_checkpoints(queue)
        for queue in tuple(self._acks):
            await self._flush_acks(queue)

    async def _flush_checkpoints(self, queue: str) -> None:
        requests = self._checkpoints.pop(queue, [])
        try:
            await self._checkpoint(queue, requests)
        except BaseException:
            self._checkpoints[queue][:0] = requests
            raise

    async def _flush_acks(self, queue: str) -> None:
        acks = self._acks.pop(queue, _Acks())
        try:
            await self._ack(queue, acks)
        except BaseException:
            self._acks[queue].put_back(acks)
            raise

    async def _ack(self, queue: str, acks: _Acks) -> None:
        """If the server refuses some, for instance of a shard that it no longer has, the others are still sent."""
        request = acks.request(queue)
        if request is None:
            return
        try:
            await self._existing(self._pinlater.ackDequeuedJobs(self._context, request))
        except BackendDown:
            raise
        except AragogError as error:
            if len(acks.succeeded) + len(acks.failed) == 1:
                _log.warning("an ack was refused: %s", error)
                return
            for each in acks.each():
                await self._ack(queue, each)

    async def _checkpoint(self, queue: str, requests: Sequence[PinLaterCheckpointJobRequest]) -> None:
        if requests:
            request = PinLaterCheckpointJobsRequest(queue, tuple(requests))
            await self._existing(self._pinlater.checkpointJobs(self._context, request))

    async def _existing(self, call: Awaitable[None]) -> None:
        """Ignore a dropped queue: it needs no acks."""
        with suppress(NotFound):
            async with asking():
                await call


def _info(held: ClaimedJob, status: str, delay_ms: int = 0) -> PinLaterJobAckInfo:
    return PinLaterJobAckInfo(held.descriptor, status, delay_ms, held.claim)


def _held(queue: str, descriptor: str, body: bytes, metadata: PinLaterDequeueMetadata) -> ClaimedJob:
    spent = (metadata.attemptsAllowed or 0) - (metadata.attemptsRemaining or 0)
    return ClaimedJob(queue, descriptor, metadata.claimDescriptor, body, max(0, spent))
