"""The follow-up jobs of a crawl are lost after its last page: the store shows which pages still want them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from aragog.assembly.following import reconciliation_of
from aragog.completeness import incomplete_crawls
from aragog.settings import Settings, load
from crawler.job.follow_up_jobs import INLINKS, SIGNALS
from crawler.worker import lost_follow_ups
from crawler.worker.reconciliation import Reconciled, Reconciliation
from tests.faults.crawler.in_process import CrawlHere, Faults, crawl_here
from tests.support.small_web import Page, SmallWeb, small_web
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.ttypes import LookupRequest
from weburl import url_key

PAGES = [f"http://a.test/{number}" for number in range(12)]


@pytest.fixture
def web() -> Iterator[SmallWeb]:
    """Each page links to the next one."""
    pages = {f"a.test/{n}": Page(f"<title>{n}</title><a href=/{n + 1}>x</a>") for n in range(len(PAGES) - 1)}
    with small_web({**pages, f"a.test/{len(PAGES) - 1}": Page("<title>last</title>")}) as served:
        yield served


def unfinish(settings: Settings, unpublished: Sequence[str] = (), unlinked: Sequence[str] = ()) -> None:
    """Make the store as it was before the follow-up jobs of these pages."""
    with closing(sqlite3.connect(settings.data_path / "urlstore.sqlite", timeout=30)) as store, store:
        for url in unpublished:
            assert store.execute("DELETE FROM attribute WHERE key = ?", (url_key(url),)).rowcount
        for url in unlinked:
            assert store.execute("UPDATE url_row SET linked = x'' WHERE key = ?", (url_key(url),)).rowcount


def reconciliation(crawl: CrawlHere) -> Reconciliation:
    return reconciliation_of(crawl.frontier, crawl.jobs, crawl.store, "test")


async def reconciled(crawl: CrawlHere) -> Reconciled:
    return await reconciliation(crawl).run((await crawl.frontier.crawls.status(crawl.crawl_id)).crawl)


async def is_linked(crawl: CrawlHere, url: str) -> bool:
    row = (await crawl.store.lookup(LookupRequest(Context("test"), url))).row
    assert row is not None and row.page is not None
    return bool(row.linked_version == row.page.version)


async def test_pages_without_event_or_inlinks_have_their_jobs_again(web: SmallWeb, tmp_path: Path) -> None:
    settings = load(web.settings(tmp_path))
    async with crawl_here(settings, Faults("nowhere")) as crawl:
        await crawl.crawl(PAGES[0])
        assert await reconciled(crawl) == Reconciled(), "all is done, and nothing is lost"
        unfinish(settings, unpublished=PAGES[8:], unlinked=PAGES[9:11])
        assert await reconciled(crawl) == Reconciled(follow_ups=4)
        assert (await crawl.jobs.count(SIGNALS), await crawl.jobs.count(INLINKS)) == (4, 2)
        assert await reconciled(crawl) == Reconciled(), "their jobs wait"
        published = crawl.progress.published
        await crawl.work()
        assert crawl.progress.published == published + 4
        assert all([await is_linked(crawl, url) for url in PAGES])
        assert await reconciled(crawl) == Reconciled()


async def test_of_a_large_store_all_lost_jobs_come_back_if_the_sample_shows_one(
    web: SmallWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_follow_ups, "SAMPLE", 2)
    monkeypatch.setattr(lost_follow_ups, "_ROWS", 1)
    settings = load(web.settings(tmp_path))
    async with crawl_here(settings, Faults("nowhere")) as crawl:
        await crawl.crawl(PAGES[0])
        unfinish(settings, unlinked=PAGES)
        assert await reconciled(crawl) == Reconciled(follow_ups=len(PAGES))
        assert await crawl.jobs.count(INLINKS) == len(PAGES)


async def test_a_job_that_was_set_aside_is_not_lost(web: SmallWeb, tmp_path: Path) -> None:
    settings = load(web.settings(tmp_path))
    async with crawl_here(settings, Faults("store.link_pages")) as crawl:
        await crawl.crawl(PAGES[0])
        assert await crawl.jobs.failed(INLINKS) == len(PAGES)
        assert await reconciled(crawl) == Reconciled()


async def test_pages_that_the_crawl_does_not_know_stay_as_they_are(web: SmallWeb, tmp_path: Path) -> None:
    settings = load(web.settings(tmp_path))
    async with crawl_here(settings, Faults("nowhere")) as crawl:
        await crawl.crawl(PAGES[6])
        earlier = crawl.crawl_id
        await crawl.crawl(PAGES[0])
        assert crawl.crawl_id != earlier
        unfinish(settings, unlinked=PAGES[:3])
        crawl.crawl_id = earlier
        assert await reconciled(crawl) == Reconciled()


async def test_doctor_tells_of_them(web: SmallWeb, tmp_path: Path) -> None:
    settings = load(web.settings(tmp_path))
    async with crawl_here(settings, Faults("nowhere")) as crawl:
        await crawl.crawl(PAGES[0])
        crawl_id = crawl.crawl_id
    assert [each async for each in incomplete_crawls(settings)] == []
    unfinish(settings, unpublished=PAGES[:5])
    told = [each async for each in incomplete_crawls(settings)]
    assert told == [(crawl_id, "in a sample, 5 pages lost the jobs for events or inlinks")]
