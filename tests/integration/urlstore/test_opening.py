"""Opening a store: at once by many, repeatedly, too new, unreadable, not there."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import engines
from tests.support.engines import CASSANDRA
from tests.support.stores import open_backends, places, service_over
from tests.support.urlstore_requests import look, put, touch
from thrift_idl.errors import BackendDown, BadConfiguration, NotFound, StoreTooNew, StoreUnreadable
from urlstore.backends.files import FileContent
from urlstore.backends.sqlite import SqliteMetadata

OPENER = """
import asyncio, sys
from tests.support.urlstore_requests import put
from tests.support.stores import open_backends, service_over

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    service = service_over(await open_backends(sys.argv[1], sys.argv[2]))
    await service.put_page(put(f"http://a.test/{sys.argv[3]}"))
    await service.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("pair", ["sqlite", CASSANDRA])
async def test_many_processes_may_make_one_store_at_once(pair: str, tmp_path: Path) -> None:
    with places(pair, tmp_path) as urls:
        openers = [
            subprocess.Popen(
                [sys.executable, "-c", OPENER, *urls, str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(4)
        ]
        for opener in openers:
            assert opener.stdout and opener.stdout.readline() == "ready\n"
        for opener in openers:
            assert opener.stdin
            opener.stdin.write("go\n")
            opener.stdin.flush()
        for opener in openers:
            _, errors = await asyncio.to_thread(opener.communicate, timeout=60)
            assert opener.returncode == 0, errors
        service = service_over(await open_backends(*urls))
        for number in range(4):
            found = await service.lookup(look(f"http://a.test/{number}"))
            assert found.row is not None and found.row.page is not None
        await service.close()


async def test_a_store_of_a_newer_aragog_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await (await SqliteMetadata.open(f"sqlite:///{path}")).close()
    with sqlite3.connect(path) as newer:
        newer.execute("UPDATE schema_version SET version = 99")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="upgrade Aragog"):
        await SqliteMetadata.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


async def test_a_keyspace_of_a_newer_aragog_is_refused(cassandra_url: str) -> None:
    from urlstore.backends.cassandra import CassandraMetadata

    await (await CassandraMetadata.open(cassandra_url)).close()
    keyspace = cassandra_url.rpartition("/")[2]
    with engines.cassandra_session(engines.shared_engine("cassandra")) as session:
        newer = f"UPDATE {keyspace}.schema_version SET version = 99 WHERE component = 'urlstore' IF EXISTS"
        assert session.execute(newer).one().applied
    with pytest.raises(StoreTooNew, match="upgrade Aragog"):
        await CassandraMetadata.open(cassandra_url)


async def test_a_migration_waits_for_the_process_that_runs_it(cassandra_url: str) -> None:
    from drivers.cassandra import open_client
    from drivers.cassandra_schema import migrate
    from drivers.migrations import Migrations

    client = await open_client(cassandra_url)
    await migrate(client, Migrations("other", ("CREATE TABLE IF NOT EXISTS {keyspace}.t (k int PRIMARY KEY);",)))
    second = Migrations("other", ("", "CREATE TABLE IF NOT EXISTS {keyspace}.u (k int PRIMARY KEY);"))
    # Another process took hold of the schema and died.
    hold = "UPDATE {keyspace}.schema_version USING TTL 2 SET held_by = 'dead' WHERE component = 'other' IF EXISTS"
    await client.run_once(hold)
    with pytest.raises(BackendDown, match="another process"):
        await migrate(client, second, wait_ms=200)
    await migrate(client, second)
    await migrate(client, second)
    assert not await client.run("SELECT k FROM {keyspace}.u")
    await client.close()


@pytest.mark.parametrize("content", [b"not a database, " * 100, b"SQLite format 3\0" + b"\xff" * 4_000])
async def test_a_file_that_is_no_database_is_unreadable_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(StoreUnreadable, match=r"restore it|another path"):
        await SqliteMetadata.open(f"sqlite:///{path}")
    assert path.read_bytes() == content


async def test_another_programs_database_is_unreadable_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as another:
        another.execute("CREATE TABLE recipes (name TEXT)")
    another.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnreadable, match="another program"):
        await SqliteMetadata.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


