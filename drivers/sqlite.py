"""SQLite for asyncio: one writer thread for each file, which commits waiting writes as one transaction, and readers.

`sqlite:///srv/b.db` names the file `/srv/b.db` (as `drivers.paths` reads it), `sqlite:///:memory:` a database that ends
with the process. Files are in WAL mode: readers never wait for the writer.

Errors of SQLite are explained to the operator (https://www.sqlite.org/rescode.html). A file is marked as ours in its
header before it is used, and is in WAL mode.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from drivers.disk_errors import disk_full, has_room, of_system
from drivers.migrations import Migrations, statements
from drivers.paths import path_of
from runtime.batching import LONGEST_REST_MS, rest_ms
from runtime.clock import monotonic_ms
from thrift_idl.errors import AragogError, BackendDown, StoreUnreadable

_NOT_A_STORE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_DENIED = (sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def named(path: str) -> str:
    """The file's name in messages."""
    return f"the SQLite file {path}" if path != ":memory:" else "the database in memory"


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Raise SQLite's and the file system's errors as ours; a mistake in the SQL itself stays what it is."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.Error as error:
        raise translate(error, path) from error
    except OSError as error:
        raise of_system(error, path) from error


def translate(error: sqlite3.Error, path: str) -> AragogError:
    """The error of our tree for `error`."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary one of an extended code
    if code == sqlite3.SQLITE_FULL or (code in _DISK and not has_room(path)):
        return disk_full(path)
    if code in _NOT_A_STORE:
        message = f"{named(path)} is damaged or no SQLite file ({error}): restore it, or name another path"
        return StoreUnreadable(message, path=path)
    if code in _DENIED:
        message = f"{named(path)} can't be opened or written ({error}): check path and permissions"
        return StoreUnreadable(message, path=path)
    if code in _BUSY:
        message = f"{named(path)} is held by another process ({error}): try again when that is done"
        return BackendDown(message, path=path)
    return BackendDown(f"{named(path)} failed: {error}", path=path)


_APPLICATION_ID = 0x41524147  # "ARAG" in the file's header: the database is ours


def claim(path: str, busy_timeout_ms: int) -> None:
    """Make sure that the file is ours and in WAL mode. Raises `StoreUnreadable`, and SQLite's own errors."""
    connection = sqlite3.connect(path, timeout=busy_timeout_ms / 1000, isolation_level=None)
    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            _make_ours(connection, path)
        _use_wal(connection, monotonic_ms() + busy_timeout_ms)
    finally:
        connection.close()


def _make_ours(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("BEGIN EXCLUSIVE")  # if two processes make the file at once, the second one finds it made
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id != _APPLICATION_ID and (application_id or tables):
        raise StoreUnreadable(f"{named(path)} is another program's database: name another path", path=path)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection, until_ms: float) -> None:
    """Switching needs the file to itself, and SQLite doesn't wait for that by itself."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic_ms() > until_ms:
                raise
            time.sleep(0.02)


T = TypeVar("T")
Durability = Literal["normal", "full"]
"""The durability of an acknowledged write: against kill -9 of any process (`normal`), or power loss too (`full`)."""

_MEMORY = ":memory:"
_BATCH = 512  # writes in one transaction at most: a commit costs the same for one and for all
_CACHE_KIB = 16_384
_CHECKPOINT_PAGES = 4_096  # of 4 KiB in the log: a page changed often is copied to the file once


def file_of(url: str) -> str:
    """The file of a `sqlite:///` URL, or `:memory:`. Raises `BadConfiguration`."""
    return _MEMORY if url == f"sqlite:///{_MEMORY}" else str(path_of(url, "sqlite"))


@dataclass(slots=True)
class _Write:
    """One piece of work for the writer, and the caller that waits for it."""

    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Writes that are committed together, and the loop that waits for them."""

    writes: list[_Write]
    loop: asyncio.AbstractEventLoop
    began_ms: float


