"""EXTRACT: makes the record of a fetched page, in a child process whose crash leaves the worker alive."""

from __future__ import annotations

import logging

from extraction import EXTRACTOR_VERSION
from extraction.child_request import FUNCTION, request
from extraction.limits import DEFAULT
from extraction.preferences import HEADERS
from runtime.children import ChildPool, LostCall
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import PageRecord, RobotsDirectives
from thrift_idl.records import replace, unpack
from weburl import domain_of
from weburl.robots_directives import of_header

IMPORTS = ("extraction.child_call",)
"""The imports that a pool for pages makes its children load at their start."""

FIRST_BYTES = 64 * 1024
"""The bytes that are examined of a page that was too much for its extractor as a whole."""

_FLAGS = {
    "died": "extractor_died",
    "timed_out": "timed_out",
    "out_of_memory": "out_of_memory",
    "failed": "extractor_failed",
}
_log = logging.getLogger(__name__)


async def extract_page(
    pool: ChildPool, fetched: FetchResult, function: str = FUNCTION, *, text_features: bool = False
) -> PageRecord:
    """The record of a fetched page; flags of the fetch (truncated, early_close) come first in it.

    A page that kills its extractor has the record of its first bytes, with a flag for that and
    `truncated`; if they are too much, too, only the flag and the directives of its headers.
    `function` names another extractor than ours; `text_features` asks for main content, too. Raises the
    errors of `ChildPool.run`, which say nothing about the page.
    """
    asked = request_of(fetched, fetched.content, text_features=text_features)
    answer = await pool.run(function, asked, domain_of(fetched.url))
    if isinstance(answer, LostCall):
        _log.warning("%s was too much for its extractor: %s (%s)", fetched.url, answer.ending, answer.detail)
        record = await _record_of_first_bytes(pool, fetched, function, _FLAGS[answer.ending])
    else:
        record = unpack(PageRecord, answer.result)
    if not fetched.flags:
        return record
    return replace(record, flags=tuple(dict.fromkeys((*fetched.flags, *record.flags))))


async def _record_of_first_bytes(pool: ChildPool, fetched: FetchResult, function: str, flag: str) -> PageRecord:
    size = len(fetched.content)
    asked = request_of(fetched, fetched.content[: min(FIRST_BYTES, size // 2)])
    answer = await pool.run(function, asked, domain_of(fetched.url))
    if isinstance(answer, LostCall):
        return _record_of_headers(header_values(fetched, "x-robots-tag"), flag)
    record = unpack(PageRecord, answer.result)
    return replace(record, flags=(flag, "truncated", *record.flags))


def request_of(fetched: FetchResult, content: bytes, *, text_features: bool = False) -> bytes:
    """The request to a child about `content` of a fetched page."""
    language = ", ".join(header_values(fetched, "content-language"))
    x_robots = header_values(fetched, "x-robots-tag")
    usage = [(header.name.lower(), header.value) for header in fetched.headers if header.name.lower() in HEADERS]
    return request(content, fetched.url, fetched.charset, fetched.media_type, language, x_robots, usage, text_features)


def header_values(fetched: FetchResult, name: str) -> list[str]:
    """Values of the header fields of that (lower case) name, in order."""
    return [header.value for header in fetched.headers if header.name.lower() == name]


def _record_of_headers(x_robots: list[str], flag: str) -> PageRecord:
    entries = (of_header(value, DEFAULT.directives) for value in x_robots)
    robots = tuple(RobotsDirectives(*entry) for entry in entries if entry.directives)
    return PageRecord(extractor_version=EXTRACTOR_VERSION, robots=robots, flags=(flag,))
