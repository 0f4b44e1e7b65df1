"""Requests of the UrlStore as tests write them, with the defaults that don't matter to them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchResult, Header, Hop
from thrift_idl.gen.page.ttypes import Link, PageRecord
from thrift_idl.gen.urlstore import ttypes

T0 = 1_790_000_000_000
"""The time at which these tests happen."""

CONTEXT = Context(source="tests")


def record(title: str = "A title", text: str = "Some text", links: Sequence[str] = (), **fields: Any) -> PageRecord:
    outlinks = tuple(Link(url=url, rel=(), text=f"to {url}", nofollow=False) for url in links)
    text_hash = sha256(text.encode()).digest()
    return PageRecord(extractor_version=1, title=title, text_hash=text_hash, outlinks=outlinks, **fields)


def fetched(url: str, content: bytes = b"<p>Some text</p>", *, at: int = 0, **fields: Any) -> FetchResult:
    values: dict[str, Any] = {
        "status": 200,
        "headers": headers(("Content-Type", "text/html")),
        "chain": (),
        "media_type": "text/html",
        "latency_ms": 12.5,
    }
    return FetchResult(url=url, content=content, began_ms=T0 + at, **(values | fields))


def headers(*pairs: tuple[str, str]) -> tuple[Header, ...]:
    return tuple(Header(name=name, value=value) for name, value in pairs)


def chain(*urls: str) -> tuple[Hop, ...]:
    """The hops along these URLs, the last one being where they end."""
    return tuple(Hop(url=url, status=301, target=target) for url, target in pairwise(urls))


def put(
    url: str, content: bytes = b"<p>Some text</p>", *, page: PageRecord | None = None, previous: int = 0, **fields: Any
) -> ttypes.PutPageRequest:
    return ttypes.PutPageRequest(
        context=CONTEXT,
        fetched=fetched(url, content, **fields),
        record=page or record(),
        previous_write_ms=previous,
    )


def touch(url: str, *, at: int, previous: int = 0, **fields: Any) -> ttypes.TouchPageRequest:
    confirmed = fetched(url, b"", at=at, status=304, **fields)
    return ttypes.TouchPageRequest(context=CONTEXT, fetched=confirmed, previous_write_ms=previous)


def outcome(url: str, code: str = "http_status", *, at: int = 0, **fields: Any) -> ttypes.PutOutcomeRequest:
    family = fields.pop("family", "refused")
    befell = ttypes.Outcome(family=family, code=code, message="404", at_ms=T0 + at, status=404)
    return ttypes.PutOutcomeRequest(context=CONTEXT, url=url, outcome=befell, began_ms=T0 + at, **fields)


def attribute(name: str, value: bytes, *, at: int = 0, namespace: str = "vision", version: int = 1) -> ttypes.Attribute:
    return ttypes.Attribute(attribute_namespace=namespace, name=name, version=version, value=value, write_ms=T0 + at)


def put_attributes(url: str, *attributes: ttypes.Attribute) -> ttypes.PutAttributesRequest:
    return ttypes.PutAttributesRequest(context=CONTEXT, url=url, attributes=attributes)


def get_attributes(url: str, namespace: str = "") -> ttypes.GetAttributesRequest:
    return ttypes.GetAttributesRequest(context=CONTEXT, url=url, attribute_namespace=namespace)


def look(url: str) -> ttypes.LookupRequest:
    return ttypes.LookupRequest(context=CONTEXT, url=url)


def content_of(url: str) -> ttypes.ContentRequest:
    return ttypes.ContentRequest(context=CONTEXT, url=url)


def links_of(url: str) -> ttypes.OutlinksRequest:
    return ttypes.OutlinksRequest(context=CONTEXT, url=url)


def link(*urls: str) -> ttypes.LinkPagesRequest:
    return ttypes.LinkPagesRequest(context=CONTEXT, urls=urls)


def inlinks_of(url: str, continuation: bytes = b"", limit: int = 1_000, *, own: bool = False) -> ttypes.InlinksRequest:
    return ttypes.InlinksRequest(context=CONTEXT, url=url, continuation=continuation, limit=limit, own=own)


def scan(continuation: bytes = b"", limit: int = 100) -> ttypes.ScanRequest:
    return ttypes.ScanRequest(context=CONTEXT, continuation=continuation, limit=limit)


def stored_page(url: str, *, seen_ms: int, revisit_ms: int, record: PageRecord | None = None) -> ttypes.Page:
    """A page as its row has it, seen once."""
    return ttypes.Page(
        url=url,
        version=1,
        content_hash=b"c" * 32,
        record_hash=b"r" * 32,
        content_key="",
        content_bytes=1,
        status=200,
        headers=(),
        media_type="text/html",
        fetched_ms=seen_ms,
        last_seen_ms=seen_ms,
        changed_ms=seen_ms,
        write_ms=seen_ms,
        record=record or PageRecord(extractor_version=1),
        revisit_ms=revisit_ms,
    )
