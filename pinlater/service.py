"""The service: checks a request, calls the shards, answers in PinLater's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from pinlater import checks, descriptors, search
from pinlater.admission import Admission
from pinlater.backends import NO_CAP, Backend, DequeuedJob, LostClaims, Span
from pinlater.descriptors import Claim
from pinlater.errors import is_code, none_healthy, queue_not_found, suppress_gone, translated
from pinlater.queue_limits import QueueLimitsSource, Unlimited
from pinlater.queue_stats import merged_stats, stats_of
from pinlater.settings import DEFAULTS, ServiceSettings
from pinlater.shards import DequeueRequest, Partial, Shards
from pinlater.telemetry import SILENT, PinLaterTelemetry
from pinlater.waiting import LOOK_AGAIN_MS, QueueLines
from runtime.clock import monotonic_ms, wall_ms
from thrift_idl.gen.pinlater.constants import CONTINUATION_END
from thrift_idl.gen.pinlater.ttypes import (
    ErrorCode,
    PinLaterCheckpointJobsRequest,
    PinLaterDeleteJobsRequest,
    PinLaterDequeueRequest,
    PinLaterDequeueResponse,
    PinLaterEnqueueRequest,
    PinLaterEnqueueResponse,
    PinLaterException,
    PinLaterGetJobCountRequest,
    PinLaterJobAckRequest,
    PinLaterJobInfo,
    PinLaterJobState,
    PinLaterLookupJobRequest,
    PinLaterQueueStats,
    PinLaterQueueStatsRequest,
    PinLaterQueueStatsResponse,
    PinLaterRetryFailedJobsRequest,
    PinLaterScanJobsRequest,
    PinLaterScanJobsResponse,
    RequestContext,
)
from thrift_idl.records import replace

_SCAN_JOBS = 1_000
_CHANGED_JOBS = 100_000


@dataclass(slots=True)
class Changed:
    """The number of changed jobs, and its limit."""

    limit: int
    jobs: int = 0

    @property
    def left(self) -> int:
        """The number that may still be changed."""
        return self.limit - self.jobs


class PinLaterService:
    """Implements `thrift_idl.gen.pinlater.protocol.PinLater`. Used by one event loop.

    Every method raises only PinLaterException: QUEUE_NOT_FOUND if its queue must exist,
    SHARD_CONNECTION_FAILED or NO_HEALTHY_SHARDS if backends don't answer, ENQUEUE_REJECTED on a full disk, UNKNOWN
    with a text that names the field if the request is invalid.
    """

    def __init__(
        self,
        backends: Iterable[Backend] | Shards,
        owner: str,
        settings: ServiceSettings = DEFAULTS,
        now_ms: Callable[[], int] = wall_ms,
        telemetry: PinLaterTelemetry = SILENT,
        random: Random | None = None,
        limits: QueueLimitsSource | None = None,
        steady_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        """`owner` is `host:port:serverStartMs`, which must be unique among the servers of these backends.

        `now_ms` is the clock of the jobs, `steady_ms` one that never goes back, for rates.
        """
        chance = random or Random()  # noqa: S311 - spreads load, guards nothing
        shards = backends if isinstance(backends, Shards) else Shards(backends, chance, telemetry)
        admission = Admission(limits or Unlimited(), settings, steady_ms, lambda: shards.live_servers(owner, now_ms()))
        waiting = QueueLines(shards, settings.waiting_dequeues)
        self._shards = shards
        self._settings = settings
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._admission = admission
        self._waiting = waiting
        self._owner = owner
        self._claims = count(1)

    async def close(self) -> None:
        """Stop listening for jobs; the backends stay open for their opener to close."""
        await self._waiting.close()

    # --- jobs ---

    async def enqueueJobs(self, context: RequestContext, request: PinLaterEnqueueRequest) -> PinLaterEnqueueResponse:
        """Store jobs. An invalid job refuses all; if a shard fails, some may have been stored."""
        queue = checks.queue_name(request.queueName)
        jobs = checks.jobs(request.jobs, self._settings)
        with translated():
            stored = await self._shards.enqueue(queue, jobs, self._now_ms())
        self._telemetry.enqueued(queue, len(stored))
        self._waiting.tell(queue)
        return PinLaterEnqueueResponse(stored)

    async def dequeueJobs(self, context: RequestContext, request: PinLaterDequeueRequest) -> PinLaterDequeueResponse:
        """The acks in the request, then the jobs; with dryRun the jobs stay PENDING. May be fewer than the limit."""
        checks.queue_name(request.queueName)
        limit = checks.limit(request.limit, self._settings.dequeue_jobs)
        checks.source(context)
        if request.jobAckRequest is not None:
            await self.ackDequeuedJobs(context, request.jobAckRequest)
        try:
            return _response(await self._dequeued(context, request, limit))
        except PinLaterException as error:
            self._note_refusal(request.queueName, error)
            raise

    async def dequeueJobsWait(
        self, context: RequestContext, request: PinLaterDequeueRequest, maxWaitMillis: int
    ) -> PinLaterDequeueResponse:
        """Like dequeueJobs, but if no job is ready, or the queue gives none now, it waits for one.

        Answers without jobs after `maxWaitMillis` (at most a minute); at once if too many callers wait already.
        """
        queue = checks.queue_name(request.queueName)
        limit = checks.limit(request.limit, self._settings.dequeue_jobs)
        checks.source(context)
        if request.jobAckRequest is not None:
            await self.ackDequeuedJobs(context, request.jobAckRequest)

        async def look() -> tuple[Sequence[DequeuedJob], float]:
            try:
                found = await self._dequeued(context, request, limit)
            except PinLaterException as error:
                if not is_code(error, ErrorCode.DEQUEUE_RATE_LIMITED):
                    raise
                return [], await self._admission.retry_ms(queue)
            return found, LOOK_AGAIN_MS if found else await self._next_due_in_ms(queue)

        wait_ms = 0 if self._waiting.is_full else min(maxWaitMillis, self._settings.wait_ms)
        return _response(await self._waiting.first(queue, look, wait_ms))

    async def ackDequeuedJobs(self, context: RequestContext, request: PinLaterJobAckRequest) -> None:
        """End claims. An ack of a claim that is no longer valid changes nothing and is counted."""
        queue = checks.queue_name(request.queueName)
        succeeded = checks.acks(request.jobsSucceeded, queue)
        failed = checks.acks(request.jobsFailed, queue)
        with translated():
            done = await self._shards.ack(queue, succeeded, failed, self._now_ms())
        noops = len(succeeded) + len(failed) - done.succeeded - done.failed
        self._telemetry.acked(queue, done.succeeded, done.failed, noops)
        self._waiting.tell(queue)  # because of a retry, and of a place under the cap of claims

    async def checkpointJobs(self, context: RequestContext, request: PinLaterCheckpointJobsRequest) -> None:
        """Change claimed jobs or give them back, which spends no attempt; a heartbeat is one without any change.

        A checkpoint that keeps the job extends its claim: run_after and updated become now, or run_after the given
        time, until which the claim then lives. If the claim is no longer valid, or another source's, it changes nothing
        and is counted.
        """
        queue = checks.queue_name(request.queueName)
        wanted = checks.checkpoints(request.requests, queue, self._settings)
        with translated():
            changed = await self._shards.checkpoint(queue, checks.source(context), wanted, self._now_ms())
        self._telemetry.checkpointed(queue, changed, len(wanted) - changed)
        if any(each.moveToPending for each in request.requests):
            self._waiting.tell(queue)

    async def lookupJobs(
        self, context: RequestContext, request: PinLaterLookupJobRequest
    ) -> Mapping[str, PinLaterJobInfo]:
        """The existing jobs, by the descriptors as given."""
        jobs = {descriptor: descriptors.parse(descriptor) for descriptor in request.jobDescriptors}
        with translated():
            found = await self._shards.lookup(jobs.values(), request.includeBody)
        return {descriptor: found[job] for descriptor, job in jobs.items() if job in found}

    async def _dequeued(
        self, context: RequestContext, request: PinLaterDequeueRequest, limit: int
    ) -> list[DequeuedJob]:
        """The jobs, claimed unless the run is dry: a dry run is free of rate, pause and cap."""
        with translated(), self._admission.gate(request.queueName):
            if request.dryRun:
                return await self._shards.dequeue(self._wanted(request, limit), request.coverage)
            claim = descriptors.claim(self._owner, context.source, next(self._claims))
            async with self._admission.permit(request.queueName, limit) as permit:
                wanted = self._wanted(request, permit.limit, claim, permit.most_claimed)
                jobs = await self._shards.dequeue(wanted, request.coverage)
                permit.taken = len(jobs)
        self._note_delays(request.queueName, jobs, wanted.now_ms)
        return jobs

    def _wanted(
        self, request: PinLaterDequeueRequest, limit: int, claim: Claim | None = None, most_claimed: int = NO_CAP
    ) -> DequeueRequest:
        priorities = checks.priorities(None, self._settings)
        return DequeueRequest(request.queueName, claim, priorities, limit, self._now_ms(), most_claimed)

    async def _next_due_in_ms(self, queue: str) -> float:
        with translated():
            outlooks = await self._shards.of_queue(queue, lambda one: one.outlook(queue))
        now_ms = self._now_ms()
        dues = (each.first_due_ms for each in outlooks.answers.values())
        later = [due - now_ms for due in dues if due is not None and due > now_ms]
        return min(later, default=LOOK_AGAIN_MS)

    def _note_refusal(self, queue: str, error: PinLaterException) -> None:
        if is_code(error, ErrorCode.DEQUEUE_RATE_LIMITED):
            self._telemetry.rate_limited(queue)

    def _note_delays(self, queue: str, jobs: Sequence[DequeuedJob], now_ms: int) -> None:
        delays = [max(now_ms - job.run_after_ms, 0) for job in jobs]
        first = [
            delay
            for job, delay in zip(jobs, delays, strict=True)
            if job.metadata.attemptsRemaining == job.metadata.attemptsAllowed
        ]
        self._telemetry.dequeued(queue, delays, first)

    # --- queues ---

    async def createQueue(self, context: RequestContext, name: str) -> None:
        """Make a queue; an existing one stays unchanged. A shard that is down gets it once it is back."""
        checks.queue_name(name)
        with translated():
            made = await self._shards.partial(self._shards.by_name, lambda one: one.create_queue(name, self._now_ms()))
            if not made.answers:
                raise none_healthy(made.missing)

    async def deleteQueue(self, context: RequestContext, name: str, password: str) -> None:
        """Drop a queue with its jobs, if it exists. Raises PASSWORD_INVALID."""
        checks.password(password, self._settings)
        await self.drop_queue(name)

    async def getQueueNames(self, context: RequestContext) -> frozenset[str]:
        """Every queue of the shards that answer."""
        with translated():
            names = await self._shards.partial(self._shards.by_name, lambda one: one.queue_names())
            if not names.answers:
                raise none_healthy(names.missing)
        return frozenset().union(*names.answers.values())

    async def pauseQueue(self, context: RequestContext, name: str, paused: bool) -> None:
        """Refuse the queue's dequeues on every server, or allow them again. Raises QUEUE_NOT_FOUND."""
        checks.queue_name(name)
        with translated():
            (await self._shards.of_queue(name, lambda one: one.pause(name, paused))).whole("it holds on the others")
        self._waiting.tell(name)

    async def getQueueStats(
        self, context: RequestContext, request: PinLaterQueueStatsRequest
    ) -> PinLaterQueueStatsResponse:
        """Counts of queues on the shards that answer; the others are named."""
        asked = await self.getQueueNames(context) if request.queueNames is None else request.queueNames
        stats, missing = list[PinLaterQueueStats](), set[str]()
        for name in sorted({checks.queue_name(each) for each in asked}):
            try:
                with translated():
                    one, lacking = await self._stats(name)
            except PinLaterException as error:
                if not is_code(error, ErrorCode.QUEUE_NOT_FOUND):
                    raise
                continue
            stats.append(one)
            missing |= lacking
        return PinLaterQueueStatsResponse(tuple(stats), tuple(sorted(missing)))

    async def _stats(self, queue: str) -> tuple[PinLaterQueueStats, set[str]]:
        now_ms, priorities = self._now_ms(), checks.priorities(None, self._settings)
        found = await self._shards.of_queue(queue, lambda one: stats_of(one, queue, priorities, now_ms))
        if not found.answers:
            raise none_healthy(found.missing)
        limits = await self._admission.limits_of(queue)
        return merged_stats(queue, found.answers.values(), limits, now_ms), set(found.missing)

    # --- many jobs of one state ---

    async def getJobCount(self, context: RequestContext, request: PinLaterGetJobCountRequest) -> int:
        """The number of jobs; of the PENDING ones either those that may run now, or those of the future."""
        queue = checks.queue_name(request.queueName)
        priorities = checks.priorities(request.priority, self._settings)
        span = search.span_of(checks.state(request.jobState), priorities, request.countFutureJobs, self._now_ms())
        looking = search.Search(request.bodyRegexToMatch, self._settings.search_ms)
        with translated():
            counts = await self._shards.of_queue(queue, lambda one: looking.count(one, queue, span))
            return sum(counts.whole(f"the others have {sum(counts.answers.values())}"))

    async def scanJobs(self, context: RequestContext, request: PinLaterScanJobsRequest) -> PinLaterScanJobsResponse:
        """A page of jobs without their bodies, the latest due first. Raises CONTINUATION_INVALID."""
        queue = checks.queue_name(request.queueName)
        limit = checks.limit(request.limit, _SCAN_JOBS)
        after = search.continuation(request.continuation)
        priorities = checks.priorities(request.priority, self._settings)
        span = search.span_of(checks.state(request.jobState), priorities, request.scanFutureJobs, self._now_ms())
        looking = search.Search(request.bodyRegexToMatch, self._settings.search_ms)
        with translated():
            found = await self._shards.of_queue(
                queue, lambda one: looking.first(one, queue, search.going_on(span, after, one.shard), limit)
            )
            if not request.allowMissingShards or not found.answers:
                found.whole("allowMissingShards shows the jobs of the others")
        page = search.merged(found.answers, limit)
        going_on = CONTINUATION_END
        if len(page) == limit:
            shard, last = page[-1]
            going_on = str(search.Continuation(last.position, shard))
        missing = tuple(sorted(found.missing)) if request.allowMissingShards else None
        return PinLaterScanJobsResponse(tuple(replace(job.info, body=None) for _, job in page), going_on, missing)

    async def retryFailedJobs(self, context: RequestContext, request: PinLaterRetryFailedJobsRequest) -> int:
        """Give FAILED jobs of one priority new attempts; returns the number of jobs."""
        queue = checks.queue_name(request.queueName)
        attempts = checks.attempts("attemptsToAllow", request.attemptsToAllow)
        now_ms = self._now_ms()
        run_after = request.runAfterTimestampMillis
        run_after_ms = now_ms if run_after is None else checks.time_ms(run_after)
        span = Span(PinLaterJobState.FAILED, checks.priorities(request.priority, self._settings))
        retried = await self._change(
            queue,
            span,
            request.bodyRegexToMatch,
            checks.limit(request.limit, _CHANGED_JOBS),
            lambda one, local_ids: one.retry(queue, local_ids, attempts, run_after_ms, now_ms),
        )
        self._waiting.tell(queue)
        return retried

    async def deleteJobs(self, context: RequestContext, request: PinLaterDeleteJobsRequest) -> int:
        """Remove jobs of one state and priority; returns the number of jobs."""
        queue = checks.queue_name(request.queueName)
        span = Span(checks.state(request.jobState), checks.priorities(request.priority, self._settings))
        return await self._change(
            queue,
            span,
            request.bodyRegexToMatch,
            checks.limit(request.limit, _CHANGED_JOBS),
            lambda one, local_ids: one.delete(queue, local_ids, span.state),
        )

    async def _change(self, queue: str, span: Span, expression: str | None, limit: int, change: search.Change) -> int:
        """Change the span's matching jobs on one shard after the other, at most `limit`; returns the number of them."""
        looking = search.Search(expression, self._settings.search_ms)
        changed = Changed(limit)

        async def change_one(one: Backend) -> None:
            if changed.left > 0:
                changed.jobs += await looking.change(one, queue, span, changed.left, change)

        with translated():
            found = Partial[None]()
            for name in tuple(self._shards.by_name):
                await self._shards.gather(found, name, change_one, lacking=queue)
            found.whole(f"{changed.jobs} jobs of the others were changed")
            if not found.answers:
                raise queue_not_found(queue)
        return changed.jobs

    # --- beside the contract, for operators ---

    async def drop_queue(self, name: str) -> None:
        """Like deleteQueue, without a password."""
        checks.queue_name(name)
        with translated():
            gone = await self._shards.partial(self._shards.by_name, lambda one: one.delete_queue(name))
            gone.whole("the queue is gone from the others: delete it again once all answer")
        self._waiting.tell(name)

    async def release_claims(self, source_prefix: str) -> LostClaims:
        """Give back at once all jobs of the sources whose name begins with it ("" = all): they are known to be dead.

        As after a claim time-out, each job loses an attempt. A living worker gives back by a checkpoint instead.
        """
        with translated():
            lost = await self._shards.partial(self._shards.by_name, lambda one: self._release(one, source_prefix))
            found = lost.whole("the claims of the others are released")
        return LostClaims(sum(each.done for each in found), sum(each.retry for each in found))

    async def _release(self, backend: Backend, source_prefix: str) -> LostClaims:
        done = retry = 0
        for queue in await backend.queue_names():
            with suppress_gone():
                lost = await backend.release(queue, source_prefix, self._now_ms())
                self._telemetry.timed_out(queue, lost.done, lost.retry)
                done, retry = done + lost.done, retry + lost.retry
        return LostClaims(done, retry)


def _response(jobs: Sequence[DequeuedJob]) -> PinLaterDequeueResponse:
    bodies = {job.descriptor: job.body for job in jobs}
    return PinLaterDequeueResponse(bodies, {job.descriptor: job.metadata for job in jobs})
