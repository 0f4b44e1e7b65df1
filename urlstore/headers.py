"""The header fields of a response that we read and keep. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from thrift_idl.gen.fetcher.ttypes import Header
from weburl.link_header import links
from weburl.robots_directives import AgentDirectives, of_header
from weburl.validators import sendable

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
"""Names that are kept, in lower case: freshness, claims and preferences are read from them."""

MAX_VALUE = 4_096
"""A longer value isn't kept at all: half a value has another meaning."""
MAX_KEPT = 32

_MAX_DIRECTIVES = 64


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


def validator(headers: Iterable[Header], name: str) -> str:
    """The field `name` (lower case) as a validator; "" if it couldn't be sent back."""
    return sendable(value(headers, name))


def robots_of(headers: Iterable[Header]) -> tuple[AgentDirectives, ...]:
    """The directives of each X-Robots-Tag, within the bounds of reading."""
    tags = (header.value for header in headers if header.name.lower() == "x-robots-tag")
    return tuple(of_header(tag[:MAX_VALUE], _MAX_DIRECTIVES) for tag in tags)


def canonical_link(headers: Iterable[Header]) -> str:
    """The target of the first Link field with rel=canonical (RFC 8288 3, RFC 6596), as written; "" = none."""
    for header in headers:
        if header.name.lower() != "link" or len(header.value) > MAX_VALUE:
            continue
        for target, relations in links(header.value):
            if "canonical" in relations:
                return target
    return ""
