"""The request to an extractor in a child process: the arguments of `extract` as bytes. The parent needs no parser.

A request is the length of a JSON header (four bytes, big endian), the header, the content.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import orjson

FUNCTION = "extraction.child_call:run"

_LENGTH = struct.Struct("!I")


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
    """The arguments of `extract`, without its limits, as one request."""
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
