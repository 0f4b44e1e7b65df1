"""The validators of an answer, ETag and Last-Modified: kept only if they can be sent back.

A server may write a value that a request of ours can't carry: RFC 9110 5.5 allows tabs and octets beyond ASCII in a
field value. Such a validator counts as none, and the URL is then requested without conditions.
"""

from __future__ import annotations

MAX_VALIDATOR = 4_096
"""Characters. A longer one isn't cut: half a validator matches nothing."""


def sendable(validator: str) -> str:
    """`validator`, or "" if it is no printable ASCII or too long. Called where one is read, and where one is used."""
    return validator if validator.isascii() and validator.isprintable() and len(validator) <= MAX_VALIDATOR else ""
