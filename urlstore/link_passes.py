"""Link passes over many pages at once, through the metadata backend. `inlinks` decides what a pass writes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from itertools import chain

from urlstore.backends import InlinkWrite, LinkedWrite, MetadataBackend, StoredRow
from urlstore.inlinks import MAX_TARGETS, Pass, next_pass

_PAGES = 64  # at a time; more would share more of their targets
_ENTRIES = 2 * MAX_TARGETS  # decided on at a time, plus at most one page's: bounds the memory
_WRITES = 2_000  # given to the backend at a time


class LinkPasses:
    """Makes the inlinks of pages' targets agree with the pages."""

    def __init__(self, metadata: MetadataBackend, entries: int = _ENTRIES) -> None:
        """`entries`: after this many, decided on at a time, no other page is read."""
        self._metadata = metadata
        self._entries = entries

    async def link(self, keys: Sequence[bytes], left: Collection[bytes] = ()) -> int:
        """Link the pages of these URL keys; returns the number of pages with writes. `left`: see `next_pass`.

        Ends with every entry written and noted as done, even if others link the same pages meanwhile; a stopped run
        is repaired by a repeat. Raises `StoreTooNew` and the backend's errors.
        """
        linked = 0
        for start in range(0, len(keys), _PAGES):
            todo: Sequence[bytes] = keys[start : start + _PAGES]
            while todo:  # again for a row that changed meanwhile, and for those after too many entries
                passes, rest = await self._begin(todo, left)
                rows = await self._metadata.read_rows([each.row.key for each in passes])
                held = [(each, each.holds(row)) for each, row in zip(passes, rows, strict=True)]
                await self._finish([each for each, holds in held if holds])
                todo = [*(each.row.key for each, holds in held if not holds), *rest]
                linked += sum(holds for _, holds in held)
        return linked

    async def _begin(self, keys: Sequence[bytes], left: Collection[bytes]) -> tuple[list[Pass], Sequence[bytes]]:
        """Decide on the passes that these rows need, and note their writes; returns the keys left for later."""
        rows = await self._metadata.read_rows(keys)
        # Unpacking and hashing the links of a page takes a millisecond or two: off the loop.
        passes, looked_at = await asyncio.to_thread(_passes, rows, self._entries, left)
        await self._metadata.write_linked([LinkedWrite(p.row.key, p.stamp_us, p.note) for p in passes])
        return passes, keys[looked_at:]

    async def _finish(self, passes: Sequence[Pass]) -> None:
        """Write the entries, those of one target together, and note that they are written."""
        writes = sorted(chain.from_iterable(each.writes for each in passes), key=_place)
        for start in range(0, len(writes), _WRITES):
            await self._metadata.write_inlinks(writes[start : start + _WRITES])
        await self._metadata.write_linked([LinkedWrite(p.row.key, p.stamp_us, p.done) for p in passes])


def _passes(rows: Sequence[StoredRow | None], enough: int, left: Collection[bytes]) -> tuple[list[Pass], int]:
    """The passes of the first rows, until they write enough; and the number of those rows."""
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
