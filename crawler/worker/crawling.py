"""The crawl's own work: claim a job in the frontier, visit its URL, follow its links, finish, ack.

Every step is idempotent, and the order is such that a crash repeats a step and loses nothing: content and row
(the visit), jobs of the links, their frontier entries, the follow-up jobs, this URL's entry, the ack. An unforeseen
error in any step ends as the failure of this URL. A visit repairs a damaged row. Only a backend that is down is waited
for.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from crawler.frontier import ClaimVerdict, EntryClaim, EntryState, Finished, Frontier, Offer, VisitEnding
from crawler.job.body import BadJob, CrawlJob, JobTooNew
from crawler.job.crawl_cache import CachedCrawl, CrawlCache
from crawler.job.follower import Follower
from crawler.job.job_queues import JobQueues
from crawler.job.redirect_loops import refuse_circle
from crawler.job.retry_decision import Again, Patience, failed, next_move
from crawler.visit.visitor import PageVisit, Visitor
from crawler.worker.domains_at_limit import DomainsAtLimit
from crawler.worker.worker_progress import WorkerProgress
from pinlater.worker import BackendHealth, ClaimedJob, Task
from runtime.shared_exclusive_lock import SharedExclusiveLock
from thrift_idl.errors import InvalidUrl, StoreUnreadable, TooManyRedirects, is_of_a_backend, is_of_a_row
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.gen.urlstore.ttypes import LookupRequest, LookupResult, Page
from weburl import url_key

_LATER_MS = 1_000
_NEWER_MS = 60_000
#: After this many losses with its worker, a job runs alone: from then on neither other jobs nor a wait in a queue
#: count against it. After this many losses even so, it is set aside.
LOST_RUNS_ALONE = 3
ALONE_SET_ASIDE = 5


@dataclass(frozen=True, slots=True)
class _Mine:
    """One job to work on."""

    held: ClaimedJob
    job: CrawlJob
    offer: Offer
    claim: EntryClaim


class Crawling:
    """A worker's operations on crawl jobs. `prepare` fits a `Pump`."""

    def __init__(
        self,
        *,
        visitor: Visitor,
        frontier: Frontier,
        jobs: JobQueues,
        crawl_cache: CrawlCache,
        at_limit: DomainsAtLimit,
        follower: Follower,
        health: BackendHealth,
        progress: WorkerProgress,
        patience: Patience,
        source: str,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._visitor = visitor
        self._frontier = frontier
        self._jobs = jobs
        self._crawl_cache = crawl_cache
        self._at_limit = at_limit
        self._follower = follower
        self._health = health
        self._progress = progress
        self._patience = patience
        self._source = source
        self._chance = chance
        self._crawl_lock = SharedExclusiveLock()

    async def prepare(self, held: Sequence[ClaimedJob]) -> Sequence[Task]:
        """Tasks for the jobs of one batch that need work; the others are acked or given back here.

        Raises `BackendDown`. Another error comes from one job among them: each is then processed by itself.
        """
        try:
            return await self._prepared(held)
        except Exception as error:
            if is_of_a_backend(error):
                raise
            if len(held) > 1:
                return [task for each in held for task in await self.prepare((each,))]
            job = CrawlJob.decode(held[0].body)  # invalid jobs were acked before anything could fail
            return [Task((held[0],), self._failed(held[0], job, error))]

    async def _prepared(self, held: Sequence[ClaimedJob]) -> Sequence[Task]:
        read = await self._timely([(each, job) for each in held if (job := self._read(each))])
        claimed: list[_Mine] = []
        for crawl_id in dict.fromkeys(job.crawl for _, job in read if job.crawl):
            claimed += await self._claimed(crawl_id, [(each, job) for each, job in read if job.crawl == crawl_id])
        loose = [Task((each,), self._visit_loose(each, job)) for each, job in read if not job.crawl]
        return [*loose, *(task for each in claimed if (task := self._task(each)))]

    def _read(self, held: ClaimedJob) -> CrawlJob | None:
        try:
            return CrawlJob.decode(held.body)
        except BadJob as error:
            self._jobs.ack(held, f"bad job: {error}"[:500])
        except JobTooNew:
            self._jobs.give_back(held, _NEWER_MS)
        return None

    async def _timely(self, read: Sequence[tuple[ClaimedJob, CrawlJob]]) -> list[tuple[ClaimedJob, CrawlJob]]:
        """Jobs whose domain may have a slot; the others are given back until it has."""
        delays = await self._at_limit.delays([job.resume[-1].target if job.resume else job.url for _, job in read])
        for (held, job), delay_ms in zip(read, delays, strict=True):
            if delay_ms:
                self._jobs.give_back(held, delay_ms)
                self._progress.deferred(job.url)
        return [each for each, delay_ms in zip(read, delays, strict=True) if not delay_ms]

    async def _claimed(self, crawl_id: str, read: Sequence[tuple[ClaimedJob, CrawlJob]]) -> list[_Mine]:
        offers: list[tuple[ClaimedJob, CrawlJob, Offer]] = []
        for held, job in read:
            with suppress(InvalidUrl):
                offers.append((held, job, Offer(url_key(job.url), held.descriptor, job.depth)))
                continue
            self._jobs.ack(held, "invalid URL")
        claims = await self._frontier.claim(crawl_id, [offer for _, _, offer in offers])
        return [_Mine(*each, claim) for each, claim in zip(offers, claims, strict=True)]

    def _task(self, mine: _Mine) -> Task | None:
        verdict = mine.claim.verdict
        if verdict in (ClaimVerdict.MINE, ClaimVerdict.RELINK):
            return Task((mine.held,), self._work(mine))
        if verdict == ClaimVerdict.LATER:
            self._jobs.give_back(mine.held, _LATER_MS)
        else:
            self._jobs.ack(mine.held, verdict.name.lower())
        return None

    # --- one job ---

    async def _visit_loose(self, held: ClaimedJob, job: CrawlJob) -> None:
        """A job of no crawl: visited, its links stored and not followed."""
        try:
            await self._visit_unfollowed(held, job)
        except Exception as error:
            if is_of_a_backend(error):
                raise
            await self._failed(held, job, error)

    async def _visit_unfollowed(self, held: ClaimedJob, job: CrawlJob) -> None:
        visit = await self._visit(held, job, replace(self._visitor, one_hop=False))
        move = next_move(job, visit.outcome, visit.chain, self._patience, self._chance())
        if isinstance(move, Again):
            self._jobs.give_back(held, move.delay_ms, move.job.encode())
            return
        if visit.page:
            await self._follow_up(visit.page, visit.is_new)
        self._jobs.ack(held, visit.outcome.code)

    async def _work(self, mine: _Mine) -> None:
        try:
            await self._work_off(mine)
        except Exception as error:
            if is_of_a_backend(error):
                raise
            await self._failed(mine.held, mine.job, error)

    async def _failed(self, held: ClaimedJob, job: CrawlJob, error: Exception) -> None:
        """An error of ours ended the work on this URL: that is its outcome, and the crawl continues."""
        visit = await self._visitor.failed(job.url, error, Context(self._source, held.descriptor))
        self._progress.visited(job.crawl, visit)
        if job.crawl:
            offer, ending = Offer(url_key(job.url), held.descriptor, job.depth), failed(job, visit.outcome)
            finish = await self._health.persistently(lambda: self._frontier.finish(job.crawl, offer, ending))
            if finish.ended:
                self._crawl_cache.forget(job.crawl)
        self._jobs.ack(held, visit.outcome.code)

    async def _work_off(self, mine: _Mine) -> None:
        cached = await self._health.persistently(lambda: self._crawl_cache.of(mine.job.crawl))
        if mine.job.alone >= ALONE_SET_ASIDE:
            ending = VisitEnding(EntryState.FAILED, "lost_with_worker", mine.job.url, "its workers died with it")
            await self._finish(mine, cached, ending, None)
        elif mine.claim.verdict == ClaimVerdict.RELINK:
            await self._relink(mine, cached)
        elif mine.held.lost >= LOST_RUNS_ALONE:
            async with self._crawl_lock.alone():
                await self._visit_alone(mine, cached)
        else:
            async with self._crawl_lock.together():
                await self._visit_claimed(mine, cached)

    async def _visit_alone(self, mine: _Mine, cached: CachedCrawl) -> None:
        """Record in the job that it runs alone, before it does."""
        body = replace(mine.job, alone=mine.job.alone + 1).encode()
        await self._health.persistently(lambda: self._jobs.keep(mine.held, body))
        try:
            await self._visit_claimed(mine, cached)
        except asyncio.CancelledError:  # told to stop: no loss
            self._jobs.give_back(mine.held, 0, mine.job.encode())
            raise

    async def _visit_claimed(self, mine: _Mine, cached: CachedCrawl) -> None:
        visit = await self._made_before(mine, cached) if mine.held.lost else None
        if visit is None:
            visit = await self._visit(mine.held, mine.job, self._visitor)
        if visit.outcome.code == "redirected":
            await self._redirected(mine, cached, visit)
            return
        move = next_move(mine.job, visit.outcome, visit.chain, self._patience, self._chance())
        if isinstance(move, Again):
            await self._again(mine, move)
            return
        if visit.page:
            await self._follow_up(visit.page, visit.is_new)
        await self._finish(mine, cached, move.ending, visit.page)

    async def _made_before(self, mine: _Mine, cached: CachedCrawl) -> PageVisit | None:
        """The visit that a dead worker made of this job, if it had stored the page: the page isn't fetched twice."""
        found = await self._readable(mine.job.url)
        if found is None:
            return None
        row, page = found.row, found.row.page if found.row else None
        if found.aliases or row is None or page is None or row.outcome is None or row.outcome.family != "fetched":
            return None
        # A page with a later time than now was stored while a clock was ahead: that says nothing about this crawl.
        is_ours = cached.crawl.created_ms <= page.last_seen_ms <= self._visitor.wall_ms()
        return PageVisit(mine.job.url, row.outcome, page) if is_ours else None

    async def _redirected(self, mine: _Mine, cached: CachedCrawl, visit: PageVisit) -> None:
        """The URL is an alias: its target is a URL of the crawl like any other, so that it is requested once."""
        context = Context(self._source, mine.held.descriptor)
        store, since_ms = self._visitor.store, cached.crawl.created_ms
        await self._health.persistently(lambda: self._follower.unlink(mine.job.url))
        if await self._health.persistently(lambda: refuse_circle(store, visit, since_ms, context)):
            await self._finish(mine, cached, VisitEnding(EntryState.REFUSED, TooManyRedirects.code, mine.job.url), None)
            return

        async def onward(depth: int) -> None:
            await self._follower.follow_redirect(cached, mine.job, visit.chain, depth)

        await self._finish_after(onward, mine, VisitEnding(EntryState.ALIAS, visit.outcome.code), None)

    async def _relink(self, mine: _Mine, cached: CachedCrawl) -> None:
        """Follow the stored data of a URL found at a smaller depth: its page's links, or its redirect."""
        found = await self._readable(mine.job.url)
        if found is None:
            await self._visit_claimed(mine, cached)
            return
        if not found.aliases:
            page = found.row.page if found.row else None
            await self._finish(mine, cached, VisitEnding(EntryState.PAGE, "relinked"), page)
            return
        target = found.aliases[1] if len(found.aliases) > 1 else found.row.url if found.row else mine.job.url
        hop = Hop(url=mine.job.url, status=0, target=target)  # the store keeps no status with an alias

        async def onward(depth: int) -> None:
            await self._follower.follow_redirect(cached, mine.job, (hop,), depth)

        await self._finish_after(onward, mine, VisitEnding(EntryState.ALIAS, "relinked"), None)

    async def _visit(self, held: ClaimedJob, job: CrawlJob, visitor: Visitor) -> PageVisit:
        context = Context(self._source, held.descriptor)
        visit = await visitor.visit(job.url, context, resume=job.resume)
        self._progress.visited(job.crawl, visit)
        if visit.outcome.code == "no_slot":
            self._at_limit.had_no_slot(visit.chain[-1].target if visit.chain else job.url)
        return visit

    async def _again(self, mine: _Mine, move: Again) -> None:
        await self._health.persistently(lambda: self._frontier.release(mine.job.crawl, [mine.offer]))
        self._jobs.give_back(mine.held, move.delay_ms, replace(move.job, alone=0).encode())

    async def _follow_up(self, page: Page, is_new: bool) -> None:
        await self._health.persistently(lambda: self._follower.follow_up(page, Context(self._source), is_new))

    async def _finish(self, mine: _Mine, cached: CachedCrawl, ending: VisitEnding, page: Page | None) -> None:
        async def links(depth: int) -> None:
            if page:
                await self._follower.follow(cached, mine.job, page, depth)

        await self._finish_after(links, mine, ending, url_key(page.url) if page else None)

    async def _finish_after(
        self, follow: Callable[[int], Awaitable[None]], mine: _Mine, ending: VisitEnding, final_key: bytes | None
    ) -> None:
        """Schedule the follow-ups, then finish the entry; again if the URL was found at a smaller depth meanwhile."""
        offer, finished = replace(mine.offer, depth=mine.claim.depth), Finished.AGAIN
        other_key = final_key if final_key != offer.key else None
        while finished == Finished.AGAIN:
            await self._health.persistently(partial(follow, offer.depth))
            finish = await self._health.persistently(
                partial(self._frontier.finish, mine.job.crawl, offer, ending, other_key)
            )
            finished, offer = finish.finished, replace(offer, depth=finish.depth)
        self._jobs.ack(mine.held, ending.code)
        if finish.ended:
            self._crawl_cache.forget(mine.job.crawl)

    async def _readable(self, url: str) -> LookupResult | None:
        """The store's data of a URL; None = its row is damaged, which a visit repairs."""
        request = LookupRequest(Context(self._source), url)
        try:
            return await self._health.persistently(lambda: self._visitor.store.lookup(request))
        except StoreUnreadable as error:
            if not is_of_a_row(error):
                raise
            return None
