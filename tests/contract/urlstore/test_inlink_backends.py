"""The rules of every backend of inlinks: later stamps stay, sources come in order, a row's link note is its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.stores import Backends
from tests.support.urlstore_requests import inlinks_of
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Inlink
from urlstore.backends import InlinkKind, InlinkWrite, LinkedWrite, RowWrite, StoredInlink
from urlstore.cells import encode_inlink
from weburl import url_key

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "http://a.test/"


def _key() -> bytes:
    return os.urandom(16)


def _write(cell: bytes = b"cell", stamp_us: int = 1, source: bytes = b"s" * 16) -> InlinkWrite:
    return InlinkWrite(b"", InlinkKind.LINK, source, stamp_us, cell)


async def _after(backends: Backends, *writes: InlinkWrite, together: bool = False) -> list[bytes]:
    """The cells of a target of its own after these writes."""
    placed = [replace(write, target_key=target) for target in [_key()] for write in writes]
    if together:
        await backends[0].write_inlinks(placed)
    else:
        for write in placed:
            await backends[0].write_inlinks([write])
    found = await backends[0].read_inlinks(placed[0].target_key, InlinkKind.LINK, b"", 10)
    return [stored.cell for stored in found]


WRITES = [_write(cell, stamp_us) for cell in (b"a", b"b", b"") for stamp_us in (1, 2)]


def _rank(write: InlinkWrite) -> tuple[int, bool, bytes]:
    return write.stamp_us, not write.cell, write.cell


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("writes", list(itertools.permutations(WRITES, 2)))
async def test_the_later_stamp_stays_and_of_one_stamp_a_removal_or_the_greater_cell(
    backends: Backends, writes: tuple[InlinkWrite, ...], together: bool
) -> None:
    stays = max(writes, key=_rank).cell
    assert await _after(backends, *writes, together=together) == ([stays] if stays else [])


async def test_stamps_tell_microseconds_apart(backends: Backends) -> None:
    now_us = 1_790_000_000_000_123
    assert await _after(backends, _write(b"a", now_us + 1), _write(b"b", now_us)) == [b"a"]


async def test_sources_come_in_the_order_of_their_keys_from_any_on(backends: Backends) -> None:
    target = _key()
    sources = sorted(bytes((high, low)) * 8 for high in range(0, 256, 5) for low in (0, 255))
    writes = [replace(_write(source), target_key=target, source_key=source) for source in sources]
    await backends[0].write_inlinks(writes[::-1])
    for after, limit in itertools.product((b"", b"\x00" * 16, sources[0], sources[50], sources[-1]), (1, 3, 90, 500)):
        found = await backends[0].read_inlinks(target, InlinkKind.LINK, after, limit)
        assert [stored.source_key for stored in found] == [s for s in sources if s > after][:limit]


async def test_targets_and_kinds_keep_their_sources_apart(backends: Backends) -> None:
    one, two = _key(), _key()
    await backends[0].write_inlinks(
        [
            InlinkWrite(one, InlinkKind.LINK, one, 1, b"link to one"),
            InlinkWrite(one, InlinkKind.REDIRECT, one, 1, b"redirect to one"),
            InlinkWrite(two, InlinkKind.LINK, one, 1, b"link to two"),
        ]
    )
    for target, kind, cell in ((one, InlinkKind.LINK, b"link to one"), (one, InlinkKind.REDIRECT, b"redirect to one")):
        assert await backends[0].read_inlinks(target, kind, b"", 9) == [StoredInlink(one, cell)]
    assert await backends[0].read_inlinks(two, InlinkKind.REDIRECT, b"", 9) == []


async def test_large_entries_of_one_target_are_written_at_once(backends: Backends) -> None:
    target = _key()
    entries = {bytes((255, number)) * 8: os.urandom(size) for number, size in enumerate((16_000, 10, 4_000, 1) * 20)}
    await backends[0].write_inlinks([InlinkWrite(target, InlinkKind.LINK, s, 1, cell) for s, cell in entries.items()])
    found = await backends[0].read_inlinks(target, InlinkKind.LINK, b"", 100)
    assert {stored.source_key: stored.cell for stored in found} == entries


async def test_nothing_to_write_is_no_write(backends: Backends) -> None:
    await backends[0].write_inlinks([])


async def test_a_link_note_is_written_at_its_own_time_and_leaves_the_row_alone(backends: Backends) -> None:
    key = _key()
    await backends[0].write_row(RowWrite(key, URL, 5, page=b"page", outcome=b"outcome"))
    before = await backends[0].read_row(key)
    assert before is not None and (before.linked, before.written_ms) == (b"", 5)
    for stamp_us, cell in ((9_000, b"b"), (8_999, b"c"), (9_000, b"a")):
        await backends[0].write_linked([LinkedWrite(key, stamp_us, cell)])
        assert await backends[0].read_row(key) == replace(before, linked=b"b")
    row = await backends[0].read_row(key)
    assert row is not None and row.written_ms == 5
    await backends[0].write_linked([LinkedWrite(key, 9_001, b"")])
    await backends[0].write_row(RowWrite(key, URL, 20, page=b"later"))
    row = await backends[0].read_row(key)
    assert row is not None and (row.linked, row.page, row.written_ms) == (b"", b"later", 20)


async def test_notes_of_many_rows_are_written_each_by_its_own_stamp(backends: Backends) -> None:
    keys = [_key() for _ in range(3)]
    for key in keys:
        await backends[0].write_row(RowWrite(key, URL, 5, page=b"page"))
    await backends[0].write_linked([LinkedWrite(key, stamp, b"first") for stamp, key in enumerate(keys, 9_000)])
    await backends[0].write_linked([LinkedWrite(key, 9_001, b"again") for key in keys])
    rows = await backends[0].read_rows(keys)
    assert [row and row.linked for row in rows] == [b"again", max(b"again", b"first"), b"first"]
    await backends[0].write_linked([])


async def test_the_write_time_of_a_row_is_its_latest(backends: Backends) -> None:
    key = _key()
    for write in (
        RowWrite(key, URL, 5, redirects_to="http://b.test/"),
        RowWrite(key, f"{URL}?", 9, outcome=b"o"),
        RowWrite(key, URL, 7, redirects_to=""),
    ):
        await backends[0].write_row(write)
    row = await backends[0].read_row(key)
    assert row is not None and row.written_ms == 9
    scanned = {each.key: each.written_ms for each in await backends[0].scan_rows(b"", 1_000)}
    assert scanned[key] == 9


async def test_a_target_of_twenty_thousand_pages_through(
    backends: Backends, store: UrlStore, url: Callable[[str], str]
) -> None:
    target = url("/")
    sources = sorted((url_key(source), source) for source in (url(f"/{number}") for number in range(20_000)))
    writes = [
        InlinkWrite(
            url_key(target), InlinkKind.LINK, key, 1, encode_inlink(Inlink(source, ("nofollow",), "text", True, 1))
        )
        for key, source in sources
    ]
    for start in range(0, len(writes), 2_000):
        await backends[0].write_inlinks(writes[start : start + 2_000])
    found: list[str] = []
    continuation, answers = b"", 0
    while continuation or not answers:
        answer = await store.inlinks(inlinks_of(target, continuation))
        found.extend(inlink.url for inlink in answer.inlinks)
        continuation, answers = answer.continuation, answers + 1
    assert found == [source for _, source in sources]
    assert answers == 21, "twenty full ones, and the end"
