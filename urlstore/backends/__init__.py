"""Backends for rows and content: two small seams.

Rows are cells with write times. For every cell the later write stays, in any order of arrival; of two writes in
the same millisecond the greater stays: bytes compared from the left, a removed alias above every alias. Every backend
keeps this rule, so that all of them end with the same cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredRow:
    """The cells of one URL; empty = never written, or removed."""

    key: bytes
    url: str
    page: bytes = b""
    redirects_to: str = ""
    outcome: bytes = b""
    linked: bytes = b""
    written_ms: int = field(default=0, compare=False)
    """The latest write time of any `RowWrite`: no cell, so it makes no row differ."""


@dataclass(frozen=True, slots=True)
class RowWrite:
    """Cells of one URL to be written together, all or none; None leaves a cell as it is."""

    key: bytes
    url: str
    write_ms: int
    page: bytes | None = None
    redirects_to: str | None = None
    """"" removes the alias."""
    outcome: bytes | None = None
    due_ms: int = 0
    """With a page: the time to look at its row again, ms since 1970. It belongs to the page; 0 = not at all."""


@dataclass(frozen=True, order=True, slots=True)
class DueEntry:
    """The time to look at a row again."""

    due_ms: int
    key: bytes


@dataclass(frozen=True, slots=True)
class AttributeWrite:
    """One attribute of one URL, packed in one cell."""

    key: bytes
    attribute_namespace: str
    name: str
    write_ms: int
    cell: bytes


@dataclass(frozen=True, slots=True)
class LinkedWrite:
    """The `linked` cell of one row, and its stamp: write time, µs since 1970."""

    key: bytes
    stamp_us: int
    cell: bytes


class InlinkKind(IntEnum):
    """The way a URL points at another. Stored: numbers stay."""

    LINK = 0
    """The cell holds an `Inlink`."""
    REDIRECT = 1
    """The source is an alias, by its own row; the cell holds its URL."""


@dataclass(frozen=True, slots=True)
class InlinkWrite:
    """The link from a source to a target, as one cell; an empty cell removes it."""

    target_key: bytes
    kind: InlinkKind
    source_key: bytes
    stamp_us: int
    """Write time, µs since 1970: of one stamp a removal stays, otherwise the greater cell."""
    cell: bytes


@dataclass(frozen=True, slots=True)
class StoredInlink:
    """A source that points at a target."""

    source_key: bytes
    cell: bytes


@dataclass(frozen=True, slots=True)
class KeyState:
    """The version of a store's URL keys."""

    version: int
    after: bytes = b""
    """The progress of a conversion to a later version, in the form of `scan_rows`."""


class MetadataBackend(Protocol):
    """Rows, attributes and inlinks by URL key. Raises only `BackendDown` and its kinds."""

    async def read_row(self, key: bytes) -> StoredRow | None:
        """The row, or None if nothing was ever written."""
        ...

    async def read_rows(self, keys: Sequence[bytes]) -> Sequence[StoredRow | None]:
        """`read_row` of at most some hundred keys, in their order; each row as it was at some moment of the call."""
        ...

    async def write_row(self, write: RowWrite) -> None:
        """Write the cells atomically, each by the rule of its write time; durable on return."""
        ...

    async def scan_rows(self, after: bytes, limit: int) -> Sequence[StoredRow]:
        """At most `limit` rows after the key `after` (empty = from the start), in the backend's own fixed order."""
        ...

    async def read_due(self, until_ms: int, after: DueEntry, limit: int) -> Sequence[DueEntry]:
        """At most `limit` entries after `after`, up to `until_ms`, in order; fewer = there are no more.

        A row may have several, and some that its later writes have left.
        """
        ...

    async def move_due(self, entry: DueEntry, due_ms: int | None) -> None:
        """File an entry under another time, or not at all (None). An entry that no longer exists stays removed."""
        ...

    async def next_due_ms(self, after_ms: int) -> int | None:
        """Not later than the first entry at or after `after_ms`; None = there is none."""
        ...

    async def write_attribute(self, write: AttributeWrite) -> None:
        """Write one attribute by the rule of its write time; durable on return."""
        ...

    async def read_attributes(self, key: bytes, attribute_namespace: str, limit: int) -> Sequence[bytes]:
        """Cells of at most `limit` attributes, by namespace and name; an empty namespace means all."""
        ...

    async def write_linked(self, writes: Sequence[LinkedWrite]) -> None:
        """Write `linked` cells, each by the rule of its stamp, nothing else of the rows; durable on return."""
        ...

    async def write_inlinks(self, writes: Sequence[InlinkWrite]) -> None:
        """Write inlinks, each by the rule of its stamp, in any order and not together; durable on return.

        Adjacent ones (one target, sources in order) are written at once.
        """
        ...

    async def read_inlinks(
        self, target_key: bytes, kind: InlinkKind, after: bytes, limit: int
    ) -> Sequence[StoredInlink]:
        """At most `limit` sources after the key `after` (empty = from the start), in the order of their keys."""
        ...

    # The following is for the conversion of keys: no other process writes meanwhile.

    async def key_state(self) -> KeyState:
        """The version of the URL keys: this Aragog's, unless the store was opened to be converted."""
        ...

    async def write_key_state(self, state: KeyState) -> None:
        """Record the progress of a conversion, or its end; durable on return."""
        ...

    async def read_writes(self, key: bytes) -> Sequence[RowWrite]:
        """A row as the writes that would make it again, each cell with its own write time; without `due_ms`."""
        ...

    async def remove_row(self, key: bytes) -> None:
        """Forget a row, its link note too. Writes later than its last one can make it again."""
        ...

    async def read_attribute_writes(self, key: bytes, limit: int) -> Sequence[AttributeWrite]:
        """At most `limit` attributes of a URL as the writes that would make them again."""
        ...

    async def remove_attributes(self, writes: Sequence[AttributeWrite]) -> None:
        """Forget attributes, except those written later."""
        ...

    async def close(self) -> None:
        """Finish running work and release connections."""
        ...


class ContentBackend(Protocol):
    """Compressed content by content key, `URL key / content hash` in hex (see `pages.content_key`). An object never
    changes.

    Raises only `BackendDown` and its kinds.
    """

    async def put(self, content_key: str, blob: bytes) -> None:
        """Store an object, whole or not at all; durable on return. Repeating it changes nothing."""
        ...

    async def get(self, content_key: str) -> bytes | None:
        """The object, or None."""
        ...

    async def close(self) -> None:
        """Release threads and connections."""
        ...
