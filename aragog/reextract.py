"""Repeated extraction: today's extractor applied to the stored content. Nothing is fetched.

Rows are read in the store's order, in batches. After each batch its place and the report are written to a file, so
that a run that was killed continues there. A batch that is repeated writes nothing the second time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from aragog.record_changes import Change, ChangeReport, changes
from extraction import EXTRACTOR_VERSION
from fetcher.mediatype import content_type
from thrift_idl.errors import NotFound, StoreUnreadable, is_of_a_backend
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import ContentRequest, Page, PutRecordRequest, ScanRequest, UrlRow
from thrift_idl.records import replace
from urlstore.record_hash import record_hash
from urlstore.rows import is_damaged
from weburl import registrable_domain, split

Extract = Callable[[FetchResult, bool], Awaitable[PageRecord]]
FollowUp = Callable[[Sequence[Page]], Awaitable[None]]

BATCH = 64
_AT_ONCE = 4
_MAX_TOLD = 300
_OF_THE_FETCH = ("truncated", "bad_encoding", "early_close")
_TOO_MUCH = frozenset(("timed_out", "out_of_memory", "extractor_died", "extractor_failed"))

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReextractionScope:
    """The pages to read: of a registrable domain ("" = all), fetched at or after a time; True if it writes."""

    domain: str = ""
    since_ms: int = 0
    dry_run: bool = False

    def admits(self, row: UrlRow) -> bool:
        """True if a row holds such a page, under its own URL."""
        page = row.page
        return page is not None and not row.redirects_to and page.fetched_ms >= self.since_ms and self.names(row)

    def names(self, row: UrlRow) -> bool:
        """True if a row is of the domain."""
        return not self.domain or registrable_domain(split(row.url).host) == self.domain


@dataclass(slots=True)
class ReextractionProgress:
    """The progress of a run."""

    after: bytes = b""
    """The place in the store's order; empty before the start and at the end."""
    rows: int = 0
    report: ChangeReport = field(default_factory=ChangeReport)
    is_resumed: bool = False
    """True if the next batch may have been written without its jobs: the run before ended in it."""


class Cursor:
    """The progress of a run over one scope, in a file: it exists while such a run isn't finished."""

    def __init__(self, folder: Path, scope: ReextractionScope) -> None:
        named = orjson.dumps((EXTRACTOR_VERSION, asdict(scope)), option=orjson.OPT_SORT_KEYS)
        self._path = folder / f"reextract-{sha256(named).hexdigest()[:16]}.json"

    def load(self) -> ReextractionProgress:
        """The place where the last run stopped; a new start if there was none, or its file can't be read."""
        try:
            noted: dict[str, Any] = orjson.loads(self._path.read_bytes())
            after = bytes.fromhex(noted["after"])
            return ReextractionProgress(after, noted["rows"], ChangeReport(**noted["report"]), is_resumed=True)
        except (OSError, ValueError, KeyError, TypeError):
            return ReextractionProgress()

    def save(self, progress: ReextractionProgress) -> None:
        """Write the progress, completely or not at all."""
        noted = {"after": progress.after.hex(), "rows": progress.rows, "report": asdict(progress.report)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".part")
        beside.write_bytes(orjson.dumps(noted))
        beside.replace(self._path)

    def clear(self) -> None:
        """The run is finished."""
        self._path.unlink(missing_ok=True)


