"""The contract of every UrlStore, over any backends, called directly and through Thrift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.stores import Backends
from tests.support.urlstore_requests import (
    CONTEXT,
    T0,
    chain,
    content_of,
    headers,
    links_of,
    look,
    outcome,
    put,
    record,
    touch,
)
from thrift_idl.errors import InvalidRequest, NotFound, StoreUnreadable
from thrift_idl.gen.page.ttypes import RobotsDirectives
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import MissingRequest, UrlRow
from thrift_idl.records import pack
from weburl import url_key

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


# --- content that was lost ---


async def test_damaged_content_comes_back_with_the_fetch_that_finds_it_unchanged(
    store: UrlStore, backends: Backends, url: Urls
) -> None:
    stored = await store.put_page(put(url("/"), b"<p>whole"))
    await backends[1].put(stored.page.content_key, b"\x00")
    with pytest.raises(StoreUnreadable, match="fetch the page again"):
        await store.get_content(content_of(url("/")))
    again = await store.put_page(put(url("/"), b"<p>whole", at=1))
    assert (await store.get_content(content_of(url("/")))).content == b"<p>whole"
    assert (again.page.version, again.content_changed) == (1, False)


async def test_a_304_confirms_no_page_whose_content_is_lost(store: UrlStore, backends: Backends, url: Urls) -> None:
    stored = await store.put_page(put(url("/"), b"<p>whole"))
    await store.touch_page(touch(url("/"), at=1))
    await backends[1].put(stored.page.content_key, b"\x00")
    with pytest.raises(NotFound, match="without validators"):
        await store.touch_page(touch(url("/"), at=2))
    assert (await _page(store, url("/"))).last_seen_ms == T0 + 1
    await store.put_page(put(url("/"), b"<p>whole", at=3))
    assert (await store.touch_page(touch(url("/"), at=4))).last_seen_ms == T0 + 4


async def test_urls_with_neither_page_nor_redirect_are_missing(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/page"), chain=chain(url("/moved"), url("/page"))))
    await store.put_outcome(outcome(url("/refused")))
    keys = tuple(url_key(url(path)) for path in ("/never", "/page", "/moved", "/refused"))
    assert await store.missing(MissingRequest(CONTEXT, keys)) == (keys[0], keys[3])
    assert await store.missing(MissingRequest(CONTEXT, ())) == ()
    many = tuple(number.to_bytes(16) for number in range(1_000))
    assert await store.missing(MissingRequest(CONTEXT, many)) == many


@pytest.mark.parametrize("keys", [(b"short",), tuple(bytes(16) for _ in range(1_001))])
async def test_what_is_no_key_or_too_many_is_refused(store: UrlStore, keys: tuple[bytes, ...]) -> None:
    with pytest.raises(InvalidRequest):
        await store.missing(MissingRequest(CONTEXT, keys))


# --- pages and versions ---


async def test_a_stored_page_is_found_under_every_form_of_its_url(store: UrlStore, url: Urls) -> None:
    stored = await store.put_page(put(url("/a?b=2&a=1")))
    found = await store.lookup(look(url("/x/../%61?a=1&b=2#fragment")))
    assert found.row is not None
    assert found.row.page == stored.page
    assert (found.aliases, found.cycle, found.canonical) == ((), False, url("/a?b=2&a=1"))
    assert found.normalized == url("/a?a=1&b=2")
    assert found.key == url_key(url("/a?a=1&b=2"))
    assert found.row.outcome is not None
    assert (found.row.outcome.family, found.row.outcome.code, found.row.outcome.status) == ("fetched", "fetched", 200)


async def test_nothing_is_known_of_a_url_that_was_never_stored(store: UrlStore, url: Urls) -> None:
    found = await store.lookup(look(url("/never")))
    assert (found.row, found.aliases, found.cycle, found.canonical) == (None, (), False, url("/never"))
    with pytest.raises(NotFound):
        await store.get_content(content_of(url("/never")))
    with pytest.raises(NotFound):
        await store.outlinks(links_of(url("/never")))


@pytest.mark.parametrize("content", [b"", b"x", b"<p>" + bytes(range(256)) * 2_000])
async def test_content_comes_back_byte_for_byte(store: UrlStore, url: Urls, content: bytes) -> None:
    stored = await store.put_page(put(url("/"), content))
    read = await store.get_content(content_of(url("/")))
    assert (read.content, read.media_type, read.version) == (content, "text/html", 1)
    assert read.content_hash == stored.page.content_hash


async def test_the_version_grows_with_every_change_of_content_even_back_again(store: UrlStore, url: Urls) -> None:
    contents = (b"A", b"B", b"B", b"A")
    puts = [await store.put_page(put(url("/"), content, at=at)) for at, content in enumerate(contents)]
    assert [done.page.version for done in puts] == [1, 2, 2, 3]
    assert [done.content_changed for done in puts] == [True, True, False, True]
    assert (await store.get_content(content_of(url("/")))).content == b"A"


async def test_a_nonce_makes_a_version_but_no_change(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/"), b"<p nonce=1>Some text</p>", at=1))
    done = await store.put_page(put(url("/"), b"<p nonce=2>Some text</p>", at=2))
    assert (done.page.version, done.content_changed, done.record_changed) == (2, True, False)
    assert (done.page.changed_ms, done.page.fetched_ms) == (T0 + 1, T0 + 2)


async def test_an_unchanged_page_moves_last_seen_and_nothing_of_its_version(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/"), at=1))
    done = await store.put_page(put(url("/"), at=5))
    page = done.page
    assert (done.content_changed, done.record_changed, page.version) == (False, False, 1)
    assert (page.fetched_ms, page.changed_ms, page.last_seen_ms, page.write_ms) == (T0 + 1, T0 + 1, T0 + 5, T0 + 5)
    assert await _page(store, url("/")) == page


async def test_a_put_repeated_ends_the_same_byte_for_byte(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/"), b"old", at=1))
    request = put(url("/"), b"new", at=7, chain=chain(url("/from"), url("/")), page=record("Another"))
    await store.put_page(request)
    once = [pack(await _row(store, url(path))) for path in ("/", "/from")]
    again = await store.put_page(request)
    assert [pack(await _row(store, url(path))) for path in ("/", "/from")] == once
    assert (again.page.version, again.content_changed, again.record_changed) == (2, False, False)


async def test_a_put_that_comes_late_changes_nothing_and_learns_what_is_there(store: UrlStore, url: Urls) -> None:
    newer = await store.put_page(put(url("/"), b"new", at=10))
    late = await store.put_page(put(url("/"), b"old", at=3))
    assert (late.page, late.content_changed, late.record_changed) == (newer.page, False, False)
    assert await _page(store, url("/")) == newer.page


async def test_a_put_behind_the_row_it_had_read_wins_over_a_slow_clock(store: UrlStore, url: Urls) -> None:
    first = await store.put_page(put(url("/"), b"by a fast clock", at=500))
    second = await store.put_page(put(url("/"), b"by a slow clock", at=2, previous=first.page.write_ms))
    assert (second.page.version, second.page.write_ms) == (2, T0 + 501)
    assert await _page(store, url("/")) == second.page


@pytest.mark.parametrize("order", [(b"one", b"two"), (b"two", b"one"), (b"one", b"two", b"one", b"two")])
async def test_of_two_fetches_of_one_millisecond_the_same_content_stays(
    store: UrlStore, url: Urls, order: tuple[bytes, ...]
) -> None:
    for content in order:
        await store.put_page(put(url("/"), content, at=1))
    # SHA-256 of "one" begins with 76, of "two" with 3f: the greater hash stays.
    assert (await store.get_content(content_of(url("/")))).content == b"one"


# --- what pages ask for ---


@pytest.mark.parametrize(
    ("tag", "directives", "kept"),
    [
        ("noarchive", (), False),
        ("nofollow, NoArchive", (), False),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, noarchive", (), False),
        ("aragog: noarchive", (), False),
        ("otherbot: noarchive", (), True),
        ("otherbot: nofollow, noarchive", (), True),
        ("", (RobotsDirectives("", ("noarchive",)),), False),
        ("", (RobotsDirectives("otherbot", ("noarchive",)),), True),
        ("none", (), True),
    ],
)
async def test_content_of_a_noarchive_page_is_not_kept(
    store: UrlStore, url: Urls, tag: str, directives: tuple[RobotsDirectives, ...], kept: bool
) -> None:
    sent = headers(("X-Robots-Tag", tag)) if tag else ()
    done = await store.put_page(put(url("/"), headers=sent, page=record(robots=directives)))
    assert (bool(done.page.content_key), done.page.content_bytes > 0, done.content_changed) == (kept, True, True)
    if kept:
        await store.get_content(content_of(url("/")))
    else:
        with pytest.raises(NotFound, match="noarchive"):
            await store.get_content(content_of(url("/")))


async def test_content_is_kept_from_the_day_that_noarchive_is_gone(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/"), b"same", at=1, headers=headers(("X-Robots-Tag", "noarchive"))))
    done = await store.put_page(put(url("/"), b"same", at=2))
    assert (done.page.version, done.content_changed) == (1, False)
    assert (await store.get_content(content_of(url("/")))).content == b"same"
