"""The search for due pages: found by the backend's index, decided by their rows, and the index corrected on the way.

An entry of the index gives the time to look at a row, never later than its page is due. Events that move a page's time
further away (an outcome, a claim that holds) leave the entry; a reader that finds it too early files it again.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable

from thrift_idl.errors import BackendDown, StoreUnreadable
from thrift_idl.gen.urlstore.ttypes import DuePage, DueRequest, DueResult, UrlRow
from urlstore.backends import DueEntry, MetadataBackend, StoredRow
from urlstore.bounds import check_due
from urlstore.due import ALIAS_MS, next_visit_ms
from urlstore.rows import url_row
from weburl import key_hex

_log = logging.getLogger(__name__)

_AT_ONCE = 64  # rows read at a time: bounds the memory
_PLACE = struct.Struct("!q16s")
_START = DueEntry(0, b"")

IsDuplicate = Callable[[UrlRow], Awaitable[bool]]
"""Decides if the page's claim of another URL holds."""


class DuePages:
    """Answers `due` over a metadata backend."""

    def __init__(self, metadata: MetadataBackend, is_duplicate: IsDuplicate) -> None:
        self._metadata = metadata
        self._is_duplicate = is_duplicate

    async def due(self, request: DueRequest, now_ms: int) -> DueResult:
        """Pages due until `until_ms`, in the order of the index; each entry with a wrong time is filed again."""
        check_due(request.continuation, request.limit)
        after = DueEntry(*_PLACE.unpack(request.continuation)) if request.continuation else _START
        pages: list[DuePage] = []
        # A bounded number of entries an answer: many of them may no longer be due.
        for _ in range(max(1, request.limit // _AT_ONCE)):
            entries = await self._metadata.read_due(request.until_ms, after, _AT_ONCE)
            looked = await asyncio.gather(*(self._look(entry, request.until_ms, now_ms) for entry in entries))
            pages += [page for page in looked if page is not None]
            if len(entries) < _AT_ONCE:
                return DueResult(tuple(pages), b"", await self._metadata.next_due_ms(request.until_ms + 1))
            after = entries[-1]
        return DueResult(tuple(pages), _PLACE.pack(after.due_ms, after.key))

    async def _look(self, entry: DueEntry, until_ms: int, now_ms: int) -> DuePage | None:
        """The page, if it is due; otherwise the entry is moved to its due time.

        An error on one page ends no round: the page counts as due, and its visit reports the error.
        """
        stored = await self._metadata.read_row(entry.key)
        try:
            return await self._judged(entry, stored, until_ms, now_ms)
        except StoreUnreadable as error:
            if stored is None or error.details.get("url") != stored.url:  # another row is damaged
                raise
            return DuePage(stored.url, entry.due_ms)
        except BackendDown:
            raise
        except Exception:
            _log.exception("when %s is due can't be told", stored.url if stored else key_hex(entry.key))
            return DuePage(stored.url, entry.due_ms) if stored else None

    async def _judged(self, entry: DueEntry, stored: StoredRow | None, until_ms: int, now_ms: int) -> DuePage | None:
        row = url_row(stored) if stored else None
        due_ms = await self._due_ms(row) if row else None
        if row is not None and due_ms is not None and due_ms <= until_ms:
            return DuePage(row.url, due_ms)
        if due_ms is None and row is not None and row.page is not None and row.redirects_to:
            due_ms = now_ms + ALIAS_MS  # it may serve its page again, and no put would report that
        await self._metadata.move_due(entry, due_ms)
        return None

    async def _due_ms(self, row: UrlRow) -> int | None:
        due_ms = next_visit_ms(row)
        if due_ms is None or row.page is None or row.page.record.canonical in ("", row.page.url):
            return due_ms
        return next_visit_ms(row, duplicate=True) if await self._is_duplicate(row) else due_ms
