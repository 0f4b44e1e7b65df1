"""Redirects, outcomes and 304s in every UrlStore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.urlstore_requests import (
    T0,
    chain,
    content_of,
    headers,
    links_of,
    look,
    outcome,
    put,
    record,
    scan,
    touch,
)
from thrift_idl.errors import NotFound
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


# --- aliases ---


async def test_every_hop_becomes_an_alias_of_the_page(store: UrlStore, url: Urls) -> None:
    way = (url("/1"), url("/2"), url("/end"))
    stored = await store.put_page(put(url("/end"), chain=chain(*way), page=record(links=[url("/next")])))
    found = await store.lookup(look(url("/1")))
    assert found.row is not None
    assert (found.aliases, found.canonical, found.row.page) == (way[:2], url("/end"), stored.page)
    assert (await store.get_content(content_of(url("/2")))).version == 1
    assert [link.url for link in await store.outlinks(links_of(url("/1")))] == [url("/next")]


async def test_a_url_that_redirected_may_serve_again_and_redirect_again(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/new"), b"new", at=1, chain=chain(url("/old"), url("/new"))))
    await store.put_page(put(url("/old"), b"old", at=2))
    found = await store.lookup(look(url("/old")))
    assert found.row is not None
    assert (found.aliases, found.row.redirects_to, found.row.url) == ((), None, url("/old"))
    await store.put_page(put(url("/new"), b"new", at=3, chain=chain(url("/old"), url("/new"))))
    assert (await store.lookup(look(url("/old")))).aliases == (url("/old"),)


async def test_two_urls_that_redirect_to_each_other_in_turn_make_no_circle(store: UrlStore, url: Urls) -> None:
    a, b = url("/a"), url("/b")
    for at, (start, end) in enumerate([(a, b), (b, a), (a, b)]):
        await store.put_page(put(end, at=at, chain=chain(start, end)))
        found = await store.lookup(look(start))
        assert found.row is not None
        assert (found.cycle, found.row.url, found.aliases) == (False, end, (start,))
        assert (await store.lookup(look(end))).aliases == ()


async def test_a_page_that_redirects_to_itself_by_way_of_another_is_no_alias(store: UrlStore, url: Urls) -> None:
    cookie, page = url("/cookie"), url("/page")
    await store.put_page(put(page, chain=chain(page, cookie, page)))
    assert (await store.lookup(look(page))).aliases == ()
    assert (await store.lookup(look(cookie))).aliases == (cookie,)


async def test_that_it_redirects_is_a_redirecting_urls_outcome(store: UrlStore, url: Urls) -> None:
    await store.put_outcome(outcome(url("/old"), at=1))
    await store.put_page(put(url("/new"), at=2, chain=chain(url("/old"), url("/new"))))
    rows = {row.url: row for row in (await store.scan(scan(limit=1_000))).rows}
    row = rows[url("/old")]
    assert row.outcome is not None
    assert (row.redirects_to, row.outcome.code, row.outcome.status) == (url("/new"), "redirected", 301)


async def test_all_urls_of_a_circle_share_its_outcome(store: UrlStore, url: Urls) -> None:
    await store.put_outcome(outcome(url("/a"), "too_many_redirects", chain=chain(url("/a"), url("/b"), url("/a"))))
    for path in ("/a", "/b"):
        row = await _row(store, url(path))
        assert row.outcome is not None and row.outcome.code == "too_many_redirects"


async def test_a_circle_of_aliases_ends_at_the_asked_urls_own_row(store: UrlStore, url: Urls) -> None:
    a, b, c = url("/a"), url("/b"), url("/c")
    await store.put_outcome(outcome(c, "too_many_redirects", chain=chain(a, b, c, a)))
    for asked in (a, b, c):
        found = await store.lookup(look(asked))
        assert found.row is not None
        assert (found.cycle, found.row.url, found.row.page, set(found.aliases)) == (True, asked, None, {a, b, c})


@pytest.mark.parametrize(("hops", "cycle"), [(10, False), (11, True)])
async def test_ten_aliases_are_followed_and_no_more(store: UrlStore, url: Urls, hops: int, cycle: bool) -> None:
    way = [url(f"/{number}") for number in range(hops + 1)]
    await store.put_page(put(way[-1], chain=chain(*way)))
    found = await store.lookup(look(way[0]))
    assert found.row is not None
    assert (found.cycle, found.row.url) == (cycle, way[0] if cycle else way[-1])


async def test_a_hop_to_another_spelling_of_the_same_url_is_no_alias(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/?a=1&b=2"), chain=chain(url("/?b=2&a=1"), url("/?a=1&b=2"))))
    assert (await store.lookup(look(url("/?b=2&a=1")))).aliases == ()


# --- outcomes and 304 ---


async def test_an_outcome_is_kept_beside_the_page(store: UrlStore, url: Urls) -> None:
    stored = await store.put_page(put(url("/"), at=1))
    await store.put_outcome(outcome(url("/"), at=2, answered=True))
    row = await _row(store, url("/"))
    assert row.outcome is not None
    assert (row.page, row.outcome.code, row.outcome.at_ms) == (stored.page, "http_status", T0 + 2)
    await store.put_outcome(outcome(url("/"), "timeout", at=1, family="unavailable"))
    assert (await _row(store, url("/"))).outcome == row.outcome, "an older outcome came late"
    await store.put_page(put(url("/"), at=3))
    assert (await _row(store, url("/"))).outcome.code == "fetched"


async def test_an_outcome_after_redirects_leaves_their_aliases(store: UrlStore, url: Urls) -> None:
    await store.put_outcome(outcome(url("/gone"), chain=chain(url("/old"), url("/gone")), answered=True))
    found = await store.lookup(look(url("/old")))
    assert found.row is not None and found.row.outcome is not None
    assert (found.aliases, found.row.url, found.row.outcome.status) == ((url("/old"),), url("/gone"), 404)


@pytest.mark.parametrize(("answered", "aliases"), [(True, 0), (False, 1)])
async def test_only_an_answer_ends_an_alias(store: UrlStore, url: Urls, answered: bool, aliases: int) -> None:
    await store.put_page(put(url("/new"), at=1, chain=chain(url("/old"), url("/new"))))
    await store.put_outcome(outcome(url("/old"), at=2, answered=answered))
    assert len((await store.lookup(look(url("/old")))).aliases) == aliases


async def test_a_304_moves_last_seen_and_freshens_the_validators(store: UrlStore, url: Urls) -> None:
    first = headers(("ETag", '"1"'), ("Cache-Control", "max-age=1"), ("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT"))
    stored = (await store.put_page(put(url("/"), at=1, headers=first))).page
    confirmed = headers(("etag", '"2"'), ("set-cookie", "secret"))
    page = await store.touch_page(
        touch(url("/"), at=9, headers=confirmed, previous=stored.write_ms, chain=chain(url("/from"), url("/")))
    )
    assert (page.version, page.last_seen_ms, page.fetched_ms, page.status) == (1, T0 + 9, T0 + 1, 200)
    assert (page.etag, page.last_modified) == ('"2"', stored.last_modified)
    assert [header.name for header in page.headers] == ["cache-control", "last-modified", "etag"]
    row = await _row(store, url("/from"))
    assert row.outcome is not None
    assert (row.page, row.outcome.code, row.outcome.status) == (page, "unchanged", 304)
    assert await store.touch_page(touch(url("/"), at=3)) == page, "an older 304 came late"


async def test_a_304_of_an_unknown_page_is_not_found(store: UrlStore, url: Urls) -> None:
    with pytest.raises(NotFound, match="without validators"):
        await store.touch_page(touch(url("/"), at=1))
