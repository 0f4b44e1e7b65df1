"""Watching a crawl: how it stands, and when it is over with all that follows from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aragog.crawl.crawls import Crawls, CrawlStatus, Failure
from aragog.crawl.followups import INLINKS, SIGNALS
from aragog.crawl.frontier import Frontier
from aragog.crawl.queues import JobQueues
from aragog.crawl.visit import FAULTS, Persistently, once


@dataclass(frozen=True, slots=True)
class Progress:
    """A crawl at one moment."""

    status: CrawlStatus
    signals: int
    """Pages whose images and event are still to come."""
    inlinks: int
    """Pages whose links aren't yet written to their targets."""
    elapsed_s: float
    """Since the watching began."""
    pages_per_s: float
    """Over the last few seconds."""
    set_aside: int = 0
    """Follow-up jobs that were set aside since the watching began, of any crawl."""
    faults: tuple[Failure, ...] = ()
    """URLs that failed by an error of ours, as of the end."""

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""
        return self.status.state.ended and not self.signals and not self.inlinks

    @property
    def eta_s(self) -> float | None:
        """Time left if it went on so, for the URLs known by now; None = it stands still."""
        return self.status.counters.open / self.pages_per_s if self.pages_per_s > 0 else None


async def watch(
    crawl_id: str, frontier: Frontier, jobs: JobQueues, persistently: Persistently = once, every_ms: int = 500
) -> AsyncIterator[Progress]:
    """How the crawl stands, again and again; ends with the moment at which it is over."""

    async def look() -> tuple[CrawlStatus, int, int]:
        return await frontier.crawls.status(crawl_id), await jobs.count(SIGNALS), await jobs.count(INLINKS)

    async def failed() -> int:
        return await jobs.failed(SIGNALS) + await jobs.failed(INLINKS)

    began, failed_before = time.monotonic(), await persistently(failed)
    seen: list[tuple[float, int]] = []
    while True:
        status, signals, inlinks = await persistently(look)
        elapsed_s = time.monotonic() - began
        seen = [*seen[-10:], (elapsed_s, status.counters.pages)]
        set_aside = max(0, await persistently(failed) - failed_before)
        progress = Progress(status, signals, inlinks, elapsed_s, _rate(seen), set_aside)
        yield progress
        if progress.over:
            return
        await asyncio.sleep(every_ms / 1000)


async def faults(crawls: Crawls, status: CrawlStatus) -> tuple[Failure, ...]:
    """The URLs of a crawl that failed by an error of ours, and weren't retried since."""
    if not status.counters.failed or not any(status.outcomes.get(code) for code in FAULTS):
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
