"""A deferred URL is visited again as often as the caller's patience lasts, to the millisecond."""

from __future__ import annotations

import asyncio

import pytest

from crawler.visit.visitor import Visitor, visit_patiently
from tests.unit.crawler.crawl_in_memory import CONTEXT, Answer, crawl_in_memory, extract, page
from thrift_idl.errors import RetryAfter

URL = "http://a.test/"


def later(delay_ms: int) -> RetryAfter:
    return RetryAfter("later", delay_ms=delay_ms, url=URL, status="429")


@pytest.mark.parametrize(
    ("answers", "patience_ms", "code", "visits"),
    [
        ([page()], 0, "fetched", 1),
        ([later(3), page()], 2, "retry_after", 1),
        ([later(3), page()], 3, "fetched", 2),
        ([later(3), page()], 4, "fetched", 2),
        ([later(2), later(3), page()], 4, "retry_after", 2),
        ([later(2), later(3), page()], 5, "fetched", 3),
        ([later(0), later(0), page()], 1, "fetched", 3),
        ([later(0), later(0), page()], 0, "retry_after", 2),
    ],
)
async def test_patience_lasts_for_waits_that_are_no_longer_than_it(
    answers: list[Answer], patience_ms: int, code: str, visits: int
) -> None:
    async with crawl_in_memory({URL: answers}) as crawl:
        visitor = Visitor(crawl.web, crawl.store, extract)
        visit = await visit_patiently(visitor, URL, CONTEXT, patience_ms, asyncio.Semaphore(1))
        assert (visit.outcome.code, len(crawl.web.asked)) == (code, visits)
