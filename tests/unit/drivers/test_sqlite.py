"""The SQLite driver: batches, undone work, readers, closing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from drivers.migrations import Migrations, load, statements
from drivers.sqlite import Database, open_database
from thrift_idl.errors import BackendDown, BadConfiguration, InvalidRequest, StoreTooNew

TABLE = Migrations("tests", ("CREATE TABLE t (n INTEGER PRIMARY KEY);\n",))


async def _open(url: str) -> Database:
    database = await open_database(url)
    await database.migrate(TABLE)
    return database


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "sqlite:///:memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'a' / 'b.db'}"


def _insert(number: int):
    return lambda db: db.execute("INSERT INTO t VALUES (?)", (number,)).lastrowid


def _numbers(db: sqlite3.Connection) -> list[int]:
    return [row[0] for row in db.execute("SELECT n FROM t ORDER BY n")]


@pytest.mark.parametrize("bad", ["sqlite://x", "x.db", "sqlite:///", "file:///x", "sqlite:///a\0b"])
async def test_a_url_that_names_no_file_is_refused(bad: str) -> None:
    with pytest.raises(BadConfiguration, match="sqlite:///"):
        await open_database(bad)


async def test_what_is_written_is_read_and_answers_come_back(url: str) -> None:
    database = await _open(url)
    assert await asyncio.gather(*(database.write(_insert(number)) for number in range(2_000))) == list(range(2_000))
    assert await database.read(_numbers) == list(range(2_000)) == database.read_inline(_numbers)
    await database.close()


async def test_writes_that_gather_behind_a_slow_one_share_a_transaction(tmp_path: Path) -> None:
    database = await _open(f"sqlite:///{tmp_path / 'x.db'}")
    go_on = threading.Event()
    slow = asyncio.create_task(database.write(lambda _: go_on.wait(10)))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(database.write(_insert(number))) for number in range(100)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(slow, *rest)
    with sqlite3.connect(tmp_path / "x.db") as other:
        assert _numbers(other) == list(range(100))
    other.close()
    await database.close()


async def test_work_that_fails_is_undone_alone_and_told_its_caller(url: str) -> None:
    database = await _open(url)

    def fail(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO t VALUES (100)")
        raise InvalidRequest("no")

    def repeat(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO t VALUES (101)")
        db.execute("INSERT INTO t VALUES (1)")

    works = (_insert(1), fail, _insert(2), repeat, _insert(3))
    ends = await asyncio.gather(*(database.write(work) for work in works), return_exceptions=True)
    assert [type(end) for end in ends] == [int, InvalidRequest, int, sqlite3.IntegrityError, int]
    assert await database.read(_numbers) == [1, 2, 3]
    await database.close()


async def test_a_caller_that_goes_away_harms_nobody(url: str) -> None:
    database = await _open(url)
    task = asyncio.create_task(database.write(_insert(1)))
    await asyncio.sleep(0)
    task.cancel()
    await database.write(_insert(2))
    assert 2 in await database.read(_numbers)
    await database.close()


async def test_closing_finishes_what_was_handed_in(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    database = await _open(url)
    writes = [asyncio.create_task(database.write(_insert(number))) for number in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await database.close()
    await asyncio.gather(*writes)
    for use in (database.write(_insert(99)), database.read(_numbers)):
        with pytest.raises(BackendDown, match="closed"):
            await use
    reopened = await _open(url)
    assert await reopened.read(_numbers) == list(range(50))
    await reopened.close()


async def test_readers_go_on_while_another_process_writes_and_a_writer_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    database = await open_database(f"sqlite:///{path}", busy_timeout_ms=50)
    await database.migrate(TABLE)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BackendDown, match="another process"):
        await database.write(_insert(1))
    assert await database.read(_numbers) == []
    other.execute("COMMIT")
    other.close()
    await database.write(_insert(1))
    await database.close()


async def test_readers_cannot_write(tmp_path: Path) -> None:
    database = await _open(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(Exception, match="readonly"):
        await database.read(_insert(1))
    await database.close()


@pytest.mark.parametrize(("durability", "level"), [("normal", 1), ("full", 2)])
async def test_durability_is_sqlites_synchronous(tmp_path: Path, durability: str, level: int) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'x.db'}", durability=durability)  # type: ignore[arg-type]
    assert await database.write(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (level,)
    assert await database.read(lambda db: db.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
    await database.close()


async def test_components_of_one_file_migrate_apart_and_repeatably(url: str) -> None:
    database = await _open(url)
    other = Migrations("other", ("CREATE TABLE o (n);", "ALTER TABLE o ADD COLUMN m;\nCREATE TABLE p (n);"))
    await database.migrate(Migrations("other", other.scripts[:1]))
    for _ in range(2):
        await database.migrate(other)
    await database.migrate(TABLE)
    with pytest.raises(StoreTooNew) as error:
        await database.migrate(Migrations("other", other.scripts[:1]))
    assert error.value.details == {"component": "other", "stored": "2", "known": "1"}
    await database.close()


async def test_a_migration_that_fails_leaves_nothing_of_itself(url: str) -> None:
    database = await _open(url)
    with pytest.raises(BackendDown, match="syntax error"):
        await database.migrate(Migrations("other", ("CREATE TABLE o (n);\nCREATE NONSENSE;",)))
    await database.migrate(Migrations("other", ("CREATE TABLE o (n);",)))
    await database.close()


def test_scripts_are_loaded_in_order_and_split_into_statements() -> None:
    loaded = load("urlstore", "urlstore.migrations", "sql")
    assert loaded.version >= 1 and "url_row" in loaded.scripts[0]
    assert load("urlstore", "urlstore.migrations", "cql").version == loaded.version
    script = "-- a; comment;\nCREATE TABLE a (x);\n\n  CREATE TABLE b (\n  y -- why; not\n);  \nDROP TABLE c"
    assert statements(script) == ("CREATE TABLE a (x)", "CREATE TABLE b (\n  y -- why; not\n)", "DROP TABLE c")
