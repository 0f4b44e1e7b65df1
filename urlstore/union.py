"""The inlinks of a page, united with those of the URLs that redirect to it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.urlstore.ttypes import Inlink, InlinksResult
from thrift_idl.records import pack, replace
from urlstore.aliases import MAX_ALIASES
from urlstore.backends import InlinkKind, MetadataBackend, StoredInlink, StoredRow
from urlstore.bounds import MAX_ANSWER_BYTES
from urlstore.cells import decode_inlink
from weburl import url_key

MAX_UNITED = 32
"""Aliases whose inlinks are united; if there are more, those nearest to the page, then those of the least URL keys."""

_RECORDS = 128  # of redirects, read of one URL: some may be outdated
_CHUNK = 100  # inlinks read of one URL at a time


class InlinkUnion:
    """Reads inlinks in the order of the sources' URL keys, each source once, through the metadata backend."""

    def __init__(self, metadata: MetadataBackend) -> None:
        self._metadata = metadata

    async def read(self, key: bytes, after: bytes, limit: int, *, own: bool) -> InlinksResult:
        """Those after the source key `after`; `own`: not of an alias. An answer ends at the limit or at its size."""
        targets = {key: ""} | ({} if own else await self.aliases(key))
        inlinks: list[Inlink] = []
        size = 0
        async for source_key, inlink in self._merged(targets, after):
            if source_key != key:  # a page that links to its own alias links to itself
                size += len(pack(inlink))
                if inlinks and size > MAX_ANSWER_BYTES:
                    return InlinksResult(tuple(inlinks), after)
                inlinks.append(inlink)
            after = source_key
            if len(inlinks) == limit:
                return InlinksResult(tuple(inlinks), after)
        return InlinksResult(tuple(inlinks), b"")

    async def aliases(self, key: bytes) -> dict[bytes, str]:
        """Aliases that lead to the URL now, by their keys, up to the number of redirects that look-ups follow."""
        found: dict[bytes, str] = {}
        level = [key]
        for _ in range(MAX_ALIASES):
            rows = await self._redirecting(level)
            fresh = [row for row in rows if row.key != key and row.key not in found]
            fresh = fresh[: MAX_UNITED - len(found)]
            found |= {row.key: row.url for row in fresh}
            level = [row.key for row in fresh]
            if not level:
                break
        return found

    async def _redirecting(self, targets: Sequence[bytes]) -> list[StoredRow]:
        """Rows that redirect to one of these: the records name them, their own rows decide."""
        reads = (self._metadata.read_inlinks(target, InlinkKind.REDIRECT, b"", _RECORDS) for target in targets)
        records = [record for found in await asyncio.gather(*reads) for record in found]
        keys = sorted({record.source_key for record in records})[:_RECORDS]
        rows = await self._metadata.read_rows(keys)
        return [row for row in rows if row is not None and _target(row) in targets]

    async def _merged(self, targets: Mapping[bytes, str], after: bytes) -> AsyncIterator[tuple[bytes, Inlink]]:
        """Inlinks of all these, by source; of one source the first in the order of `targets`."""
        done = False
        while not done:
            reads = (self._metadata.read_inlinks(target, InlinkKind.LINK, after, _CHUNK) for target in targets)
            chunks = await asyncio.gather(*reads)
            # After the end of a full chunk its target may have more.
            ends = [chunk[-1].source_key for chunk in chunks if len(chunk) == _CHUNK]
            done = not ends
            for via, stored in _in_order(zip(targets.values(), chunks, strict=True)):
                if stored.source_key > after and (done or stored.source_key <= min(ends)):
                    after = stored.source_key
                    yield after, replace(decode_inlink(stored.cell), via=via)


def _in_order(
    chunks: Iterable[tuple[str, Sequence[StoredInlink]]],
) -> Iterator[tuple[str, StoredInlink]]:
    named = ([(via, stored) for stored in chunk] for via, chunk in chunks)
    return heapq.merge(*named, key=lambda each: each[1].source_key)


def _target(row: StoredRow) -> bytes | None:
    try:
        return url_key(row.redirects_to) if row.redirects_to else None
    except InvalidUrl:
        return None
