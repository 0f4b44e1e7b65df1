"""Redirecting URLs: the aliases that a redirect chain makes, where they lead, the inlinks that they bring their target.

`aliases_of` and `walk` decide, and are pure; `AliasReader` and `InlinkUnion` read the rows for them from the metadata
backend.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.gen.urlstore.ttypes import ClaimVerdict, Inlink, InlinksResult, UrlRow
from thrift_idl.records import pack, replace
from urlstore.backends import InlinkKind, MetadataBackend, StoredInlink, StoredRow
from urlstore.bounds import MAX_ANSWER_BYTES
from urlstore.canonical_claims import claims_of, verdict
from urlstore.cells import decode_inlink
from urlstore.rows import told_row
from weburl import request_form, url_key

MAX_ALIASES = 10
"""The number of aliases that are followed: the same as redirects of a fetch."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A URL and the URL that it redirects to, both in request form."""

    key: bytes
    url: str
    target: str
    status: int
    """HTTP status of the redirect; 200 for a meta refresh."""


@dataclass(frozen=True, slots=True)
class AliasWalk:
    """The target of a URL."""

    row: StoredRow | None
    """The last row on the way; in a loop the requested URL's own."""
    followed: tuple[str, ...]
    """URLs of the followed aliases, the requested one first; in a loop all of it."""
    cycle: bool
    """The aliases form a loop or are more than `MAX_ALIASES`."""


def aliases_of(chain: Iterable[Hop], served: bytes | None) -> tuple[Alias, ...]:
    """The aliases that a chain makes; `served` is the key of the URL that answered in the end, which is none.

    A URL that the chain visits twice (it redirected until a cookie came back) leads to the target of its last visit. A
    hop from one spelling of a URL to another of the same key is no alias, nor is one to a URL other than http(s).
    """
    last: dict[bytes, Alias] = {}
    for hop in chain:
        alias = _alias(hop)
        if alias and alias.key != served:
            last.pop(alias.key, None)
            if url_key(alias.target) != alias.key:
                last[alias.key] = alias
    return tuple(last.values())


def _alias(hop: Hop) -> Alias | None:
    try:
        url = request_form(hop.url)
        return Alias(url_key(url), url, request_form(hop.target), hop.status)
    except InvalidUrl:
        return None


def walk(key: bytes) -> Generator[bytes, StoredRow | None, AliasWalk]:
    """Follow aliases from `key`: yields the key of each row that it needs, is sent the row, returns the end.

    The way ends at an alias whose target has no row yet.
    """
    asked = row = yield key
    followed: list[str] = []
    seen = {key}
    while row is not None and row.redirects_to:
        key = url_key(row.redirects_to)
        if key in seen or len(followed) == MAX_ALIASES:
            return AliasWalk(asked, (*followed, row.url), cycle=True)
        following = yield key
        if following is None:
            break
        seen.add(key)
        followed.append(row.url)
        row = following
    return AliasWalk(row, tuple(followed), cycle=False)


class AliasReader:
    """Reads the rows that decide where a URL leads and which claims hold. Raises as the backend and `told_row` do."""

    def __init__(self, metadata: MetadataBackend) -> None:
        self._metadata = metadata

    async def walk(self, key: bytes) -> AliasWalk:
        """The way from this URL key, at most ten aliases long."""
        steps = walk(key)
        wanted = next(steps)
        while True:
            row = await self._metadata.read_row(wanted)
            try:
                wanted = steps.send(row)
            except StopIteration as end:
                way: AliasWalk = end.value
                return way

    async def is_duplicate(self, row: UrlRow) -> bool:
        """True if the page's claim of another URL holds."""
        return any(claim.holds and claim.url != row.url for claim, _ in await self.judge(row))

    async def judge(self, row: UrlRow) -> list[tuple[ClaimVerdict, UrlRow | None]]:
        """Each claim of the page with its verdict, and the row it points at."""
        targets: dict[bytes, UrlRow | None] = {row.key: row}
        judged: list[tuple[ClaimVerdict, UrlRow | None]] = []
        for claim in claims_of(row.page) if row.page else ():
            key = url_key(claim.url)
            if key not in targets:
                way = await self.walk(key)
                targets[key] = told_row(way.row) if way.row else None
            judged.append((verdict(claim, row, targets[key]), targets[key]))
        return judged


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
