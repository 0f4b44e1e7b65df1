"""Rows, attributes and inlinks in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

from drivers.migrations import load
from drivers.sqlite import Database, Durability, open_database
from runtime.clock import wall_us
from runtime.durations import DAY_MS
from urlstore.backends import (
    AttributeWrite,
    DueEntry,
    InlinkKind,
    InlinkWrite,
    KeyState,
    LinkedWrite,
    RowWrite,
    StoredInlink,
    StoredRow,
)
from urlstore.statements import statement
from weburl import KEY_VERSION
from weburl.earlier_key_versions import check_key_version

_NEVER = -1  # the write time of a cell that this write leaves unchanged: earlier than any
_ROW = "SELECT key, url, page, redirects_to, outcome, linked, url_write_ms FROM url_row"
_CELLS = (
    "SELECT url, url_write_ms, page, page_write_ms, redirects_to, alias_write_ms, outcome, outcome_write_ms"
    " FROM url_row"
)
_KEEP_REMOVED_US = 10 * DAY_MS * 1_000  # no write comes later than that: as long as Cassandra keeps tombstones


class SqliteMetadata:
    """`MetadataBackend` over SQLite; scans go by key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._write_row = statement("write_row.sql")
        self._write_attribute = statement("write_attribute.sql")
        self._write_linked = statement("write_linked.sql")
        self._write_inlink = statement("write_inlink.sql")
        self._read_inlinks = statement("read_inlinks.sql")

    @classmethod
    async def open(cls, url: str, *, durability: Durability = "normal", any_keys: bool = False) -> Self:
        """The store in the file that `url` (`sqlite:///full/path`) names, created or migrated if needed.

        `any_keys`: also one whose URL keys have another version, to convert it. Raises `BadConfiguration`,
        `StoreTooNew`, `StoreTooOld`, `StoreUnreadable`, `DiskFull`, `BackendDown`.
        """
        database = await open_database(url, durability=durability)
        try:
            await database.migrate(load("urlstore", "urlstore.migrations", "sql"))
            if not any_keys:
                check_key_version((await _key_state(database)).version, database.name)
            await _forget_removed(database, wall_us() - _KEEP_REMOVED_US)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    async def read_row(self, key: bytes) -> StoredRow | None:
        """The row: a point read, in the calling thread."""
        row = self._database.read_inline(lambda db: db.execute(f"{_ROW} WHERE key = ?", (key,)).fetchone())
        return StoredRow(*row) if row else None

    async def read_rows(self, keys: Sequence[bytes]) -> Sequence[StoredRow | None]:
        """One statement, in a thread: each step of one releases the interpreter's lock, and others wait for it."""
        query = f"{_ROW} WHERE key IN ({','.join('?' * len(keys))})"
        rows = await self._database.read(lambda db: db.execute(query, tuple(keys)).fetchall())
        found = {row[0]: StoredRow(*row) for row in rows}
        return [found.get(key) for key in keys]

    async def write_row(self, write: RowWrite) -> None:
        """One upsert, committed together with all other waiting writes."""
        parameters = _parameters(write)
        await self._database.write(lambda db: _run(db, self._write_row, parameters))

    async def scan_rows(self, after: bytes, limit: int) -> Sequence[StoredRow]:
        """Rows in the order of their keys."""
        query = f"{_ROW} WHERE key > ? ORDER BY key LIMIT ?"
        rows = await self._database.read(lambda db: db.execute(query, (after, limit)).fetchall())
        return [StoredRow(*row) for row in rows]

    async def read_due(self, until_ms: int, after: DueEntry, limit: int) -> Sequence[DueEntry]:
        """A range of the index."""
        query = (
            "SELECT due_ms, key FROM url_row WHERE due_ms > 0 AND (due_ms, key) > (?, ?) AND due_ms <= ?"
            " ORDER BY due_ms, key LIMIT ?"
        )
        wanted = (after.due_ms, after.key, until_ms, limit)
        rows = await self._database.read(lambda db: db.execute(query, wanted).fetchall())
        return [DueEntry(*row) for row in rows]

    async def move_due(self, entry: DueEntry, due_ms: int | None) -> None:
        """One update, unless a put has changed it meanwhile."""
        parameters = (due_ms or 0, entry.key, entry.due_ms)
        sql = "UPDATE url_row SET due_ms = ? WHERE key = ? AND due_ms = ?"
        await self._database.write(lambda db: _run(db, sql, parameters))

    async def next_due_ms(self, after_ms: int) -> int | None:
        """The first of the index."""
        query = "SELECT min(due_ms) FROM url_row WHERE due_ms > 0 AND due_ms >= ?"
        found = await self._database.read(lambda db: db.execute(query, (after_ms,)).fetchone())
        return None if found[0] is None else int(found[0])

    async def write_attribute(self, write: AttributeWrite) -> None:
        """One upsert."""
        parameters = asdict(write)
        await self._database.write(lambda db: _run(db, self._write_attribute, parameters))

    async def read_attributes(self, key: bytes, attribute_namespace: str, limit: int) -> Sequence[bytes]:
        """Cells in the order of namespace and name."""
        query = (
            "SELECT cell FROM attribute WHERE key = :key AND (:namespace = '' OR attribute_namespace = :namespace)"
            " ORDER BY attribute_namespace, name LIMIT :limit"
        )
        wanted = {"key": key, "namespace": attribute_namespace, "limit": limit}
        rows = await self._database.read(lambda db: db.execute(query, wanted).fetchall())
        return [row[0] for row in rows]

    async def write_linked(self, writes: Sequence[LinkedWrite]) -> None:
        """Updates, committed together."""
        rows = [{"key": w.key, "stamp_us": w.stamp_us, "cell": w.cell} for w in writes]
        await self._database.write(lambda db: _run_all(db, self._write_linked, rows))

    async def write_inlinks(self, writes: Sequence[InlinkWrite]) -> None:
        """Upserts, committed together."""
        rows = [(w.target_key, w.kind, w.source_key, w.stamp_us, w.cell) for w in writes]
        await self._database.write(lambda db: _run_all(db, self._write_inlink, rows))

    async def read_inlinks(
        self, target_key: bytes, kind: InlinkKind, after: bytes, limit: int
    ) -> Sequence[StoredInlink]:
        """A range of the table: rows of one target are adjacent, in the order of their sources."""
        wanted = {"target_key": target_key, "kind": kind, "after": after, "limit": limit}
        rows = await self._database.read(lambda db: db.execute(self._read_inlinks, wanted).fetchall())
        return [StoredInlink(*row) for row in rows]

    async def key_state(self) -> KeyState:
        """The one row of its table."""
        return await _key_state(self._database)

    async def write_key_state(self, state: KeyState) -> None:
        """One upsert."""
        sql = "REPLACE INTO url_key_version VALUES (0, ?, ?)"
        await self._database.write(lambda db: _run(db, sql, (state.version, state.after)))

    async def read_writes(self, key: bytes) -> Sequence[RowWrite]:
        """A point read."""
        row = self._database.read_inline(lambda db: db.execute(f"{_CELLS} WHERE key = ?", (key,)).fetchone())
        if row is None:
            return ()
        url, url_ms, page, page_ms, redirects_to, alias_ms, outcome, outcome_ms = row
        return (
            RowWrite(key, url, url_ms),
            *((RowWrite(key, url, page_ms, page=page),) if page else ()),
            *((RowWrite(key, url, alias_ms, redirects_to=redirects_to),) if alias_ms >= 0 else ()),
            *((RowWrite(key, url, outcome_ms, outcome=outcome),) if outcome else ()),
        )

    async def remove_row(self, key: bytes) -> None:
        """One delete."""
        await self._database.write(lambda db: _run(db, "DELETE FROM url_row WHERE key = ?", (key,)))

    async def read_attribute_writes(self, key: bytes, limit: int) -> Sequence[AttributeWrite]:
        """A range of the table, mostly empty: in the calling thread."""
        query = "SELECT key, attribute_namespace, name, write_ms, cell FROM attribute WHERE key = ? LIMIT ?"
        rows = self._database.read_inline(lambda db: db.execute(query, (key, limit)).fetchall())
        return [AttributeWrite(*row) for row in rows]

    async def remove_attributes(self, writes: Sequence[AttributeWrite]) -> None:
        """Deletes, committed together."""
        sql = "DELETE FROM attribute WHERE key = ? AND attribute_namespace = ? AND name = ? AND write_ms <= ?"
        rows = [(w.key, w.attribute_namespace, w.name, w.write_ms) for w in writes]
        await self._database.write(lambda db: _run_all(db, sql, rows))

    async def close(self) -> None:
        """Commit waiting writes, close the file."""
        await self._database.close()


