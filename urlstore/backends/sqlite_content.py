"""Content in one SQLite file. Making a file for each page would be a tenth of a page's whole cost."""

from __future__ import annotations

import sqlite3
from typing import Self

from drivers.migrations import load
from drivers.sqlite import Database, Durability, open_database
from urlstore.bounds import check_content_key

_PUT = "INSERT INTO content (key, blob) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET blob = excluded.blob"
_GET = "SELECT blob FROM content WHERE key = ?"


class SqliteContent:
    """`ContentBackend` over SQLite: puts of the same time are committed together, completely or not at all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, url: str, *, durability: Durability = "normal") -> Self:
        """The objects in the file that `url` (`sqlite:///full/path`) names, created or migrated if needed.

        Raises `BadConfiguration`, `StoreTooNew`, `StoreUnreadable`, `DiskFull`, `BackendDown`.
        """
        database = await open_database(url, durability=durability)
        try:
            await database.migrate(load("content", "urlstore.migrations.content", "sql"))
        except BaseException:
            await database.close()
            raise
        return cls(database)

    async def put(self, content_key: str, blob: bytes) -> None:
        """One upsert: an object that a disk has damaged is replaced when its page is stored again."""
        parameters = (_key(content_key), blob)
        await self._database.write(lambda db: _put(db, parameters))

    async def get(self, content_key: str) -> bytes | None:
        """A point read, in a thread: it may be of megabytes."""
        key = _key(content_key)
        row = await self._database.read(lambda db: db.execute(_GET, (key,)).fetchone())
        return row[0] if row else None

    async def close(self) -> None:
        """Commit waiting writes, close the file."""
        await self._database.close()


def _put(db: sqlite3.Connection, parameters: tuple[bytes, bytes]) -> None:
    db.execute(_PUT, parameters)


def _key(content_key: str) -> bytes:
    return bytes.fromhex(check_content_key(content_key).replace("/", ""))
