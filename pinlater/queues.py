"""The service's methods on whole queues, and on many jobs of one state at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pinlater import checks, search
from pinlater.admission import Flow
from pinlater.backends import Backend, LostClaims, Span
from pinlater.errors import is_code, none_healthy, queue_not_found, suppress_gone, translated
from pinlater.queue_stats import merged_stats, standing_of
from pinlater.settings import ServiceSettings
from pinlater.shards import Partial, Shards
from pinlater.telemetry import PinLaterTelemetry
from pinlater.waiting import QueueLines
from thrift_idl.gen.pinlater.constants import CONTINUATION_END
from thrift_idl.gen.pinlater.ttypes import (
    ErrorCode,
    PinLaterDeleteJobsRequest,
    PinLaterException,
    PinLaterGetJobCountRequest,
    PinLaterJobState,
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
    """How many jobs were changed, of how many that may be."""

    limit: int
    jobs: int = 0

    @property
    def left(self) -> int:
        """How many more may be."""
        return self.limit - self.jobs


class Queues:
    """What `PinLaterService` does with queues; it raises as that says."""

    def __init__(
        self,
        shards: Shards,
        settings: ServiceSettings,
        now_ms: Callable[[], int],
        telemetry: PinLaterTelemetry,
        flow: Flow,
        waiting: QueueLines,
    ) -> None:
        self._shards = shards
        self._settings = settings
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._flow = flow
        self._waiting = waiting

    # --- queues ---

    async def createQueue(self, context: RequestContext, name: str) -> None:
        """Make a queue; one that exists stays as it is. A shard that is down gets it once it is back."""
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
        """How queues stand on the shards that answer; those that don't are named."""
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
        found = await self._shards.of_queue(queue, lambda one: standing_of(one, queue, priorities, now_ms))
        if not found.answers:
            raise none_healthy(found.missing)
        limits = await self._flow.limits_of(queue)
        return merged_stats(queue, found.answers.values(), limits, now_ms), set(found.missing)

    # --- many jobs of one state ---

    async def getJobCount(self, context: RequestContext, request: PinLaterGetJobCountRequest) -> int:
        """How many; of the PENDING ones either those that may run now, or those of the future."""
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
        """Give FAILED jobs of one priority new attempts; how many there were."""
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
        """Remove jobs of one state and priority; how many there were."""
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
        """Change the span's matching jobs on one shard after the other, `limit` at most; how many were changed."""
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

    # --- beside the contract, for whoever runs the service ---

    async def drop_queue(self, name: str) -> None:
        """As deleteQueue, without a password."""
        checks.queue_name(name)
        with translated():
            gone = await self._shards.partial(self._shards.by_name, lambda one: one.delete_queue(name))
            gone.whole("the queue is gone from the others: delete it again once all answer")
        self._waiting.tell(name)

    async def release_claims(self, source_prefix: str) -> LostClaims:
        """Give back at once all that the sources hold whose name begins so ("" = everybody): they are known to be dead.

        As after a claim time-out, each job has lost an attempt. A living worker gives back by a checkpoint instead.
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
