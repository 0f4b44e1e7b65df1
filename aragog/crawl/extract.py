"""EXTRACT: a fetched page to its record, in a child process that it can't take with it."""

from __future__ import annotations

import logging

from aragog.children import ChildPool, Lost
from extraction import EXTRACTOR_VERSION
from extraction.call import FUNCTION, request
from extraction.limits import DEFAULT
from extraction.robots import of_header
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.records import replace, unpack

IMPORTS = ("extraction.call",)
"""What a pool for pages lets its children import as they start."""

_FLAGS = {
    "died": "extractor_died",
    "timed_out": "timed_out",
    "out_of_memory": "out_of_memory",
    "failed": "extractor_failed",
}
_log = logging.getLogger(__name__)


async def extract_page(pool: ChildPool, fetched: FetchResult, function: str = FUNCTION) -> PageRecord:
    """The record of a fetched page; flags of the fetch (truncated, early_close) come first in it.

    A page that its extractor doesn't survive has a record with nothing but a flag and the directives of its headers.
    `function` names another extractor than ours. Raises what `ChildPool.run` raises: errors that say nothing about
    the page.
    """
    x_robots = header_values(fetched, "x-robots-tag")
    asked = request(
        fetched.content,
        fetched.url,
        fetched.charset,
        fetched.media_type,
        ", ".join(header_values(fetched, "content-language")),
        x_robots,
    )
    answer = await pool.run(function, asked)
    if isinstance(answer, Lost):
        _log.warning("no record of %s: %s (%s)", fetched.url, answer.ending, answer.detail)
        record = _record_of_headers(x_robots, _FLAGS[answer.ending])
    else:
        record = unpack(PageRecord, answer.result)
    return replace(record, flags=tuple(dict.fromkeys((*fetched.flags, *record.flags))))


def header_values(fetched: FetchResult, name: str) -> list[str]:
    """Values of the header fields of that (lower case) name, in order."""
    return [header.value for header in fetched.headers if header.name.lower() == name]


def _record_of_headers(x_robots: list[str], flag: str) -> PageRecord:
    entries = (of_header(value, DEFAULT.directives) for value in x_robots)
    robots = tuple(entry for entry in entries if entry.directives)
    return PageRecord(extractor_version=EXTRACTOR_VERSION, robots=robots, flags=(flag,))
