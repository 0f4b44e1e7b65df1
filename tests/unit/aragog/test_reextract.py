"""Stored pages read again: what is written, what is reported, how a run that was ended goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from aragog.record_changes import changes
from aragog.reextract import BATCH, Cursor, Reextraction, ReextractionProgress, ReextractionScope, fetched_as
from extraction import EXTRACTOR_VERSION
from extraction.page import extract as extracted
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchResult, Header
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.ttypes import LookupRequest, Page, PutPageRequest
from thrift_idl.records import replace
from urlstore.backends.sqlite import SqliteMetadata
from urlstore.backends.sqlite_content import SqliteContent
from urlstore.service import UrlStoreService

CONTEXT = Context("tests")
T0 = 1_790_000_000_000


class Jobs:
    """Told of pages to publish; on its `dies_at`th call it raises before it takes them."""

    def __init__(self, dies_at: int = 0) -> None:
        self.urls: list[str] = []
        self._dies_at = dies_at
        self._calls = 0

    async def __call__(self, pages: Sequence[Page]) -> None:
        self._calls += 1
        if self._calls == self._dies_at:
            raise KeyboardInterrupt
        self.urls += [page.url for page in pages]


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[UrlStoreService]:
    metadata = await SqliteMetadata.open(f"sqlite:///{tmp_path}/store.sqlite")
    service = UrlStoreService(metadata, await SqliteContent.open(f"sqlite:///{tmp_path}/content.db"))
    yield service
    await service.close()


def fetched(url: str, content: str, at: int = 0) -> FetchResult:
    return FetchResult(
        url=url,
        status=200,
        headers=(Header("Content-Type", "text/html; charset=utf-8"), Header("X-Robots-Tag", "nofollow")),
        content=content.encode(),
        chain=(),
        media_type="text/html",
        charset="utf-8",
        flags=("early_close",),
        began_ms=T0 + at,
        latency_ms=1.0,
    )


async def extract(page: FetchResult, text_features: bool) -> PageRecord:
    x_robots = [header.value for header in page.headers if header.name.lower() == "x-robots-tag"]
    record = extracted(
        page.content, page.url, page.charset, page.media_type, x_robots=x_robots, text_features=text_features
    )
    return replace(record, flags=(*page.flags, *record.flags))


async def stored(store: UrlStoreService, url: str, content: str, *, at: int = 0, **older: object) -> Page:
    """A page as an older extractor stored it: its record with some fields as that one read them."""
    page = fetched(url, content, at)
    record = replace(await extract(page, False), extractor_version=1, **older)
    return (await store.put_page(PutPageRequest(CONTEXT, page, record))).page


async def page_at(store: UrlStoreService, url: str) -> Page:
    row = (await store.lookup(LookupRequest(CONTEXT, url))).row
    assert row is not None
    assert row.page is not None
    return row.page


def again(store: UrlStoreService, jobs: Jobs, folder: Path, scope: ReextractionScope | None = None) -> Reextraction:
    scope = scope or ReextractionScope()
    return Reextraction(store, extract, jobs, scope, Cursor(folder, scope), CONTEXT)


async def test_what_differs_is_written_reported_by_field_and_followed_up(
    store: UrlStoreService, tmp_path: Path
) -> None:
    await stored(store, "http://a.test/", "<title>New</title>", title="Old")
    same = await stored(store, "http://a.test/same", "<title>Same</title>")
    jobs = Jobs()
    report = await again(store, jobs, tmp_path).run()
    assert (report.looked_at, report.changed, report.unchanged, report.to_publish) == (2, 1, 1, 1)
    assert dict(report.fields) == {"title": 1}
    assert report.examples == {"title": [{"url": "http://a.test/", "before": '"Old"', "after": '"New"'}]}
    changed = await page_at(store, "http://a.test/")
    assert (changed.record.title, changed.record.extractor_version, changed.version) == ("New", EXTRACTOR_VERSION, 1)
    assert "early_close" in changed.record.flags
    assert changed.record.outlinks == ()
    assert await page_at(store, "http://a.test/same") == same
    assert jobs.urls == ["http://a.test/"]


async def test_a_second_run_finds_nothing_to_write(store: UrlStoreService, tmp_path: Path) -> None:
    await stored(store, "http://a.test/", "<title>New</title>", title="Old")
    await again(store, Jobs(), tmp_path).run()
    jobs = Jobs()
    report = await again(store, jobs, tmp_path).run()
    assert (report.changed, report.unchanged, jobs.urls) == (0, 1, [])


async def test_a_dry_run_reports_the_same_and_writes_nothing(store: UrlStoreService, tmp_path: Path) -> None:
    before = await stored(store, "http://a.test/", "<title>New</title>", title="Old")
    jobs = Jobs()
    report = await again(store, jobs, tmp_path, ReextractionScope(dry_run=True)).run()
    assert (report.changed, report.to_publish, dict(report.fields), jobs.urls) == (1, 1, {"title": 1}, [])
    assert await page_at(store, "http://a.test/") == before


async def test_a_field_that_no_reader_would_notice_is_written_and_not_published(
    store: UrlStoreService, tmp_path: Path
) -> None:
    await stored(store, "http://a.test/", "<title>T</title>", flags=("early_close", "text_cut"))
    jobs = Jobs()
    report = await again(store, jobs, tmp_path).run()
    assert (report.changed, report.to_publish, jobs.urls) == (1, 0, [])


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (ReextractionScope("a.test"), ["http://a.test/", "http://www.a.test/"]),
        (ReextractionScope(since_ms=T0 + 5), ["http://b.test/"]),
        (ReextractionScope("a.test", since_ms=T0 + 5), []),
    ],
)
async def test_domain_and_since_choose_the_pages(
    store: UrlStoreService, tmp_path: Path, scope: ReextractionScope, expected: list[str]
) -> None:
    for url, at in (("http://a.test/", 0), ("http://www.a.test/", 1), ("http://b.test/", 9)):
        await stored(store, url, "<title>New</title>", at=at, title="Old")
    jobs = Jobs()
    await again(store, jobs, tmp_path, scope).run()
    assert sorted(jobs.urls) == expected


@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_a_run_that_was_killed_goes_on_where_it_stopped_and_loses_no_job(
    store: UrlStoreService, tmp_path: Path, dies_at: int
) -> None:
    urls = [f"http://a.test/{number}" for number in range(2 * BATCH + 9)]
    for url in urls:
        await stored(store, url, "<title>New</title>", title="Old")
    first, rows = Jobs(dies_at), []
    with pytest.raises(KeyboardInterrupt):
        await again(store, first, tmp_path).run()
    second = Jobs()

    def tell(progress: ReextractionProgress) -> None:
        rows.append(progress.rows)

    report = await again(store, second, tmp_path).run(tell)
    assert rows[0] == min(dies_at * BATCH, len(urls))
    assert sorted(first.urls + second.urls) == sorted(urls)
    assert report.looked_at == len(urls)
    assert not list(tmp_path.glob("reextract-*"))


async def test_a_page_too_much_for_the_extractor_keeps_its_record(store: UrlStoreService, tmp_path: Path) -> None:
    before = await stored(store, "http://a.test/", "<title>New</title>", title="Old")

    async def failing(page: FetchResult, _: bool) -> PageRecord:
        return PageRecord(EXTRACTOR_VERSION, flags=("timed_out",))

    scope = ReextractionScope()
    report = await Reextraction(store, failing, Jobs(), scope, Cursor(tmp_path, scope), CONTEXT).run()
    assert (report.failed, report.changed) == (1, 0)
    assert await page_at(store, "http://a.test/") == before


async def test_a_page_whose_content_is_not_kept_is_counted(store: UrlStoreService, tmp_path: Path) -> None:
    await stored(store, "http://a.test/", "<meta name=robots content=noarchive><title>T</title>")
    report = await again(store, Jobs(), tmp_path).run()
    assert (report.without_content, report.looked_at) == (1, 0)


async def test_a_text_that_was_asked_for_once_is_read_again(store: UrlStoreService, tmp_path: Path) -> None:
    page = f"<p>{'The garden is behind the house. ' * 9}</p>"
    await stored(store, "http://a.test/", page, main_text="Old", simhash=b"12345678")
    await again(store, Jobs(), tmp_path).run()
    assert (await page_at(store, "http://a.test/")).record.main_text.startswith("The garden")


async def test_a_stored_page_is_extracted_as_it_was_fetched(store: UrlStoreService) -> None:
    page = await stored(store, "http://a.test/", "<title>T</title>")
    told = fetched_as(page, b"<title>T</title>")
    assert (told.charset, told.media_type, told.flags, told.url) == ("utf-8", "text/html", ("early_close",), page.url)


def test_changes_name_fields_within_structs_and_leave_the_version_out() -> None:
    one, two = extracted(b"<title>A", "http://a.test/"), extracted(b"<title>B", "http://a.test/")
    found = changes(one, replace(two, extractor_version=99))
    assert [change.field for change in found] == ["title", "card.title"]


async def test_an_error_on_one_page_is_told_and_counted_and_the_others_go_on(
    store: UrlStoreService, tmp_path: Path
) -> None:
    for name in ("a", "poor", "z"):
        await stored(store, f"http://a.test/{name}", f"<title>{name}</title>", title="Old")

    async def breaks(page: FetchResult, text_features: bool) -> PageRecord:
        if page.url.endswith("/poor"):
            raise KeyError("nobody foresaw this")
        return await extract(page, text_features)

    scope, jobs = ReextractionScope(), Jobs()
    report = await Reextraction(store, breaks, jobs, scope, Cursor(tmp_path, scope), CONTEXT).run()
    assert (report.changed, report.broken) == (2, 1)
    assert "nobody foresaw this" in report.broken_examples["http://a.test/poor"]
    assert sorted(jobs.urls) == ["http://a.test/a", "http://a.test/z"]
    assert (await page_at(store, "http://a.test/poor")).record.title == "Old"


async def test_a_damaged_row_is_told_and_counted_and_the_others_go_on(store: UrlStoreService, tmp_path: Path) -> None:
    for name in ("a", "poor"):
        await stored(store, f"http://a.test/{name}", f"<title>{name}</title>", title="Old")
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as other, other:
        other.execute("UPDATE url_row SET page = ? WHERE url = ?", (b"\x01" * 60, "http://a.test/poor"))
    report = await again(store, Jobs(), tmp_path).run()
    assert (report.changed, report.broken, list(report.broken_examples)) == (1, 1, ["http://a.test/poor"])
    elsewhere = await again(store, Jobs(), tmp_path, ReextractionScope("b.test")).run()
    assert elsewhere.broken == 0
