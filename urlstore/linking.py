"""Linking: passes over many pages at once, through the metadata backend. What a pass writes, inlinks.py decides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain

from urlstore.backends import InlinkWrite, LinkedWrite, MetadataBackend, StoredRow
from urlstore.inlinks import Pass, next_pass

_PAGES = 64  # at a time: bounds what lies in memory; more would share more of their targets
_WRITES = 2_000  # handed to the backend at a time


class Linking:
    """Brings the inlinks of pages' targets in line with the pages."""

    def __init__(self, metadata: MetadataBackend) -> None:
        self._metadata = metadata

    async def link(self, keys: Sequence[bytes]) -> int:
        """Link the pages of these URL keys; how many there was something to write for.

        Ends with every entry written and noted as done, whoever links the same pages meanwhile; stopped anywhere, it
        is repaired by a repeat. Raises `StoreTooNew` and what the backend raises.
        """
        linked = 0
        for start in range(0, len(keys), _PAGES):
            todo: Sequence[bytes] = keys[start : start + _PAGES]
            while todo:  # another turn only for a row that changed meanwhile: each takes a fetch
                passes = await self._begin(todo)
                rows = await self._metadata.read_rows([each.row.key for each in passes])
                held = [(each, each.holds(row)) for each, row in zip(passes, rows, strict=True)]
                await self._finish([each for each, holds in held if holds])
                todo = [each.row.key for each, holds in held if not holds]
                linked += len(passes) - len(todo)
        return linked

    async def _begin(self, keys: Sequence[bytes]) -> list[Pass]:
        """Decide on the passes that these rows need, and note what they will write."""
        rows = await self._metadata.read_rows(keys)
        # Unpacking and hashing the links of a page takes a millisecond or two: off the loop.
        passes = await asyncio.to_thread(_passes, rows)
        await self._metadata.write_linked([LinkedWrite(p.row.key, p.stamp_us, p.note) for p in passes])
        return passes

    async def _finish(self, passes: Sequence[Pass]) -> None:
        """Write the entries, those of one target side by side, and note that they are written."""
        writes = sorted(chain.from_iterable(each.writes for each in passes), key=_place)
        for start in range(0, len(writes), _WRITES):
            await self._metadata.write_inlinks(writes[start : start + _WRITES])
        await self._metadata.write_linked([LinkedWrite(p.row.key, p.stamp_us, p.done) for p in passes])


def _passes(rows: Iterable[StoredRow | None]) -> list[Pass]:
    return [each for row in rows if row is not None and (each := next_pass(row)) is not None]


def _place(write: InlinkWrite) -> tuple[bytes, bytes]:
    return write.target_key, write.source_key
