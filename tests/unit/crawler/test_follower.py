"""The links of a page become jobs once; a crawl that has its pages takes none, and forgets none either."""

from __future__ import annotations

from crawler.frontier import EntryState
from crawler.job.body import CrawlJob
from crawler.visit.visitor import Visitor
from tests.unit.crawler.crawl_in_memory import CONTEXT, CrawlInMemory, crawl_in_memory, extract, page
from thrift_idl.gen.urlstore.ttypes import Page

HOME, LINKING, LINKED = "http://a.test/", "http://a.test/linking", "http://a.test/linked"
PAGES = {HOME: page(), LINKING: page("/linked"), LINKED: page()}


async def crawled(crawl: CrawlInMemory, max_pages: int | None = None) -> tuple[str, Page]:
    """A crawl that has visited the home page and isn't over, its id; and a page with a link, to be followed."""
    crawl_id = await crawl.begin(HOME, "http://a.test/never", max_pages=max_pages)
    held = await crawl.jobs.dequeue(f"crawl_{crawl_id}", 2)
    home = [each for each in held if CrawlJob.decode(each.body).url == HOME]
    for task in await crawl.crawling.prepare(home):
        await task.work
    (status,) = await crawl.frontier.crawls.all()
    assert (status.counters.pages, status.counters.open) == (1, 1)
    visit = await Visitor(crawl.web, crawl.store, extract).visit(LINKING, CONTEXT)
    assert visit.page
    return crawl_id, visit.page


async def follow(crawl: CrawlInMemory, crawl_id: str, found: Page) -> list[str]:
    """The URLs of the jobs that following a page's links adds."""
    queue = f"crawl_{crawl_id}"
    before = [name async for some in crawl.jobs.all_jobs(queue) for name in some]
    await crawl.follower.follow(await crawl.cache.of(crawl_id), CrawlJob(LINKING, crawl_id), found, 0)
    after = {name: body async for some in crawl.jobs.all_jobs(queue) for name, body in some.items()}
    return [CrawlJob.decode(body).url for name, body in after.items() if name not in before]


async def test_a_link_becomes_one_job_however_often_its_page_is_followed() -> None:
    async with crawl_in_memory(PAGES) as crawl:
        crawl_id, found = await crawled(crawl)
        assert await follow(crawl, crawl_id, found) == [LINKED]
        assert await follow(crawl, crawl_id, found) == []


async def test_a_link_becomes_one_job_in_a_crawl_with_a_limit_too() -> None:
    async with crawl_in_memory(PAGES) as crawl:
        crawl_id, found = await crawled(crawl, max_pages=2)
        assert await follow(crawl, crawl_id, found) == [LINKED]
        assert await follow(crawl, crawl_id, found) == []


async def test_a_link_that_a_full_crawl_did_not_take_is_taken_when_a_page_of_it_is_lost() -> None:
    async with crawl_in_memory(PAGES) as crawl:
        crawl_id, found = await crawled(crawl, max_pages=1)
        assert await follow(crawl, crawl_id, found) == []
        async for some in crawl.frontier.entries(crawl_id):
            pages = {key: entry for key, entry in some.items() if entry.state is EntryState.PAGE}
            assert await crawl.frontier.disown(crawl_id, pages, refetch=True) == 1
        assert await follow(crawl, crawl_id, found) == [LINKED]
