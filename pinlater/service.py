"""The service: checks a request, calls the shards, answers in PinLater's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from random import Random

from pinlater import checks, descriptors
from pinlater.admission import Flow
from pinlater.backends import NO_CAP, Backend, DequeuedJob
from pinlater.dequeue_request import DequeueRequest
from pinlater.descriptors import Claim
from pinlater.errors import is_code, translated
from pinlater.queue_limits import QueueLimitsSource, Unlimited
from pinlater.queues import Queues
from pinlater.settings import DEFAULTS, ServiceSettings
from pinlater.shards import Shards
from pinlater.telemetry import SILENT, PinLaterTelemetry
from pinlater.waiting import LOOK_AGAIN_MS, QueueLines
from runtime.clock import monotonic_ms, wall_ms
from thrift_idl.gen.pinlater.ttypes import (
    ErrorCode,
    PinLaterCheckpointJobsRequest,
    PinLaterDequeueRequest,
    PinLaterDequeueResponse,
    PinLaterEnqueueRequest,
    PinLaterEnqueueResponse,
    PinLaterException,
    PinLaterJobAckRequest,
    PinLaterJobInfo,
    PinLaterLookupJobRequest,
    RequestContext,
)


class PinLaterService(Queues):
    """Fills `thrift_idl.gen.pinlater.protocol.PinLater`. Used by one event loop.

    Every method raises PinLaterException, nothing else: QUEUE_NOT_FOUND where its queue must exist,
    SHARD_CONNECTION_FAILED or NO_HEALTHY_SHARDS where backends don't answer, ENQUEUE_REJECTED on a full disk, UNKNOWN
    with a text that names the field where the request makes no sense.
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
        """`owner` is `host:port:serverStartMs`, which no other server of these backends has ever had.

        `now_ms` is the clock of the jobs, `steady_ms` one that never goes back, for rates.
        """
        chance = random or Random()  # noqa: S311 - spreads load, guards nothing
        shards = backends if isinstance(backends, Shards) else Shards(backends, chance, telemetry)
        flow = Flow(limits or Unlimited(), settings, steady_ms, lambda: shards.live_servers(owner, now_ms()))
        waiting = QueueLines(shards, settings.waiting_dequeues)
        super().__init__(shards, settings, now_ms, telemetry, flow, waiting)
        self._owner = owner
        self._claims = count(1)

    async def close(self) -> None:
        """Stop listening for jobs; the backends stay open, they are their opener's."""
        await self._waiting.close()

    async def enqueueJobs(self, context: RequestContext, request: PinLaterEnqueueRequest) -> PinLaterEnqueueResponse:
        """Store jobs. Where one can't be, by its own fault, none is; where a shard fails, some may have been."""
        queue = checks.queue_name(request.queueName)
        jobs = checks.jobs(request.jobs, self._settings)
        with translated():
            stored = await self._shards.enqueue(queue, jobs, self._now_ms())
        self._telemetry.enqueued(queue, len(stored))
        self._waiting.tell(queue)
        return PinLaterEnqueueResponse(stored)

    async def dequeueJobs(self, context: RequestContext, request: PinLaterDequeueRequest) -> PinLaterDequeueResponse:
        """The acks that ride along, then the jobs; with dryRun the jobs stay PENDING. May be fewer than the limit."""
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
        """As dequeueJobs, but where no job is ready, or the queue gives none now, it waits for one.

        Answers without jobs after `maxWaitMillis` (a minute at most); at once where too many wait already.
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
                return [], await self._flow.retry_ms(queue)
            return found, LOOK_AGAIN_MS if found else await self._next_due_in_ms(queue)

        wait_ms = 0 if self._waiting.is_full else min(maxWaitMillis, self._settings.wait_ms)
        return _response(await self._waiting.first(queue, look, wait_ms))

    async def ackDequeuedJobs(self, context: RequestContext, request: PinLaterJobAckRequest) -> None:
        """End claims. An ack of a claim that has moved on changes nothing and is counted."""
        queue = checks.queue_name(request.queueName)
        succeeded = checks.acks(request.jobsSucceeded, queue)
        failed = checks.acks(request.jobsFailed, queue)
        with translated():
            done = await self._shards.ack(queue, succeeded, failed, self._now_ms())
        noops = len(succeeded) + len(failed) - done.succeeded - done.failed
        self._telemetry.acked(queue, done.succeeded, done.failed, noops)
        self._waiting.tell(queue)  # of a retry, and of a place under the cap of claims

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
        if any(each.moveToPending for each in request.requests):
            self._waiting.tell(queue)

    async def lookupJobs(
        self, context: RequestContext, request: PinLaterLookupJobRequest
    ) -> Mapping[str, PinLaterJobInfo]:
        """Those of the jobs that exist, by the descriptors as given."""
        jobs = {descriptor: descriptors.parse(descriptor) for descriptor in request.jobDescriptors}
        with translated():
            found = await self._shards.lookup(jobs.values(), request.includeBody)
        return {descriptor: found[job] for descriptor, job in jobs.items() if job in found}

    # --- parts ---

    async def _dequeued(
        self, context: RequestContext, request: PinLaterDequeueRequest, limit: int
    ) -> list[DequeuedJob]:
        """The jobs, claimed unless the run is dry: looking is free of rate, pause and cap."""
        with translated(), self._flow.gate(request.queueName):
            if request.dryRun:
                return await self._shards.dequeue(self._wanted(request, limit), request.coverage)
            claim = descriptors.claim(self._owner, context.source, next(self._claims))
            async with self._flow.permit(request.queueName, limit) as permit:
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


def _response(jobs: Sequence[DequeuedJob]) -> PinLaterDequeueResponse:
    bodies = {job.descriptor: job.body for job in jobs}
    return PinLaterDequeueResponse(bodies, {job.descriptor: job.metadata for job in jobs})
