"""Version, write order and record hash, for whatever is fetched."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.urlstore_requests import T0, fetched, record
from thrift_idl.gen.page.ttypes import Image, Link, PageRecord, Property, RobotsDirectives, Typed
from thrift_idl.gen.urlstore.ttypes import Page
from thrift_idl.records import field_names, pack, replace
from urlstore.cells import decode_page, encode_page
from urlstore.page_updates import Put, prepare, superseded, write_time_ms
from urlstore.record_hash import record_hash
from weburl import url_key

URL = "http://a.test/"
KEY = url_key(URL)
Visit = tuple[int, bytes, str]
VISITS = st.tuples(st.integers(0, 5), st.sampled_from([b"A", b"B", b"C"]), st.sampled_from(["x", "y"]))


def _put(current: Page | None, visit: Visit) -> Put:
    at, content, text = visit
    return prepare(current, KEY, URL, fetched(URL, content, at=at), record(text=text), T0 + at)


def _after(visits: list[Visit] | tuple[Visit, ...]) -> Page | None:
    """The page after these puts, one after the other."""
    page = None
    for visit in visits:
        page = _put(page, visit).page
    return page


@given(st.lists(VISITS, min_size=1, max_size=8))
def test_a_put_repeated_at_once_changes_nothing(visits: list[Visit]) -> None:
    page = _after(visits)
    assert page is not None
    again = _put(page, visits[-1])
    assert not again.content_changed
    if page.write_ms == T0 + visits[-1][0] and page.content_hash == sha256(visits[-1][1]).digest():
        assert again.page.version == page.version
    else:
        assert again.row is None and again.page == page


@given(st.lists(st.tuples(st.sampled_from([b"A", b"B"]), st.sampled_from(["x", "y"])), min_size=1, max_size=8))
def test_in_order_the_version_counts_the_changes_of_content(contents: list[tuple[bytes, str]]) -> None:
    page = _after([(at, content, text) for at, (content, text) in enumerate(contents)])
    changes = sum(one[0] != two[0] for one, two in pairwise(contents))
    assert page is not None
    assert (page.version, page.last_seen_ms) == (1 + changes, T0 + len(contents) - 1)
    assert page.fetched_ms <= page.last_seen_ms and page.changed_ms <= page.last_seen_ms


@given(st.lists(VISITS, min_size=1, max_size=4, unique_by=lambda visit: visit[:2]))
def test_the_latest_content_stays_in_whatever_order_the_puts_arrive(visits: list[Visit]) -> None:
    ends = {(page.write_ms, page.content_hash) for order in permutations(visits) if (page := _after(order))}
    latest = max((T0 + at, sha256(content).digest()) for at, content, _ in visits)
    assert ends == {latest}


@given(VISITS, VISITS)
def test_cells_of_one_millisecond_compare_as_their_contents_do(one: Visit, two: Visit) -> None:
    """A backend keeps the greater of two cells: the one that `superseded` says stays."""
    first, second = _put(None, (1, *one[1:])).page, _put(None, (1, *two[1:])).page
    if first.content_hash != second.content_hash:
        keeps_first = encode_page(first) > encode_page(second)
        assert keeps_first == superseded(first, second.write_ms, second.content_hash)


@given(st.integers(1, 10**14), st.integers(0, 10**14))
def test_a_write_lies_behind_what_it_had_read_and_not_before_its_fetch(began_ms: int, previous_ms: int) -> None:
    written = write_time_ms(began_ms, previous_ms)
    assert written >= began_ms and written > previous_ms
    assert written in (began_ms, previous_ms + 1)


@given(VISITS)
def test_a_cell_gives_back_the_page_that_was_packed(visit: Visit) -> None:
    page = _put(None, visit).page
    assert decode_page(encode_page(page)) == page
    assert pack(decode_page(encode_page(page))) == pack(page)


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(),
        "description": st.text(),
        "canonical": st.text(),
        "language": st.text(),
        "site_name": st.text(),
        "og_url": st.text(),
        "json_ld": st.lists(st.text()).map(tuple),
        "preferences": st.lists(st.text()).map(tuple),
        "text_hash": st.binary(min_size=32, max_size=32),
    },
)


@given(FIELDS, FIELDS)
def test_the_record_hash_differs_exactly_where_a_field_that_counts_does(
    one: dict[str, object], two: dict[str, object]
) -> None:
    first, second = replace(record(), **one), replace(record(), **two)
    assert (record_hash(first) == record_hash(second)) == (first == second)


HOW_IT_WAS_READ = {"extractor_version", "charset", "flags"}
READ_OFF_OTHER_FIELDS = {"card", "agents", "main_text", "word_count", "text_language", "simhash"}


@pytest.mark.parametrize("name", sorted(set(field_names(PageRecord)) - HOW_IT_WAS_READ - READ_OFF_OTHER_FIELDS))
def test_every_field_that_a_reader_would_notice_counts(name: str) -> None:
    changes: dict[str, object] = {
        "opengraph": (Property("og:type", "article"),),
        "twitter": (Property("twitter:card", "summary"),),
        "json_ld": ("{}",),
        "images": (Image("http://a.test/1.png", "img"),),
        "outlinks": (Link("http://b.test/", (), "", False),),
        "robots": (RobotsDirectives("", ("noindex",)),),
        "preferences": ("nopin",),
        "text_hash": b"x" * 32,
        "typed": Typed("product", 1.0),
    }
    changed = replace(record(), **{name: changes.get(name, "another")})
    assert record_hash(changed) != record_hash(record())


@pytest.mark.parametrize(
    "link",
    [
        Link("http://c.test/", ("ugc",), "text", False),
        Link("http://b.test/", (), "text", False),
        Link("http://b.test/", ("ugc",), "other", False),
        Link("http://b.test/", ("ugc",), "text", True),
    ],
)
def test_every_part_of_a_link_counts(link: Link) -> None:
    before = replace(record(), outlinks=(Link("http://b.test/", ("ugc",), "text", False),))
    assert record_hash(replace(record(), outlinks=(link,))) != record_hash(before)


@given(st.integers(0, 99), st.text(), st.lists(st.text()).map(tuple))
def test_how_a_page_was_read_is_no_change(version: int, charset: str, flags: tuple[str, ...]) -> None:
    read = replace(record(links=["http://b.test/"]), extractor_version=version, charset=charset, flags=flags)
    assert record_hash(read) == record_hash(record(links=["http://b.test/"]))
