"""Scans and bounds of every UrlStore."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from random import randbytes
from typing import Any

import pytest

from extraction.child_call import packed
from extraction.limits import DEFAULT
from tests.support.urlstore_requests import (
    T0,
    chain,
    headers,
    look,
    outcome,
    put,
    record,
    scan,
    touch,
)
from thrift_idl.errors import ContentTooLarge, InvalidRequest, InvalidUrl
from thrift_idl.gen.page.ttypes import Image, Link, PageRecord
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import UrlRow
from thrift_idl.records import pack, replace, unpack

pytestmark = pytest.mark.asyncio(loop_scope="module")

Urls = Callable[[str], str]


async def _row(store: UrlStore, asked: str) -> UrlRow:
    found = (await store.lookup(look(asked))).row
    assert found is not None
    return found


async def _page(store: UrlStore, asked: str) -> Any:
    page = (await _row(store, asked)).page
    assert page is not None
    return page


# --- scan ---


@pytest.mark.parametrize("limit", [1, 3, 1_000])
async def test_a_scan_meets_every_row_once(store: UrlStore, url: Urls, limit: int) -> None:
    paths = [f"/{number}" for number in range(7)]
    for path in paths:
        await store.put_page(put(url(path)))
    await store.put_outcome(outcome(url("/failed"), chain=chain(url("/alias"), url("/failed"))))
    met: list[UrlRow] = []
    continuation = b""
    while not met or continuation:
        answer = await store.scan(scan(continuation, limit))
        assert len(answer.rows) <= limit
        met.extend(answer.rows)
        continuation = answer.continuation
    assert len({row.key for row in met}) == len(met)
    mine = [row for row in met if row.url.startswith(url("/"))]
    assert {row.url for row in mine} == {url(path) for path in (*paths, "/failed", "/alias")}
    assert [row for row in mine if row.page] == [await _row(store, row.url) for row in mine if row.page]


# --- bounds ---


async def test_the_longest_page_that_extraction_gives_is_stored(store: UrlStore, url: Urls) -> None:
    """As many links and rel words as it keeps, in a record of all bytes that it may have, beside a whole content."""
    links = [_long_link(url(f"/{sha256(b'%d' % n).hexdigest()[:40]}"), n) for n in range(DEFAULT.outlinks)]
    longest = unpack(PageRecord, packed(replace(record(), outlinks=tuple(links))))
    spare = DEFAULT.record_bytes - len(pack(longest))
    longest = replace(longest, main_text="x" * spare)
    assert len(longest.outlinks) > 20_000 and len(pack(longest)) == DEFAULT.record_bytes
    head = headers(*[(f"x-{n}", "y" * 500) for n in range(256)])
    await store.put_page(put(url("/"), randbytes(DEFAULT.content_bytes), page=longest, headers=head))
    assert (await _page(store, url("/"))).record == longest


async def test_a_record_of_as_many_values_as_extraction_gives_is_stored(store: UrlStore, url: Urls) -> None:
    """Short links: not bytes bound them, but the values that a frame may have."""
    links = [_long_link(f"http://a.test/{n}", n) for n in range(DEFAULT.outlinks)]
    most = unpack(PageRecord, packed(replace(record(), outlinks=tuple(links))))
    images = tuple(
        Image(f"http://a.test/{n}", "img", "alt", 1, 1, "caption", "http://a.test/", 1, n) for n in range(1_000)
    )
    most = replace(most, images=images)
    assert len(most.outlinks) == DEFAULT.outlinks and most.flags == ()
    await store.put_page(put(url("/"), page=most))
    assert (await _page(store, url("/"))).record == most


def _long_link(target: str, number: int) -> Link:
    words = ("nofollow", "noopener") if number < DEFAULT.rel_words - DEFAULT.outlinks else ("nofollow",)
    return Link(target, words, f"{number}", True)


async def test_bad_requests_are_refused_by_name(store: UrlStore, url: Urls) -> None:
    ahead = 2 * 86_400_000
    cases: list[tuple[Any, type[Exception], str]] = [
        (store.lookup(look("no url")), InvalidUrl, "no url"),
        (store.lookup(look(url("/" + "x" * 10_000))), InvalidUrl, "limit"),
        (store.put_page(put("ftp://a.test/")), InvalidUrl, "ftp"),
        (store.put_page(put(url("/"), b"x" * (12 * 1024 * 1024 + 1))), ContentTooLarge, "limit"),
        (store.put_page(put(url("/"), page=record("x" * (3 * 1024 * 1024 + 1)))), ContentTooLarge, "limit"),
        (store.put_page(put(url("/"), chain=chain(*[url(f"/{n}") for n in range(40)]))), InvalidRequest, "chain"),
        (store.put_page(put(url("/"), at=ahead)), InvalidRequest, "began_ms"),
        (store.put_page(put(url("/"), previous=T0 + ahead)), InvalidRequest, "previous_write_ms"),
        (store.touch_page(touch(url("/"), at=-T0)), InvalidRequest, "began_ms"),
        (store.put_outcome(outcome(url("/"), family="lost")), InvalidRequest, "family"),
        (store.put_outcome(outcome(url("/"), "x" * 70_000)), InvalidRequest, "limit"),
        (store.scan(scan(limit=0)), InvalidRequest, "limit"),
        (store.scan(scan(limit=1_001)), InvalidRequest, "limit"),
        (store.scan(scan(b"x" * 17)), InvalidRequest, "continuation"),
    ]
    for call, error, match in cases:
        with pytest.raises(error, match=match):
            await call
    assert (await store.lookup(look(url("/")))).row is None