class Database:
    """One SQLite file. Made by `open_database`; usable from one event loop and any thread."""

    def __init__(self, path: str, durability: Durability, busy_timeout_ms: int, longest_rest_ms: float) -> None:
        self._path = path
        self._durability = durability
        self._longest_rest_ms = longest_rest_ms
        self._busy_timeout_ms = busy_timeout_ms
        self._in_memory = path == _MEMORY
        self._writer = self._connect()
        # In memory there is only one connection: its user holds this lock.
        self._memory_lock = threading.Lock()
        self._readers: deque[sqlite3.Connection] = deque()
        self._gathered: list[_Write] = []
        self._is_writing = False
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._write_all, name=f"sqlite-{Path(path).name}", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the writer's transaction; returns once that is committed.

        An error of `work` undoes only `work`, and is raised here. It may be run a second time, after another's failure
        in the same transaction: so it may change only the database. Raises `DiskFull`, `StoreUnreadable`,
        `BackendDown`.
        """
        if self._closed:
            raise BackendDown(f"{self.name} is closed")
        loop = asyncio.get_running_loop()
        write = _Write(work, loop.create_future())
        self._gathered.append(write)
        if not self._is_writing:
            self._is_writing = True
            loop.call_soon(self._hand_over, loop)
        result: T = await write.done
        return result

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query in a thread. Raises as `write` does."""
        return await asyncio.to_thread(self.read_inline, work)

    def read_inline(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a point read in the calling thread: about 15 µs, less than the way to another thread."""
        # No context managers: they would be a third of a point read.
        try:
            if self._in_memory:
                with self._memory_lock:
                    return work(self._writer)
            connection = self._borrowed()
            try:
                return work(connection)
            finally:
                self._readers.append(connection)
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    async def migrate(self, migrations: Migrations) -> None:
        """Bring one component's tables to the version of this code. Safe in many processes at once, and repeatable.

        Raises `StoreTooNew` if a newer Aragog has used the file.
        """
        stored = await self.read(lambda connection: _version(connection, migrations.component))
        if migrations.missing(stored, self.name):
            await self.write(lambda connection: _migrate(connection, migrations, self.name))

    @property
    def name(self) -> str:
        """The file's name in messages."""
        return named(self._path)

    async def noted(self, table: str, first: tuple[Any, ...]) -> tuple[Any, ...]:
        """The row of a table with one row, of primary key 0; if there is none yet, `first` is written."""
        query = f"SELECT * FROM {table} WHERE place = 0"  # noqa: S608 - a table of ours
        row = await self.read(lambda connection: connection.execute(query).fetchone())
        if row is None:
            marks = ", ".join("?" * len(first))
            insert = f"INSERT INTO {table} VALUES (0, {marks}) ON CONFLICT (place) DO NOTHING"  # noqa: S608 - ours
            await self.write(lambda connection: connection.execute(insert, first))
            row = await self.read(lambda connection: connection.execute(query).fetchone())
        return tuple(row[1:])

    async def close(self) -> None:
        """Finish the accepted writes, then close. A second call does nothing."""
        if not self._closed:
            self._closed = True
            while self._gathered:
                self._hand_over(asyncio.get_running_loop())
            self._batches.put(None)
            await asyncio.to_thread(self._thread.join)

    # --- connections ---

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._busy_timeout_ms / 1000,
            isolation_level=None,  # we begin transactions ourselves
            check_same_thread=False,  # passed from thread to thread, never used by two at once
            cached_statements=256,
        )
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._durability == 'full' else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        return connection

    def _borrowed(self) -> sqlite3.Connection:
        """A connection for reading; the caller puts it back."""
        if self._closed:
            raise BackendDown(f"{self.name} is closed")
        try:
            return self._readers.pop()
        except IndexError:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
            return connection

    # --- gathering, in the event loop ---

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._gathered = self._gathered[:_BATCH], self._gathered[_BATCH:]
        if batch:
            self._batches.put(_Batch(batch, loop, monotonic_ms()))
        else:
            self._is_writing = False

    def _settle(self, batch: _Batch) -> None:
        """Wake the callers. After several writes more are coming: they share the next commit."""
        for write in batch.writes:
            _wake(write)
        if len(batch.writes) > 1:
            gather_ms = rest_ms(monotonic_ms() - batch.began_ms, self._longest_rest_ms)
            batch.loop.call_later(gather_ms / 1000, self._hand_over, batch.loop)
        else:
            batch.loop.call_soon(self._hand_over, batch.loop)

    # --- the writer's thread ---

    def _write_all(self) -> None:
        while (batch := self._batches.get()) is not None:
            with self._memory_lock:
                self._run(batch.writes)
            with suppress(RuntimeError):  # the loop is closed: no caller waits any more
                batch.loop.call_soon_threadsafe(self._settle, batch)
        while self._readers:
            self._readers.pop().close()
        with suppress(sqlite3.Error):
            self._writer.close()

    def _run(self, batch: list[_Write]) -> None:
        """One transaction; an error of the transaction goes to every write in it, because nothing of it is stored."""
        try:
            with translated(self._path):
                if not self._run_at_once(batch):
                    self._run_one_by_one(batch)
        except Exception as error:  # the waiting callers get any error: this thread has to live on
            for write in batch:
                write.error = write.error or error
            with suppress(sqlite3.Error):
                self._writer.rollback()

    def _run_at_once(self, batch: list[_Write]) -> bool:
        """Without a savepoint for each, which would be most of the statements; False = one of them failed."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for write in batch:
                write.result = write.work(self._writer)
        except Exception:  # the second run reports it to its caller
            if self._writer.in_transaction:  # not where the disk is full: SQLite rolled back by itself
                self._writer.rollback()
            return False
        self._writer.execute("COMMIT")
        return True

    def _run_one_by_one(self, batch: list[_Write]) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        for write in batch:
            self._run_one(write)
        self._writer.execute("COMMIT")

    def _run_one(self, write: _Write) -> None:
        self._writer.execute("SAVEPOINT one")
        try:
            write.result = write.work(self._writer)
        except Exception as error:  # goes to its caller; only its own part is undone
            if not self._writer.in_transaction:
                raise  # SQLite rolled back the whole transaction (disk full, I/O error)
            self._writer.execute("ROLLBACK TO one")
            write.error = _told(error, self._path)
        self._writer.execute("RELEASE one")


async def open_database(
    url: str,
    *,
    durability: Durability = "normal",
    busy_timeout_ms: int = 10_000,
    longest_rest_ms: float = LONGEST_REST_MS,
) -> Database:
    """Open or create the database that `url` names, its directory too. Writes gather for at most `longest_rest_ms`.

    Raises `BadConfiguration`, `StoreUnreadable` (no SQLite file, or not ours), `DiskFull`, `BackendDown`.
    """
    path = file_of(url)
    return await asyncio.to_thread(_open, path, durability, busy_timeout_ms, longest_rest_ms)


def _open(path: str, durability: Durability, busy_timeout_ms: int, longest_rest_ms: float) -> Database:
    with translated(path):
        if path != _MEMORY:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            claim(path, busy_timeout_ms)
        return Database(path, durability, busy_timeout_ms, longest_rest_ms)


def _version(connection: sqlite3.Connection, component: str) -> int:
    known = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'").fetchone()[0]
    query = "SELECT version FROM schema_version WHERE component = ?"
    row = connection.execute(query, (component,)).fetchone() if known else None
    return int(row[0]) if row else 0


def _migrate(connection: sqlite3.Connection, migrations: Migrations, store: str) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (component TEXT PRIMARY KEY, version INTEGER NOT NULL)"
    )
    for version, script in migrations.missing(_version(connection, migrations.component), store):
        for statement in statements(script):
            connection.execute(statement)
        connection.execute("REPLACE INTO schema_version VALUES (?, ?)", (migrations.component, version))


def _told(error: Exception, path: str) -> Exception:
    """`error`, translated if it is SQLite's."""
    try:
        with translated(path):
            raise error
    except Exception as told:  # the same, or its translation
        return told


def _wake(write: _Write) -> None:
    if write.done.done():
        return  # the caller went away
    if write.error is not None:
        write.done.set_exception(write.error)
    else:
        write.done.set_result(write.result)
