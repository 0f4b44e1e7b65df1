"""A clock was days ahead once: what it wrote shuts out no later write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.stores import Backends, service_over
from tests.support.urlstore_requests import CONTEXT, T0, attribute, chain, outcome, put, put_attributes, touch
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.urlstore.ttypes import GetAttributesRequest, LookupRequest
from urlstore.service import UrlStoreService

pytestmark = pytest.mark.asyncio(loop_scope="module")

Urls = Callable[[str], str]
AHEAD = 3 * 86_400_000


@pytest.fixture
def ahead(backends: Backends) -> UrlStoreService:
    """The store as a process saw it whose clock was three days ahead."""
    return service_over(backends, T0 + AHEAD)


@pytest.fixture
def now(backends: Backends) -> UrlStoreService:
    return service_over(backends)


@pytest.mark.parametrize("previous", [0, T0 + AHEAD])
async def test_a_page_is_put_behind_one_of_the_future(
    ahead: UrlStoreService, now: UrlStoreService, url: Urls, previous: int
) -> None:
    page = url(f"/{previous}")
    await ahead.put_page(put(page, b"<p>old", at=AHEAD))
    second = await now.put_page(put(page, b"<p>new", at=10, previous=previous))
    assert (second.page.version, second.page.write_ms, second.content_changed) == (2, T0 + AHEAD + 1, True)
    third = await now.put_page(put(page, b"<p>newer", at=20, previous=second.page.write_ms))
    assert (third.page.version, third.page.fetched_ms) == (3, T0 + 20)
    confirmed = await now.touch_page(touch(page, at=30, previous=third.page.write_ms))
    assert confirmed.write_ms > third.page.write_ms
    found = await now.lookup(LookupRequest(CONTEXT, page))
    assert found.row and found.row.page == confirmed and found.row.outcome and found.row.outcome.code == "unchanged"


async def test_outcomes_and_redirects_count_behind_a_row_of_the_future(
    ahead: UrlStoreService, now: UrlStoreService, url: Urls
) -> None:
    await ahead.put_page(put(url("/"), at=AHEAD))
    await now.put_outcome(outcome(url("/"), at=10, answered=True))
    row = (await now.lookup(LookupRequest(CONTEXT, url("/")))).row
    assert row and row.outcome and (row.outcome.code, row.outcome.at_ms) == ("http_status", T0 + 10)
    await now.put_page(put(url("/there"), at=20, chain=chain(url("/"), url("/there"))))
    moved = await now.lookup(LookupRequest(CONTEXT, url("/")))
    assert moved.aliases == (url("/"),) and moved.row and moved.row.url == url("/there")
    assert moved.row.page and moved.row.page.write_ms == T0 + 20, "the time of one row is no other's"
    await now.put_page(put(url("/"), at=30))
    assert (await now.lookup(LookupRequest(CONTEXT, url("/")))).aliases == ()


async def test_an_attribute_is_put_behind_one_of_the_future_and_no_further(
    ahead: UrlStoreService, now: UrlStoreService, url: Urls
) -> None:
    await ahead.put_attributes(put_attributes(url("/"), attribute("n", b"old", at=AHEAD)))
    for far in (attribute("n", b"far", at=AHEAD + 2), attribute("other", b"far", at=AHEAD + 1)):
        with pytest.raises(InvalidRequest, match="write_ms"):
            await now.put_attributes(put_attributes(url("/"), far))
    await now.put_attributes(put_attributes(url("/"), attribute("n", b"new", at=AHEAD + 1)))
    found = await now.get_attributes(GetAttributesRequest(CONTEXT, url("/"), "vision"))
    assert [each.value for each in found] == [b"new"]


async def test_a_time_that_no_row_has_is_refused(now: UrlStoreService, url: Urls) -> None:
    with pytest.raises(InvalidRequest, match="previous_write_ms"):
        await now.put_page(put(url("/"), previous=T0 + AHEAD))
    with pytest.raises(InvalidRequest, match=r"began_ms.*clocks"):
        await now.put_page(put(url("/"), at=AHEAD))
