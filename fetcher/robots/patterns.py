"""Rules against paths: RFC 9309 2.2.2. Text here is escaped ASCII, so that equal octets are equal text."""

from __future__ import annotations

import re
from urllib.parse import quote

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_KEPT_IN_PATTERN = frozenset((b"2F", b"25", b"2A", b"24"))
_KEPT_IN_PATH = frozenset((b"2F", b"25"))


def pattern_text(value: str) -> str:
    """A rule's pattern: escapes of `/ % * $` stay, all others are decoded, then what isn't plain is escaped."""
    end = "$" if value.endswith("$") else ""
    return quote(_decoded(value.removesuffix("$"), _KEPT_IN_PATTERN), safe="/%*=") + end


def path_text(target: str) -> str:
    """Path and query of a request, in the same writing."""
    return quote(_decoded(target, _KEPT_IN_PATH), safe="/%=") or "/"


def _decoded(text: str, kept: frozenset[bytes]) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if b"%" not in raw:
        return raw

    def octet(found: re.Match[bytes]) -> bytes:
        code = found[1].upper()
        return b"%" + code if code in kept else bytes.fromhex(code.decode())

    return _ESCAPE.sub(octet, raw)


def matches(pattern: str, path: str) -> bool:
    """Whether `pattern` matches from the start of `path`: `*` = anything, a final `$` = the end. Linear in both."""
    anchored = pattern.endswith("$")
    parts = pattern.removesuffix("$").split("*")
    if len(parts) == 1:
        return path == parts[0] if anchored else path.startswith(parts[0])
    if not path.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    last = parts[-1]
    return path.endswith(last) and len(path) - len(last) >= at if anchored else path.find(last, at) >= 0
