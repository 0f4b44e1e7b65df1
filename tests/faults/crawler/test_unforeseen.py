"""An error that nobody foresaw, at each step of a visit, a publish, a link pass: it costs its URL, and nobody else.

Whatever raises, the crawl ends, what failed is named, the other URLs are whole, and a retry heals it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from aragog.settings import load
from crawler.job.follow_up_jobs import INLINKS, SIGNALS
from tests.faults.crawler.in_process import CrawlHere, Faults, crawl_here
from tests.support.small_web import Page, SmallWeb, small_web
from thrift_idl.errors import BackendDown
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.ttypes import InlinksRequest, LookupRequest

HOME, POOR = "http://a.test/", "http://a.test/2"
CONTEXT = Context("test")


def picture() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(drawn, "PNG")
    return drawn.getvalue()


@pytest.fixture
def web() -> Iterator[SmallWeb]:
    links = "".join(f"<a href=/{n}>{n}</a>" for n in range(5)) + "<a href=/moved>m</a>"
    pages = {f"a.test/{n}": Page(f"<title>{n}</title><a href=/>home</a><img src=/{n}.png>") for n in range(5)}
    pages |= {f"a.test/{n}.png": Page(picture(), "image/png") for n in range(5)}
    pages |= {"a.test/": Page(f"<title>home</title>{links}"), "a.test/moved": Page(status=302, location="/there")}
    with small_web(pages | {"a.test/there": Page("<title>there</title>")}) as served:
        yield served


PAGES = {HOME, "http://a.test/there", *(f"http://a.test/{n}" for n in range(5))}


async def stored(crawl: CrawlHere) -> dict[str, str]:
    """URL -> the code of its last visit, of all that has a page."""
    rows = [(await crawl.store.lookup(LookupRequest(CONTEXT, url))).row for url in sorted(PAGES)]
    return {row.url: row.outcome.code for row in rows if row and row.page and row.outcome}


async def is_linked(crawl: CrawlHere, url: str) -> bool:
    """True if the page's link to the home page is known there."""
    return url in {inlink.url for inlink in (await crawl.store.inlinks(InlinksRequest(CONTEXT, HOME))).inlinks}


async def assert_whole(crawl: CrawlHere) -> None:
    """Every page is stored, published and linked, and nothing is left over."""
    assert set(await stored(crawl)) == PAGES
    assert await crawl.failed() == []
    assert crawl.published() == PAGES
    assert [await is_linked(crawl, f"http://a.test/{n}") for n in range(5)] == [True] * 5
    assert [await crawl.jobs.failed(queue) for queue in (SIGNALS, INLINKS)] == [0, 0]


@pytest.mark.parametrize(
    ("where", "about"),
    [
        ("step:fetch", POOR),
        ("step:extract", POOR),
        ("step:enqueue", POOR),
        ("fetcher.fetch", f"url='{POOR}'"),
        ("extract", f"url='{POOR}'"),
        ("store.lookup", f"url='{POOR}'"),
        ("store.put_page", "<title>2</title>"),
    ],
)
async def test_a_step_that_raises_fails_its_url_and_no_other(
    web: SmallWeb, tmp_path: Path, where: str, about: str
) -> None:
    faults = Faults(where, about)
    async with crawl_here(load(web.settings(tmp_path / "data")), faults) as crawl:
        ended = await crawl.crawl(HOME)
        assert [(each.url, each.code) for each in await crawl.failed()] == [(POOR, "internal_error")]
        assert "nobody foresaw this" in (await crawl.failed())[0].message
        assert ended.status.outcomes["internal_error"] == 1
        assert set(await stored(crawl)) >= PAGES - {POOR} and crawl.published() >= PAGES - {POOR}
        if where != "store.lookup":  # whoever can't read it can't be asked
            row = (await crawl.store.lookup(LookupRequest(CONTEXT, POOR))).row
            assert row and row.outcome and (row.outcome.family, row.outcome.code) == ("internal", "internal_error")
            assert row.outcome.details["request_id"]
        faults.heal()
        await crawl.retry()
        await crawl.work()
        await assert_whole(crawl)


@pytest.mark.parametrize(
    "where",
    [
        "store.put_outcome",
        "store.get_attributes",
        "store.put_attributes",
        "store.link_pages",
        "frontier.unknown",
        "frontier.schedule",
        "frontier.claim",
        "frontier.finish",
        "crawls.all",
        "crawls.status",
        "crawls.hosts",
        "pinlater.enqueueJobs",
        "pinlater.dequeueJobs",
        "pinlater.ackDequeuedJobs",
        "pinlater.checkpointJobs",
        "sink.publish",
        "decode",
        "step:ack",
        "step:done",
    ],
)
@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.torture)])
async def test_a_call_that_raises_ends_no_crawl(web: SmallWeb, tmp_path: Path, where: str, times: int) -> None:
    """Of any URL: what it cost is named, and a retry brings it."""
    faults = Faults(where, times=times)
    async with crawl_here(load(web.settings(tmp_path / "data", crawl_claim_timeout_ms="2000")), faults) as crawl:
        await crawl.crawl(HOME)
        may_stay_away = ("pinlater.checkpointJobs", "pinlater.ackDequeuedJobs")  # acks ride along with a dequeue
        assert faults.raised or where in may_stay_away, faults.seen
        assert {each.code for each in await crawl.failed()} <= {"internal_error"}
        faults.heal()
        for _ in range(3):  # the links of a page that failed are found by its retry
            await crawl.retry()
            await crawl.work()
        await assert_whole(crawl)


@pytest.mark.parametrize(
    ("where", "about", "queue"),
    [
        ("step:publish", POOR, SIGNALS),
        ("sink.publish", "a.test/2", SIGNALS),
        ("fetcher.fetch", f"url='{POOR}.png'", SIGNALS),
        ("decode", "", SIGNALS),
        ("step:link", POOR, INLINKS),
        ("store.link_pages", POOR, INLINKS),
    ],
)
async def test_a_follow_up_that_raises_again_and_again_is_set_aside(
    web: SmallWeb, tmp_path: Path, where: str, about: str, queue: str
) -> None:
    faults = Faults(where, about)
    async with crawl_here(load(web.settings(tmp_path / "data")), faults) as crawl:
        ended = await crawl.crawl(HOME)
        poor = {POOR} if where != "decode" else {f"http://a.test/{n}" for n in range(5)}
        assert ended.set_aside == crawl.progress.set_aside == await crawl.jobs.failed(queue) == len(poor)
        assert await crawl.failed() == [] and set(await stored(crawl)) == PAGES
        if queue == SIGNALS:
            assert crawl.published() == PAGES - poor
        else:
            assert [await is_linked(crawl, f"http://a.test/{n}") for n in range(5)] == [n != 2 for n in range(5)]
        faults.heal()
        await crawl.retry()
        await crawl.work()
        await assert_whole(crawl)


async def test_a_backend_that_is_down_costs_nothing_but_time(web: SmallWeb, tmp_path: Path) -> None:
    class Down(Faults):
        def look(self, where: str, arguments: object) -> None:
            try:
                super().look(where, arguments)
            except Exception as error:
                raise BackendDown("the backend is away") from error

    faults = Down("sink.publish", times=8)
    async with crawl_here(load(web.settings(tmp_path / "data")), faults) as crawl:
        ended = await crawl.crawl(HOME)
        assert faults.raised == 8 and ended.set_aside == 0
        await assert_whole(crawl)
