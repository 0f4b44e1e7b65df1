"""The loop of a crawl, whole: claim, visit, follow, finish, ack, over stores in memory."""

from __future__ import annotations

import asyncio

import pytest

from crawler.frontier.crawls import CrawlState
from crawler.job.body import CrawlJob
from crawler.worker.crawling import ALONE_SET_ASIDE, LOST_RUNS_ALONE
from pinlater.worker import ClaimedJob
from tests.unit.crawler.crawl_in_memory import CrawlInMemory, Redirect, crawl_in_memory, page
from thrift_idl.errors import RetryAfter, RobotsDenied, ServerError
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.pinlater.ttypes import PinLaterLookupJobRequest, RequestContext

HOME = "http://a.test/"


def url(name: object) -> str:
    return f"{HOME}{name}"


async def test_every_page_that_links_lead_to_is_visited_once_and_stored() -> None:
    pages = {HOME: page("/1", "/2"), url(1): page("/2", "/3", "/"), url(2): page("/1"), url(3): page()}
    async with crawl_in_memory(pages) as crawl:
        ended = await crawl.crawl(HOME)
        assert sorted(crawl.web.asked) == sorted(pages)
        assert (ended.state, ended.counters.pages, ended.outcomes) == (CrawlState.DONE, 4, {"fetched": 4})
        for each in pages:
            row = await crawl.row(each)
            assert row and row.page and row.outcome and row.outcome.code == "fetched"


async def test_links_out_of_the_scope_and_beyond_the_depth_are_not_visited() -> None:
    pages = {HOME: page("/1", "http://b.test/"), url(1): page("/2"), url(2): page("/3"), url(3): page()}
    async with crawl_in_memory(pages) as crawl:
        await crawl.crawl(HOME, max_depth=2)
        assert sorted(crawl.web.asked) == [HOME, url(1), url(2)]


async def test_a_page_that_is_found_nearer_again_has_its_links_followed_from_there() -> None:
    far = {HOME: page("/1", "/near"), url(1): page("/2"), url(2): page("/3"), url(3): page(), url("near"): page("/2")}
    async with crawl_in_memory(far) as crawl:
        await crawl.crawl(HOME, max_depth=3)
        assert sorted(crawl.web.asked) == sorted(far)


async def test_the_target_of_a_redirect_is_a_url_of_the_crawl_that_is_asked_for_once() -> None:
    pages = {HOME: page("/moved", "/there"), url("moved"): Redirect(url("there")), url("there"): page("/on")}
    async with crawl_in_memory(pages) as crawl:
        ended = await crawl.crawl(HOME)
        assert sorted(crawl.web.asked) == sorted([*pages, url("on")])
        assert ended.outcomes == {"fetched": 2, "redirected": 1, "http_status": 1}


async def test_a_circle_of_redirects_is_refused() -> None:
    async with crawl_in_memory({HOME: Redirect(url(1)), url(1): Redirect(HOME)}) as crawl:
        ended = await crawl.crawl(HOME)
        assert ended.state is CrawlState.DONE and ended.outcomes.keys() <= {"redirected", "too_many_redirects"}
        assert len(crawl.web.asked) <= 3


async def test_what_is_refused_and_what_fails_cost_their_url_and_no_other() -> None:
    pages = {
        HOME: page("/denied", "/broken", "/1"),
        url("denied"): RobotsDenied("no", url=url("denied")),
        url("broken"): RuntimeError("nobody foresaw this"),
        url(1): page(),
    }
    async with crawl_in_memory(pages) as crawl:
        ended = await crawl.crawl(HOME)
        assert ended.outcomes == {"fetched": 2, "robots_denied": 1, "internal_error": 1}


async def test_a_url_that_asks_for_patience_is_visited_again_and_spends_no_try() -> None:
    busy = RetryAfter("later", delay_ms=1, url=url(1), status="429")
    async with crawl_in_memory({HOME: page("/1"), url(1): [busy, busy, busy, page()]}) as crawl:
        ended = await crawl.crawl(HOME)
        assert crawl.web.asked == [HOME, *[url(1)] * 4]
        assert ended.outcomes == {"fetched": 2}


async def test_a_server_that_fails_is_tried_as_often_as_patience_says() -> None:
    broken = ServerError("broken", url=url(1), status="503")
    async with crawl_in_memory({HOME: page("/1"), url(1): broken}) as crawl:
        ended = await crawl.crawl(HOME)
        assert crawl.web.asked == [HOME, url(1), url(1)]
        assert ended.outcomes == {"fetched": 1, "server_error": 1}


async def test_no_more_pages_are_visited_than_the_crawl_may_have() -> None:
    pages = {HOME: page(*(f"/{n}" for n in range(20)))} | {url(n): page("/more") for n in range(20)}
    async with crawl_in_memory(pages) as crawl:
        ended = await crawl.crawl(HOME, max_pages=5)
        assert (ended.state, ended.counters.pages, len(crawl.web.asked)) == (CrawlState.DONE, 5, 5)


