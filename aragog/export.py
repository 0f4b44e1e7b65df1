"""The whole store as JSON lines, one row a URL: for people, for pipelines, and to compare two stores.

`TIMING` names the fields that differ between two runs over the same web; an export without them is byte-identical
for an embedded and a distributed store of the same pages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson

from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import ScanRequest, UrlRow
from thrift_idl.records import to_json

#: When and how fast, not what. `peer` is the address that answered.
TIMING = frozenset({"fetched_ms", "last_seen_ms", "changed_ms", "write_ms", "at_ms", "latency_ms", "peer", "delay_ms"})
#: Response headers that tell when, not what.
TIMING_HEADERS = frozenset({"date", "age"})


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
    """`value` less its timing fields, at every depth."""
    if isinstance(value, dict):
        return {key: without_timing(item) for key, item in value.items() if key not in TIMING}
    if isinstance(value, list):
        return [without_timing(item) for item in value if not _is_timing_header(item)]
    return value


def _is_timing_header(item: Any) -> bool:
    return isinstance(item, dict) and item.keys() == {"name", "value"} and item["name"].lower() in TIMING_HEADERS


def line(row: UrlRow, timing: bool = True) -> bytes:
    """One row as one line of JSON, keys sorted."""
    value = to_json(row)
    return orjson.dumps(value if timing else without_timing(value), option=orjson.OPT_SORT_KEYS)


async def sorted_lines(store: UrlStore, context: Context, timing: bool = True) -> list[bytes]:
    """All rows as lines, in the order of their URLs (held in memory)."""
    found = [(row.url, line(row, timing)) async for row in rows(store, context)]
    return [text for _, text in sorted(found)]
