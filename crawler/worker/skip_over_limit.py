"""Jobs that wait when a crawl has all its pages: skipped at once, instead of each at its due time.

The jobs of a domain at its limit may be hours away: `--max-pages 100` of a site with a hundred thousand links would
wait at 100 pages until the last of them had been claimed for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from crawler.frontier import Frontier, Offer
from crawler.frontier.crawls import Crawl
from crawler.job.body import BadJob, CrawlJob, JobTooNew
from crawler.job.crawl_cache import CrawlCache
from crawler.job.job_queues import JobQueues
from thrift_idl.errors import InvalidUrl
from weburl import url_key


class SkipOverLimit:
    """The waiting jobs of crawls that have their pages. `queues` fits a `Pump`."""

    def __init__(self, crawl_cache: CrawlCache, frontier: Frontier, jobs: JobQueues) -> None:
        self._crawl_cache = crawl_cache
        self._frontier = frontier
        self._jobs = jobs
        self._continuations: dict[str, str] = {}

    async def queues(self) -> Sequence[str]:
        """The queues to ask, after some jobs that needn't be waited for were skipped."""
        names = await self._crawl_cache.queues()
        for crawl in self._crawl_cache.spent:
            await self._skip_some(crawl)
        return names

    async def _skip_some(self, crawl: Crawl) -> None:
        """A page of jobs; from the first one again after the last, as long as the crawl isn't over."""
        found = await self._jobs.waiting(crawl.queue, self._continuations.pop(crawl.id, ""))
        offers = [offer for name, body in found.bodies.items() if (offer := _offer(name, body))]
        if offers:
            # Their entries are closed here. The jobs find them closed when they come, or are dropped with the queue.
            await self._frontier.claim(crawl.id, offers)
        if found.continuation:
            self._continuations[crawl.id] = found.continuation


def _offer(descriptor: str, body: bytes) -> Offer | None:
    try:
        job = CrawlJob.decode(body)
        return Offer(url_key(job.url), descriptor, job.depth)
    except (BadJob, JobTooNew, InvalidUrl):  # the worker that dequeues it handles it
        return None
