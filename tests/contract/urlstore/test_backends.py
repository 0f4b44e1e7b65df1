"""The rules of every metadata and content backend: later writes stay, ties end the same, nothing is half written."""

from __future__ import annotations

import asyncio
import itertools
import os
from dataclasses import replace

import pytest

from tests.support.stores import Backends
from thrift_idl.errors import InvalidRequest
from urlstore.backends import AttributeWrite, RowWrite, StoredRow

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "http://a.test/"


def _key() -> bytes:
    return os.urandom(16)


async def _after(backends: Backends, *writes: RowWrite) -> StoredRow:
    """The row after these writes, one after the other, under a key of its own; the key is left out."""
    key = _key()
    for write in writes:
        await backends[0].write_row(replace(write, key=key))
    row = await backends[0].read_row(key)
    assert row is not None and row.key == key
    return replace(row, key=b"")


async def test_a_row_that_was_never_written_is_none(backends: Backends) -> None:
    assert await backends[0].read_row(_key()) is None


async def test_rows_are_read_in_the_order_of_their_keys_none_where_there_is_none(backends: Backends) -> None:
    keys = [_key() for _ in range(100)]
    for number, key in enumerate(keys[:50]):
        await backends[0].write_row(RowWrite(key, URL, 1, page=b"%d" % number))
    asked = [*keys[::-1], keys[7], keys[99]]
    rows = await backends[0].read_rows(asked)
    assert [row and row.key for row in rows] == [key if key in keys[:50] else None for key in asked]
    assert [row.page for row in rows if row] == [b"%d" % number for number in (*range(49, -1, -1), 7)]
    assert list(await backends[0].read_rows([])) == []


async def test_a_write_leaves_the_cells_alone_that_it_does_not_name(backends: Backends) -> None:
    row = await _after(
        backends,
        RowWrite(b"", URL, 1, page=b"page"),
        RowWrite(b"", URL, 2, outcome=b"outcome"),
        RowWrite(b"", URL, 3, redirects_to="http://b.test/"),
    )
    assert row == StoredRow(b"", URL, b"page", "http://b.test/", b"outcome")


CELLS = (
    {"page": b"\x01old"},
    {"page": b"\x01new"},
    {"outcome": b"outcome"},
    {"redirects_to": "http://b.test/"},
    {"redirects_to": "http://c.test/"},
    {"redirects_to": ""},
    {"page": b"\x02", "outcome": b"o", "redirects_to": ""},
)


@pytest.mark.parametrize(("one", "two"), tuple(itertools.combinations(CELLS, 2)))
async def test_two_writes_end_the_same_in_either_order(
    backends: Backends, one: dict[str, str | bytes], two: dict[str, str | bytes]
) -> None:
    for at_one, at_two in ((1, 1), (1, 2), (2, 1)):
        first = RowWrite(b"", "http://a.test/?1&2", at_one, **one)  # type: ignore[arg-type]  # cells by name
        second = RowWrite(b"", "http://a.test/?2&1", at_two, **two)  # type: ignore[arg-type]
        row = await _after(backends, first, second)
        assert row == await _after(backends, second, first)
        if at_one != at_two:
            assert row.url == max((first, second), key=lambda write: write.write_ms).url
        assert row == await _after(backends, first, second, first, second)


async def test_the_latest_of_three_writes_stays_in_any_order(backends: Backends) -> None:
    writes = [
        RowWrite(
            b"", f"{URL}?{at}", at, page=b"%d" % at, redirects_to="" if at == 2 else f"{URL}{at}", outcome=b"%d" % at
        )
        for at in (1, 2, 3)
    ]
    for order in itertools.permutations(writes):
        assert await _after(backends, *order) == StoredRow(b"", f"{URL}?3", b"3", f"{URL}3", b"3")


