"""`extract` as bytes -> bytes: what a child process runs.

A request is the length of a JSON header (four bytes, big endian), the header, the content; an answer is a packed
`PageRecord`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import orjson

from extraction.limits import DEFAULT, Limits
from extraction.page import extract
from thrift_idl.gen.page.ttypes import PageRecord, Typed
from thrift_idl.records import pack, replace

FUNCTION = "extraction.call:run"

_LENGTH = struct.Struct("!I")
_LISTS = ("outlinks", "images", "json_ld", "opengraph", "twitter", "robots")


def request(
    content: bytes,
    url: str,
    charset: str = "",
    media_type: str = "text/html",
    content_language: str = "",
    x_robots: Sequence[str] = (),
    usage: Sequence[tuple[str, str]] = (),
    text_features: bool = False,
) -> bytes:
    """The arguments of `extract`, less its limits, as one request."""
    header = orjson.dumps(
        {
            "url": url,
            "charset": charset,
            "media_type": media_type,
            "content_language": content_language,
            "x_robots": list(x_robots),
            "usage": list(usage),
            "text_features": text_features,
        }
    )
    return b"".join((_LENGTH.pack(len(header)), header, content))


def arguments(asked: bytes) -> tuple[bytes, dict[str, Any]]:
    """Content and other arguments of `extract`, as `request` packed them."""
    end = _LENGTH.size + _LENGTH.unpack_from(asked)[0]
    fields: dict[str, Any] = orjson.loads(asked[_LENGTH.size : end])
    return asked[end:], fields


def run(asked: bytes) -> bytes:
    """Extract what `request` packed."""
    content, fields = arguments(asked)
    return packed(extract(content, **fields))


def packed(record: PageRecord, limits: Limits = DEFAULT) -> bytes:
    """A record that a store takes: while it is too large its longest list is halved, and what comes first is kept.

    A page of 100 KB can have one of 40 MB: a long base URL stands in each of its links.
    """
    answer = pack(record)
    while len(answer) > limits.record_bytes:
        longest = max((*_LISTS, "card", "typed"), key=lambda name: _size(record, name))
        found = getattr(record, longest)
        if not found:
            break
        flags = dict.fromkeys((*record.flags, "record_too_large"))
        record = replace(record, flags=tuple(flags), **{longest: _shortened(found)})
        answer = pack(record)
    return answer


def _size(record: PageRecord, name: str) -> int:
    return len(pack(PageRecord(**{name: getattr(record, name)})))


def _shortened(found: Any) -> Any:
    """Half of a list; of what the page is about that alone; no card."""
    if isinstance(found, tuple):
        return found[: len(found) // 2]
    bare = Typed(found.kind, found.confidence) if isinstance(found, Typed) else None
    return None if found == bare else bare
