"""Rows moved to their URLs' present keys, with all data under the old keys: `aragog store rekey`.

A row names its URL, so the remaining work can be read from the store: each row that lies under another key than its
URL has today. Its cells are written under that key, each with its own write time, then its attributes, its inlinks and
its redirect; the row itself goes last. A run that stopped at any point is repeated, and ends the same. Packed cells
stay unchanged: a page keeps its content key. No other process writes meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from thrift_idl.errors import InvalidUrl
from urlstore.backends import AttributeWrite, InlinkKind, InlinkWrite, MetadataBackend, RowWrite, StoredRow
from urlstore.due import look_ms
from urlstore.inlinks import removals
from urlstore.link_passes import LinkPasses
from urlstore.rows import current_page
from weburl import url_key
from weburl.earlier_key_versions import earlier_keys

_AT_ONCE = 256
_ATTRIBUTES = 500  # of one URL, moved at a time
_MOST_KNOWN = 100_000


@dataclass(frozen=True, slots=True)
class Renamed:
    """A URL, its old key, and its present one."""

    url: str
    old: bytes
    new: bytes


@dataclass(frozen=True, slots=True)
class RowPlan:
    """The parts of a row under keys of the version before."""

    row: StoredRow
    key: bytes
    """The key of its URL today; the row's own if its text is no URL any more."""
    named: tuple[Renamed, ...]
    """The other URLs that it names (links, images, redirect target) whose keys have changed."""

    @property
    def is_misplaced(self) -> bool:
        """True if the row itself must be moved."""
        return self.key != self.row.key


@dataclass(frozen=True, slots=True)
class Converted:
    """The result for some rows."""

    moved: tuple[Renamed, ...]
    """Rows that were moved."""
    named: tuple[Renamed, ...]
    """URLs that these rows name, that have other keys now, and no rows."""
    relinked: int
    """Pages whose inlinks were moved to other keys."""
    attributes: int
    """Attributes that were moved, of rows and of URLs without one."""


Owns = Callable[[Renamed, Sequence[AttributeWrite]], bool]
"""Decides if attributes under a URL's old key belong to that URL: that key may have been another's, too."""


def plan(row: StoredRow, version: int) -> RowPlan:
    """The work for a row whose keys are of `version`. Pure. Raises `StoreTooNew`."""
    page = current_page(row)
    named = [row.redirects_to] if row.redirects_to else []
    if page is not None:
        named += [link.url for link in page.record.outlinks]
        named += [image.url for image in page.record.images]
    return RowPlan(row, _key_of(row), tuple(renamed(dict.fromkeys(named), version)))


def renamed(urls: Iterable[str], version: int) -> Iterable[Renamed]:
    """The URLs whose present key differs from that of `version`. Pure."""
    for url in urls:
        try:
            key = url_key(url)
        except InvalidUrl:
            continue
        yield from (Renamed(url, old, key) for old in earlier_keys(url, version) if old != key)


