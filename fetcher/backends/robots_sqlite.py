"""Copies of robots.txt in an SQLite file: the embedded assembly's cache."""

from __future__ import annotations

import sqlite3

from drivers import migrations
from drivers.sqlite import Database, open_database
from fetcher.robots.cache import RobotsCopy, pack_copy, unpack_copy
from runtime.clock import Clock

_SWEPT = 100  # expired copies that one put removes


class SqliteRobotsCache:
    """Implements `RobotsCache`. Made by `open_robots_cache`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._wall_ms = clock.wall_ms

    async def get(self, origin: str) -> RobotsCopy | None:
        """The copy last put for `origin`, unless it was forgotten."""
        now_ms = self._wall_ms()
        row = self._database.read_inline(lambda connection: _select(connection, origin, now_ms))
        return unpack_copy(row) if row else None

    async def put(self, copy: RobotsCopy, keep_ms: int) -> None:
        """Keep `copy` for at most `keep_ms`; removes a few expired ones."""
        now_ms = self._wall_ms()
        row = (copy.origin, pack_copy(copy), now_ms + keep_ms)
        await self._database.write(lambda connection: _replace(connection, row, now_ms))

    async def close(self) -> None:
        """Finish writing and close the file."""
        await self._database.close()


async def open_robots_cache(url: str, clock: Clock | None = None) -> SqliteRobotsCache:
    """The cache that a `sqlite:///` URL names. Raises the errors of `drivers.sqlite`, `StoreTooNew` included."""
    database = await open_database(url)
    try:
        await database.migrate(migrations.load("robots", "fetcher.backends", "sql"))
    except BaseException:
        await database.close()
        raise
    return SqliteRobotsCache(database, clock or Clock())


def _select(connection: sqlite3.Connection, origin: str, now_ms: int) -> bytes | None:
    query = "SELECT copy FROM robots WHERE origin = ? AND expires_ms > ?"
    row = connection.execute(query, (origin, now_ms)).fetchone()
    return row[0] if row else None


def _replace(connection: sqlite3.Connection, row: tuple[str, bytes, int], now_ms: int) -> None:
    connection.execute("REPLACE INTO robots (origin, copy, expires_ms) VALUES (?, ?, ?)", row)
    expired = "SELECT origin FROM robots WHERE expires_ms <= ? LIMIT ?"
    connection.execute(f"DELETE FROM robots WHERE origin IN ({expired})", (now_ms, _SWEPT))  # noqa: S608 - a constant
