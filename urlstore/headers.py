"""What we read in and keep of a response's header fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from thrift_idl.gen.fetcher.ttypes import Header

KEPT = frozenset(
    (
        "cache-control",
        "content-language",
        "content-signal",
        "content-type",
        "etag",
        "expires",
        "last-modified",
        "link",
        "server",
        "tdm-reservation",
        "vary",
        "x-robots-tag",
    )
)
"""Names that are kept, in lower case: what freshness, claims and preferences are read from."""

MAX_VALUE = 4_096
"""A longer value isn't kept at all: half a value says something else."""
MAX_KEPT = 32

_VALUED_DIRECTIVES = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))
_LINK = re.compile(r'<([^<>]*)>((?:[^,"]|"(?:[^"\\]|\\.)*")*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


def kept(headers: Iterable[Header]) -> tuple[Header, ...]:
    """The fields to store, names in lower case, in the order of arrival."""
    worth = (header for header in headers if header.name.lower() in KEPT and len(header.value) <= MAX_VALUE)
    return tuple(Header(header.name.lower(), header.value) for header in worth)[:MAX_KEPT]


def freshened(stored: Sequence[Header], received: Iterable[Header]) -> tuple[Header, ...]:
    """The stored fields after a 304: each one that the 304 carries replaces its namesakes (RFC 9111 4.3.4)."""
    fresh = kept(received)
    names = {header.name for header in fresh}
    return (tuple(header for header in stored if header.name not in names) + fresh)[:MAX_KEPT]


def value(headers: Iterable[Header], name: str) -> str:
    """The first value of the field `name` (lower case), "" = none or too long to keep."""
    found = next((header.value for header in headers if header.name.lower() == name), "")
    return found if len(found) <= MAX_VALUE else ""


def says_noarchive(headers: Iterable[Header]) -> bool:
    """Whether an X-Robots-Tag meant for all agents says noarchive.

    https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag#xrobotstag
    """
    tags = (header.value for header in headers if header.name.lower() == "x-robots-tag")
    return any("noarchive" in _directives_for_all(tag) for tag in tags)


def canonical_link(headers: Iterable[Header]) -> str:
    """The target of the first Link field with rel=canonical (RFC 8288 3, RFC 6596), as written; "" = none."""
    for header in headers:
        if header.name.lower() != "link" or len(header.value) > MAX_VALUE:
            continue
        for link in _LINK.finditer(header.value):
            rel = _REL.search(link[2])
            if rel and "canonical" in (rel[1] or rel[2] or "").lower().split():
                return link[1].strip()
    return ""


def _directives_for_all(tag: str) -> set[str]:
    """Directives of one X-Robots-Tag; `agent: ...` makes what follows that agent's alone."""
    directives: set[str] = set()
    for part in tag.lower().split(","):
        name, colon, _ = part.partition(":")
        if colon and name.strip() not in _VALUED_DIRECTIVES:
            break
        directives.add(name.strip())
    return directives
