"""The UrlStore: validates, lets the pure modules decide, acts through the two backends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from runtime.batching import LONGEST_REST_MS, Batching, each, in_thread
from runtime.clock import wall_ms
from thrift_idl.errors import InvalidRequest, NotFound, StoreUnreadable
from thrift_idl.gen.fetcher.ttypes import FetchResult, Hop
from thrift_idl.gen.page.ttypes import Link
from thrift_idl.gen.urlstore import ttypes
from thrift_idl.gen.urlstore.ttypes import Attribute, Page, PutPageResult, UrlRow
from thrift_idl.outcomes import redirected_outcome, unchanged_outcome
from thrift_idl.records import pack
from urlstore import bounds, cells, page_updates
from urlstore.aliases import Alias, AliasReader, InlinkUnion, aliases_of
from urlstore.backends import (
    AttributeWrite,
    ContentBackend,
    InlinkKind,
    InlinkWrite,
    MetadataBackend,
    RowWrite,
    StoredRow,
)
from urlstore.byte_budget import CONTENT_BYTES_AT_ONCE, ByteBudget
from urlstore.canonical_claims import canonical_url
from urlstore.due import look_ms
from urlstore.due_pages import DuePages
from urlstore.link_passes import LinkPasses
from urlstore.page_updates import Put, prepare
from urlstore.rows import current_page, told_row, url_row
from urlstore.telemetry import PagePut, SilentStoreTelemetry, StoreTelemetry, measured
from weburl import normalize, request_form, url_key

_SCAN_CHUNK = 50  # rows read from a backend at a time: bounds the memory


class UrlStoreService:
    """Implements the `UrlStore` Protocol. Owns its backends: `close` closes them.

    Any method may raise `InvalidUrl`, `InvalidRequest` (bounds.py has the limits) and `BackendDown` with its kinds.
    """

    def __init__(
        self,
        metadata: MetadataBackend,
        content: ContentBackend,
        *,
        clock_ms: Callable[[], int] = wall_ms,
        telemetry: StoreTelemetry | None = None,
    ) -> None:
        self._metadata = metadata
        self._content = content
        self._clock_ms = clock_ms
        self._telemetry = telemetry or SilentStoreTelemetry()
        self._prepare: Batching[Callable[[], Put], Put] = Batching(in_thread(each), longest_rest_ms=LONGEST_REST_MS)
        self._link_passes = LinkPasses(metadata)
        self._alias_reader = AliasReader(metadata)
        self._inlink_union = InlinkUnion(metadata)
        self._due_pages = DuePages(metadata, self._alias_reader.is_duplicate)
        self._content_budget = ByteBudget(CONTENT_BYTES_AT_ONCE)

    # --- writing ---

    @measured
    async def put_page(self, request: ttypes.PutPageRequest) -> PutPageResult:
        """Store a page: content, then the page's row, then the aliases that lead to it. A repeat ends the same.

        A put that is older than the row's last write changes no page; its answer is the row's. Raises
        `ContentTooLarge`.
        """
        fetched = request.fetched
        bounds.check_content(fetched.content)
        url = request_form(fetched.url)
        key = url_key(url)
        row = await self._metadata.read_row(key)
        write_ms = self._write_ms(fetched, request.previous_write_ms, row)
        current = current_page(row)
        # Hashing, packing and compressing take a third of a millisecond: off the loop.
        put = await self._prepare(partial(prepare, current, key, url, fetched, request.record, write_ms))
        blob = put.blob
        if put.row and put.page.content_key and not blob and not await self._has_content(put.page):
            blob = await asyncio.to_thread(cells.compress, fetched.content)
        if blob:
            await self._content.put(put.page.content_key, blob)
        if put.row:
            await self._metadata.write_row(put.row)
        await self._write_aliases(fetched.chain, key, min(write_ms, max(fetched.began_ms, self._clock_ms())))
        told = (put.content_changed, put.record_changed, len(fetched.content), len(blob))
        self._telemetry.page_put(PagePut(request.context.source, *told))
        return PutPageResult(put.page, put.content_changed, put.record_changed)

    @measured
    async def touch_page(self, request: ttypes.TouchPageRequest) -> Page:
        """Update last_seen of a page that answered 304. Raises `NotFound` if the page, or its content, is lost."""
        fetched = request.fetched
        url = request_form(fetched.url)
        key = url_key(url)
        row = await self._metadata.read_row(key)
        write_ms = self._write_ms(fetched, request.previous_write_ms, row)
        page = current_page(row)
        if page is None:
            raise NotFound(f"{url} has no stored page that a 304 could confirm: fetch it without validators", url=url)
        if not page_updates.superseded(page, write_ms, page.content_hash):
            if page.content_key and not await self._has_content(page):
                raise NotFound(f"the content of {url} is lost: fetch it without validators", url=url)
            page = page_updates.touched_page(page, fetched, write_ms)
            outcome = cells.encode_outcome(unchanged_outcome(fetched))
            write = RowWrite(key, url, write_ms, cells.encode_page(page), "", outcome, look_ms(page))
            await self._metadata.write_row(write)
        await self._write_aliases(fetched.chain, key, min(write_ms, max(fetched.began_ms, self._clock_ms())))
        return page

    @measured
    async def put_record(self, request: ttypes.PutRecordRequest) -> ttypes.PutRecordResult:
        """Another record of stored content: no new version, and no write for the same record. Raises `NotFound`."""
        url = request_form(request.url)
        key = url_key(url)
        current = current_page(await self._metadata.read_row(key))
        if current is None:
            raise NotFound(f"{url} has no stored page that could be read again: fetch it", url=url)
        same = current.content_hash == request.content_hash
        page = page_updates.reread_page(current, request.record) if same else current
        if page is not current:
            write = RowWrite(key, url, page.write_ms, page=cells.encode_page(page), due_ms=look_ms(page))
            await self._metadata.write_row(write)
        return ttypes.PutRecordResult(page, page is not current, page.record_hash != current.record_hash)

    @measured
    async def put_outcome(self, request: ttypes.PutOutcomeRequest) -> None:
        """Record the outcome of a visit that got no page. The stored page stays."""
        now_ms = self._clock_ms()
        bounds.check_time("began_ms", request.began_ms, now_ms)
        bounds.check_time("outcome.at_ms", request.outcome.at_ms, now_ms)
        bounds.check_chain(request.chain)
        bounds.check_outcome(request.outcome)
        url = request_form(request.url)
        key = url_key(url)
        alias = "" if request.answered else None
        outcome = cells.encode_outcome(request.outcome)
        row = await self._metadata.read_row(key)
        write_ms = page_updates.write_time_ms(request.began_ms, 0, row.written_ms if row else 0, now_ms)
        write = RowWrite(key, url, write_ms, redirects_to=alias, outcome=outcome)
        await self._metadata.write_row(write)
        await self._write_aliases(request.chain, key if request.answered else None, request.began_ms, write)

    @measured
    async def put_attributes(self, request: ttypes.PutAttributesRequest) -> None:
        """Write attributes of the URL itself, aliases not followed; for each the later write_ms stays."""
        key, now_ms = url_key(request.url), self._clock_ms()
        bounds.check_attributes(request.attributes, now_ms, await self._ahead(key, request.attributes, now_ms))
        await asyncio.gather(*(self._write_attribute(key, attribute) for attribute in request.attributes))

    @measured
    async def link_pages(self, request: ttypes.LinkPagesRequest) -> ttypes.LinkPagesResult:
        """Make the inlinks of pages' targets agree with the pages, each under its own URL. A repeat writes nothing."""
        bounds.check_urls(request.urls)
        keys = dict.fromkeys(url_key(url) for url in request.urls)
        return ttypes.LinkPagesResult(await self._link_passes.link(tuple(keys)))

    # --- reading ---

    @measured
    async def lookup(self, request: ttypes.LookupRequest) -> ttypes.LookupResult:
        """All data of a URL, at most ten aliases followed, its canonical claims judged."""
        normalized = normalize(request.url)
        key = url_key(normalized)
        way = await self._alias_reader.walk(key)
        row = url_row(way.row) if way.row else None
        judged = await self._alias_reader.judge(row) if row else []
        return ttypes.LookupResult(
            row=row,
            aliases=way.followed,
            cycle=way.cycle,
            canonical=canonical_url(row, judged) if row else request_form(request.url),
            claims=tuple(given for given, _ in judged),
            normalized=normalized,
            key=key,
        )

    @measured
    async def get_content(self, request: ttypes.ContentRequest) -> ttypes.Content:
        """The decoded content of the page at the end of the URL's aliases. Raises `NotFound` if none is kept."""
        page = await self._page_at(request.url)
        if not page.content_key:
            raise NotFound(f"{page.url} asks for noarchive: its content isn't kept", url=page.url)
        content = await self._content_of(page)
        return ttypes.Content(content, page.media_type, page.content_hash, page.version)

    @measured
    async def outlinks(self, request: ttypes.OutlinksRequest) -> tuple[Link, ...]:
        """The outlinks of the page at the end of the URL's aliases, in document order. Raises `NotFound`."""
        return (await self._page_at(request.url)).record.outlinks

    @measured
    async def inlinks(self, request: ttypes.InlinksRequest) -> ttypes.InlinksResult:
        """Links to the page at the end of the URL's aliases, to its own URL or an alias's; it needn't be fetched."""
        bounds.check_scan(request.continuation, request.limit)
        key = url_key(request.url)
        if not request.own:
            way = await self._alias_reader.walk(key)
            key = way.row.key if way.row else key
        return await self._inlink_union.read(key, request.continuation, request.limit, own=request.own)

    @measured
    async def get_attributes(self, request: ttypes.GetAttributesRequest) -> tuple[Attribute, ...]:
        """Attributes of the URL itself, by namespace and name."""
        if request.attribute_namespace:
            bounds.check_namespace(request.attribute_namespace)
        key = url_key(request.url)
        found = await self._metadata.read_attributes(key, request.attribute_namespace, bounds.MAX_READ_ATTRIBUTES)
        try:
            attributes = tuple(cells.decode_attribute(cell) for cell in found)
        except StoreUnreadable as error:
            raise StoreUnreadable(f"{request.url}: {error.message}", url=request.url) from error
        if sum(len(attribute.value) for attribute in attributes) > bounds.MAX_ANSWER_BYTES:
            raise InvalidRequest(f"more than {bounds.MAX_ANSWER_BYTES} bytes of attributes: ask for one namespace")
        return attributes

    @measured
    async def due(self, request: ttypes.DueRequest) -> ttypes.DueResult:
        """The pages to visit again until a time, by the index."""
        return await self._due_pages.due(request, self._clock_ms())

    @measured
    async def missing(self, request: ttypes.MissingRequest) -> tuple[bytes, ...]:
        """Those of the URLs that have neither a page nor a redirect here: their callers had lost them."""
        bounds.check_keys(request.keys)
        missing: list[bytes] = []
        for start in range(0, len(request.keys), _SCAN_CHUNK):
            keys = request.keys[start : start + _SCAN_CHUNK]
            rows = await self._metadata.read_rows(keys)
            there = [bool(row and (row.page or row.redirects_to)) for row in rows]
            missing += [key for key, is_there in zip(keys, there, strict=True) if not is_there]
        return tuple(missing)

    @measured
    async def scan(self, request: ttypes.ScanRequest) -> ttypes.ScanResult:
        """Every row once, in the backend's order; an answer ends at the limit or at `MAX_ANSWER_BYTES`.

        A damaged row is included without its page, and its outcome says so.
        """
        bounds.check_scan(request.continuation, request.limit)
        rows: list[UrlRow] = []
        size, after = 0, request.continuation
        while len(rows) < request.limit:
            chunk = await self._metadata.scan_rows(after, min(_SCAN_CHUNK, request.limit - len(rows)))
            for stored in chunk:
                row = told_row(stored)
                size += len(pack(row))
                if rows and size > bounds.MAX_ANSWER_BYTES:
                    return ttypes.ScanResult(tuple(rows), after)
                rows.append(row)
                after = row.key
            if not chunk:
                return ttypes.ScanResult(tuple(rows), b"")
        return ttypes.ScanResult(tuple(rows), after)

    async def close(self) -> None:
        """Close both backends."""
        await self._metadata.close()
        await self._content.close()

    # --- steps ---

    def _write_ms(self, fetched: FetchResult, previous_write_ms: int, row: StoredRow | None) -> int:
        now_ms, written_ms = self._clock_ms(), row.written_ms if row else 0
        bounds.check_time("fetched.began_ms", fetched.began_ms, now_ms)
        if not 0 <= previous_write_ms <= written_ms:  # otherwise the row has such a time already
            bounds.check_time("previous_write_ms", previous_write_ms, now_ms, least_ms=0)
        bounds.check_chain(fetched.chain)
        return page_updates.write_time_ms(fetched.began_ms, previous_write_ms, written_ms, now_ms)

    async def _ahead(self, key: bytes, attributes: Iterable[Attribute], now_ms: int) -> Mapping[tuple[str, str], int]:
        """Write times of stored attributes, by namespace and name, if one of `attributes` is far ahead of now."""
        ahead = {each.attribute_namespace for each in attributes if each.write_ms > now_ms + bounds.MAX_AHEAD_MS}
        found = [
            cells.decode_attribute(cell)
            for namespace in ahead
            for cell in await self._metadata.read_attributes(key, namespace, bounds.MAX_READ_ATTRIBUTES)
        ]
        return {(each.attribute_namespace, each.name): each.write_ms for each in found}

    async def _content_of(self, page: Page) -> bytes:
        """The decoded content that a row names. Raises `StoreUnreadable` if it is missing or damaged."""
        async with self._content_budget.hold(page.content_bytes):
            blob = await self._content.get(page.content_key)
            if blob is None:
                raise StoreUnreadable(f"the content of {page.url} is missing: fetch the page again", url=page.url)
            return await asyncio.to_thread(cells.content_of, blob, page)

    async def _has_content(self, page: Page) -> bool:
        """True if the content is complete at the row's place.

        Checked whenever a fetch confirms a page: then a deleted or damaged object is stored again.
        """
        try:
            await self._content_of(page)
        except StoreUnreadable:
            return False
        return True

    async def _write_aliases(
        self, chain: Iterable[Hop], served: bytes | None, write_ms: int, ended: RowWrite | None = None
    ) -> None:
        """Each hop becomes an alias, which is its outcome too; in a loop all share the outcome that `ended` it."""
        aliases = aliases_of(chain, served)
        if not aliases:
            return
        circle = ended.outcome if ended and any(alias.key == ended.key for alias in aliases) else None
        rows, now_ms = await self._metadata.read_rows([alias.key for alias in aliases]), self._clock_ms()
        times = [page_updates.write_time_ms(write_ms, 0, row.written_ms if row else 0, now_ms) for row in rows]
        # Inlinks find the aliases of a page by these records: they come first, so that no alias lacks one.
        await self._metadata.write_inlinks([_redirect(*each) for each in zip(aliases, times, strict=True)])
        writes = (
            RowWrite(
                alias.key,
                alias.url,
                time_ms,
                redirects_to=alias.target,
                outcome=circle or cells.encode_outcome(redirected_outcome(alias.status, write_ms)),
            )
            for alias, time_ms in zip(aliases, times, strict=True)
        )
        await asyncio.gather(*(self._metadata.write_row(write) for write in writes))

    async def _write_attribute(self, key: bytes, attribute: Attribute) -> None:
        cell = cells.encode_attribute(attribute)
        await self._metadata.write_attribute(
            AttributeWrite(key, attribute.attribute_namespace, attribute.name, attribute.write_ms, cell)
        )

    async def _page_at(self, url: str) -> Page:
        way = await self._alias_reader.walk(url_key(url))
        page = url_row(way.row).page if way.row else None
        if page is None:
            raise NotFound(f"no page is stored under {url[:200]}: fetch it first", url=url[:200])
        return page


def _redirect(alias: Alias, write_ms: int) -> InlinkWrite:
    return InlinkWrite(url_key(alias.target), InlinkKind.REDIRECT, alias.key, write_ms * 1_000, alias.url.encode())
