"""The whole store as JSON lines, one row for each URL: for people, for pipelines, and to compare two stores.

A row's inlinks are those of that URL, without those of its aliases, which are rows of their own.

`TIMING` names the fields that differ between two runs over the same web; an export without them is byte-identical
for an embedded and a distributed store of the same pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from aragog.harmless_text import json_text
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Inlink, InlinksRequest, ScanRequest, UrlRow
from thrift_idl.records import to_json

#: When and how fast, not what. `peer` is the address that answered.
TIMING = frozenset(
    ("fetched_ms", "last_seen_ms", "changed_ms", "revisit_ms", "write_ms", "at_ms", "latency_ms", "peer", "delay_ms")
)
#: Response headers about time, not content.
TIMING_HEADERS = frozenset({"date", "age"})
#: Rows whose inlinks are read at once.
AT_ONCE = 32


async def rows(store: UrlStore, context: Context, batch: int = 500) -> AsyncIterator[UrlRow]:
    """Every row of the store, each once."""
    continuation = b""
    while True:
        found = await store.scan(ScanRequest(context, continuation, batch))
        for row in found.rows:
            yield row
        if not found.continuation:
            return
        continuation = found.continuation


def without_timing(value: Any) -> Any:
    """`value` without its timing fields, at every depth."""
    if isinstance(value, dict):
        return {key: without_timing(item) for key, item in value.items() if key not in TIMING}
    if isinstance(value, list):
        return [without_timing(item) for item in value if not _is_timing_header(item)]
    return value


def _is_timing_header(item: Any) -> bool:
    return isinstance(item, dict) and item.keys() == {"name", "value"} and item["name"].lower() in TIMING_HEADERS


async def inlinks(store: UrlStore, context: Context, url: str, own: bool = False) -> AsyncIterator[Inlink]:
    """Every inlink of the page at the end of `url`'s redirects, or of that URL alone, by the sources' URL keys."""
    continuation = b""
    while True:
        found = await store.inlinks(InlinksRequest(context, url, continuation, 1_000, own))
        for each in found.inlinks:
            yield each
        if not found.continuation:
            return
        continuation = found.continuation


def line(row: UrlRow, links: Sequence[Inlink], timing: bool = True) -> bytes:
    """One row and its inlinks as one line of JSON, keys sorted, inlinks by their URLs."""
    shown = sorted((link.url, tuple(link.rel), link.text, link.nofollow) for link in links)
    named = [dict(zip(("url", "rel", "text", "nofollow"), each, strict=True)) for each in shown]
    value = to_json(row) | {"inlinks": named}
    return json_text(value if timing else without_timing(value), orjson.OPT_SORT_KEYS).encode()


async def lines(store: UrlStore, context: Context, timing: bool = True) -> AsyncIterator[tuple[str, bytes]]:
    """All rows, each as its URL and its line, in the store's order."""

    async def one(row: UrlRow) -> tuple[str, bytes]:
        links = [each async for each in inlinks(store, context, row.url, own=True)]
        return row.url, line(row, links, timing)

    waiting: list[UrlRow] = []
    async for row in rows(store, context):
        waiting.append(row)
        if len(waiting) == AT_ONCE:
            for made in await asyncio.gather(*map(one, waiting)):
                yield made
            waiting.clear()
    for made in await asyncio.gather(*map(one, waiting)):
        yield made


async def sorted_lines(store: UrlStore, context: Context, timing: bool = True) -> list[bytes]:
    """All rows as lines, in the order of their URLs (held in memory)."""
    return [text for _, text in sorted([each async for each in lines(store, context, timing)])]
