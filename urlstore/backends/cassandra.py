"""Rows and attributes in Cassandra: one partition a URL, the write time of a cell as its timestamp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from cassandra.metadata import Murmur3Token
from cassandra.query import UNSET_VALUE

from drivers.cassandra import Client, Row, open_client
from drivers.cassandra_schema import migrate
from drivers.migrations import load
from urlstore.backends import AttributeWrite, RowWrite, StoredRow
from urlstore.statements import statement

_READ_ROW = "SELECT key, url, page, redirects_to, outcome FROM {keyspace}.url_row WHERE key = ?"
_READ_ATTRIBUTES = "SELECT cell FROM {keyspace}.attribute WHERE key = ? LIMIT ?"
_READ_NAMESPACE = "SELECT cell FROM {keyspace}.attribute WHERE key = ? AND attribute_namespace = ? LIMIT ?"
_FIRST_TOKEN = -(2**63)


class CassandraMetadata:
    """`MetadataBackend` over Cassandra; scans go by the token of the key, then by the key.

    A write is one mutation of one partition: all its cells or none. No light-weight transactions.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._write_row = statement("write_row.cql")
        self._write_attribute = statement("write_attribute.cql")
        self._scan_rows = statement("scan_rows.cql")

    @classmethod
    async def open(cls, url: str, *, request_timeout_ms: int = 5_000) -> Self:
        """The store in the keyspace that `url` (`cassandra://host:port/keyspace`) names, made or migrated where needed.

        Raises `BadConfiguration`, `StoreTooNew`, `BackendDown`.
        """
        client = await open_client(url, request_timeout_ms=request_timeout_ms)
        try:
            await migrate(client, load("urlstore", "urlstore.migrations", "cql"))
        except BaseException:
            await client.close()
            raise
        return cls(client)

    async def read_row(self, key: bytes) -> StoredRow | None:
        """The row of one partition."""
        rows = await self._client.run(_READ_ROW, (key,))
        return _stored(rows[0]) if rows else None

    async def write_row(self, write: RowWrite) -> None:
        """One insert, its cells stamped with the write time."""
        await self._client.run(
            self._write_row,
            (write.key, write.url, _cell(write.page), _alias(write), _cell(write.outcome), _timestamp(write.write_ms)),
        )

    async def scan_rows(self, after: bytes, limit: int) -> Sequence[StoredRow]:
        """Rows in the order of tokens; those that share one, in the order of keys."""
        last = (Murmur3Token.from_key(after).value, after) if after else (_FIRST_TOKEN, b"")
        # The row `after` itself comes again; hostile pages could make a few keys of one token, hence the margin.
        rows = await self._client.run(self._scan_rows, (last[0], limit + 8))
        return [_stored(row[1:]) for row in rows if (row[0], row[1]) > last][:limit]

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

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


def _stored(row: Row) -> StoredRow:
    key, url, page, redirects_to, outcome = row
    return StoredRow(key, url, page or b"", redirects_to or "", outcome or b"")


def _cell(cell: bytes | None) -> Any:
    return UNSET_VALUE if cell is None else cell


def _alias(write: RowWrite) -> Any:
    """A null is a tombstone: above every value of the same timestamp."""
    return UNSET_VALUE if write.redirects_to is None else write.redirects_to or None


def _timestamp(write_ms: int) -> int:
    return write_ms * 1000  # Cassandra counts µs
