"""Another record of stored content, in every UrlStore: what `aragog reextract` stands on."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from tests.support.urlstore_requests import CONTEXT, T0, content_of, link, look, put, record
from thrift_idl.errors import NotFound
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Page, PutRecordRequest, PutRecordResult
from thrift_idl.records import replace

pytestmark = pytest.mark.asyncio(loop_scope="module")

Urls = Callable[[str], str]
CONTENT = b"<p>Some text</p>"


async def reread(store: UrlStore, url: str, found: PageRecord, content: bytes = CONTENT) -> PutRecordResult:
    return await store.put_record(PutRecordRequest(CONTEXT, url, sha256(content).digest(), found))


async def stored(store: UrlStore, url: str) -> Page:
    row = (await store.lookup(look(url))).row
    assert row is not None
    assert row.page is not None
    return row.page


async def test_another_record_makes_no_version_and_moves_no_time_but_the_rows(store: UrlStore, url: Urls) -> None:
    before = (await store.put_page(put(url("/reread")))).page
    told = await reread(store, url("/reread"), replace(record("Another title"), extractor_version=9))
    after = await stored(store, url("/reread"))
    assert (told.written, told.record_changed, told.page) == (True, True, after)
    assert (after.record.title, after.record.extractor_version) == ("Another title", 9)
    assert after.record_hash != before.record_hash
    kept = {"record": before.record, "record_hash": before.record_hash, "write_ms": before.write_ms}
    assert replace(after, **kept) == before
    assert after.write_ms == before.write_ms + 1
    assert (await store.get_content(content_of(url("/reread")))).content == CONTENT


async def test_a_record_that_differs_by_the_extractors_version_alone_is_not_written(store: UrlStore, url: Urls) -> None:
    before = (await store.put_page(put(url("/same")))).page
    told = await reread(store, url("/same"), replace(record(), extractor_version=9))
    assert (told.written, told.record_changed) == (False, False)
    assert told.page == before == await stored(store, url("/same"))


async def test_what_no_reader_would_call_a_change_is_written_and_changes_no_record_hash(
    store: UrlStore, url: Urls
) -> None:
    before = (await store.put_page(put(url("/words")))).page
    told = await reread(store, url("/words"), record(word_count=7, main_text="Some text"))
    assert (told.written, told.record_changed) == (True, False)
    assert (told.page.record.word_count, told.page.record_hash) == (7, before.record_hash)


async def test_a_record_of_other_content_than_the_rows_is_not_written(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/moved-on")))
    newer = (await store.put_page(put(url("/moved-on"), b"<p>Newer", at=5))).page
    told = await reread(store, url("/moved-on"), record("Of the old content"))
    assert (told.written, told.page) == (False, newer)


async def test_a_fetch_that_began_later_wins_over_a_record_and_one_repeated_changes_nothing(
    store: UrlStore, url: Urls
) -> None:
    await store.put_page(put(url("/later")))
    for _ in range(2):
        assert (await reread(store, url("/later"), record("Reread"))).page.write_ms == T0 + 1
    await store.put_page(put(url("/later"), page=record("Fetched again"), at=2))
    assert (await stored(store, url("/later"))).record.title == "Fetched again"


async def test_a_changed_record_has_its_outlinks_to_be_linked_anew(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/links"), page=record(links=[url("/t1")])))
    await store.link_pages(link(url("/links")))
    await reread(store, url("/links"), record(links=[url("/t2")]))
    row = (await store.lookup(look(url("/links")))).row
    assert row is not None
    assert row.linked_version == 0


async def test_where_there_is_no_page_a_record_is_refused(store: UrlStore, url: Urls) -> None:
    with pytest.raises(NotFound, match="fetch it"):
        await reread(store, url("/nothing"), record())
