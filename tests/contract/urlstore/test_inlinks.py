"""Inlinks in every UrlStore: they follow their sources' current pages, and unite with those of aliases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from tests.support.stores import Backends
from tests.support.urlstore_requests import chain, inlinks_of, link, look, outcome, put, record, touch
from thrift_idl.errors import InvalidRequest, InvalidUrl
from thrift_idl.gen.page.ttypes import Link
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Inlink
from thrift_idl.records import replace
from urlstore.link_passes import LinkPasses
from weburl import url_key

pytestmark = pytest.mark.asyncio(loop_scope="module")

Urls = Callable[[str], str]
STEPS = ("/1", "/2", "/3", "/4", "/5")


async def _inlinks(store: UrlStore, asked: str, limit: int = 1_000, *, own: bool = False) -> list[Inlink]:
    """All of them, page by page."""
    found: list[Inlink] = []
    continuation = b""
    while True:
        answer = await store.inlinks(inlinks_of(asked, continuation, limit, own=own))
        assert len(answer.inlinks) <= limit
        found.extend(answer.inlinks)
        if not answer.continuation:
            return found
        continuation = answer.continuation


async def _sources(store: UrlStore, asked: str) -> set[str]:
    return {inlink.url for inlink in await _inlinks(store, asked)}


async def _put(store: UrlStore, source: str, *targets: str, at: int = 0, content: bytes = b"") -> int:
    """Store a page with these links; its version."""
    request = put(source, content or repr(targets).encode(), at=at, page=record(links=targets))
    return (await store.put_page(request)).page.version


async def _link(store: UrlStore, *urls: str) -> int:
    return (await store.link_pages(link(*urls))).linked


async def _linked_version(store: UrlStore, asked: str) -> int:
    row = (await store.lookup(look(asked))).row
    assert row is not None and row.linked_version is not None
    return row.linked_version


# --- many pages at once ---


@pytest.mark.parametrize("entries", [1, 3, 100])
async def test_pages_are_all_linked_however_few_entries_are_decided_on_at_a_time(
    backends: Backends, store: UrlStore, url: Urls, entries: int
) -> None:
    sources = [url(f"/{number}") for number in range(5)]
    for source in sources:
        await _put(store, source, url("/a"), url("/b"))
    linking = LinkPasses(backends[0], entries)
    keys = [url_key(source) for source in (*sources, url("/nothing"))]
    assert (await linking.link(keys), await linking.link(keys)) == (5, 0)
    assert await _sources(store, url("/a")) == await _sources(store, url("/b")) == set(sources)


# --- one page's links ---


async def test_a_link_is_shown_with_all_that_the_page_says_of_it(store: UrlStore, url: Urls) -> None:
    said = Link(url=url("/to?b&a"), rel=("ugc", "nofollow"), text="über uns", nofollow=True)
    await store.put_page(put(url("/from"), page=replace(record(), outlinks=(said,))))
    assert await _link(store, url("/from")) == 1
    found = await _inlinks(store, url("/to?a&b"))
    assert found == [Inlink(url("/from"), ("ugc", "nofollow"), "über uns", True, 1, "")]


async def test_a_page_without_inlinks_has_none_be_it_stored_or_not(store: UrlStore, url: Urls) -> None:
    await _put(store, url("/from"), url("/to"))
    assert await _inlinks(store, url("/to")) == [], "nobody has linked the page yet"
    await _link(store, url("/from"))
    assert await _sources(store, url("/to")) == {url("/from")}
    assert await _inlinks(store, url("/from")) == []


async def test_a_page_counts_once_by_its_first_link_that_may_be_followed(store: UrlStore, url: Urls) -> None:
    links = tuple(
        Link(url=url(f"/to{fragment}"), rel=(), text=text, nofollow=nofollow)
        for fragment, text, nofollow in (
            ("", "paid", True),
            ("?", "no", True),
            ("#a", "first", False),
            ("", "b", False),
        )
    )
    await store.put_page(put(url("/from"), page=replace(record(), outlinks=links)))
    await _link(store, url("/from"))
    assert [(inlink.text, inlink.nofollow) for inlink in await _inlinks(store, url("/to"))] == [("first", False)]


async def test_a_page_does_not_link_to_itself_nor_to_what_is_no_url(store: UrlStore, url: Urls) -> None:
    await _put(store, url("/"), url("/"), url("/#top"), "ftp://a.test/", "no url", url("/to"))
    assert await _link(store, url("/")) == 1
    assert await _inlinks(store, url("/")) == []
    assert await _sources(store, url("/to")) == {url("/")}


async def test_pages_that_ask_for_noindex_or_nofollow_link_all_the_same(store: UrlStore, url: Urls) -> None:
    from thrift_idl.gen.page.ttypes import RobotsDirectives

    links = (Link(url=url("/to"), rel=(), text="", nofollow=True),)
    page = replace(record(), outlinks=links, robots=(RobotsDirectives("", ("noindex", "nofollow")),))
    await store.put_page(put(url("/from"), page=page))
    await _link(store, url("/from"))
    assert [inlink.nofollow for inlink in await _inlinks(store, url("/to"))] == [True]


# --- linked once, and again ---


async def test_a_row_tells_whether_its_version_is_linked(store: UrlStore, url: Urls) -> None:
    await _put(store, url("/"), url("/to"), at=1)
    assert await _linked_version(store, url("/")) == 0
    assert [await _link(store, url("/")) for _ in range(3)] == [1, 0, 0]
    assert await _linked_version(store, url("/")) == 1
    await store.touch_page(touch(url("/"), at=2))
    await store.put_outcome(outcome(url("/"), at=3, answered=True))
    assert (await _linked_version(store, url("/")), await _link(store, url("/"))) == (1, 0), "seen again, unchanged"
    await _put(store, url("/"), url("/to"), url("/too"), at=4)
    assert await _linked_version(store, url("/")) == 0
    assert (await _link(store, url("/")), await _linked_version(store, url("/"))) == (1, 2)


async def test_links_that_were_read_anew_from_the_same_content_are_linked_anew(store: UrlStore, url: Urls) -> None:
    for at, target in enumerate(("/old", "/new")):
        assert await _put(store, url("/"), url(target), at=at, content=b"same") == 1
        assert await _linked_version(store, url("/")) == 0
        await _link(store, url("/"))
    assert (await _sources(store, url("/old")), await _sources(store, url("/new"))) == (set(), {url("/")})


async def test_a_recrawl_removes_links_that_are_gone_and_updates_those_that_stay(store: UrlStore, url: Urls) -> None:
    await _put(store, url("/"), url("/gone"), url("/stays"), at=1)
    await _link(store, url("/"))
    await _put(store, url("/"), url("/stays"), url("/new"), at=2)
    assert await _sources(store, url("/gone")) == {url("/")}, "nobody has linked the page yet"
    await _link(store, url("/"))
    assert await _inlinks(store, url("/gone")) == []
    for path in ("/stays", "/new"):
        assert [inlink.version for inlink in await _inlinks(store, url(path))] == [2]


async def test_a_page_that_goes_a_b_a_has_its_first_links_again(store: UrlStore, url: Urls) -> None:
    for at, target in enumerate(("/a", "/b", "/a"), 1):
        await _put(store, url("/"), url(target), at=at)
        await _link(store, url("/"))
        other = "/b" if target == "/a" else "/a"
        assert [inlink.version for inlink in await _inlinks(store, url(target))] == [at]
        assert await _inlinks(store, url(other)) == []


async def test_what_was_skipped_between_two_links_leaves_nothing(store: UrlStore, url: Urls) -> None:
    for at, step in enumerate(STEPS):
        await _put(store, url("/"), url(step), at=at)
        if step in ("/1", "/4"):
            await _link(store, url("/"))
    await _link(store, url("/"))
    assert [len(await _inlinks(store, url(step))) for step in STEPS] == [0, 0, 0, 0, 1]


async def test_a_page_that_lost_all_links_and_won_them_back(store: UrlStore, url: Urls) -> None:
    for at, targets in enumerate(((url("/to"),), (), (url("/to"),))):
        await _put(store, url("/"), *targets, at=at)
        assert await _link(store, url("/")) == 1
        assert len(await _inlinks(store, url("/to"))) == len(targets)


# --- pages that redirect ---


async def test_an_alias_links_to_nothing_until_it_serves_again(store: UrlStore, url: Urls) -> None:
    await _put(store, url("/old"), url("/to"), at=1)
    await _link(store, url("/old"))
    await store.put_page(put(url("/new"), at=2, chain=chain(url("/old"), url("/new"))))
    assert [await _link(store, url("/old")) for _ in range(2)] == [1, 0]
    assert await _inlinks(store, url("/to")) == []
    await store.put_outcome(outcome(url("/old"), at=3, answered=True))
    assert (await _linked_version(store, url("/old")), await _link(store, url("/old"))) == (0, 1)
    assert await _sources(store, url("/to")) == {url("/old")}, "its page stands again, by an outcome that stored none"
    await store.put_page(put(url("/new"), at=4, chain=chain(url("/old"), url("/new"))))
    await _link(store, url("/old"))
    await _put(store, url("/old"), url("/to"), at=5)
    assert await _link(store, url("/old")) == 1
    assert await _sources(store, url("/to")) == {url("/old")}


async def test_inlinks_of_aliases_are_united_and_name_the_alias(store: UrlStore, url: Urls) -> None:
    first, second, page = url("/1"), url("/2"), url("/page")
    await store.put_page(put(page, chain=chain(first, second, page)))
    for source, *targets in (("/a", first), ("/b", second), ("/c", page), ("/d", first, page), ("/e", second, first)):
        await _put(store, url(source), *targets)
    await _link(store, *(url(f"/{name}") for name in "abcde"))
    for asked in (first, second, page):
        found = {inlink.url: inlink.via for inlink in await _inlinks(store, asked, limit=2)}
        nearest = {url("/a"): first, url("/b"): second, url("/c"): "", url("/d"): "", url("/e"): second}
        assert found == nearest, "each source once, by its shortest way"
    assert {inlink.url for inlink in await _inlinks(store, first, own=True)} == {url("/a"), url("/d"), url("/e")}


async def test_a_link_by_way_of_an_alias_to_the_page_itself_is_none(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/new"), page=record(links=[url("/old")]), chain=chain(url("/old"), url("/new"))))
    await _link(store, url("/new"))
    assert await _inlinks(store, url("/old")) == []


async def test_inlinks_leave_a_page_with_the_alias_that_brought_them(store: UrlStore, url: Urls) -> None:
    await _put(store, url("/from"), url("/old"))
    await _link(store, url("/from"))
    await store.put_page(put(url("/one"), at=1, chain=chain(url("/old"), url("/one"))))
    assert await _sources(store, url("/one")) == {url("/from")}
    await store.put_page(put(url("/two"), at=2, chain=chain(url("/old"), url("/two"))))
    assert (await _sources(store, url("/one")), await _sources(store, url("/two"))) == (set(), {url("/from")})
    await _put(store, url("/old"), at=3)
    assert (await _sources(store, url("/two")), await _sources(store, url("/old"))) == (set(), {url("/from")})


async def test_every_write_that_makes_an_alias_makes_it_known(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/page"), at=1))
    await store.touch_page(touch(url("/page"), at=2, chain=chain(url("/304"), url("/page"))))
    await store.put_outcome(outcome(url("/page"), at=3, chain=chain(url("/404"), url("/page")), answered=True))
    await _put(store, url("/from"), url("/304"))
    await _put(store, url("/too"), url("/404"))
    await _link(store, url("/from"), url("/too"))
    assert await _sources(store, url("/page")) == {url("/from"), url("/too")}


async def test_urls_of_a_circle_share_their_inlinks(store: UrlStore, url: Urls) -> None:
    circle = chain(url("/a"), url("/b"), url("/c"), url("/a"))
    await store.put_outcome(outcome(url("/a"), "too_many_redirects", chain=circle))
    await _put(store, url("/from"), url("/b"))
    await _link(store, url("/from"))
    for path in ("/a", "/b", "/c"):
        assert await _sources(store, url(path)) == {url("/from")}


# --- many ---


async def test_sources_come_in_the_order_of_their_keys_whatever_the_limit(store: UrlStore, url: Urls) -> None:
    sources = [url(f"/{number}") for number in range(45)]
    await asyncio.gather(*(_put(store, source, url("/to")) for source in sources))
    assert await _link(store, *sources) == 45
    for limit in (1_000, 45, 7):
        found = await _inlinks(store, url("/to"), limit)
        assert [inlink.url for inlink in found] == sorted(sources, key=url_key)


async def test_two_sources_link_one_target_at_once(store: UrlStore, url: Urls) -> None:
    sources = [url("/a"), url("/b")]
    for source in sources:
        await _put(store, source, url("/to"))
    linked = await asyncio.gather(*(_link(store, *each) for each in (sources, sources[:1], sources[1:], sources)))
    assert sum(linked) >= 2
    assert await _sources(store, url("/to")) == set(sources)
    assert [await _linked_version(store, source) for source in sources] == [1, 1]


async def test_a_page_that_changes_while_it_is_linked_ends_with_its_last_links(store: UrlStore, url: Urls) -> None:
    async def put_on() -> None:
        for at, step in enumerate(STEPS):
            await _put(store, url("/"), url(step), url("/always"), at=at)

    async def link_on() -> None:
        for _ in range(10):
            await _link(store, url("/"))

    await _put(store, url("/"), at=-1)
    await asyncio.gather(put_on(), link_on(), link_on())
    await _link(store, url("/"))
    assert [len(await _inlinks(store, url(step))) for step in (*STEPS, "/always")] == [0, 0, 0, 0, 1, 1]
    assert await _linked_version(store, url("/")) == len(STEPS) + 1


async def test_urls_that_are_not_stored_have_nothing_to_link(store: UrlStore, url: Urls) -> None:
    await _put(store, url("/"), url("/to"))
    await store.put_outcome(outcome(url("/404"), answered=True))
    assert await _link(store, url("/none"), url("/404"), url("/"), url("/#again")) == 1
    assert await _link(store) == 0


def _many(urls: Urls, count: int) -> Sequence[str]:
    return tuple(urls(f"/{number}") for number in range(count))


async def test_bad_requests_are_told(store: UrlStore, url: Urls) -> None:
    for limit in (0, -1, 1_001):
        with pytest.raises(InvalidRequest, match="limit is"):
            await store.inlinks(inlinks_of(url("/"), limit=limit))
    for length in (1, 15, 17, 32):
        with pytest.raises(InvalidRequest, match="continuation has"):
            await store.inlinks(inlinks_of(url("/"), b"x" * length))
    with pytest.raises(InvalidRequest, match="257 URLs"):
        await store.link_pages(link(*_many(url, 257)))
    assert await _link(store, *_many(url, 256)) == 0
    with pytest.raises(InvalidUrl):
        await store.inlinks(inlinks_of("no url"))
    with pytest.raises(InvalidUrl):
        await store.link_pages(link("no url"))
