"""Stores of jobs: one small seam. A backend is one shard, and each of its methods is atomic.

Every job has a *due time* that orders its state: while PENDING its run_after, while IN_PROGRESS the time of
its claim or last checkpoint, and once SUCCEEDED or FAILED the time when that happened. Dequeues, claim time-outs and
collection each take the due jobs of one state, at a cost that doesn't depend on the number of jobs.

A failed ack and a lost claim (time-out, dead owner) spend an attempt; a dequeue and a checkpoint never do.
With its last attempt a job is FAILED, with 0 remaining.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pinlater.descriptors import Claim
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterCheckpointJobRequest,
    PinLaterDequeueMetadata,
    PinLaterJob,
    PinLaterJobAckInfo,
    PinLaterJobInfo,
)

LAST_MS = 2**53 - 1
"""The latest possible time: beyond it a Redis score is no longer exact."""
PAGE_BYTES = 8 * 1024 * 1024
"""No dequeue or scan returns more bytes of bodies than this, unless the first body alone is longer."""
STATUS_CHARACTERS = 2_000
"""A custom status is cut at its end to this length."""


class Position(NamedTuple):
    """A place in the order of one state's jobs: due time, then local id."""

    due_ms: int
    local_id: int


END = Position(LAST_MS + 1, 0)


@dataclass(frozen=True, slots=True)
class Span:
    """Jobs of one state and some priorities, due later than `after_ms` and before the position `before`."""

    state: int
    priorities: tuple[int, ...]
    after_ms: int = -1
    before: Position = END


@dataclass(frozen=True, slots=True)
class DequeuedJob:
    """A job as handed to a worker."""

    descriptor: str
    body: bytes
    metadata: PinLaterDequeueMetadata
    run_after_ms: int


@dataclass(frozen=True, slots=True)
class ScannedJob:
    """A job found by a scan, body included."""

    position: Position
    info: PinLaterJobInfo


@dataclass(frozen=True, slots=True)
class Acked:
    """Numbers of acks by their effect; the others were of claims that are no longer valid."""

    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class LostClaims:
    """Claims taken back: jobs FAILED for good, and jobs PENDING again."""

    done: int
    retry: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """The queue's state for its callers."""

    paused: bool
    first_due_ms: int | None
    """The time when the first PENDING job is due; None if there is none."""


NO_CAP = 2**31 - 1
"""No bound on the jobs claimed at a time."""
SERVER_GONE_MS = 10_000
"""A server without a sign of life for this time is dead."""


AckOf = tuple[int, PinLaterJobAckInfo]
CheckpointOf = tuple[int, PinLaterCheckpointJobRequest]
"""The action, and the local id of its job."""


class Backend(Protocol):
    """One shard. Times are milliseconds of the caller's clock; acknowledged writes survive kill -9.

    Raises PinLaterException QUEUE_NOT_FOUND if a queue must exist, else `BackendDown` and its kinds.
    """

    shard: str

    async def create_queue(self, queue: str, now_ms: int) -> None:
        """Make a queue; an existing one stays unchanged."""
        ...

    async def delete_queue(self, queue: str) -> None:
        """Drop a queue with its jobs, if it exists; the cost doesn't depend on their number."""
        ...

    async def queue_names(self) -> frozenset[str]:
        """Every queue."""
        ...

    async def pause(self, queue: str, paused: bool) -> None:
        """Refuse the queue's dequeues, or allow them again."""
        ...

    async def outlook(self, queue: str) -> Outlook:
        """The pause, and the next due time; costs the same for any number of jobs."""
        ...

    def arrivals(self) -> AsyncIterator[str]:
        """The queues that get a PENDING job on any server, from now on; "" = perhaps every one, look.

        The first item is "", as soon as all later jobs will be reported.
        """
        ...

    async def clock_ms(self) -> int | None:
        """The time by the store's own clock; None if it has none, and its servers share one."""
        ...

    async def live_servers(self, owner: str, now_ms: int) -> int:
        """Note that this server lives; returns the number of live servers."""
        ...

    async def enqueue(self, queue: str, jobs: Sequence[PinLaterJob], now_ms: int) -> tuple[str, ...]:
        """Store jobs as PENDING; their descriptors, in order."""
        ...

    async def dequeue(
        self,
        queue: str,
        claim: Claim,
        priorities: Sequence[int],
        limit: int,
        now_ms: int,
        most_claimed: int = NO_CAP,
    ) -> list[DequeuedJob]:
        """Claim jobs whose run_after has come: by the given priorities, then by run_after, then as enqueued.

        The claims, with earlier ones, are at most `most_claimed`. Raises DEQUEUE_RATE_LIMITED if the
        queue is paused.
        """
        ...

    async def peek(self, queue: str, priorities: Sequence[int], limit: int, now_ms: int) -> list[DequeuedJob]:
        """The jobs that `dequeue` would claim; nothing changes."""
        ...

    async def ack(self, queue: str, succeeded: Sequence[AckOf], failed: Sequence[AckOf], now_ms: int) -> Acked:
        """End claims: only of jobs IN_PROGRESS, and only of the claim that an ack names, if it names one."""
        ...

    async def checkpoint(self, queue: str, source: str, requests: Sequence[CheckpointOf], now_ms: int) -> int:
        """Change claimed jobs, or give them back; returns the number of changed jobs.

        Only jobs IN_PROGRESS: by the claim that a request names, or by `source` if it names none.
        """
        ...

    async def lookup(self, queue: str, local_ids: Sequence[int], include_body: bool) -> Mapping[int, PinLaterJobInfo]:
        """The jobs that exist."""
        ...

    async def count(self, queue: str, span: Span) -> int:
        """The number of jobs in the span."""
        ...

    async def scan(self, queue: str, span: Span, limit: int) -> list[ScannedJob]:
        """The span's last jobs by due time, the latest first; fewer than `limit` may still leave more.

        An empty list means that there are no more.
        """
        ...

    async def retry(self, queue: str, local_ids: Sequence[int], attempts: int, run_after_ms: int, now_ms: int) -> int:
        """Make FAILED jobs PENDING again with this number of attempts; returns the number of jobs."""
        ...

    async def delete(self, queue: str, local_ids: Sequence[int], state: int) -> int:
        """Remove the jobs that are in this state; returns their number."""
        ...

    async def time_out(self, queue: str, before_ms: int, limit: int, now_ms: int) -> LostClaims:
        """Take back claims last confirmed before `before_ms`, the oldest first."""
        ...

    async def release(self, queue: str, source_prefix: str, now_ms: int) -> LostClaims:
        """Take back the claims of every source whose name begins with it."""
        ...

    async def collect(self, queue: str, state: int, before_ms: int, limit: int) -> int:
        """Remove jobs that came into this state before `before_ms`; returns their number."""
        ...

    async def sweep(self, limit: int) -> int:
        """Remove jobs of dropped queues; returns their number. 0 = none are left."""
        ...

    async def close(self) -> None:
        """Finish running work and release files and connections."""
        ...
