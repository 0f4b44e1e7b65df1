"""Generated from pinlater.thrift by `make idl`: do not edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import Protocol

import thrift_idl.gen.pinlater.ttypes as ttypes


class PinLater(Protocol):
    """SCHEDULE: jobs that run later, again, or never. Wire-compatible with Pinterest's PinLater: names, field ids,
    types and defaults are theirs. Ours are the fields from 100 on, which are optional and ignored by their clients, and
    the last three methods of the service."""

    async def createQueue(self, context: ttypes.RequestContext, name: str) -> None:
        """createQueue of the IDL."""
        ...

    async def deleteQueue(self, context: ttypes.RequestContext, name: str, password: str) -> None:
        """deleteQueue of the IDL."""
        ...

    async def enqueueJobs(self, context: ttypes.RequestContext, request: ttypes.PinLaterEnqueueRequest) -> ttypes.PinLaterEnqueueResponse:
        """enqueueJobs of the IDL."""
        ...

    async def dequeueJobs(self, context: ttypes.RequestContext, request: ttypes.PinLaterDequeueRequest) -> ttypes.PinLaterDequeueResponse:
        """dequeueJobs of the IDL."""
        ...

    async def ackDequeuedJobs(self, context: ttypes.RequestContext, request: ttypes.PinLaterJobAckRequest) -> None:
        """ackDequeuedJobs of the IDL."""
        ...

    async def checkpointJobs(self, context: ttypes.RequestContext, request: ttypes.PinLaterCheckpointJobsRequest) -> None:
        """checkpointJobs of the IDL."""
        ...

    async def lookupJobs(self, context: ttypes.RequestContext, request: ttypes.PinLaterLookupJobRequest) -> Mapping[str, ttypes.PinLaterJobInfo]:
        """lookupJobs of the IDL."""
        ...

    async def getJobCount(self, context: ttypes.RequestContext, request: ttypes.PinLaterGetJobCountRequest) -> int:
        """getJobCount of the IDL."""
        ...

    async def getQueueNames(self, context: ttypes.RequestContext) -> AbstractSet[str]:
        """getQueueNames of the IDL."""
        ...

    async def scanJobs(self, context: ttypes.RequestContext, request: ttypes.PinLaterScanJobsRequest) -> ttypes.PinLaterScanJobsResponse:
        """scanJobs of the IDL."""
        ...

    async def retryFailedJobs(self, context: ttypes.RequestContext, request: ttypes.PinLaterRetryFailedJobsRequest) -> int:
        """retryFailedJobs of the IDL."""
        ...

    async def deleteJobs(self, context: ttypes.RequestContext, request: ttypes.PinLaterDeleteJobsRequest) -> int:
        """deleteJobs of the IDL."""
        ...

    async def dequeueJobsWait(self, context: ttypes.RequestContext, request: ttypes.PinLaterDequeueRequest, maxWaitMillis: int) -> ttypes.PinLaterDequeueResponse:
        """As dequeueJobs, but where no job is ready it waits for one, at most so long (a minute); then it answers with none.
        Wait for less than the caller's own deadline: a caller that gives up first leaves its job to the claim's time-out."""
        ...

    async def getQueueStats(self, context: ttypes.RequestContext, request: ttypes.PinLaterQueueStatsRequest) -> ttypes.PinLaterQueueStatsResponse:
        """getQueueStats of the IDL."""
        ...

    async def pauseQueue(self, context: ttypes.RequestContext, name: str, paused: bool) -> None:
        """Refuse (or allow again) the queue's dequeues on every server; acks, checkpoints and enqueues go on."""
        ...
