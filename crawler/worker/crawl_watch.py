"""A watch on a crawl: its state, and its end, follow-up jobs included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from crawler.frontier import LOST_CODE, Frontier
from crawler.frontier.crawls import Crawls, CrawlState, CrawlStatus, Failure
from crawler.job.follow_up_jobs import INLINKS, SIGNALS
from crawler.job.job_queues import JobQueues
from crawler.visit.visitor import Persistently, once
from runtime.clock import monotonic_ms
from thrift_idl.outcomes import FAULTS

#: Checks in a row with no change and an empty queue: a job that is about to be enqueued or finished causes a change.
_STUCK_LOOKS = 4


@dataclass(frozen=True, slots=True)
class CrawlProgress:
    """A crawl at one moment."""

    status: CrawlStatus
    signals: int
    """Pages whose images and event are not finished yet."""
    inlinks: int
    """Pages whose links aren't yet written to their targets."""
    elapsed_s: float
    """Time since the watching began."""
    pages_per_s: float
    """Pages a second over the last few seconds."""
    set_aside: int = 0
    """Follow-up jobs that were set aside since the watching began, of any crawl."""
    faults: tuple[Failure, ...] = ()
    """URLs that failed by an error of ours, as of the end."""
    is_stuck: bool = False
    """URLs are open, nothing changes, and there is no job that could change anything: a queue has lost jobs."""

    @property
    def lost(self) -> int:
        """URLs that were given up: their jobs were lost, and nothing names them any more."""
        return self.status.outcomes.get(LOST_CODE, 0)

    @property
    def over(self) -> bool:
        """True if nothing more is to come."""
        return self.status.state.ended and not self.signals and not self.inlinks

    @property
    def eta_s(self) -> float | None:
        """The time left at the present rate, for the URLs known by now; None = there is no progress."""
        return self.status.counters.open / self.pages_per_s if self.pages_per_s > 0 else None


async def watch(
    crawl_id: str, frontier: Frontier, jobs: JobQueues, persistently: Persistently = once, every_ms: int = 500
) -> AsyncIterator[CrawlProgress]:
    """The state of the crawl, again and again; ends when it is over."""

    async def look() -> tuple[CrawlStatus, int, int]:
        return await frontier.crawls.status(crawl_id), await jobs.count(SIGNALS), await jobs.count(INLINKS)

    async def failed() -> int:
        return await jobs.failed(SIGNALS) + await jobs.failed(INLINKS)

    async def has_job(status: CrawlStatus) -> bool:
        return await jobs.count(status.crawl.queue) > 0

    began_ms, failed_before = monotonic_ms(), await persistently(failed)
    seen: list[tuple[float, int]] = []
    still, before = 0, None
    while True:
        status, signals, inlinks = await persistently(look)
        elapsed_s = (monotonic_ms() - began_ms) / 1000
        seen = [*seen[-10:], (elapsed_s, status.counters.pages)]
        set_aside = max(0, await persistently(failed) - failed_before)
        stands = _waits(status) and status == before and not await persistently(partial(has_job, status))
        still, before = still + 1 if stands else 0, status
        is_stuck = still >= _STUCK_LOOKS
        progress = CrawlProgress(status, signals, inlinks, elapsed_s, _rate(seen), set_aside, is_stuck=is_stuck)
        yield progress
        if progress.over:
            return
        await asyncio.sleep(every_ms / 1000)


def _waits(status: CrawlStatus) -> bool:
    """True if no work is expected from workers: the seeder has yet to enqueue, or people paused the crawl."""
    return status.seeded and status.state == CrawlState.RUNNING and status.counters.open > 0


async def faults(crawls: Crawls, status: CrawlStatus) -> tuple[Failure, ...]:
    """The URLs of a crawl that failed by an error of ours, and weren't retried since."""
    if not status.counters.failed:
        return ()
    return tuple(failure for failure in await failures(crawls, status.crawl.id) if failure.code in FAULTS)


async def failures(crawls: Crawls, crawl_id: str) -> list[Failure]:
    """All URLs of a crawl that failed."""
    found: list[Failure] = []
    while some := await crawls.failures(crawl_id, found[-1].key if found else b""):
        found += some
    return found


def _rate(seen: list[tuple[float, int]]) -> float:
    (then_s, before), (now_s, now) = seen[0], seen[-1]
    return (now - before) / (now_s - then_s) if now_s > then_s else 0.0
