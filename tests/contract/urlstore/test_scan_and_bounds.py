"""Scans and bounds of every UrlStore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.urlstore.samples import (
    T0,
    chain,
    look,
    outcome,
    put,
    record,
    scan,
    touch,
)
from thrift_idl.errors import ContentTooLarge, InvalidRequest, InvalidUrl
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import UrlRow

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