@pytest.mark.parametrize(
    ("cells", "stays"),
    [
        (({"page": b"\x01\x02"}, {"page": b"\x01\x01\xff"}), StoredRow(b"", URL, page=b"\x01\x02")),
        (({"page": b"\x01"}, {"page": b"\x01\x00"}), StoredRow(b"", URL, page=b"\x01\x00")),
        (({"page": b"\x7f"}, {"page": b"\x80"}), StoredRow(b"", URL, page=b"\x80")),
        (({"outcome": b"b"}, {"outcome": b"a"}), StoredRow(b"", URL, outcome=b"b")),
        (({"redirects_to": "a"}, {"redirects_to": "b"}), StoredRow(b"", URL, redirects_to="b")),
        (({"redirects_to": "z"}, {"redirects_to": ""}), StoredRow(b"", URL)),
    ],
)
async def test_in_one_millisecond_the_greater_cell_stays_and_a_removed_alias_above_all(
    backends: Backends, cells: tuple[dict[str, str | bytes], ...], stays: StoredRow
) -> None:
    writes = [RowWrite(b"", URL, 5, **cell) for cell in cells]  # type: ignore[arg-type]  # cells by name
    for order in itertools.permutations(writes):
        assert await _after(backends, *order) == stays


async def test_a_removed_alias_comes_back_only_by_a_later_write(backends: Backends) -> None:
    alias, removal = RowWrite(b"", URL, 3, redirects_to="http://b.test/"), RowWrite(b"", URL, 4, redirects_to="")
    assert (await _after(backends, removal, alias)).redirects_to == ""
    assert (await _after(backends, removal, replace(alias, write_ms=5))).redirects_to == "http://b.test/"


async def test_many_writers_of_one_row_end_with_the_latest(backends: Backends) -> None:
    key = _key()
    writes = (RowWrite(key, URL, at, page=b"%03d" % at, outcome=b"%03d" % at) for at in range(100, 0, -1))
    await asyncio.gather(*(backends[0].write_row(write) for write in writes))
    assert await backends[0].read_row(key) == StoredRow(key, URL, b"100", "", b"100")


async def test_a_scan_goes_on_behind_the_last_key_in_an_order_that_stays(backends: Backends) -> None:
    mine = {_key() for _ in range(12)}
    for key in mine:
        await backends[0].write_row(RowWrite(key, URL, 1, outcome=b"o"))
    at_once = [row.key for row in await backends[0].scan_rows(b"", 1_000)]
    assert mine <= set(at_once)
    step_by_step: list[bytes] = []
    while chunk := await backends[0].scan_rows(step_by_step[-1] if step_by_step else b"", 5):
        step_by_step.extend(row.key for row in chunk)
    assert step_by_step == at_once


async def test_attributes_are_read_up_to_the_limit(backends: Backends) -> None:
    key = _key()
    for name in "cab":
        await backends[0].write_attribute(AttributeWrite(key, "ns", name, 1, name.encode()))
    await backends[0].write_attribute(AttributeWrite(key, "another", "z", 1, b"z"))
    assert await backends[0].read_attributes(key, "", 3) == [b"z", b"a", b"b"]
    assert await backends[0].read_attributes(key, "ns", 2) == [b"a", b"b"]


async def test_an_object_is_there_or_it_is_none(backends: Backends) -> None:
    content_key = f"{_key().hex()}/{os.urandom(32).hex()}"
    assert await backends[1].get(content_key) is None
    for _ in range(2):
        await backends[1].put(content_key, b"\x00blob")
    assert await backends[1].get(content_key) == b"\x00blob"


async def test_many_puts_of_one_object_at_once_leave_it_whole(backends: Backends) -> None:
    content_key = f"{_key().hex()}/{os.urandom(32).hex()}"
    blob = os.urandom(200_000)
    await asyncio.gather(*(backends[1].put(content_key, blob) for _ in range(16)))
    assert await backends[1].get(content_key) == blob


async def test_a_reader_never_sees_part_of_an_object(backends: Backends) -> None:
    content_key = f"{_key().hex()}/{os.urandom(32).hex()}"
    blob = os.urandom(2_000_000)
    seen: set[bytes | None] = set()

    async def read_on() -> None:
        while not writing.done():
            seen.add(await backends[1].get(content_key))

    async def write_on() -> None:
        for _ in range(8):
            await backends[1].put(content_key, blob)

    writing = asyncio.create_task(write_on())
    await asyncio.gather(writing, read_on(), read_on())
    assert blob in seen and seen <= {blob, None}


async def test_a_file_store_never_leaves_its_directory(backends: Backends) -> None:
    from urlstore.backends.files import FileContent

    if not isinstance(backends[1], FileContent):
        pytest.skip("only files have a directory to leave")
    for content_key in ("../../etc/passwd", "", "a/b", f"{'a' * 32}/{'b' * 64}/.."):
        with pytest.raises(InvalidRequest):
            await backends[1].get(content_key)
