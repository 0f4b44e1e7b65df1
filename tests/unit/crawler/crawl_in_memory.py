"""A crawl of a web that is a table, by the parts of a worker over stores in memory: no socket, no file, no process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aragog.assembly.following import follower_of
from crawler.frontier import Frontier
from crawler.frontier.crawls import CrawlStatus
from crawler.frontier.sqlite import SqliteFrontier
from crawler.job.crawl_cache import CrawlCache
from crawler.job.follower import Follower
from crawler.job.job_queues import JobQueues
from crawler.job.retry_decision import Patience
from crawler.seeds.crawl_start import CrawlRequest, make_queues, start
from crawler.visit.extractor import request_of
from crawler.visit.visitor import Visitor
from crawler.worker.crawling import Crawling
from crawler.worker.domains_at_limit import DomainsAtLimit
from crawler.worker.skip_over_limit import SkipOverLimit
from crawler.worker.worker_progress import WorkerProgress
from extraction import child_call
from pinlater import PinLaterService, ServiceSettings
from pinlater.backends.sqlite import SqliteBackend
from pinlater.worker import BackendHealth, Pump, PumpBounds
from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from ratelimiter.overrides import limit_of_qps
from runtime.clock import wall_ms
from tests.support.urlstore_requests import fetched
from thrift_idl.errors import HttpStatus, Moved
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import ExplainRequest, Explanation, FetchRequest, FetchResult, Hop
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, UrlRow
from thrift_idl.records import replace, unpack
from urlstore.backends.sqlite import SqliteMetadata
from urlstore.backends.sqlite_content import SqliteContent
from urlstore.service import UrlStoreService

MEMORY = "sqlite:///:memory:"
CONTEXT = Context("test")
#: A crawl in memory takes milliseconds; this long means that it stands still.
STANDS_STILL_S = 60.0


def page(*links: str, title: str = "A page") -> str:
    """HTML with these links."""
    return f"<title>{title}</title>" + "".join(f"<a href='{link}'>to {link}</a>" for link in links)


@dataclass(frozen=True, slots=True)
class Redirect:
    """An answer that leads to another URL."""

    target: str


Answer = str | Redirect | Exception


@dataclass
class MemoryWeb:
    """Fills `Fetcher`: a URL is its HTML, a redirect, or an error; of a list each visit takes the next, the last stays.

    A URL that isn't in the table answers 404.
    """

    pages: dict[str, Any]
    """`Answer`, or a list of them, by URL."""
    asked: list[str] = field(default_factory=list)
    """The URLs of all requests, in order."""
    meanwhile: Callable[[str], Awaitable[None]] | None = None
    """Runs while a URL is being fetched."""

    async def fetch(self, request: FetchRequest) -> FetchResult:
        url = request.resume[-1].target if request.resume else request.url
        self.asked.append(url)
        if self.meanwhile is not None:
            await self.meanwhile(url)
        answer: Answer | list[Answer] | None = self.pages.get(url)
        if isinstance(answer, list):
            answer = answer[min(self.asked.count(url), len(answer)) - 1]
        if answer is None:
            raise HttpStatus("not found", url=url, status="404")
        if isinstance(answer, Redirect):
            hop = Hop(url, 302, answer.target)
            raise Moved("it redirects", delay_ms=0, url=answer.target, chain=(hop,))
        if isinstance(answer, Exception):
            raise answer
        return replace(fetched(url, answer.encode()), began_ms=wall_ms(), chain=tuple(request.resume))

    async def explain(self, request: ExplainRequest) -> Explanation:
        raise AssertionError("a crawl explains nothing")


async def extract(found: FetchResult) -> PageRecord:
    """In this process: these pages are harmless."""
    return unpack(PageRecord, child_call.run(request_of(found, found.content)))


@dataclass
class CrawlInMemory:
    """The parts of a worker, and what became of their crawl."""

    web: MemoryWeb
    frontier: Frontier
    pinlater: PinLaterService
    jobs: JobQueues
    store: UrlStore
    cache: CrawlCache
    follower: Follower
    crawling: Crawling
    skip: SkipOverLimit
    pump: Pump

    async def begin(self, *seeds: str, **request: Any) -> str:
        """Start a crawl of these seeds; its id. Nothing of it is visited yet."""
        return await start(CrawlRequest(seeds, **request), self.frontier, self.jobs, wall_ms())

    async def work(self, crawl_id: str) -> CrawlStatus:
        """Visit until the crawl is over. Raises TimeoutError where it stands still."""
        stop = asyncio.Event()
        working = asyncio.create_task(self.pump.run(stop))
        try:
            async with asyncio.timeout(STANDS_STILL_S):
                while not (status := await self.frontier.crawls.status(crawl_id)).state.ended:
                    assert not working.done(), "the pump has ended"
                    await asyncio.sleep(0.005)
        finally:
            stop.set()
            await working
        return status

    async def crawl(self, *seeds: str, **request: Any) -> CrawlStatus:
        """Start a crawl and visit until it is over."""
        return await self.work(await self.begin(*seeds, **request))

    async def row(self, url: str) -> UrlRow | None:
        """The stored data of a URL itself."""
        return (await self.store.lookup(LookupRequest(CONTEXT, url))).row


@asynccontextmanager
async def crawl_in_memory(pages: dict[str, Any], *, qps: float = 1_000) -> AsyncIterator[CrawlInMemory]:
    """The parts of a worker over this web."""
    web = MemoryWeb(pages)
    backend = await SqliteBackend.open(MEMORY)
    pinlater = PinLaterService([backend], "test:1:1", ServiceSettings())
    frontier = await SqliteFrontier.open(MEMORY)
    metadata, content = await SqliteMetadata.open(MEMORY), await SqliteContent.open(MEMORY)
    store = UrlStoreService(metadata, content)
    limiter = RateLimiterService(MemoryState(), LimitsInForce(limit_of_qps(1_000)))
    jobs, health = JobQueues(pinlater, "test"), BackendHealth()
    await make_queues(jobs)
    cache = CrawlCache(frontier.crawls, refresh_ms=0)
    follower = follower_of(frontier, jobs, store)
    crawling = Crawling(
        visitor=Visitor(web, store, extract, one_hop=True),
        frontier=frontier,
        jobs=jobs,
        crawl_cache=cache,
        at_limit=DomainsAtLimit(limiter, "test"),
        follower=follower,
        health=health,
        progress=WorkerProgress(),
        patience=Patience(max_tries=2, backoff_ms=1),
        source="test",
    )
    skip = SkipOverLimit(cache, frontier, jobs)
    pump = Pump(jobs, health, skip.queues, crawling.prepare, PumpBounds(gather_ms=1, idle_ms=5, flush_ms=5))
    yield CrawlInMemory(web, frontier, pinlater, jobs, store, cache, follower, crawling, skip, pump)
    for opened in (frontier, backend, metadata, content):
        await opened.close()
