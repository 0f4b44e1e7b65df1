"""Due pages by index: the rules of every backend, and the answers of every UrlStore."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support.stores import Backends, service_over
from tests.support.urlstore_requests import CONTEXT, T0, chain, outcome, put, record, touch
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.page.ttypes import Property
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import DueRequest
from urlstore.backends import DueEntry, RowWrite, StoredRow
from urlstore.due import ALIAS_MS

pytestmark = pytest.mark.asyncio(loop_scope="module")

Urls = Callable[[str], str]
HOUR = 3_600_000
DAY = 24 * HOUR
AHEAD = T0 + 10_000 * DAY
"""Where no page of other tests is due."""
START = DueEntry(AHEAD, b"")


def written(due_ms: int, *, at: int = 1, page: bytes | None = b"page", first: int = 0) -> RowWrite:
    return RowWrite(bytes([first]) + os.urandom(15), "http://a.test/", at, page=page, due_ms=due_ms)


async def filed(backends: Backends, *writes: RowWrite) -> list[DueEntry]:
    for write in writes:
        await backends[0].write_row(write)
    return sorted(DueEntry(write.due_ms, write.key) for write in writes)


async def test_entries_come_in_order_from_a_place_up_to_a_time(backends: Backends) -> None:
    times = (0, 0, 1, HOUR - 1, HOUR, 5 * HOUR, 100 * HOUR, 100 * HOUR)
    entries = await filed(backends, *(written(AHEAD + each, first=37 * each % 251) for each in times))
    metadata = backends[0]
    assert list(await metadata.read_due(AHEAD + 100 * HOUR, START, 100)) == entries
    assert list(await metadata.read_due(AHEAD + HOUR, START, 100)) == entries[:5]
    assert list(await metadata.read_due(AHEAD + 100 * HOUR, START, 3)) == entries[:3]
    assert list(await metadata.read_due(AHEAD + 100 * HOUR, entries[2], 3)) == entries[3:6]
    assert list(await metadata.read_due(AHEAD + 100 * HOUR, entries[6], 3)) == entries[7:]
    soonest_ms = await metadata.next_due_ms(AHEAD + 6 * HOUR)
    assert soonest_ms is not None and AHEAD + 99 * HOUR < soonest_ms <= AHEAD + 100 * HOUR
    assert await metadata.next_due_ms(AHEAD + 1_000 * HOUR) is None
    for entry in entries:
        await metadata.move_due(entry, None)
    assert list(await metadata.read_due(AHEAD + 100 * HOUR, START, 100)) == []


async def test_a_moved_entry_is_found_where_it_went_and_a_removed_one_nowhere(backends: Backends) -> None:
    metadata = backends[0]
    later = AHEAD + 2_000 * HOUR
    moved, removed = await filed(backends, written(later), written(later + 1))
    await metadata.move_due(moved, later + 3 * HOUR)
    await metadata.move_due(removed, None)
    found = await metadata.read_due(later + 10 * HOUR, DueEntry(later, b""), 10)
    assert list(found) == [DueEntry(later + 3 * HOUR, moved.key)]
    await metadata.move_due(found[0], None)


async def test_the_entry_of_the_latest_page_is_there_in_any_order_of_writes(backends: Backends) -> None:
    metadata = backends[0]
    place = AHEAD + 3_000 * HOUR
    early, late = written(place, at=1), written(place + HOUR, at=2)
    late = RowWrite(early.key, late.url, 2, page=b"newer", due_ms=late.due_ms)
    for writes in ((early, late), (late, early)):
        for write in writes:
            await metadata.write_row(write)
        await metadata.write_row(RowWrite(early.key, early.url, 3, outcome=b"outcome"))
        found = await metadata.read_due(place + 2 * HOUR, DueEntry(place, b""), 10)
        assert DueEntry(place + HOUR, early.key) in found
    for entry in found:
        await metadata.move_due(entry, None)


async def due(store: UrlStore, until_ms: int, host: str) -> dict[str, int]:
    """Pages of a host by URL; a few entries an answer."""
    pages: dict[str, int] = {}
    continuation = b""
    while True:
        found = await store.due(DueRequest(CONTEXT, until_ms, continuation, 1))
        pages |= {page.url: page.due_ms - T0 for page in found.pages if page.url.startswith(host)}
        if not found.continuation:
            return pages
        continuation = found.continuation


async def test_a_page_is_due_its_interval_after_it_was_seen_and_not_before(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/x")))
    await store.put_page(put(url("/seen-again"), at=-DAY))
    await store.touch_page(touch(url("/seen-again"), at=0))
    assert await due(store, T0 + DAY - 1, url("/")) == {}
    assert await due(store, T0 + DAY, url("/")) == {url("/x"): DAY}
    assert await due(store, T0 + 2 * DAY, url("/")) == {url("/x"): DAY, url("/seen-again"): 2 * DAY}


async def test_what_was_found_due_is_found_again_until_it_is_visited(store: UrlStore, url: Urls) -> None:
    await store.put_page(put(url("/x"), at=-2 * DAY))
    for _ in range(2):
        assert await due(store, T0, url("/")) == {url("/x"): -DAY}
    await store.put_page(put(url("/x"), at=0))
    assert await due(store, T0 + DAY, url("/")) == {}


async def test_an_outcome_moves_a_page_and_its_entry_is_read_once(
    store: UrlStore, backends: Backends, url: Urls
) -> None:
    await store.put_page(put(url("/gone"), at=-3 * DAY))
    await store.put_outcome(outcome(url("/gone"), at=0))
    await store.put_page(put(url("/forgotten"), at=-200 * DAY))
    await store.put_outcome(outcome(url("/forgotten"), at=0))
    assert await due(store, T0, url("/")) == {}
    keys = [entry.key for entry in await backends[0].read_due(T0, DueEntry(0, b""), 1_000)]
    assert not [key for key in keys if await host_of(backends, key, url("/"))]
    assert await due(store, T0 + 3 * DAY, url("/")) == {url("/gone"): 3 * DAY}


async def host_of(backends: Backends, key: bytes, host: str) -> bool:
    row = await backends[0].read_row(key)
    return row is not None and row.url.startswith(host)


async def test_a_duplicate_is_due_late_and_a_product_early(store: UrlStore, url: Urls) -> None:
    original, copy = url("/x"), url("/x?utm=1")
    for each in (original, copy):
        await store.put_page(put(each, page=record(canonical=original)))
    product = record(opengraph=(Property("og:type", "article"),))
    await store.put_page(put(url("/article"), page=product))
    assert await due(store, T0 + 29 * DAY, url("/")) == {original: DAY, url("/article"): DAY}
    assert await due(store, T0 + 30 * DAY, url("/")) == {original: DAY, url("/article"): DAY, copy: 30 * DAY}


async def test_a_page_whose_url_redirects_is_looked_at_again_and_is_due_if_it_serves(
    store: UrlStore, url: Urls
) -> None:
    old, new = url("/old"), url("/new")
    await store.put_page(put(old, at=-2 * DAY))
    await store.put_page(put(new, chain=chain(old, new)))
    assert await due(store, T0 + HOUR, url("/")) == {}
    await store.put_outcome(outcome(old, at=1_000, answered=True, family="unavailable"))
    assert await due(store, T0 + ALIAS_MS + DAY, url("/")) == {old: DAY + 1_000, new: DAY}


async def test_the_soonest_is_told_at_the_end(backends: Backends, url: Urls) -> None:
    store = service_over(backends)
    await store.put_page(put(url("/x"), page=record("late"), at=0))
    found = await store.due(DueRequest(CONTEXT, T0 - 400 * DAY))
    assert found.soonest_ms is not None and found.soonest_ms <= T0 + DAY
    assert found.continuation == b""


@pytest.mark.parametrize("bad", [{"limit": 0}, {"limit": 1_001}, {"continuation": b"x" * 16}])
async def test_a_bad_request_is_refused(store: UrlStore, bad: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        await store.due(DueRequest(CONTEXT, T0, **bad))  # type: ignore[arg-type]


async def test_nothing_due_reads_no_row(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> None:
    store = service_over(backends)
    for number in range(20):
        await store.put_page(put(f"http://ahead.test/{number}", at=900_000))
    reads: list[bytes] = []
    read_row = type(backends[0]).read_row

    async def counted(self: object, key: bytes) -> StoredRow | None:
        reads.append(key)
        return await read_row(self, key)  # type: ignore[arg-type]

    monkeypatch.setattr(type(backends[0]), "read_row", counted)
    await store.due(DueRequest(CONTEXT, T0 - 1_000 * DAY))
    assert reads == []
