"""Canonical claims as a look-up judges them, in every UrlStore."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.urlstore_requests import chain, headers, look, put, record
from thrift_idl.gen.urlstore.protocol import UrlStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

Urls = Callable[[str], str]


async def test_a_duplicate_lives_at_its_canonical_in_whatever_order_they_were_fetched(
    store: UrlStore, url: Urls
) -> None:
    for order, host in (((0, 1), "/x"), ((1, 0), "/y")):
        copy, original = url(f"{host}?utm=1"), url(host)
        puts = (put(copy, page=record(canonical=original)), put(original, page=record(canonical=original)))
        for number in order:
            await store.put_page(puts[number])
        found = await store.lookup(look(copy))
        assert found.row is not None
        assert (found.canonical, found.row.url, found.row.redirects_to) == (original, copy, None)
        assert [(claim.source, claim.url, claim.holds) for claim in found.claims] == [("tag", original, True)]
        own = await store.lookup(look(original))
        assert (own.canonical, [claim.why for claim in own.claims]) == (original, ["the page names itself"])


async def test_a_claim_on_a_page_never_fetched_does_not_hold_until_it_is(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/copy"), page=record(canonical=url("/original"))))
    before = await store.lookup(look(url("/copy")))
    assert (before.canonical, before.claims[0].holds) == (url("/copy"), False)
    assert "never fetched" in before.claims[0].why
    await store.put_page(put(url("/original")))
    assert (await store.lookup(look(url("/copy")))).canonical == url("/original")


async def test_a_site_whose_every_page_names_the_home_page_keeps_its_pages(store: UrlStore, url: Urls) -> None:
    for path in ("/", "/a", "/b"):
        await store.put_page(put(url(path), page=record(f"Title of {path}", f"Text of {path}", canonical=url("/"))))
    for path in ("/", "/a", "/b"):
        assert (await store.lookup(look(url(path)))).canonical == url(path)


async def test_a_claim_through_a_redirect_holds_where_the_target_lives(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/new"), chain=chain(url("/old"), url("/new"))))
    await store.put_page(put(url("/copy"), page=record(canonical=url("/old"))))
    await store.put_page(put(url("/new"), at=1, chain=chain(url("/old"), url("/new")), page=record(og_url=url("/old"))))
    assert (await store.lookup(look(url("/new")))).canonical == url("/new")
    found = await store.lookup(look(url("/copy")))
    assert (found.claims[0].url, found.canonical) == (url("/old"), url("/copy")), "the target names another URL"
    await store.put_page(put(url("/new"), at=2))
    assert (await store.lookup(look(url("/copy")))).canonical == url("/new")


async def test_claims_are_judged_in_the_order_header_tag_og(store: UrlStore, url: Urls) -> None:
    for path in ("/1", "/2"):
        await store.put_page(put(url(path)))
    link = headers(("Link", '</style>; rel=preload, </1>; rel="canonical"'))
    page = record(canonical=url("/2"), og_url=url("/nowhere"))
    await store.put_page(put(url("/copy"), page=page, headers=link))
    found = await store.lookup(look(url("/copy")))
    assert [(claim.source, claim.url, claim.holds) for claim in found.claims] == [
        ("header", url("/1"), True),
        ("tag", url("/2"), True),
        ("og", url("/nowhere"), False),
    ]
    assert found.canonical == url("/1")