class Reextraction:
    """One run. `follow_up` gets pages whose record hash changed; `tell` gets the progress after every batch."""

    def __init__(
        self,
        store: UrlStore,
        extract: Extract,
        follow_up: FollowUp,
        scope: ReextractionScope,
        cursor: Cursor,
        context: Context,
    ) -> None:
        self._store = store
        self._extract = extract
        self._follow_up = follow_up
        self._scope = scope
        self._cursor = cursor
        self._context = context
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def run(self, tell: Callable[[ReextractionProgress], None] = lambda _: None) -> ChangeReport:
        """Continue where the last run of this scope stopped, to the end of the store."""
        progress = self._cursor.load()
        await asyncio.to_thread(self._cursor.save, progress)
        while True:
            found = await self._store.scan(ScanRequest(self._context, progress.after, BATCH))
            wanted = [row.page for row in found.rows if self._scope.admits(row) and row.page]
            for row in found.rows:
                if is_damaged(row) and self._scope.names(row):
                    progress.report.add_broken(row.url, "its row is damaged: fetch it again")
            changed = await asyncio.gather(*(self._reread_or_told(page, progress) for page in wanted))
            await self._follow_up([page for page in changed if page is not None])
            progress.after, progress.rows = found.continuation, progress.rows + len(found.rows)
            progress.is_resumed = False
            tell(progress)
            if not found.continuation:
                await asyncio.to_thread(self._cursor.clear)
                return progress.report
            await asyncio.to_thread(self._cursor.save, progress)

    async def _reread_or_told(self, page: Page, progress: ReextractionProgress) -> Page | None:
        """Read a page again. An unforeseen error concerns only that page: it is logged and counted."""
        try:
            return await self._reread(page, progress)
        except Exception as error:
            if is_of_a_backend(error):
                raise
            _log.exception("%s isn't read again", page.url)
            progress.report.add_broken(page.url, f"{type(error).__name__}: {error}"[:_MAX_TOLD])
            return None

    async def _reread(self, page: Page, progress: ReextractionProgress) -> Page | None:
        """Read a page again; returns the page if there is something to publish."""
        report = progress.report
        async with self._places:
            record = await self._record(page, report)
        if record is None:
            return None
        differing = changes(page.record, record)
        if not differing:
            report.unchanged += 1
            is_in_doubt = progress.is_resumed and page.record.extractor_version == EXTRACTOR_VERSION
            return page if is_in_doubt and not self._scope.dry_run else None
        return await self._put(page, record, differing, report)

    async def _put(self, page: Page, record: PageRecord, differing: list[Change], report: ChangeReport) -> Page | None:
        """Write the differences, unless it is a dry run; returns the page if there is something to publish."""
        if self._scope.dry_run:
            report.add(page.url, differing)
            report.to_publish += record_hash(record) != page.record_hash
            return None
        told = await self._store.put_record(PutRecordRequest(self._context, page.url, page.content_hash, record))
        if not told.written:
            report.moved_on += 1
            return None
        report.add(page.url, differing)
        report.to_publish += told.record_changed
        return told.page if told.record_changed else None

    async def _record(self, page: Page, report: ChangeReport) -> PageRecord | None:
        """The extractor's record of the stored content; None = nothing better than the stored one."""
        try:
            content = await self._store.get_content(ContentRequest(self._context, page.url))
        except (NotFound, StoreUnreadable):
            report.without_content += 1
            return None
        if content.content_hash != page.content_hash:
            report.moved_on += 1
            return None
        report.looked_at += 1
        record = await self._extract(fetched_as(page, content.content), bool(page.record.simhash))
        if _TOO_MUCH & set(record.flags) and not _TOO_MUCH & set(page.record.flags):
            report.failed += 1
            return None
        return replace(record, flags=_in_order(record.flags, page.record.flags))


def _in_order(flags: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    """Flags with the same members in the stored order: a change of order alone is no change."""
    kept = tuple(dict.fromkeys(flags))
    return tuple(before) if set(kept) == set(before) else kept


def fetched_as(page: Page, content: bytes) -> FetchResult:
    """A stored page as its fetch returned it: headers as kept, flags of the fetch."""
    types = [header.value for header in page.headers if header.name == "content-type"]
    flags = () if _TOO_MUCH & set(page.record.flags) else page.record.flags
    return FetchResult(
        url=page.url,
        status=page.status,
        headers=page.headers,
        content=content,
        chain=(),
        media_type=page.media_type,
        charset=content_type(types)[1],
        flags=tuple(flag for flag in flags if flag in _OF_THE_FETCH),
        began_ms=page.fetched_ms,
        latency_ms=page.latency_ms or 0.0,
    )
