"""After a page is stored: jobs for its links, entries for those jobs, and the follow-up jobs off the page's path."""

from __future__ import annotations

from aragog.crawl.followups import INLINKS, SIGNALS, FollowUp, followed_up
from aragog.crawl.frontier import Frontier, Offer
from aragog.crawl.job import CrawlJob
from aragog.crawl.known import KnownCrawl
from aragog.crawl.queues import JobQueues
from aragog.crawl.scope import Scope, Target, targets
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Page


class Follower:
    """Enqueues what a stored page gives rise to. Every call may be repeated."""

    def __init__(self, jobs: JobQueues, frontier: Frontier, store: UrlStore) -> None:
        self._jobs = jobs
        self._frontier = frontier
        self._store = store

    async def follow(self, known: KnownCrawl, job: CrawlJob, page: Page, depth: int) -> None:
        """Jobs for the links of a page at `depth` that the crawl doesn't know, then their frontier entries."""
        crawl = known.crawl
        scope = known.scope if job.scope is None else Scope.of(job.scope, known.hosts)
        if not scope.admits(page.url):  # a redirect led out of the crawl
            return
        found = {each.key: each for each in targets(page.record.outlinks, scope, depth, crawl.max_depth)}
        wanted = await self._frontier.unknown(crawl.id, tuple(found), depth + 1)
        await self._enqueue(known, job, [found[key] for key in wanted], depth + 1)

    async def _enqueue(self, known: KnownCrawl, job: CrawlJob, found: list[Target], depth: int) -> None:
        if not found:
            return
        children = (CrawlJob(each.url, job.crawl, depth, job.scope, job.policy) for each in found)
        descriptors = await self._jobs.enqueue(known.crawl.queue, [child.encode() for child in children])
        offers = [Offer(each.key, name, depth) for each, name in zip(found, descriptors, strict=True)]
        await self._frontier.schedule(known.crawl.id, offers)

    async def follow_up(self, page: Page, context: Context) -> None:
        """The jobs off the page's path, unless the store says that they are done for this version."""
        done = await followed_up(self._store, page, context)
        for queue, is_queue_done in ((SIGNALS, done.published), (INLINKS, done.linked)):
            if not is_queue_done:
                await self._jobs.enqueue(queue, [FollowUp(page.url, page.version).encode()])
