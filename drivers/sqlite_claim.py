"""A SQLite file of ours: marked as such in its header, and in WAL mode."""

from __future__ import annotations

import sqlite3
import time

from drivers.sqlite_errors import named
from runtime.clock import monotonic_ms
from thrift_idl.errors import StoreUnreadable

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
