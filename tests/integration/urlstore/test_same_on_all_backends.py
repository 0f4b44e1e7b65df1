"""The same calls end the same on every pair of backends, and the engines' own clients read it back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import zstandard

from tests.support import engines
from tests.support.stores import Backends, open_backends, places, service_over
from tests.support.urlstore_requests import chain, headers, outcome, put, record, scan, touch
from thrift_idl.records import pack
from weburl import url_key

HOST = "http://a.test"
PAGE = b"<p>The page's content</p>"


async def _some_history(backends: Backends) -> dict[str, bytes]:
    """Every row, packed, after a bit of everything."""
    service = service_over(backends)
    for at, path in enumerate(("/", "/b", "/c")):
        await service.put_page(put(f"{HOST}{path}", PAGE, at=at, page=record(path, links=[f"{HOST}/b"])))
    await service.put_page(put(f"{HOST}/b", b"changed", at=5, chain=chain(f"{HOST}/c", f"{HOST}/d", f"{HOST}/b")))
    await service.touch_page(touch(f"{HOST}/b", at=6, headers=headers(("ETag", '"2"'))))
    await service.put_outcome(outcome(f"{HOST}/gone", at=7, answered=True, chain=chain(f"{HOST}/e", f"{HOST}/gone")))
    await service.put_page(put(f"{HOST}/c", b"serves again", at=8))
    await service.put_page(put(f"{HOST}/c", b"late", at=4))
    rows = (await service.scan(scan(limit=100))).rows
    await service.close()
    return {row.url: pack(row) for row in rows}


async def test_one_history_leaves_the_same_rows_in_sqlite_and_cassandra(tmp_path: Path) -> None:
    histories = []
    for pair in ("sqlite", "memory", "cassandra"):
        with places(pair, tmp_path / pair) as urls:
            histories.append(await _some_history(await open_backends(*urls)))
    assert len(histories[0]) == 6
    assert histories[0] == histories[1] == histories[2]


async def test_sqlite_and_zstd_read_what_was_stored(tmp_path: Path) -> None:
    with places("files", tmp_path) as urls:
        await _some_history(await open_backends(*urls))
    with sqlite3.connect(tmp_path / "store.db") as database:
        rows = dict(database.execute("SELECT url, redirects_to FROM url_row").fetchall())
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
    assert rows[f"{HOST}/d"] == f"{HOST}/b" and rows[f"{HOST}/c"] == ""
    key = url_key(f"{HOST}/").hex()
    [file] = (tmp_path / key[:2]).glob(f"{key}-*")
    assert zstandard.decompress(file.read_bytes()) == PAGE


async def test_cassandras_and_s3s_own_clients_read_what_was_stored(tmp_path: Path) -> None:
    with places("cassandra", tmp_path) as (metadata, content):
        await _some_history(await open_backends(metadata, content))
        query = f"SELECT url, redirects_to, WRITETIME(page) FROM {metadata.rpartition('/')[2]}.url_row WHERE key = %s"
        with engines.cassandra_session(engines.shared_engine("cassandra")) as session:
            row = session.execute(query, (url_key(f"{HOST}/c"),)).one()
            assert row is not None
            assert (row[0], row[1], row[2]) == (f"{HOST}/c", None, (1_790_000_000_000 + 8) * 1_000)
        client, bucket = engines.s3_client(content), content.rpartition("/")[2]
        listed = client.list_objects_v2(Bucket=bucket, Prefix=url_key(f"{HOST}/").hex())["Contents"]
        stored = client.get_object(Bucket=bucket, Key=listed[0]["Key"])["Body"].read()
        assert zstandard.decompress(stored) == PAGE
        assert len(client.list_objects_v2(Bucket=bucket)["Contents"]) == 5
