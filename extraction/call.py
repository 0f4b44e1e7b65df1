"""`extract` as bytes -> bytes: what a child process runs.

A request is the length of a JSON header (four bytes, big endian), the header, the content; an answer is a packed
`PageRecord`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import orjson

from extraction.page import extract
from thrift_idl.records import pack

FUNCTION = "extraction.call:run"

_LENGTH = struct.Struct("!I")


def request(
    content: bytes,
    url: str,
    charset: str = "",
    media_type: str = "text/html",
    content_language: str = "",
    x_robots: Sequence[str] = (),
) -> bytes:
    """The arguments of `extract`, less its limits, as one request."""
    header = orjson.dumps(
        {
            "url": url,
            "charset": charset,
            "media_type": media_type,
            "content_language": content_language,
            "x_robots": list(x_robots),
        }
    )
    return b"".join((_LENGTH.pack(len(header)), header, content))


def run(asked: bytes) -> bytes:
    """Extract what `request` packed."""
    end = _LENGTH.size + _LENGTH.unpack_from(asked)[0]
    return pack(extract(asked[end:], **orjson.loads(asked[_LENGTH.size : end])))
