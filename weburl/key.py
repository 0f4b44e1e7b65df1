"""The URL key: the identity of a URL in every store, queue and event."""

from __future__ import annotations

from hashlib import sha256

from runtime.bounded_cache import text_cache
from weburl.url import normalized_form, request_form

KEY_VERSION = 2
"""Stored beside keys that outlive a process; raised when `normalize` or the hash changes: `earlier_key_versions`."""

KEY_BYTES = 16
"""128 bits of SHA-256: cryptographic, since a hostile page could collide a fast hash on purpose."""


@text_cache(16_384)  # a visit needs a page's key ten times, and links repeat those of the page before
def url_key(url: str) -> bytes:
    """Key of a URL given in any form: first 16 bytes of SHA-256 of its normalized form. Raises `InvalidUrl`."""
    return key_of_form(request_form(url))


def key_of_form(form: str) -> bytes:
    """Key of a request form, which isn't parsed again."""
    return hashed(normalized_form(form))


def hashed(normalized: str) -> bytes:
    """The key of a normalized form."""
    return sha256(normalized.encode("ascii")).digest()[:KEY_BYTES]


def key_hex(key: bytes) -> str:
    """A key as text, for logs, file names and JSON: 32 lower case hex digits."""
    return key.hex()
