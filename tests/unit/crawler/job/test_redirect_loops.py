"""A circle of redirects is found by whoever stores the last alias of it, whichever visit began first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from crawler.job.redirect_loops import refuse_circle
from crawler.visit.visitor import PageVisit
from tests.support.stores import open_backends, service_over
from tests.support.urlstore_requests import T0
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, Outcome, PutOutcomeRequest

A, B = "http://circle.test/a", "http://circle.test/b"
CONTEXT = Context("test", "")
SINCE_MS = T0


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[UrlStore]:
    backends = await open_backends("sqlite:///:memory:", f"file:///{tmp_path}")
    yield service_over(backends)
    for backend in backends:
        await backend.close()


async def stored_alias(store: UrlStore, url: str, target: str, began_ms: int) -> PageVisit:
    outcome = Outcome(family="fetched", code="redirected", at_ms=began_ms, status=302)
    hops = (Hop(url, 302, target),)
    request = PutOutcomeRequest(context=CONTEXT, url=url, outcome=outcome, chain=hops, began_ms=began_ms)
    await store.put_outcome(request)
    return PageVisit(url, outcome, chain=hops)


async def code_of(store: UrlStore, url: str) -> str:
    row = (await store.lookup(LookupRequest(CONTEXT, url))).row
    assert row is not None and row.outcome is not None
    return row.outcome.code


@pytest.mark.parametrize("began_later_ms", [-5, 0, 5])
async def test_every_url_of_a_circle_is_refused_whichever_visit_began_first(
    began_later_ms: int, store: UrlStore
) -> None:
    first = await stored_alias(store, A, B, SINCE_MS + 100)
    assert not await refuse_circle(store, first, SINCE_MS, CONTEXT)
    last = await stored_alias(store, B, A, SINCE_MS + 100 + began_later_ms)
    assert await refuse_circle(store, last, SINCE_MS, CONTEXT)
    assert [await code_of(store, A), await code_of(store, B)] == ["too_many_redirects"] * 2


async def test_an_alias_of_before_the_crawl_closes_no_circle(store: UrlStore) -> None:
    await stored_alias(store, A, B, SINCE_MS - 100)
    last = await stored_alias(store, B, A, SINCE_MS + 100)
    assert not await refuse_circle(store, last, SINCE_MS, CONTEXT)
    assert await code_of(store, A) == "redirected"
