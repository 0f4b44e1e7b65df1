"""Link passes over many pages at once, through the metadata backend. `inlinks` decides what a pass writes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from itertools import chain

from urlstore.backends import InlinkWrite, LinkedWrite, MetadataBackend, StoredRow
from urlstore.inlinks import MAX_TARGETS, Pass, next_pass

_PAGES = 64  # at a time; more would share more of their targets
_ENTRIES = 2 * MAX_TARGETS  # decided on at a time, and at most one page's more: bounds what lies in memory
_WRITES = 2_000  # handed to the backend at a time


class Linking:
    """Brings the inlinks of pages' targets in line with the pages."""

    def __init__(self, metadata: MetadataBackend, entries: int = _ENTRIES) -> None:
        """`entries`: after so many, decided on at a time, no other page is looked at."""
        self._metadata = metadata
        self._entries = entries

    async def link(self, keys: Sequence[bytes], left: Collection[bytes] = ()) -> int:
        """Link the pages of these URL keys; how many there was something to write for. `left`: see `next_pass`.

        Ends with every entry written and noted as done, whoever links the same pages meanwhile; stopped anywhere, it
        is repaired by a repeat. Raises `StoreTooNew` and what the backend raises.
        """
        linked = 0
        for start in range(0, len(keys), _PAGES):
            todo: Sequence[bytes] = keys[start : start + _PAGES]
            while todo:  # another turn for a row that changed meanwhile, and for those behind too many entries
                passes, rest = await self._begin(todo, left)
                rows = await self._metadata.read_rows([each.row.key for each in passes])
                held = [(each, each.holds(row)) for each, row in zip(passes, rows, strict=True)]
                await self._finish([each for each, holds in held if holds])
                todo = [*(each.row.key for each, holds in held if not holds), *rest]
                linked += sum(holds for _, holds in held)
        return linked

    async def _begin(self, keys: Sequence[bytes], left: Collection[bytes]) -> tuple[list[Pass], Sequence[bytes]]:
        """Decide on the passes that these rows need, and note what they will write; the keys left for another turn."""
        rows = await self._metadata.read_rows(keys)
        # Unpacking and hashing the links of a page takes a millisecond or two: off the loop.
        passes, looked_at = await asyncio.to_thread(_passes, rows, self._entries, left)
        await self._metadata.write_linked([LinkedWrite(p.row.key, p.stamp_us, p.note) for p in passes])
        return passes, keys[looked_at:]

    async def _finish(self, passes: Sequence[Pass]) -> None:
        """Write the entries, those of one target side by side, and note that they are written."""
        writes = sorted(chain.from_iterable(each.writes for each in passes), key=_place)
        for start in range(0, len(writes), _WRITES):
            await self._metadata.write_inlinks(writes[start : start + _WRITES])
        await self._metadata.write_linked([LinkedWrite(p.row.key, p.stamp_us, p.done) for p in passes])


def _passes(rows: Sequence[StoredRow | None], enough: int, left: Collection[bytes]) -> tuple[list[Pass], int]:
    """The passes of the first rows, until they write enough; and how many rows that are."""
    passes: list[Pass] = []
    entries = 0
    for at, row in enumerate(rows):
        if entries >= enough:
            return passes, at
        if row is not None and (each := next_pass(row, left)) is not None:
            passes.append(each)
            entries += len(each.writes)
    return passes, len(rows)


def _place(write: InlinkWrite) -> tuple[bytes, bytes]:
    return write.target_key, write.source_key
