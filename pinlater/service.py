"""The service: make sure of what is asked, ask the shards, answer in PinLater's words."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from random import Random

from pinlater import checks, descriptors, search
from pinlater.backends import Backend, DequeuedJob, Lost, Span
from pinlater.errors import refusal, suppress_gone, translated
from pinlater.settings import DEFAULTS, Settings
from pinlater.shards import Shards
from pinlater.telemetry import SILENT, Telemetry
from thrift_idl.gen.pinlater.constants import CONTINUATION_END
from thrift_idl.gen.pinlater.ttypes import (
    ErrorCode,
    PinLaterCheckpointJobsRequest,
    PinLaterDeleteJobsRequest,
    PinLaterDequeueRequest,
    PinLaterDequeueResponse,
    PinLaterEnqueueRequest,
    PinLaterEnqueueResponse,
    PinLaterGetJobCountRequest,
    PinLaterJobAckRequest,
    PinLaterJobInfo,
    PinLaterJobState,
    PinLaterLookupJobRequest,
    PinLaterRetryFailedJobsRequest,
    PinLaterScanJobsRequest,
    PinLaterScanJobsResponse,
    RequestContext,
)
from thrift_idl.records import replace

_SCAN_JOBS = 1_000
_CHANGED_JOBS = 100_000


def wall_ms() -> int:
    """Milliseconds since the epoch by this machine's clock; other servers' may differ."""
    return time.time_ns() // 1_000_000


class PinLaterService:
    """Fills `thrift_idl.gen.pinlater.protocol.PinLater`. Used by one event loop.

    Every method raises PinLaterException, nothing else: QUEUE_NOT_FOUND where its queue must exist,
    SHARD_CONNECTION_FAILED or NO_HEALTHY_SHARDS where backends don't answer, ENQUEUE_REJECTED on a full disk, UNKNOWN
    with a text that names the field where the request makes no sense.
    """

    def __init__(
        self,
        backends: Iterable[Backend],
        owner: str,
        settings: Settings = DEFAULTS,
        now_ms: Callable[[], int] = wall_ms,
        telemetry: Telemetry = SILENT,
        random: Random | None = None,
    ) -> None:
        """`owner` is `host:port:serverStartMs`, which no other server of these backends has ever had."""
        self._shards = Shards(backends, random or Random(), telemetry)  # noqa: S311 - spreads load, guards nothing
        self._owner = owner
        self._settings = settings
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._claims = count(1)
        self._dequeues: Counter[str] = Counter()

    # --- queues ---

    async def createQueue(self, context: RequestContext, name: str) -> None:
        """Make a queue; one that exists stays as it is."""
        checks.queue_name(name)
        with translated():
            await self._shards.all(lambda one: one.create_queue(name, self._now_ms()))

    async def deleteQueue(self, context: RequestContext, name: str, password: str) -> None:
        """Drop a queue with its jobs, if it exists. Raises PASSWORD_INVALID."""
        checks.password(password, self._settings)
        await self.drop_queue(name)

    async def getQueueNames(self, context: RequestContext) -> frozenset[str]:
        """Every queue."""
        with translated():
            return frozenset().union(*await self._shards.all(lambda one: one.queue_names()))

    # --- jobs ---

    async def enqueueJobs(self, context: RequestContext, request: PinLaterEnqueueRequest) -> PinLaterEnqueueResponse:
        """Store jobs. Where one can't be, by its own fault, none is; where a shard fails, some may have been."""
        queue = checks.queue_name(request.queueName)
        jobs = checks.jobs(request.jobs, self._settings)
        with translated():
            stored = await self._shards.enqueue(queue, jobs, self._now_ms())
        self._telemetry.enqueued(queue, len(stored))
        return PinLaterEnqueueResponse(stored)

    async def dequeueJobs(self, context: RequestContext, request: PinLaterDequeueRequest) -> PinLaterDequeueResponse:
        """The acks that ride along, then the jobs; with dryRun the jobs stay PENDING. May be fewer than the limit."""
        queue = checks.queue_name(request.queueName)
        source = checks.source(context)
        limit = checks.limit(request.limit, self._settings.dequeue_jobs)
        if request.jobAckRequest is not None:
            await self.ackDequeuedJobs(context, request.jobAckRequest)
        claim = None if request.dryRun else descriptors.claim(self._owner, source, next(self._claims))
        priorities = checks.priorities(None, self._settings)
        with translated(), self._gate(queue):
            now_ms = self._now_ms()
            jobs = await self._shards.dequeue(queue, claim, priorities, limit, request.coverage, now_ms)
        if claim is not None:
            self._note_delays(queue, jobs, now_ms)
        return PinLaterDequeueResponse(
            {job.descriptor: job.body for job in jobs}, {job.descriptor: job.metadata for job in jobs}
        )

    async def ackDequeuedJobs(self, context: RequestContext, request: PinLaterJobAckRequest) -> None:
        """End claims. An ack of a claim that has moved on changes nothing and is counted."""
        queue = checks.queue_name(request.queueName)
        succeeded = checks.acks(request.jobsSucceeded, queue)
        failed = checks.acks(request.jobsFailed, queue)
        with translated():
            done = await self._shards.ack(queue, succeeded, failed, self._now_ms())
        noops = len(succeeded) + len(failed) - done.succeeded - done.failed
        self._telemetry.acked(queue, done.succeeded, done.failed, noops)

    async def checkpointJobs(self, context: RequestContext, request: PinLaterCheckpointJobsRequest) -> None:
        """Change claimed jobs or give them back, which spends no attempt; a heartbeat is one without any change.

        A checkpoint that keeps the job extends its claim: run_after and updated become now, or run_after the time
        given, until which the claim then lives. Of a claim that has moved on, or another source's, it changes nothing
        and is counted.
        """
        queue = checks.queue_name(request.queueName)
        wanted = checks.checkpoints(request.requests, queue, self._settings)
        with translated():
            changed = await self._shards.checkpoint(queue, checks.source(context), wanted, self._now_ms())
        self._telemetry.checkpointed(queue, changed, len(wanted) - changed)

    async def lookupJobs(
        self, context: RequestContext, request: PinLaterLookupJobRequest
    ) -> Mapping[str, PinLaterJobInfo]:
        """Those of the jobs that exist, by the descriptors as given."""
        jobs = {descriptor: descriptors.parse(descriptor) for descriptor in request.jobDescriptors}
        with translated():
            found = await self._shards.lookup(jobs.values(), request.includeBody)
        return {descriptor: found[job] for descriptor, job in jobs.items() if job in found}

    # --- many jobs of one state ---

    async def getJobCount(self, context: RequestContext, request: PinLaterGetJobCountRequest) -> int:
        """How many; of the PENDING ones either those that may run now, or those of the future."""
        queue = checks.queue_name(request.queueName)
        priorities = checks.priorities(request.priority, self._settings)
        span = search.span_of(checks.state(request.jobState), priorities, request.countFutureJobs, self._now_ms())
        looking = search.Search(request.bodyRegexToMatch, self._settings.search_ms)
        with translated():
            return sum(await self._shards.all(lambda one: looking.count(one, queue, span)))

    async def scanJobs(self, context: RequestContext, request: PinLaterScanJobsRequest) -> PinLaterScanJobsResponse:
        """A page of jobs without their bodies, the latest due first. Raises CONTINUATION_INVALID."""
        queue = checks.queue_name(request.queueName)
        limit = checks.limit(request.limit, _SCAN_JOBS)
        after = search.continuation(request.continuation)
        priorities = checks.priorities(request.priority, self._settings)
        span = search.span_of(checks.state(request.jobState), priorities, request.scanFutureJobs, self._now_ms())
        looking = search.Search(request.bodyRegexToMatch, self._settings.search_ms)
        shards = [one.shard for one in self._shards.backends]
        with translated():
            found = await self._shards.all(
                lambda one: looking.first(one, queue, search.going_on(span, after, one.shard), limit)
            )
        page = search.merged(found, shards, limit)
        going_on = CONTINUATION_END
        if len(page) == limit:
            shard, last = page[-1]
            going_on = str(search.Continuation(last.position, shard))
        return PinLaterScanJobsResponse(tuple(replace(job.info, body=None) for _, job in page), going_on)

    async def retryFailedJobs(self, context: RequestContext, request: PinLaterRetryFailedJobsRequest) -> int:
        """Give FAILED jobs of one priority new attempts; how many there were."""
        queue = checks.queue_name(request.queueName)
        attempts = checks.attempts("attemptsToAllow", request.attemptsToAllow)
        now_ms = self._now_ms()
        run_after = request.runAfterTimestampMillis
        run_after_ms = now_ms if run_after is None else checks.time_ms(run_after)
        span = Span(PinLaterJobState.FAILED, checks.priorities(request.priority, self._settings))
        looking = search.Search(None, self._settings.search_ms)
        with translated():
            return await looking.change(
                self._shards.backends,
                queue,
                span,
                checks.limit(request.limit, _CHANGED_JOBS),
                lambda one, local_ids: one.retry(queue, local_ids, attempts, run_after_ms, now_ms),
            )

    async def deleteJobs(self, context: RequestContext, request: PinLaterDeleteJobsRequest) -> int:
        """Remove jobs of one state and priority; how many there were."""
        queue = checks.queue_name(request.queueName)
        span = Span(checks.state(request.jobState), checks.priorities(request.priority, self._settings))
        looking = search.Search(request.bodyRegexToMatch, self._settings.search_ms)
        with translated():
            return await looking.change(
                self._shards.backends,
                queue,
                span,
                checks.limit(request.limit, _CHANGED_JOBS),
                lambda one, local_ids: one.delete(queue, local_ids, span.state),
            )

    # --- beside the contract, for whoever runs the service ---

    async def drop_queue(self, name: str) -> None:
        """As deleteQueue, without a password."""
        checks.queue_name(name)
        with translated():
            await self._shards.all(lambda one: one.delete_queue(name))

    async def release_claims(self, source_prefix: str) -> Lost:
        """Give back at once all that the sources hold whose name begins so ("" = everybody): they are known to be dead.

        As after a claim time-out, each job has lost an attempt. A living worker gives back by a checkpoint instead.
        """
        with translated():
            lost = await self._shards.all(lambda one: self._release(one, source_prefix))
        return Lost(sum(each.done for each in lost), sum(each.retry for each in lost))

    async def _release(self, backend: Backend, source_prefix: str) -> Lost:
        done = retry = 0
        for queue in await backend.queue_names():
            with suppress_gone():
                lost = await backend.release(queue, source_prefix, self._now_ms())
                self._telemetry.timed_out(queue, lost.done, lost.retry)
                done, retry = done + lost.done, retry + lost.retry
        return Lost(done, retry)

    @contextmanager
    def _gate(self, queue: str) -> Iterator[None]:
        """One of the queue's dequeues at a time. Raises DEQUEUE_RATE_LIMITED."""
        if self._dequeues[queue] >= self._settings.concurrent_dequeues:
            self._telemetry.rate_limited(queue)
            text = f"{self._dequeues[queue]} dequeues of queue {queue!r} are running: ask later"
            raise refusal(ErrorCode.DEQUEUE_RATE_LIMITED, text)
        self._dequeues[queue] += 1
        try:
            yield
        finally:
            self._dequeues[queue] -= 1
            if not self._dequeues[queue]:
                del self._dequeues[queue]

    def _note_delays(self, queue: str, jobs: Sequence[DequeuedJob], now_ms: int) -> None:
        delays = [max(now_ms - job.run_after_ms, 0) for job in jobs]
        first = [
            delay
            for job, delay in zip(jobs, delays, strict=True)
            if job.metadata.attemptsRemaining == job.metadata.attemptsAllowed
        ]
        self._telemetry.dequeued(queue, delays, first)