async def test_places_that_cannot_be_are_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StoreUnreadable, match="path and permissions"):
        await SqliteMetadata.open(f"sqlite:///{file}/store.db")
    with pytest.raises(StoreUnreadable, match="path and permissions"):
        await SqliteMetadata.open(f"sqlite:///{tmp_path}")
    with pytest.raises(StoreUnreadable, match="path and permissions"):
        await FileContent.open(f"file:///{file}/content")
    with pytest.raises(BadConfiguration):
        await FileContent.open("content")


@pytest.mark.parametrize("cell", ["page", "outcome"])
async def test_damaged_and_newer_cells_are_told_and_a_put_mends_damage(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "store.db"
    service = service_over(await open_backends(f"sqlite:///{path}", f"file:///{tmp_path}"))
    await service.put_page(put("http://a.test/", at=1))
    for bytes_, error in ((b"\x02later", StoreTooNew), (b"\x01", StoreUnreadable), (b"\x01" * 60, StoreUnreadable)):
        with sqlite3.connect(path) as other:
            other.execute(f"UPDATE url_row SET {cell} = ?", (bytes_,))
        other.close()
        with pytest.raises(error, match=r"http://a\.test/"):
            await service.lookup(look("http://a.test/"))
    await service.put_page(put("http://a.test/", at=2))
    assert (await service.lookup(look("http://a.test/"))).row is not None
    await service.close()


async def test_missing_and_damaged_content_is_told_and_comes_back(tmp_path: Path) -> None:
    from tests.support.urlstore_requests import content_of

    service = service_over(await open_backends("sqlite:///:memory:", f"file:///{tmp_path}"))
    stored = await service.put_page(put("http://a.test/"))
    path = tmp_path / stored.page.content_key[:2] / f"{stored.page.content_key.replace('/', '-')}.zst"
    for damage in (b"", b"x" * 50, path.read_bytes()[:-1] + b"?"):
        path.write_bytes(damage)
        with pytest.raises(StoreUnreadable, match=r"stored content|damaged"):
            await service.get_content(content_of("http://a.test/"))
    path.unlink()
    with pytest.raises(StoreUnreadable, match="missing"):
        await service.get_content(content_of("http://a.test/"))
    with pytest.raises(NotFound, match="without validators"):
        await service.touch_page(touch("http://a.test/", at=1))
    await service.put_page(put("http://a.test/", at=2))
    assert (await service.get_content(content_of("http://a.test/"))).version == 1
    await service.close()


async def test_engines_that_are_not_there_are_told_without_their_secrets() -> None:
    pytest.importorskip("cassandra", reason="the distributed extra isn't installed")
    pytest.importorskip("boto3", reason="the distributed extra isn't installed")
    from urlstore.backends.cassandra import CassandraMetadata
    from urlstore.backends.s3 import S3Content

    with pytest.raises(BackendDown, match="start it") as cassandra:
        await CassandraMetadata.open("cassandra://me:hidden@127.0.0.1:1/aragog", request_timeout_ms=1_000)
    with pytest.raises(BackendDown, match="start it") as s3:
        await S3Content.open("s3://me:hidden@127.0.0.1:1/aragog", request_timeout_ms=1_000)
    for told in (cassandra, s3):
        assert "hidden" not in str(told.value) and "127.0.0.1:1" in str(told.value)


async def test_a_wrong_secret_is_told(s3_url: str) -> None:
    from urlstore.backends.s3 import S3Content

    with pytest.raises(BackendDown, match="denies access"):
        await S3Content.open(s3_url.replace("@", "x@"))


async def test_a_store_with_full_durability_stores_and_sweeps(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "999999999-1").write_bytes(b"left by a killed process")
    rows = await SqliteMetadata.open(f"sqlite:///{tmp_path / 'store.db'}", durability="full")
    service = service_over((rows, await FileContent.open(f"file:///{tmp_path}", durability="full")))
    await service.put_page(put("http://a.test/"))
    assert not list((tmp_path / "incoming").iterdir())
    assert (await service.lookup(look("http://a.test/"))).row is not None
    await service.close()
