"""Shared parts of PinLater's tests: a clock that tests move, a caller with short requests, and the counts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from pinlater import ServiceSettings
from pinlater.queue_limits import LimitsOfQueues, QueueLimits
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterCheckpointJobRequest,
    PinLaterCheckpointJobsRequest,
    PinLaterDeleteJobsRequest,
    PinLaterDequeueRequest,
    PinLaterDequeueResponse,
    PinLaterEnqueueRequest,
    PinLaterException,
    PinLaterGetJobCountRequest,
    PinLaterJob,
    PinLaterJobAckInfo,
    PinLaterJobAckRequest,
    PinLaterJobInfo,
    PinLaterJobState,
    PinLaterLookupJobRequest,
    PinLaterRetryFailedJobsRequest,
    PinLaterScanJobsRequest,
    PinLaterScanJobsResponse,
    RequestContext,
)

PENDING, IN_PROGRESS = PinLaterJobState.PENDING, PinLaterJobState.IN_PROGRESS
SUCCEEDED, FAILED = PinLaterJobState.SUCCEEDED, PinLaterJobState.FAILED
START_MS = 1_794_000_000_000
PASSWORD = "open sesame"
SETTINGS = ServiceSettings(admin_hash=hashlib.sha256(PASSWORD.encode()).hexdigest())
OWNER = "127.0.0.1:9010:1794000000000"
QUEUE = "work"


@dataclass(slots=True)
class Clock:
    """A wall clock that only tests move."""

    ms: int = START_MS

    def __call__(self) -> int:
        return self.ms


@dataclass(slots=True)
class Counts:
    """Telemetry that counts, by the contract's names."""

    of: Counter[str] = field(default_factory=Counter)
    delays_ms: list[int] = field(default_factory=list)
    first_delays_ms: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def enqueued(self, queue: str, jobs: int) -> None:
        self.of["enqueue"] += jobs

    def dequeued(self, queue: str, delays_ms: Sequence[int], first_delays_ms: Sequence[int]) -> None:
        self.of["dequeue"] += len(delays_ms)
        self.delays_ms += delays_ms
        self.first_delays_ms += first_delays_ms

    def acked(self, queue: str, succeeded: int, failed: int, noops: int) -> None:
        self.of += Counter(ack_succeeded=succeeded, ack_failed=failed, ack_noop=noops)

    def checkpointed(self, queue: str, jobs: int, noops: int) -> None:
        self.of += Counter(checkpoint=jobs, checkpoint_noop=noops)

    def timed_out(self, queue: str, done: int, retry: int) -> None:
        self.of += Counter(timeout_done=done, timeout_retry=retry)

    def collected(self, queue: str, jobs: int) -> None:
        self.of["gc"] += jobs

    def rate_limited(self, queue: str) -> None:
        self.of["rate_limited"] += 1

    def shard_failed(self, shard: str, reason: str) -> None:
        self.of[f"shard_failed {shard}"] += 1

    def shard_unhealthy(self, shard: str) -> None:
        self.of[f"shard_unhealthy {shard}"] += 1

    def shard_well(self, shard: str) -> None:
        self.of[f"shard_well {shard}"] += 1

    def file_loaded(self, path: str) -> None:
        self.of["file_loaded"] += 1

    def file_refused(self, path: str, reason: str) -> None:
        self.of["file_refused"] += 1
        self.reasons.append(reason)


def jobs_of(*bodies: str, **fields: object) -> list[PinLaterJob]:
    return [PinLaterJob(body.encode(), **fields) for body in bodies]  # type: ignore[arg-type]  # a test's business


def numbered(count: int, **fields: object) -> list[PinLaterJob]:
    return jobs_of(*(f"job_body_{number}" for number in range(count)), **fields)


def refused_with(code: int) -> pytest.RaisesExc[PinLaterException]:
    return pytest.RaisesExc(PinLaterException, check=lambda error: error.errorCode == code)


