"""Rows, attributes and inlinks in Cassandra: one partition a URL, 16 for its inlinks; write times are timestamps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Self

from cassandra.metadata import Murmur3Token
from cassandra.query import UNSET_VALUE

from drivers.cassandra import Client, Row, open_client
from drivers.cassandra_schema import migrate
from drivers.migrations import load
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
from urlstore.backends.cassandra_due import CassandraDue
from urlstore.statements import statement
from weburl import KEY_VERSION
from weburl.earlier_key_versions import check_key_version

_READ_ROW = "SELECT key, url, page, redirects_to, outcome, linked, WRITETIME(url) FROM {keyspace}.url_row WHERE key = ?"
_READ_ATTRIBUTES = "SELECT cell FROM {keyspace}.attribute WHERE key = ? LIMIT ?"
_READ_NAMESPACE = "SELECT cell FROM {keyspace}.attribute WHERE key = ? AND attribute_namespace = ? LIMIT ?"
_READ_CELLS = (
    "SELECT url, WRITETIME(url), page, WRITETIME(page), redirects_to, WRITETIME(redirects_to),"
    " outcome, WRITETIME(outcome), WRITETIME(linked) FROM {keyspace}.url_row WHERE key = ?"
)
_READ_ATTRIBUTE_WRITES = (
    "SELECT key, attribute_namespace, name, WRITETIME(cell), cell FROM {keyspace}.attribute WHERE key = ? LIMIT ?"
)
_REMOVE_ROW = "DELETE FROM {keyspace}.url_row USING TIMESTAMP ? WHERE key = ?"
_REMOVE_ATTRIBUTE = (
    "DELETE FROM {keyspace}.attribute USING TIMESTAMP ? WHERE key = ? AND attribute_namespace = ? AND name = ?"
)
_READ_KEY_VERSION = "SELECT version, after FROM {keyspace}.url_key_version WHERE place = 0"
_WRITE_KEY_VERSION = "INSERT INTO {keyspace}.url_key_version (place, version, after) VALUES (0, ?, ?)"
_HOLDERS_OF_KEYS = ("url_row", "attribute", "inlink")
_FIRST_TOKEN = -(2**63)
_BUCKETS = 16
_BATCH_BYTES = 4_096  # Cassandra warns of batches over 5 KiB and refuses those over 50


class CassandraMetadata:
    """`MetadataBackend` over Cassandra; scans go by the token of the key, then by the key.

    A write is one mutation of one partition: all its cells or none. No light-weight transactions.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._due = CassandraDue(client)
        self._write_row = statement("write_row.cql")
        self._write_attribute = statement("write_attribute.cql")
        self._scan_rows = statement("scan_rows.cql")
        self._write_linked = statement("write_linked.cql")
        self._write_inlink = statement("write_inlink.cql")
        self._remove_inlink = statement("remove_inlink.cql")
        self._read_inlinks = statement("read_inlinks.cql")

    @classmethod
    async def open(cls, url: str, *, request_timeout_ms: int = 5_000, any_keys: bool = False) -> Self:
        """The store in the keyspace that `url` (`cassandra://host:port/keyspace`) names, created or migrated if needed.

        `any_keys`: also one whose URL keys have another version, to convert it. Raises `BadConfiguration`,
        `StoreTooNew`, `StoreTooOld`, `BackendDown`.
        """
        client = await open_client(url, request_timeout_ms=request_timeout_ms)
        try:
            await migrate(client, load("urlstore", "urlstore.migrations", "cql"))
            if not any_keys:
                check_key_version((await _key_state(client)).version, str(client.address))
        except BaseException:
            await client.close()
            raise
        return cls(client)

    async def read_row(self, key: bytes) -> StoredRow | None:
        """The row of one partition."""
        rows = await self._client.run(_READ_ROW, (key,))
        return _stored(rows[0]) if rows else None

    async def read_rows(self, keys: Sequence[bytes]) -> Sequence[StoredRow | None]:
        """All at once: they are partitions."""
        return await asyncio.gather(*(self.read_row(key) for key in keys))

    async def write_row(self, write: RowWrite) -> None:
        """One insert, its cells stamped with the write time; beside it, an entry of the index."""
        row = self._client.run(
            self._write_row,
            (write.key, write.url, _cell(write.page), _alias(write), _cell(write.outcome), _timestamp(write.write_ms)),
        )
        if write.due_ms:
            await asyncio.gather(row, self._due.write(DueEntry(write.due_ms, write.key)))
        else:
            await row

    async def scan_rows(self, after: bytes, limit: int) -> Sequence[StoredRow]:
        """Rows in the order of tokens; those with equal tokens, in the order of keys."""
        last = (Murmur3Token.from_key(after).value, after) if after else (_FIRST_TOKEN, b"")
        # The row `after` itself comes again; hostile pages could make a few keys of one token: so there is a margin.
        rows = await self._client.run(self._scan_rows, (last[0], limit + 8))
        return [_stored(row[1:]) for row in rows if (row[0], row[1]) > last][:limit]

    async def read_due(self, until_ms: int, after: DueEntry, limit: int) -> Sequence[DueEntry]:
        """Hour by hour, all buckets of one at once."""
        return await self._due.read(until_ms, after, limit)

    async def move_due(self, entry: DueEntry, due_ms: int | None) -> None:
        """The new entry first: if it is stopped in between, there are two."""
        if due_ms is not None:
            await self._due.write(DueEntry(due_ms, entry.key))
        await self._due.remove(entry)

    async def next_due_ms(self, after_ms: int) -> int | None:
        """The beginning of an hour."""
        return await self._due.next_ms(after_ms)

    async def write_attribute(self, write: AttributeWrite) -> None:
        """One insert."""
        await self._client.run(
            self._write_attribute,
            (write.key, write.attribute_namespace, write.name, write.cell, _timestamp(write.write_ms)),
        )

    async def read_attributes(self, key: bytes, attribute_namespace: str, limit: int) -> Sequence[bytes]:
        """Cells of one partition, in the order of namespace and name."""
        if attribute_namespace:
            rows = await self._client.run(_READ_NAMESPACE, (key, attribute_namespace, limit))
        else:
            rows = await self._client.run(_READ_ATTRIBUTES, (key, limit))
        return [row[0] for row in rows]

    async def write_linked(self, writes: Sequence[LinkedWrite]) -> None:
        """An update of one cell each, all at once."""
        await asyncio.gather(*(self._client.run(self._write_linked, (w.stamp_us, w.cell, w.key)) for w in writes))

    async def write_inlinks(self, writes: Sequence[InlinkWrite]) -> None:
        """A mutation for each partition and `_BATCH_BYTES`, all at once: the client bounds the requests in flight."""
        await asyncio.gather(*(self._write_batch(batch) for batch in _batches(writes)))

    async def read_inlinks(
        self, target_key: bytes, kind: InlinkKind, after: bytes, limit: int
    ) -> Sequence[StoredInlink]:
        """Bucket by bucket; for a target with few, more and more buckets at once."""
        found: list[StoredInlink] = []
        bucket, at_once = _bucket(after) if after else 0, 1
        while bucket < _BUCKETS and len(found) < limit:
            buckets = range(bucket, min(bucket + at_once, _BUCKETS))
            partitions = ((target_key, kind, each, after, limit - len(found)) for each in buckets)
            chunks = await asyncio.gather(*(self._client.run(self._read_inlinks, each) for each in partitions))
            found.extend(StoredInlink(*row) for chunk in chunks for row in chunk)
            bucket, at_once = bucket + at_once, at_once * 2
        return found[:limit]

    async def key_state(self) -> KeyState:
        """The one row of its table."""
        return await _key_state(self._client)

    async def write_key_state(self, state: KeyState) -> None:
        """One insert."""
        await self._client.run(_WRITE_KEY_VERSION, (state.version, state.after))

    async def read_writes(self, key: bytes) -> Sequence[RowWrite]:
        """One partition. A removed alias can't be read here: it is a tombstone."""
        rows = await self._client.run(_READ_CELLS, (key,))
        if not rows:
            return ()
        url, url_us, page, page_us, redirects_to, alias_us, outcome, outcome_us, _ = rows[0]
        return (
            RowWrite(key, url, url_us // 1000),
            *((RowWrite(key, url, page_us // 1000, page=page),) if page else ()),
            *((RowWrite(key, url, alias_us // 1000, redirects_to=redirects_to),) if redirects_to else ()),
            *((RowWrite(key, url, outcome_us // 1000, outcome=outcome),) if outcome else ()),
        )

    async def remove_row(self, key: bytes) -> None:
        """One delete with the time of the row's last write: later writes stay."""
        rows = await self._client.run(_READ_CELLS, (key,))
        if rows:
            written_us = [cell for cell in rows[0][1::2] if cell is not None]
            linked_us = rows[0][-1] or 0
            await self._client.run(_REMOVE_ROW, (max(*written_us, linked_us), key))

    async def read_attribute_writes(self, key: bytes, limit: int) -> Sequence[AttributeWrite]:
        """The attributes of one partition."""
        rows = await self._client.run(_READ_ATTRIBUTE_WRITES, (key, limit))
        return [AttributeWrite(key, namespace, name, us // 1000, cell) for key, namespace, name, us, cell in rows]

    async def remove_attributes(self, writes: Sequence[AttributeWrite]) -> None:
        """A delete each with the time of its write, all at once."""
        each = ((_timestamp(w.write_ms), w.key, w.attribute_namespace, w.name) for w in writes)
        await asyncio.gather(*(self._client.run(_REMOVE_ATTRIBUTE, one) for one in each))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _write_batch(self, batch: Sequence[InlinkWrite]) -> None:
        statements = [self._inlink(write) for write in batch]
        if len(statements) == 1:
            await self._client.run(*statements[0])
        else:
            await self._client.run_batch(statements)

    def _inlink(self, write: InlinkWrite) -> tuple[str, tuple[Any, ...]]:
        place = (write.target_key, write.kind, _bucket(write.source_key), write.source_key)
        if write.cell:
            return self._write_inlink, (*place, write.cell, write.stamp_us)
        return self._remove_inlink, (write.stamp_us, *place)


async def _key_state(client: Client) -> KeyState:
    """The noted state. A non-empty store without a note is of version 1; a new store gets a note of our version."""
    rows = await client.run(_READ_KEY_VERSION)
    if rows:
        return KeyState(rows[0][0], rows[0][1] or b"")
    found = [await client.run(f"SELECT * FROM {{keyspace}}.{table} LIMIT 1") for table in _HOLDERS_OF_KEYS]  # noqa: S608 - tables of ours
    version = 1 if any(found) else KEY_VERSION
    await client.run(_WRITE_KEY_VERSION, (version, b""))
    return KeyState(version)


def _bucket(source_key: bytes) -> int:
    """The first four bits: buckets in order hold the sources in order."""
    return source_key[0] >> 4


def _batches(writes: Sequence[InlinkWrite]) -> Iterator[list[InlinkWrite]]:
    """Writes of one partition each, of at most `_BATCH_BYTES` in their cells unless one alone has more."""
    for _, partition in groupby(writes, lambda write: (write.target_key, write.kind, _bucket(write.source_key))):
        batch: list[InlinkWrite] = []
        size = 0
        for write in partition:
            size += len(write.cell) + 100
            if batch and size > _BATCH_BYTES:
                yield batch
                batch, size = [], len(write.cell) + 100
            batch.append(write)
        yield batch


def _stored(row: Row) -> StoredRow:
    key, url, page, redirects_to, outcome, linked, written_us = row
    return StoredRow(key, url, page or b"", redirects_to or "", outcome or b"", linked or b"", written_us // 1000)


def _cell(cell: bytes | None) -> Any:
    return UNSET_VALUE if cell is None else cell


def _alias(write: RowWrite) -> Any:
    """A null is a tombstone: above every value of the same timestamp."""
    return UNSET_VALUE if write.redirects_to is None else write.redirects_to or None


def _timestamp(write_ms: int) -> int:
    return write_ms * 1000  # Cassandra counts µs
