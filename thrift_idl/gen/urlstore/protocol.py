"""Generated from urlstore.thrift by `make idl`: do not edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import Protocol

import thrift_idl.gen.urlstore.ttypes as ttypes
import thrift_idl.gen.context.ttypes as context_ttypes
import thrift_idl.gen.fetcher.ttypes as fetcher_ttypes
import thrift_idl.gen.page.ttypes as page_ttypes


class UrlStore(Protocol):
    """STORE: content, metadata, links, aliases, outcomes and attributes of every URL."""

    async def put_page(self, request: ttypes.PutPageRequest) -> ttypes.PutPageResult:
        """Store a page: content first, the row that points at it last. Repeated, it ends the same."""
        ...

    async def touch_page(self, request: ttypes.TouchPageRequest) -> ttypes.Page:
        """Move last_seen of a page that answered 304; NotFound where the page, or its content, is lost."""
        ...

    async def put_record(self, request: ttypes.PutRecordRequest) -> ttypes.PutRecordResult:
        """Another record of the same page version; NotFound where there is no page. Repeated, it ends the same."""
        ...

    async def put_outcome(self, request: ttypes.PutOutcomeRequest) -> None:
        """Record how a visit ended that brought no page. The stored page stays."""
        ...

    async def lookup(self, request: ttypes.LookupRequest) -> ttypes.LookupResult:
        """What is known of a URL, at most ten aliases followed."""
        ...

    async def get_content(self, request: ttypes.ContentRequest) -> ttypes.Content:
        """The decoded content of the current version; NotFound where none is kept."""
        ...

    async def outlinks(self, request: ttypes.OutlinksRequest) -> tuple[page_ttypes.Link, ...]:
        """The outlinks of the current version, in document order."""
        ...

    async def link_pages(self, request: ttypes.LinkPagesRequest) -> ttypes.LinkPagesResult:
        """Bring the inlinks of the pages' targets in line with the pages' current outlinks. Repeated, it ends the same."""
        ...

    async def inlinks(self, request: ttypes.InlinksRequest) -> ttypes.InlinksResult:
        """Who links to the page that the URL leads to, by its own URL or by an alias's, page by page."""
        ...

    async def put_attributes(self, request: ttypes.PutAttributesRequest) -> None:
        """put_attributes of the IDL."""
        ...

    async def get_attributes(self, request: ttypes.GetAttributesRequest) -> tuple[ttypes.Attribute, ...]:
        """get_attributes of the IDL."""
        ...

    async def due(self, request: ttypes.DueRequest) -> ttypes.DueResult:
        """The pages to visit again until a time, as far as their rows say so, found by an index; no row is scanned."""
        ...

    async def missing(self, request: ttypes.MissingRequest) -> tuple[bytes, ...]:
        """Which of the URLs have neither a page nor a redirect here."""
        ...

    async def scan(self, request: ttypes.ScanRequest) -> ttypes.ScanResult:
        """Every row, page by page."""
        ...