class Caller:
    """One worker: PinLater's methods on one queue, in short."""

    def __init__(self, service: PinLater, source: str = "worker-1", queue: str = QUEUE) -> None:
        self.service = service
        self.queue = queue
        self.context = RequestContext(source, "r-1")

    async def create(self) -> None:
        await self.service.createQueue(self.context, self.queue)

    async def enqueue(self, jobs: Iterable[PinLaterJob]) -> list[str]:
        request = PinLaterEnqueueRequest(self.queue, tuple(jobs))
        return list((await self.service.enqueueJobs(self.context, request)).jobDescriptors)

    async def dequeue(self, limit: int = 10, **fields: object) -> PinLaterDequeueResponse:
        request = PinLaterDequeueRequest(self.queue, limit, **fields)  # type: ignore[arg-type]  # a test's business
        return await self.service.dequeueJobs(self.context, request)

    async def take(self, limit: int = 10, **fields: object) -> list[str]:
        return list((await self.dequeue(limit, **fields)).jobs or {})

    async def bodies(self, limit: int = 10) -> list[str]:
        return [body.decode() for body in ((await self.dequeue(limit)).jobs or {}).values()]

    def acks(self, done: Iterable[str] = (), failed: Iterable[str] = (), **fields: object) -> PinLaterJobAckRequest:
        return PinLaterJobAckRequest(
            self.queue,
            tuple(PinLaterJobAckInfo(job, **fields) for job in done),  # type: ignore[arg-type]  # a test's business
            tuple(PinLaterJobAckInfo(job, **fields) for job in failed),  # type: ignore[arg-type]  # as above
        )

    async def ack(self, done: Iterable[str] = (), failed: Iterable[str] = (), **fields: object) -> None:
        await self.service.ackDequeuedJobs(self.context, self.acks(done, failed, **fields))

    async def checkpoint(self, *jobs: str, **fields: object) -> None:
        requests = tuple(PinLaterCheckpointJobRequest(job, **fields) for job in jobs)  # type: ignore[arg-type]
        await self.service.checkpointJobs(self.context, PinLaterCheckpointJobsRequest(self.queue, requests))

    async def lookup(self, *jobs: str, body: bool = False) -> list[PinLaterJobInfo]:
        found = await self.service.lookupJobs(self.context, PinLaterLookupJobRequest(jobs, body))
        return [found[job] for job in jobs if job in found]

    async def one(self, job: str) -> PinLaterJobInfo:
        (info,) = await self.lookup(job, body=True)
        return info

    async def count(self, state: int, **fields: object) -> int:
        request = PinLaterGetJobCountRequest(self.queue, state, **fields)  # type: ignore[arg-type]
        return await self.service.getJobCount(self.context, request)

    async def counts(self) -> list[int]:
        """Jobs PENDING (now or later), IN_PROGRESS, SUCCEEDED, FAILED."""
        future = await self.count(PENDING, countFutureJobs=True)
        counts = [await self.count(state) for state in (PENDING, IN_PROGRESS, SUCCEEDED, FAILED)]
        return [counts[0] + future, *counts[1:]]

    async def scan(self, state: int, **fields: object) -> PinLaterScanJobsResponse:
        request = PinLaterScanJobsRequest(self.queue, state, **fields)  # type: ignore[arg-type]
        return await self.service.scanJobs(self.context, request)

    async def retry_failed(self, **fields: object) -> int:
        request = PinLaterRetryFailedJobsRequest(self.queue, **fields)  # type: ignore[arg-type]
        return await self.service.retryFailedJobs(self.context, request)

    async def delete_jobs(self, state: int, **fields: object) -> int:
        request = PinLaterDeleteJobsRequest(self.queue, state, **fields)  # type: ignore[arg-type]
        return await self.service.deleteJobs(self.context, request)


class Said:
    """Limits that a test says."""

    def __init__(self, **limits: object) -> None:
        self.limits = LimitsOfQueues({QUEUE: QueueLimits(**limits)})  # type: ignore[arg-type]  # a test's business

    async def current(self, now_ms: float) -> LimitsOfQueues:
        return self.limits