async def test_a_job_that_comes_twice_is_visited_once() -> None:
    async with crawl_in_memory({HOME: page("/1"), url(1): page()}) as crawl:
        crawl_id = await crawl.begin(HOME)
        await crawl.jobs.enqueue(f"crawl_{crawl_id}", [CrawlJob(HOME, crawl_id).encode()] * 2)
        await crawl.work(crawl_id)
        assert sorted(crawl.web.asked) == [HOME, url(1)]


# --- jobs that were lost with their workers ---


async def body_of(crawl: CrawlInMemory, held: ClaimedJob) -> CrawlJob:
    """The body of a job as the queue has it now."""
    request = PinLaterLookupJobRequest((held.descriptor,), True)
    (found,) = (await crawl.pinlater.lookupJobs(RequestContext("test"), request)).values()
    assert found.body is not None
    return CrawlJob.decode(found.body if isinstance(found.body, bytes) else found.body.encode())


async def lost(crawl: CrawlInMemory, times: int, alone: int = 0) -> ClaimedJob:
    """The claimed job of the home page, after so many losses."""
    crawl_id = await crawl.begin(HOME)
    (held,) = await crawl.jobs.dequeue(f"crawl_{crawl_id}", 1)
    body = CrawlJob(HOME, crawl_id, alone=alone).encode()
    return ClaimedJob(held.queue, held.descriptor, held.claim, body, times)


@pytest.mark.parametrize(("times", "alone"), [(0, 0), (LOST_RUNS_ALONE - 1, 0), (LOST_RUNS_ALONE, 1)])
async def test_a_job_that_was_lost_often_says_so_before_it_is_visited(times: int, alone: int) -> None:
    async with crawl_in_memory({HOME: page()}) as crawl:
        held, seen = await lost(crawl, times), []

        async def meanwhile(url: str) -> None:
            seen.append((await body_of(crawl, held)).alone)

        crawl.web.meanwhile = meanwhile
        for task in await crawl.crawling.prepare([held]):
            await task.work
        assert seen == [alone]


@pytest.mark.parametrize(("alone", "visits"), [(ALONE_SET_ASIDE - 1, 1), (ALONE_SET_ASIDE, 0)])
async def test_a_job_that_was_lost_often_even_alone_is_set_aside(alone: int, visits: int) -> None:
    async with crawl_in_memory({HOME: page()}) as crawl:
        held = await lost(crawl, LOST_RUNS_ALONE, alone)
        for task in await crawl.crawling.prepare([held]):
            await task.work
        assert len(crawl.web.asked) == visits
        (status,) = await crawl.frontier.crawls.all()
        assert status.outcomes == ({"fetched": 1} if visits else {"lost_with_worker": 1})


async def test_a_job_that_runs_alone_waits_for_the_others_and_lets_none_begin() -> None:
    names = [HOME, url(1), url(2)]
    async with crawl_in_memory({name: page() for name in names}) as crawl:
        crawl_id = await crawl.begin(*names)
        held = sorted(await crawl.jobs.dequeue(f"crawl_{crawl_id}", 3), key=lambda job: CrawlJob.decode(job.body).url)
        held[1] = ClaimedJob(held[1].queue, held[1].descriptor, held[1].claim, held[1].body, LOST_RUNS_ALONE)
        running, most_beside = set(), dict.fromkeys(names, 0)

        async def meanwhile(name: str) -> None:
            running.add(name)
            for _ in range(50):
                await asyncio.sleep(0)
                for each in running:
                    most_beside[each] = max(most_beside[each], len(running) - 1)
            running.discard(name)

        crawl.web.meanwhile = meanwhile
        await asyncio.gather(*(task.work for task in await crawl.crawling.prepare(held)))
        assert most_beside[url(1)] == 0 and sorted(crawl.web.asked) == names


async def test_a_page_that_a_dead_worker_stored_is_not_fetched_again() -> None:
    async with crawl_in_memory({HOME: page("/1"), url(1): page()}) as crawl:
        held = await lost(crawl, 1)
        visitor = crawl.crawling._visitor
        await visitor.visit(HOME, Context("dead worker"))
        assert crawl.web.asked == [HOME]
        for task in await crawl.crawling.prepare([held]):
            await task.work
        assert crawl.web.asked == [HOME]
        (status,) = await crawl.frontier.crawls.all()
        assert status.counters.pages == 1 and status.counters.open == 1  # the link of the stored page


async def test_a_crawl_that_has_its_pages_ends_though_jobs_wait_for_hours() -> None:
    pages = {HOME: page(*(f"/{n}" for n in range(5)))} | {url(n): page() for n in range(5)}
    async with crawl_in_memory(pages) as crawl:
        crawl_id = await crawl.begin(HOME, *(url(n) for n in range(5)), max_pages=2)
        held = await crawl.jobs.dequeue(f"crawl_{crawl_id}", 10)
        for each in held[2:]:
            crawl.jobs.give_back(each, 3_600_000)
        for each in held[:2]:
            crawl.jobs.give_back(each, 0)
        await crawl.jobs.flush()
        ended = await crawl.work(crawl_id)
        assert (ended.state, ended.counters.pages) == (CrawlState.DONE, 2)
        assert ended.outcomes["over_budget"] == 4
