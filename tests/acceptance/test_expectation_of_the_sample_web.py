"""Each page of the sample web, extracted, is what the hand-written expectation says, field by field."""

from __future__ import annotations

from functools import cache

import orjson
import pytest

from extraction.page import extract
from testweb.answers import Request, answer
from testweb.expectation import Expected, load
from testweb.sites import Site, load_sites
from thrift_idl.gen.page.ttypes import PageRecord
from weburl import split

EXPECTED = {url: each for url, each in load().items() if each.outcome == "fetched"}
FIELDS = ("title", "description", "canonical", "language", "preferences")


@cache
def sites() -> dict[str, Site]:
    return load_sites()


@cache
def record_of(url: str) -> PageRecord:
    """The record of what the sample web answers in epoch 0, once pages that fail at first have had their fill."""
    parts = split(url)
    served = answer(sites()[parts.host], Request("GET", parts.target, parts.host, {}, True), epoch=0, count=99)
    headers = {name.lower(): value for name, value in served.headers.items()}
    media_type, _, parameters = headers.get("content-type", "text/html").partition(";")
    return extract(
        served.content,
        url,
        charset=parameters.rpartition("charset=")[2],
        media_type=media_type,
        content_language=headers.get("content-language", ""),
        x_robots=[headers["x-robots-tag"]] if "x-robots-tag" in headers else [],
    )


@pytest.fixture(params=EXPECTED, ids=lambda url: url)
def page(request: pytest.FixtureRequest) -> tuple[Expected, PageRecord]:
    return EXPECTED[request.param], record_of(request.param)


@pytest.mark.parametrize("field", FIELDS)
def test_each_page_has_the_expected(page: tuple[Expected, PageRecord], field: str) -> None:
    expected, record = page
    assert getattr(record, field) == getattr(expected, field)


def test_each_page_has_the_expected_charset(page: tuple[Expected, PageRecord]) -> None:
    expected, record = page
    assert record.charset == expected.charset


def test_each_page_has_the_expected_properties(page: tuple[Expected, PageRecord]) -> None:
    expected, record = page
    assert [(each.name, each.content) for each in record.opengraph] == list(expected.opengraph)
    assert [(each.name, each.content) for each in record.twitter] == list(expected.twitter)


def test_each_page_has_the_expected_json_ld(page: tuple[Expected, PageRecord]) -> None:
    expected, record = page
    assert [types_of(block) for block in record.json_ld] == list(expected.json_ld)


def test_each_page_has_the_expected_images(page: tuple[Expected, PageRecord]) -> None:
    expected, record = page
    assert [(each.url, each.found) for each in record.images] == [(each.url, each.found) for each in expected.images]


def test_each_page_has_the_expected_outlinks(page: tuple[Expected, PageRecord]) -> None:
    expected, record = page
    found = [(each.url, each.text, each.rel, each.nofollow) for each in record.outlinks]
    assert found == [(each.url, each.text, each.rel, each.nofollow) for each in expected.outlinks]


def test_each_page_has_the_expected_robots_directives(page: tuple[Expected, PageRecord]) -> None:
    expected, record = page
    found = [(each.agent, each.directives) for each in record.robots]
    assert found == [(each.agent, each.directives) for each in expected.robots]


def test_the_expectation_covers_pages_of_every_kind() -> None:
    assert len(EXPECTED) >= 50


def types_of(block: str) -> tuple[str, ...]:
    """The types of a block's nodes; of a list or a graph, of its members."""
    value = orjson.loads(block)
    nodes = value if isinstance(value, list) else value.get("@graph", [value])
    return tuple(node["@type"] for node in nodes)
