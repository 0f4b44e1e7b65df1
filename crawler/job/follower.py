"""The step after a page is stored: jobs for its links, entries for those jobs, and the page's follow-up jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from crawler.frontier import Frontier, Offer
from crawler.frontier.scope import CrawlScope, targets
from crawler.job.body import CrawlJob
from crawler.job.crawl_cache import CachedCrawl
from crawler.job.follow_up_jobs import INLINKS, SIGNALS, FollowedUp, FollowUp, followed_up
from crawler.job.job_queues import JobQueues
from runtime.batching import LONGEST_REST_MS, Batching
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Page
from thrift_idl.publishing import PublishedPages
from weburl import url_key


class Follower:
    """Enqueues the jobs that follow from a stored page. Every call may be repeated."""

    def __init__(self, jobs: JobQueues, frontier: Frontier, store: UrlStore, published: PublishedPages) -> None:
        self._jobs = jobs
        self._frontier = frontier
        self._store = store
        self._published = published
        # Jobs of all pages are enqueued together: a call costs PinLater the same for one job as for many.
        self._follow_ups = {
            queue: Batching(partial(jobs.enqueue, queue), longest_rest_ms=LONGEST_REST_MS)
            for queue in (SIGNALS, INLINKS)
        }

    async def follow(self, known: CachedCrawl, job: CrawlJob, page: Page, depth: int) -> None:
        """Jobs for the links of a page at `depth` that the crawl doesn't know, then their frontier entries."""
        crawl = known.crawl
        scope = known.scope if job.scope is None else CrawlScope.of(job.scope, known.hosts)
        if not scope.admits(page.url):  # a redirect led out of the crawl
            return
        found = {each.key: each.url for each in targets(page.record.outlinks, scope, depth, crawl.max_depth)}
        asked = known.links.strange(found, depth + 1)
        if not asked:
            return
        wanted = await self._frontier.unknown(crawl.id, asked, depth + 1)
        child = CrawlJob("", job.crawl, depth + 1, job.scope, job.policy)
        await self._enqueue(known, {key: replace(child, url=found[key]) for key in wanted})
        if wanted or crawl.max_pages is None:  # a crawl that has its pages enters none of them
            known.links.add(asked, depth + 1)

    async def follow_redirect(self, known: CachedCrawl, job: CrawlJob, chain: tuple[Hop, ...], depth: int) -> None:
        """A job for the target of a redirect, unless the crawl knows it: it continues with the chain so far."""
        target = chain[-1].target
        key = url_key(target)
        if await self._frontier.unknown(known.crawl.id, (key,), depth):
            onward = CrawlJob(target, job.crawl, depth, job.scope, job.policy, resume=chain)
            await self._enqueue(known, {key: onward})

    async def unlink(self, url: str) -> None:
        """The URL redirects: links of its earlier page, if any, no longer count."""
        await self._follow_ups[INLINKS](FollowUp(url, 0).encode())

    async def _enqueue(self, known: CachedCrawl, jobs: Mapping[bytes, CrawlJob]) -> None:
        """Jobs by URL key into the crawl's queue, then into its frontier."""
        if not jobs:
            return
        names = await self._jobs.enqueue(known.crawl.queue, [job.encode() for job in jobs.values()])
        offers = [Offer(key, name, job.depth) for (key, job), name in zip(jobs.items(), names, strict=True)]
        await self._frontier.schedule(known.crawl.id, offers)

    async def follow_up(self, page: Page, context: Context, is_new: bool = False) -> None:
        """The page's follow-up jobs, unless the store says that they are done for this version; a new one isn't."""
        done = FollowedUp(False, False) if is_new else await followed_up(self._store, self._published, page, context)
        body = FollowUp(page.url, page.version).encode()
        wanted = [queue for queue, is_done in ((SIGNALS, done.published), (INLINKS, done.linked)) if not is_done]
        await asyncio.gather(*(self._follow_ups[queue](body) for queue in wanted))