def _run(connection: sqlite3.Connection, sql: str, parameters: dict[str, Any] | tuple[Any, ...]) -> None:
    connection.execute(sql, parameters)


def _run_all(connection: sqlite3.Connection, sql: str, rows: Sequence[dict[str, Any] | tuple[Any, ...]]) -> None:
    connection.executemany(sql, rows)


async def _key_state(database: Database) -> KeyState:
    """The noted state; of a new store, which has no note yet, our own version."""
    return KeyState(*await database.noted("url_key_version", (KEY_VERSION, b"")))


async def _forget_removed(database: Database, before_us: int) -> None:
    """Delete removed inlinks that no late write can bring back any more."""
    old = "FROM inlink WHERE cell = x'' AND write_us < ?"
    if await database.read(lambda db: db.execute(f"SELECT 1 {old} LIMIT 1", (before_us,)).fetchone()):
        await database.write(lambda db: _run(db, f"DELETE {old}", (before_us,)))


def _parameters(write: RowWrite) -> dict[str, Any]:
    return {
        "key": write.key,
        "url": write.url,
        "write_ms": write.write_ms,
        "page": write.page or b"",
        "page_write_ms": _NEVER if write.page is None else write.write_ms,
        "due_ms": write.due_ms,
        "redirects_to": write.redirects_to or "",
        "alias_write_ms": _NEVER if write.redirects_to is None else write.write_ms,
        "outcome": write.outcome or b"",
        "outcome_write_ms": _NEVER if write.outcome is None else write.write_ms,
    }
