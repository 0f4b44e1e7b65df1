"""Claims, over every way in which a few pages may name each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.urlstore_requests import T0, fetched, headers, record
from thrift_idl.gen.urlstore.ttypes import UrlRow
from urlstore.canonical_claims import canonical_url, claims_of, verdict
from urlstore.headers import canonical_link
from urlstore.page_updates import prepare
from weburl import url_key

URLS = [f"http://a.test/{number}" for number in range(4)]
NAMED = st.sampled_from(["", "mailto:x@y", "http://unknown.test/", *URLS])
TEXTS = st.sampled_from(["", "one", "two"])
PAGES = st.tuples(TEXTS, TEXTS, NAMED, NAMED, NAMED)


def _row(url: str, page: tuple[str, str, str, str, str]) -> UrlRow:
    title, text, header, tag, og = page
    link = headers(("Link", f"<{header}>; rel=canonical")) if header else ()
    made = record(title, text, canonical=tag, og_url=og)
    put = prepare(None, url_key(url), url, fetched(url, headers=link), made, T0)
    return UrlRow(key=url_key(url), url=url, page=put.page)


def _canonical(rows: dict[bytes, UrlRow], url: str) -> str:
    row = rows[url_key(url)]
    assert row.page is not None
    targets = [(claim, rows.get(url_key(claim.url))) for claim in claims_of(row.page)]
    return canonical_url(row, [(verdict(claim, row, target), target) for claim, target in targets])


@given(st.lists(PAGES, min_size=4, max_size=4))
def test_what_a_page_lives_at_lives_at_itself(pages: list[tuple[str, str, str, str, str]]) -> None:
    rows = {url_key(url): _row(url, page) for url, page in zip(URLS, pages, strict=True)}
    for url in URLS:
        home = _canonical(rows, url)
        assert _canonical(rows, home) == home
        if home != url:
            ours, theirs = rows[url_key(url)].page, rows[url_key(home)].page
            assert ours is not None and theirs is not None
            assert (ours.record.title, ours.record.text_hash) == (theirs.record.title, theirs.record.text_hash)


@given(PAGES, PAGES)
def test_a_verdict_says_why(one: tuple[str, str, str, str, str], two: tuple[str, str, str, str, str]) -> None:
    row, target = _row(URLS[0], one), _row(URLS[1], two)
    assert row.page is not None
    for claim in claims_of(row.page):
        for judged in (verdict(claim, row, target), verdict(claim, row, row), verdict(claim, row, None)):
            assert judged.why and (judged.source, judged.url) == (claim.source, claim.url)
        assert verdict(claim, row, row).holds
        assert not verdict(claim, row, None).holds


@given(st.text(alphabet='<>;,="\\ arelcnoil', max_size=200))
def test_any_link_header_is_read_without_harm(value: str) -> None:
    assert isinstance(canonical_link(headers(("Link", value))), str)
