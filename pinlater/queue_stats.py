"""Counts of a queue's jobs: taken from each shard, added up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pinlater.backends import Backend, Outlook, Position, Span
from pinlater.queue_limits import QueueLimits
from thrift_idl.gen.pinlater.ttypes import PinLaterJobState, PinLaterQueueStats


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Of one queue on one shard."""

    outlook: Outlook
    jobs: tuple[int, ...]
    """Ready, for later, IN_PROGRESS, SUCCEEDED, FAILED."""


async def stats_of(backend: Backend, queue: str, priorities: tuple[int, ...], now_ms: int) -> QueueStats:
    """Counted one after the other: a job that changes its state meanwhile may be in two counts, or in none."""
    spans = (
        Span(PinLaterJobState.PENDING, priorities, before=Position(now_ms + 1, 0)),
        Span(PinLaterJobState.PENDING, priorities, now_ms),
        Span(PinLaterJobState.IN_PROGRESS, priorities),
        Span(PinLaterJobState.SUCCEEDED, priorities),
        Span(PinLaterJobState.FAILED, priorities),
    )
    outlook = await backend.outlook(queue)
    return QueueStats(outlook, tuple([await backend.count(queue, span) for span in spans]))


def merged_stats(queue: str, found: Iterable[QueueStats], limits: QueueLimits, now_ms: int) -> PinLaterQueueStats:
    """The shards' counts as one, with the limits of the queue."""
    stats = list(found)
    ready, later, in_progress, succeeded, failed = (
        sum(each) for each in zip(*(one.jobs for one in stats), strict=True)
    )
    dues = [one.outlook.first_due_ms for one in stats if one.outlook.first_due_ms is not None]
    oldest_ms = now_ms - min(dues, default=now_ms + 1)
    return PinLaterQueueStats(
        queueName=queue,
        ready=ready,
        later=later,
        inProgress=in_progress,
        succeeded=succeeded,
        failed=failed,
        oldestReadyMillis=oldest_ms if oldest_ms >= 0 else None,
        paused=limits.is_paused or any(one.outlook.paused for one in stats),
        jobsPerSecond=limits.rate or None,
        claimedAtOnce=limits.concurrency,
    )
