"""The index of due pages in Cassandra: entries by hour and 16 buckets, and a list of the existing hours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from drivers.cassandra import Client
from runtime.clock import wall_ms, wall_us
from runtime.durations import HOUR_MS
from urlstore.backends import DueEntry

_BUCKETS = 16
_PLACE = 0  # the one partition of the small tables
_FILED_AT_ONCE = 2_000
_OLD_HOURS = 1_000  # rows of earlier versions are spread over these: all of them in the far past
_LAST_TOKEN = 2**63 - 1
_INSERT = "INSERT INTO {keyspace}.due (hour, bucket, due_ms, key) VALUES (?, ?, ?, ?)"
_DELETE = "DELETE FROM {keyspace}.due WHERE hour = ? AND bucket = ? AND due_ms = ? AND key = ?"
_READ = (
    "SELECT due_ms, key FROM {keyspace}.due"
    " WHERE hour = ? AND bucket = ? AND (due_ms, key) > (?, ?) AND (due_ms) <= (?) LIMIT ?"
)
_INSERT_HOUR = "INSERT INTO {keyspace}.due_hour (place, hour) VALUES (?, ?)"
_DELETE_HOUR = "DELETE FROM {keyspace}.due_hour USING TIMESTAMP ? WHERE place = ? AND hour = ?"
_HOURS = "SELECT hour FROM {keyspace}.due_hour WHERE place = ? AND hour >= ? AND hour <= ?"
_NEXT_HOUR = "SELECT hour FROM {keyspace}.due_hour WHERE place = ? AND hour > ? LIMIT 1"
_FILED = "SELECT until_token FROM {keyspace}.due_filed WHERE place = ?"
_SET_FILED = "INSERT INTO {keyspace}.due_filed (place, until_token) VALUES (?, ?)"
_OLD_KEYS = "SELECT token(key), key FROM {keyspace}.url_row WHERE token(key) > ? LIMIT ?"


class CassandraDue:
    """The tables `due`, `due_hour` and `due_filed` of the store's keyspace."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._listed: set[int] = set()
        self._all_filed = False

    async def write(self, entry: DueEntry) -> None:
        """File an entry, and list its hour: future hours once, those that may be forgotten meanwhile each time."""
        hour = _hour(entry.due_ms)
        await self._client.run(_INSERT, (hour, _bucket(entry.key), entry.due_ms, entry.key))
        if hour not in self._listed or hour <= _hour(wall_ms()):
            await self._client.run(_INSERT_HOUR, (_PLACE, hour))
            self._listed.add(hour)

    async def remove(self, entry: DueEntry) -> None:
        """Forget an entry."""
        await self._client.run(_DELETE, (_hour(entry.due_ms), _bucket(entry.key), entry.due_ms, entry.key))

    async def read(self, until_ms: int, after: DueEntry, limit: int) -> Sequence[DueEntry]:
        """Entries after `after`, in order: hour by hour. Files some rows of earlier versions first."""
        await self._file_old()
        found: list[DueEntry] = []
        began_us = wall_us()
        for row in await self._client.run(_HOURS, (_PLACE, _hour(after.due_ms), _hour(until_ms))):
            entries = await self._of_hour(row[0], until_ms, after, limit - len(found))
            found.extend(entries)
            if len(found) == limit:
                break
            if not entries and row[0] < _hour(until_ms) - 1 and _hour(after.due_ms) < row[0]:
                # With the time before we looked: a process that files there meanwhile lists the hour later.
                await self._client.run(_DELETE_HOUR, (began_us, _PLACE, row[0]))
        return found

    async def next_ms(self, after_ms: int) -> int | None:
        """The start of the next hour with entries, not before `after_ms`; None = there is none."""
        if not self._all_filed:
            return after_ms
        rows = await self._client.run(_NEXT_HOUR, (_PLACE, _hour(after_ms) - 1))
        return max(after_ms, rows[0][0] * HOUR_MS) if rows else None

    async def _of_hour(self, hour: int, until_ms: int, after: DueEntry, limit: int) -> list[DueEntry]:
        buckets = ((hour, bucket, after.due_ms, after.key, until_ms, limit) for bucket in range(_BUCKETS))
        chunks = await asyncio.gather(*(self._client.run(_READ, each) for each in buckets))
        entries = sorted((row[0], row[1]) for chunk in chunks for row in chunk)
        return [DueEntry(*entry) for entry in entries[:limit]]

    async def _file_old(self) -> None:
        """File the next rows that were written before there was an index, until there are none."""
        if self._all_filed:
            return
        rows = await self._client.run(_FILED, (_PLACE,))
        token = rows[0][0] if rows else -(2**63)
        if token < _LAST_TOKEN:
            token = await self._file_behind(token)
            await self._client.run(_SET_FILED, (_PLACE, token))
        self._all_filed = token == _LAST_TOKEN

    async def _file_behind(self, token: int) -> int:
        """File rows after a token; returns the last one's token, the greatest of all if there are no more."""
        old = await self._client.run(_OLD_KEYS, (token, _FILED_AT_ONCE))
        await asyncio.gather(*(self.write(_old_entry(row[1])) for row in old))
        # A limit between two rows of one token would lose the second: only an attack makes such rows.
        return old[-1][0] if len(old) == _FILED_AT_ONCE else _LAST_TOKEN


def _old_entry(key: bytes) -> DueEntry:
    return DueEntry((1 + int.from_bytes(key[1:3]) % _OLD_HOURS) * HOUR_MS, key)


def _hour(at_ms: int) -> int:
    return at_ms // HOUR_MS


def _bucket(key: bytes) -> int:
    return key[0] >> 4
