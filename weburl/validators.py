"""The validators of an answer, ETag and Last-Modified: kept only where they can be sent back.

A server may write what a request of ours doesn't carry: RFC 9110 5.5 lets tabs and octets beyond ASCII pass in a field
value. Such a validator counts as none, and the URL is then asked for without conditions.
"""

from __future__ import annotations

MAX_VALIDATOR = 4_096
"""Characters. A longer one isn't cut: half a validator matches nothing."""


def sendable(validator: str) -> str:
    """`validator`, or "" where it is no printable ASCII or too long. Asked where one is read, and where one is used."""
    return validator if validator.isascii() and validator.isprintable() and len(validator) <= MAX_VALIDATOR else ""
