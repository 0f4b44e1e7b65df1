"""A damaged row of the store: it is the outcome of its URL, wherever it is read; nobody waits for it, or stops."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aragog.export import rows
from aragog.settings import Settings, load
from crawler.frontier.scope import CrawlScope
from crawler.job.follow_up_jobs import INLINKS, SIGNALS, FollowUp
from crawler.seeds.crawl_start import CrawlRequest, start
from crawler.seeds.revisit_round import due
from crawler.worker.step_observer import Step
from runtime.clock import wall_ms
from tests.faults.crawler.in_process import CrawlHere, Faults, crawl_here
from tests.support.small_web import Page, SmallWeb, small_web
from thrift_idl.errors import StoreUnreadable
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.ttypes import LookupRequest
from weburl import url_key

HOME, LATE, POOR, BEHIND = (f"http://a.test/{path}" for path in ("", "late", "poor", "behind"))
PAGES = {HOME, LATE, POOR, BEHIND, "http://a.test/near", "http://a.test/far"}
CONTEXT = Context("test")
YEARS_MS = 10 * 366 * 86_400_000


@pytest.fixture
def web() -> Iterator[SmallWeb]:
    """Home links to near and late, near to far, far to poor, late to poor, poor to behind."""
    links = {"": ("near", "late"), "near": ("far",), "far": ("poor",), "late": ("poor",), "poor": ("behind",)}
    pages = {
        f"a.test/{name}": Page(f"<title>{name}</title>" + "".join(f"<a href=/{to}>x</a>" for to in links.get(name, ())))
        for name in ("", "near", "far", "late", "poor", "behind")
    }
    with small_web(pages) as served:
        yield served


def damage(settings: Settings, url: str, cell: str = "page") -> None:
    """Overwrite a cell of the URL's row, or all its attributes (`attribute`)."""
    table, column = ("attribute", "cell") if cell == "attribute" else ("url_row", cell)
    with closing(sqlite3.connect(settings.data_path / "urlstore.sqlite", timeout=30)) as store, store:
        changed = store.execute(f"UPDATE {table} SET {column} = ? WHERE key = ?", (b"\x01" * 60, url_key(url)))
        assert changed.rowcount > 0


async def is_damaged(crawl: CrawlHere, url: str) -> bool:
    try:
        await crawl.store.lookup(LookupRequest(CONTEXT, url))
    except StoreUnreadable as error:
        assert error.details["url"] == url
        return True
    return False


class Meanwhile(Faults):
    """The row of `POOR` is damaged while a page that links to it is being fetched: once `POOR` is through."""

    settings: Settings

    def __init__(self) -> None:
        super().__init__("nowhere")
        self.job, self.is_through = "", asyncio.Event()

    def step(self, step: Step, job: str, url: str = "", /) -> None:
        self.job = job if (step, url) == ("fetch", POOR) else self.job
        if step == "ack" and self.job and job == self.job:
            self.is_through.set()

    def calling(self, where: str, call: Any) -> Any:
        async def called(*arguments: Any) -> Any:
            if where == "fetcher.fetch" and arguments[0].url == LATE and not self.is_through.is_set():
                async with asyncio.timeout(30):
                    await self.is_through.wait()
                damage(self.settings, POOR)
            return await call(*arguments)

        return called


async def test_a_page_whose_links_are_to_be_followed_again_is_fetched_again(web: SmallWeb, tmp_path: Path) -> None:
    faults = Meanwhile()
    faults.settings = settings = load(web.settings(tmp_path / "data"))
    async with crawl_here(settings, faults) as crawl:
        # A depth limit: then the links of a page that is found nearer to a seed are followed again.
        crawl.crawl_id = await start(CrawlRequest((HOME,), "host", max_depth=9), crawl.frontier, crawl.jobs, wall_ms())
        await crawl.work()
        assert faults.is_through.is_set() and crawl.progress.pages == len(PAGES) + 1
        assert await crawl.failed() == [] and not await is_damaged(crawl, POOR)
        assert crawl.published() == PAGES


class Died(BaseException):
    """The end of a worker: nothing catches it, and the claims of its jobs time out."""


class DiesOnce(Faults):
    """The worker loses the job of `POOR` once its page is stored, and then the row is damaged."""

    settings: Settings

    def step(self, step: Step, job: str, url: str = "", /) -> None:
        if (step, url) == ("enqueue", POOR) and not self.raised:
            self.raised = 1
            damage(self.settings, POOR)
            raise Died


async def test_a_page_that_a_dead_worker_stored_is_fetched_again(web: SmallWeb, tmp_path: Path) -> None:
    faults = DiesOnce("nowhere")
    faults.settings = settings = load(web.settings(tmp_path / "data", crawl_claim_timeout_ms="2000"))
    async with crawl_here(settings, faults) as crawl:
        await crawl.crawl(HOME)
        assert faults.raised == 1 and await crawl.failed() == [] and not await is_damaged(crawl, POOR)
        assert crawl.published() == PAGES


async def test_follow_ups_are_set_aside_with_the_row_and_the_others_are_done(web: SmallWeb, tmp_path: Path) -> None:
    settings = load(web.settings(tmp_path / "data"))
    async with crawl_here(settings, Faults("nowhere")) as crawl:
        await crawl.crawl(HOME)
        damage(settings, POOR)
        damage(settings, BEHIND, "attribute")  # its mark: it is published again, under the same id
        bodies = [FollowUp(url, 1).encode() for url in (POOR, BEHIND, HOME)]
        for queue in (SIGNALS, INLINKS):
            await crawl.jobs.enqueue(queue, bodies)
        before, linked = crawl.progress.published, crawl.progress.linked
        await crawl.work()
        assert await crawl.jobs.failed(SIGNALS) == crawl.progress.set_aside == 1
        assert crawl.progress.published == before + 1 and crawl.progress.linked == linked + 3
        assert await crawl.jobs.failed(INLINKS) == await crawl.jobs.count(SIGNALS) == 0
        assert crawl.published() == PAGES


async def test_a_round_of_revisits_mends_the_row(web: SmallWeb, tmp_path: Path) -> None:
    settings = load(web.settings(tmp_path / "data"))
    async with crawl_here(settings, Faults("nowhere")) as crawl:
        await crawl.crawl(HOME)
        damage(settings, POOR)
        found = await due(crawl.store, CrawlScope.of("any", frozenset()), CONTEXT, YEARS_MS * 6, YEARS_MS)
        assert {seed.url for seed in found.seeds} == PAGES
        await crawl.crawl(*(seed.url for seed in found.seeds))
        assert await crawl.failed() == [] and not await is_damaged(crawl, POOR)


@pytest.mark.parametrize("cell", ["page", "outcome"])
async def test_who_reads_the_whole_store_reads_the_other_rows(web: SmallWeb, tmp_path: Path, cell: str) -> None:
    settings = load(web.settings(tmp_path / "data"))
    async with crawl_here(settings, Faults("nowhere")) as crawl:
        await crawl.crawl(HOME)
        damage(settings, POOR, cell)
        found = {row.url: row async for row in rows(crawl.store, CONTEXT)}
        assert set(found) == PAGES
        outcome = found[POOR].outcome
        assert outcome and (outcome.family, outcome.code) == ("internal", "store_unreadable")
        assert all(found[url].page for url in PAGES - {POOR})
