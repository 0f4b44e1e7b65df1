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
"""The latest time there is: beyond it a Redis score is no longer exact."""
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
    """A job as found by a scan, body included."""

    position: Position
    info: PinLaterJobInfo


@dataclass(frozen=True, slots=True)
class Acked:
    """How many acks did what; the rest were of claims that have moved on."""

    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class LostClaims:
    """Claims taken back: jobs FAILED for good, and jobs PENDING again."""

    done: int
    retry: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a queue's callers have to expect."""

    paused: bool
    first_due_ms: int | None
    """When its first PENDING job is due, or was; None where there is none."""


NO_CAP = 2**31 - 1
"""No bound of the jobs claimed at a time."""
SERVER_GONE_MS = 10_000
"""A server that hasn't shown itself for so long is dead."""


AckOf = tuple[int, PinLaterJobAckInfo]
CheckpointOf = tuple[int, PinLaterCheckpointJobRequest]
"""What to do, and the local id of the job to do it to."""


class Backend(Protocol):
    """One shard. Times are milliseconds of the caller's clock; what is acknowledged survives kill -9.

    Raises PinLaterException QUEUE_NOT_FOUND where a queue must exist, else `BackendDown` and its kinds.
    """

    shard: str

    async def create_queue(self, queue: str, now_ms: int) -> None:
        """Make a queue; one that exists stays as it is."""
        ...

    async def delete_queue(self, queue: str) -> None:
        """Drop a queue with its jobs, if it exists; costs little, however many they are."""
        ...

    async def queue_names(self) -> frozenset[str]:
        """Every queue."""
        ...

    async def pause(self, queue: str, paused: bool) -> None:
        """Refuse the queue's dequeues, or allow them again."""
        ...

    async def outlook(self, queue: str) -> Outlook:
        """Whether it is paused, and when a job is due; costs the same however many there are."""
        ...

    def arrivals(self) -> AsyncIterator[str]:
        """The queues that got a PENDING job, by whichever server, from now on; "" = perhaps every one, look.

        The first thing is "", once all that comes later is told.
        """
        ...

    async def clock_ms(self) -> int | None:
        """The time by the store's own clock; None where it has none, and its servers share one."""
        ...

    async def live_servers(self, owner: str, now_ms: int) -> int:
        """Note that this server lives; how many do."""
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
        """Claim jobs whose run_after has come: by priority as given, then by run_after, then as enqueued.

        No more than make `most_claimed` with those that are claimed already. Raises DEQUEUE_RATE_LIMITED where the
        queue is paused.
        """
        ...

    async def peek(self, queue: str, priorities: Sequence[int], limit: int, now_ms: int) -> list[DequeuedJob]:
        """What `dequeue` would claim; nothing changes."""
        ...

    async def ack(self, queue: str, succeeded: Sequence[AckOf], failed: Sequence[AckOf], now_ms: int) -> Acked:
        """End claims: only of jobs IN_PROGRESS, and only of the claim that an ack names, if it names one."""
        ...

    async def checkpoint(self, queue: str, source: str, requests: Sequence[CheckpointOf], now_ms: int) -> int:
        """Change claimed jobs, or give them back; how many it changed.

        Only jobs IN_PROGRESS: by the claim that a request names, by `source` where it names none.
        """
        ...

    async def lookup(self, queue: str, local_ids: Sequence[int], include_body: bool) -> Mapping[int, PinLaterJobInfo]:
        """Those of the jobs that exist."""
        ...

    async def count(self, queue: str, span: Span) -> int:
        """How many jobs the span holds."""
        ...

    async def scan(self, queue: str, span: Span, limit: int) -> list[ScannedJob]:
        """The span's last jobs by due time, the latest first; fewer than `limit` doesn't mean that there are no more.

        An empty list does.
        """
        ...

    async def retry(self, queue: str, local_ids: Sequence[int], attempts: int, run_after_ms: int, now_ms: int) -> int:
        """Make FAILED jobs PENDING again with so many attempts; how many there were."""
        ...

    async def delete(self, queue: str, local_ids: Sequence[int], state: int) -> int:
        """Remove those of the jobs that are in this state; how many there were."""
        ...

    async def time_out(self, queue: str, before_ms: int, limit: int, now_ms: int) -> LostClaims:
        """Take back claims last confirmed before `before_ms`, the oldest first."""
        ...

    async def release(self, queue: str, source_prefix: str, now_ms: int) -> LostClaims:
        """Take back the claims of every source whose name begins so."""
        ...

    async def collect(self, queue: str, state: int, before_ms: int, limit: int) -> int:
        """Remove jobs that came into this state before `before_ms`; how many."""
        ...

    async def sweep(self, limit: int) -> int:
        """Remove jobs of dropped queues; how many. 0 where nothing is left of them."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of files and connections."""
        ...
