"""A page that its extractor doesn't survive is stored with a flag, and the next page is extracted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crawler.visit.extractor import IMPORTS, extract_page
from extraction.page import extract
from runtime.children import ChildBounds, ChildPool
from thrift_idl.gen.fetcher.ttypes import FetchResult, Header

URL = "http://site.test/"
PAGE = b"<html><title>T</title><a href=/x>x</a>"


def fetched(content: bytes, *headers: tuple[str, str], charset: str = "", flags: tuple[str, ...] = ()) -> FetchResult:
    return FetchResult(
        url=URL,
        status=200,
        headers=tuple(Header(*each) for each in headers),
        content=content,
        chain=(),
        media_type="text/html",
        charset=charset,
        began_ms=1,
        latency_ms=1.0,
        flags=flags,
    )


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(1, imports=IMPORTS) as pool:
        yield pool


async def test_a_page_is_extracted_in_a_child_as_it_is_here(pool: ChildPool) -> None:
    assert await extract_page(pool, fetched(PAGE)) == extract(PAGE, URL)


async def test_headers_and_flags_of_the_fetch_reach_the_record(pool: ChildPool) -> None:
    record = await extract_page(
        pool,
        fetched(
            PAGE + b"\xe9\xf1",
            ("X-Robots-Tag", "noindex"),
            ("Content-Language", "fr"),
            ("x-robots-tag", "bingbot: none"),
            charset="iso-8859-5",
            flags=("truncated",),
        ),
    )
    assert [(each.agent, each.directives) for each in record.robots] == [("", ("noindex",)), ("bingbot", ("none",))]
    assert (record.language, record.charset, record.flags) == ("fr", "iso-8859-5", ("truncated",))


@pytest.mark.parametrize(
    ("function", "flag"),
    [
        ("crash", "extractor_died"),
        ("spin", "timed_out"),
        ("eat_memory", "out_of_memory"),
        ("fail", "extractor_failed"),
    ],
)
async def test_a_lost_page_has_a_flag_and_the_directives_of_its_headers(function: str, flag: str) -> None:
    bounds = ChildBounds(cpu_ms=300, memory_bytes=256 * 1024 * 1024)
    async with ChildPool(1, bounds, imports=IMPORTS) as pool:
        page = fetched(PAGE, ("X-Robots-Tag", "noindex"), flags=("early_close",))
        record = await extract_page(pool, page, f"tests.faults.extraction.functions:{function}")
        assert (record.title, record.outlinks, record.flags) == ("", (), ("early_close", flag))
        assert record.robots[0].directives == ("noindex",)
        assert (await extract_page(pool, fetched(PAGE))).title == "T"


async def test_a_parser_that_runs_out_of_memory_loses_its_page_alone() -> None:
    async with ChildPool(1, ChildBounds(memory_bytes=48 * 1024 * 1024), imports=IMPORTS) as pool:
        lost = await extract_page(pool, fetched(PAGE + b"<p>x" * 190_000))
        assert lost.flags[0] in ("out_of_memory", "extractor_died", "extractor_failed")
        assert (lost.title, lost.outlinks[0].url, lost.flags[1]) == ("T", "http://site.test/x", "truncated")
        assert (await extract_page(pool, fetched(PAGE))).title == "T"


async def test_the_worst_page_that_our_limits_let_through_survives(pool: ChildPool) -> None:
    page = PAGE + b"<div>" * 500 + b"<p><a href=/y>x</a><img src=/z>" * 40_000
    record = await extract_page(pool, fetched(page))
    assert (record.title, record.flags) == ("T", ())
