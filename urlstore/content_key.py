"""The name of stored content: `URL key / content hash`, both in hex."""

from __future__ import annotations

import re

from thrift_idl.errors import InvalidRequest

_CONTENT_KEY = re.compile(r"[0-9a-f]{32}/[0-9a-f]{64}")


def checked(content_key: str) -> str:
    """The key unchanged. Raises `InvalidRequest` if it is none: a key never leads out of a directory."""
    if not _CONTENT_KEY.fullmatch(content_key):
        raise InvalidRequest(f"{content_key[:120]!r} is no content key")
    return content_key
