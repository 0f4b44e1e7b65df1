"""Pages that an earlier version stored, without an index of when they are due, are found by it all the same."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.support.stores import Backends, open_backends, places, service_over
from tests.support.urlstore_requests import CONTEXT, T0, look, outcome, put
from thrift_idl.gen.urlstore.ttypes import DueRequest
from urlstore import cells
from urlstore.backends import DueEntry, RowWrite
from urlstore.service import UrlStoreService

DAY = 86_400_000
DUE = {f"http://a.test/{number}" for number in range(30)}


async def stored(service: UrlStoreService) -> None:
    for url in DUE:
        await service.put_page(put(url, at=-2 * DAY))
    await service.put_page(put("http://a.test/fresh"))
    await service.put_outcome(outcome("http://a.test/none"))


async def due(service: UrlStoreService) -> list[str]:
    found = await service.due(DueRequest(CONTEXT, T0))
    assert found.continuation == b""
    return [page.url for page in found.pages]


async def entries(backends: Backends) -> int:
    return len(await backends[0].read_due(T0, DueEntry(0, b""), 1_000))


async def test_a_sqlite_file_of_the_version_before_is_migrated(tmp_path: Path) -> None:
    with places("sqlite", tmp_path) as urls:
        service = service_over(await open_backends(*urls))
        await stored(service)
        await service.close()
        with sqlite3.connect(tmp_path / "store.db") as old:
            old.execute("DROP INDEX url_row_due")
            old.execute("ALTER TABLE url_row DROP COLUMN due_ms")
            old.execute("UPDATE schema_version SET version = 2 WHERE component = 'urlstore'")
        old.close()
        backends = await open_backends(*urls)
        service = service_over(backends)
        for _ in range(2):
            assert sorted(await due(service)) == sorted(DUE)
        assert await entries(backends) == len(DUE), "the others were given their time, or none"
        await service.close()


async def test_rows_in_cassandra_without_entries_are_filed_a_part_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with places("cassandra", tmp_path) as urls:
        monkeypatch.setattr("urlstore.backends.cassandra_due._FILED_AT_ONCE", 20)
        backends = await open_backends(*urls)
        service = service_over(backends)
        await without_index(backends)
        found: set[str] = set()
        for _ in range(3):  # 31 keys, twenty at a time
            found |= set(await due(service))
        assert found == DUE
        assert sorted(await due(service)) == sorted(DUE)
        assert await entries(backends) == len(DUE)
        await service.close()


async def without_index(backends: Backends) -> None:
    """The pages as an earlier version wrote them."""
    model = service_over(await open_backends("sqlite:///:memory:", "sqlite:///:memory:"))
    for url in DUE:
        page = (await model.put_page(put(url, at=-2 * DAY))).page
        key = (await model.lookup(look(url))).key
        await backends[0].write_row(RowWrite(key, url, page.write_ms, page=cells.encode_page(page)))
    key = (await model.lookup(look("http://a.test/none"))).key
    await backends[0].write_row(RowWrite(key, "http://a.test/none", T0, outcome=b""))
    await model.close()