class Rekeying:
    """Converts rows of a metadata backend whose keys are of `version`. Raises the backend's errors."""

    def __init__(self, metadata: MetadataBackend, version: int, owns: Owns, clock_ms: Callable[[], int]) -> None:
        self._metadata = metadata
        self._version = version
        self._owns = owns
        self._clock_ms = clock_ms
        self._link_passes = LinkPasses(metadata)
        self._known: set[Renamed] = set()
        self._attributes = 0

    async def plans(self, rows: Sequence[StoredRow]) -> list[RowPlan]:
        """The work for each of the rows. Unpacking their pages takes time: off the loop."""
        return await asyncio.to_thread(lambda: [plan(row, self._version) for row in rows])

    async def convert(self, plans: Sequence[RowPlan]) -> Converted:
        """Do it; parts that were done before stay unchanged."""
        self._attributes = 0
        moved = await self._move_all([each for each in plans if each.is_misplaced])
        staying = [each for each in plans if not each.is_misplaced and each.named]
        linked = [each.row.key for each in staying if each.row.linked]
        relinked = await self._link_passes.link(linked, {url.old for each in staying for url in each.named})
        await self._metadata.write_inlinks(
            [write for each in staying for write in _redirect(each.row, each.row.key, self._version)]
        )
        named = await self.without_rows(plans)
        for start in range(0, len(named), _AT_ONCE):
            some = named[start : start + _AT_ONCE]
            await asyncio.gather(*(self._move_attributes(each, self._owns) for each in some))
        return Converted(moved, named, relinked, self._attributes)

    # --- rows ---

    async def _move_all(self, plans: Sequence[RowPlan]) -> tuple[Renamed, ...]:
        """Move those whose new keys are free at once, the others one after another."""
        wanted = Counter(each.key for each in plans)
        there = await self._metadata.read_rows(tuple(wanted)) if wanted else ()
        taken = {row.key for row in there if row is not None} | {each.row.key for each in plans}
        is_free = {key for key, times in wanted.items() if times == 1} - taken
        await asyncio.gather(*(self._move(each.row) for each in plans if each.key in is_free))
        for each in plans:
            row = None if each.key in is_free else await self._metadata.read_row(each.row.key)
            if row is not None:
                await self._move(row)
        return tuple(Renamed(each.row.url, each.row.key, each.key) for each in plans)

    async def _move(self, row: StoredRow) -> None:
        key = _key_of(row)
        if key == row.key:  # another one took its place meanwhile
            return
        there = await self._metadata.read_row(key)
        if there is not None and _key_of(there) != key:
            await self._move(there)
        await self._write_cells(row, key)
        await self._move_attributes(Renamed(row.url, row.key, key))
        if row.linked:
            await self._link_passes.link((key,))
        await self._metadata.write_inlinks((*removals(row), *_redirect(row, key, self._version)))
        await self._metadata.remove_row(row.key)

    async def _write_cells(self, row: StoredRow, key: bytes) -> None:
        """Write the row's cells under its new key: if there is a row, the later write of each cell stays."""
        writes = [_under(key, write) for write in await self._metadata.read_writes(row.key)]
        for write in writes:
            await self._metadata.write_row(write)
        written = await self._metadata.read_row(key)
        # If a row has just left this key, earlier writes to it may be gone with it (Cassandra).
        for write in writes:
            if not _is_there(write, written):
                await self._metadata.write_row(replace(write, write_ms=self._clock_ms()))

    # --- data beside rows ---

    async def without_rows(self, plans: Iterable[RowPlan]) -> tuple[Renamed, ...]:
        """URLs that these rows name and whose old keys have no row: otherwise the data there would be that row's.

        URLs that many rows name are mostly returned once.
        """
        named = {each: None for one in plans for each in one.named}
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        fresh = [each for each in named if each not in self._known]
        self._known.update(fresh)
        found: list[Renamed] = []
        for start in range(0, len(fresh), _AT_ONCE):
            some = fresh[start : start + _AT_ONCE]
            rows = await self._metadata.read_rows([each.old for each in some])
            found += [each for each, row in zip(some, rows, strict=True) if row is None]
        return tuple(found)

    async def _move_attributes(self, url: Renamed, owns: Owns = lambda *_: True) -> None:
        while old := await self._metadata.read_attribute_writes(url.old, _ATTRIBUTES):
            if not owns(url, old):
                return
            await asyncio.gather(*(self._metadata.write_attribute(replace(each, key=url.new)) for each in old))
            await self._metadata.remove_attributes(old)
            self._attributes += len(old)


def _key_of(row: StoredRow) -> bytes:
    try:
        return url_key(row.url)
    except InvalidUrl:  # it had a key once: its data stay in place
        return row.key


def _under(key: bytes, write: RowWrite) -> RowWrite:
    """The write under another key; its page is read when it is due, or a little before."""
    page = current_page(StoredRow(key, write.url, write.page or b""))
    return replace(write, key=key, due_ms=look_ms(page) if page else 0)


def _is_there(write: RowWrite, row: StoredRow | None) -> bool:
    """True if the row has these writes, or later ones."""
    if row is None:
        return False
    return bool((row.page or not write.page) and (row.outcome or not write.outcome))


def _redirect(row: StoredRow, key: bytes, version: int) -> list[InlinkWrite]:
    """The record of an alias under its target: moved from both old keys to both present ones."""
    if not row.redirects_to:
        return []
    stamp_us, url = row.written_ms * 1_000, row.url.encode()
    try:
        place = (url_key(row.redirects_to), key)
    except InvalidUrl:
        return []
    before = [old for target in earlier_keys(row.redirects_to, version) if (old := (target, row.key)) != place]
    gone = [InlinkWrite(target, InlinkKind.REDIRECT, source, stamp_us, b"") for target, source in before]
    return [InlinkWrite(place[0], InlinkKind.REDIRECT, place[1], stamp_us, url), *gone]
