"""Media types: the header's, the one that the first bytes suggest, and the caller's choice of types. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

HTML_TYPES = ("text/html", "application/xhtml+xml")
_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_ESSENCE = re.compile(rf"\s*({_NAME}/{_NAME})\s*(?:;|$)")
_CHARSET = re.compile(r';\s*charset=(?:"((?:[^"\\]|\\.)*)"?|([^;\s,"]*))', re.IGNORECASE)
_QUOTED_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"?|,')

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
)
_HTML = re.compile(
    rb"<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>]|<!--", re.IGNORECASE
)
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_LONGEST = 4_096  # characters of all Content-Type headers; the rest is ignored
_SNIFFED = 1445  # bytes that a browser examines (https://mimesniff.spec.whatwg.org/#reading-the-resource-header)


def content_type(values: Sequence[str]) -> tuple[str, str]:
    """Media type and charset, lower case, of all Content-Type headers; ("", "") if none is valid.

    The last valid one counts, the charset of an earlier one with the same type stays
    (https://fetch.spec.whatwg.org/#concept-header-extract-mime-type).
    """
    media_type = charset = ""
    for value in _split(", ".join(values)[:_LONGEST]):
        found = _ESSENCE.match(value)
        if not found or found[1] == "*/*":
            continue
        essence = found[1].lower()
        if essence != media_type:
            media_type, charset = essence, ""
        named = _CHARSET.search(value)
        if named:
            quoted = re.sub(r"\\(.)", r"\1", named[1]) if named[1] is not None else named[2]
            charset = quoted.strip().lower() or charset
    return media_type, charset


def _split(combined: str) -> list[str]:
    """Comma-separated values, commas in quoted strings kept."""
    if "," not in combined:
        return [combined]
    parts, start = [], 0
    for found in _QUOTED_OR_COMMA.finditer(combined):
        if found[0] == ",":
            parts.append(combined[start : found.start()])
            start = found.end()
    return [*parts, combined[start:]]


def sniff(content: bytes) -> str:
    """A media type for content that came without one: HTML, a few images, text, or octet-stream."""
    for magic, media_type in _MAGIC:
        if content.startswith(magic):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    start = content[:_SNIFFED].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\f")
    if _HTML.match(start):
        return "text/html"
    if start[:5].lower() == b"<?xml":
        return "application/xhtml+xml" if b"http://www.w3.org/1999/xhtml" in start else "text/xml"
    return "application/octet-stream" if _BINARY.search(start) else "text/plain"


def is_accepted(media_type: str, accept: Sequence[str]) -> bool:
    """True if one of `accept` names it; empty = HTML; a trailing `*` matches the rest."""
    return any(
        media_type.startswith(pattern[:-1].lower()) if pattern.endswith("*") else media_type == pattern.lower()
        for pattern in (accept or HTML_TYPES)
    )


def accept_header(accept: Sequence[str]) -> str:
    """The Accept header that we send."""
    if not accept:
        return "text/html,application/xhtml+xml,*/*;q=0.1"
    return ",".join("*/*" if pattern == "*" else pattern for pattern in accept)
