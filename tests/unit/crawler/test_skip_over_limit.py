"""Jobs that wait for later are skipped when their crawl has its pages, a thousand at a look, and not before."""

from __future__ import annotations

from crawler.frontier import Offer
from crawler.frontier.crawls import CrawlState
from crawler.job.body import CrawlJob
from runtime.clock import wall_ms
from tests.unit.crawler.crawl_in_memory import CrawlInMemory, crawl_in_memory, page
from weburl import url_key

HOME = "http://a.test/"
HOURS_MS = 10_000_000


async def full(crawl: CrawlInMemory, later: int, max_pages: int) -> str:
    """A crawl that has visited its seed and has so many jobs that are due in hours."""
    crawl_id = await crawl.begin(HOME, max_pages=max_pages)
    queue = f"crawl_{crawl_id}"
    urls = [f"http://a.test/{number}" for number in range(later)]
    bodies = [CrawlJob(url, crawl_id).encode() for url in urls]
    names = await crawl.jobs.enqueue(queue, bodies, [wall_ms() + HOURS_MS] * later)
    offers = [Offer(url_key(url), name, 0) for url, name in zip(urls, names, strict=True)]
    await crawl.frontier.schedule(crawl_id, offers)
    for task in await crawl.crawling.prepare(await crawl.jobs.dequeue(queue, 1)):
        await task.work
    return crawl_id


async def test_what_waits_of_a_crawl_that_has_its_pages_is_skipped_and_the_crawl_ends() -> None:
    async with crawl_in_memory({HOME: page()}) as crawl:
        crawl_id = await full(crawl, 3, max_pages=1)
        assert (await crawl.frontier.crawls.status(crawl_id)).counters.open == 3
        await crawl.skip.queues()
        status = await crawl.frontier.crawls.status(crawl_id)
        assert (status.state, status.outcomes) == (CrawlState.DONE, {"fetched": 1, "over_budget": 3})


async def test_more_than_a_thousand_are_skipped_in_several_looks() -> None:
    async with crawl_in_memory({HOME: page()}) as crawl:
        crawl_id = await full(crawl, 2_100, max_pages=1)
        left = []
        for _ in range(3):
            await crawl.skip.queues()
            left.append((await crawl.frontier.crawls.status(crawl_id)).counters.open)
        assert left == [1_100, 100, 0]


async def test_what_waits_of_a_crawl_that_may_have_more_pages_stays() -> None:
    async with crawl_in_memory({HOME: page()}) as crawl:
        crawl_id = await full(crawl, 3, max_pages=2)
        await crawl.skip.queues()
        status = await crawl.frontier.crawls.status(crawl_id)
        assert (status.state, status.counters.open) == (CrawlState.RUNNING, 3)
