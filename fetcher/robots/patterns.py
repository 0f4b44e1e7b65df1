"""Comparison of rules with paths: RFC 9309 2.2.2 and 2.2.3, and where these leave a choice, Google's parser. Pure.

Both are compared in one spelling, ASCII, in which each octet is written in one way:

- an escape of an unreserved character (RFC 3986 2.3) is decoded, any other stays, in upper case;
- what a URL can't hold as it is (spaces, non-ASCII) is escaped;
- a reserved character and its escape are different, `&` and `%26`, `?` and `%3F`: one delimits, the other doesn't;
- a `%` that begins no escape stays as it is. Nothing after it is decoded, so that they don't become an escape together.

Two exceptions give a rule a second text. `%2A` and `%24` are how a rule writes a literal `*` and `$` (RFC 9309
2.2.3), so they stand for these characters, too. And `'` stands for `%27`, too, which browsers and we send for it in a
query (WHATWG URL).

The weight of a rule is another matter: it is the number of its octets as written, before any of that.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from fetcher.robots.bounds import StepCount

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SAME = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]*")
_KEPT = ":/?#[]@!$&'()*+,;=%"
# An escape, told apart where it is behind a stray percent sign, which it could become one with.
_ESCAPE = re.compile(rb"(?<!%)(?<!%[0-9A-Fa-f])%([0-9A-Fa-f]{2})|%[0-9A-Fa-f]{2}")
_SECOND = {"%2A": "*", "%24": "$", "'": "%27"}
_TO_READ_TWICE = re.compile("|".join(map(re.escape, _SECOND)))


class RobotsPattern(NamedTuple):
    """What a rule says of paths."""

    parts: tuple[str, ...]
    """What stands between wildcards, in the common writing: the first begins the path, the others follow in order."""
    anchored: bool
    """The path ends with the last part."""

    def matches(self, path: str, steps: StepCount) -> bool:
        """Whether it, which has a wildcard, matches `path`, in the common writing. Raises `StepsSpentError`."""
        steps.take(0, 0)
        first, last = self.parts[0], self.parts[-1]
        if not path.startswith(first):
            return False
        at, end = len(first), len(path)
        if self.anchored:
            end -= len(last)
            if not path.endswith(last):
                return False
        for part in self.parts[1:-1] if self.anchored else self.parts[1:]:
            found = path.find(part, at, end)
            steps.take((end if found < 0 else found) - at, len(part))
            if found < 0:
                return False
            at = found + len(part)
        return at <= end


def patterns_of(value: str) -> tuple[RobotsPattern, ...]:
    """What a rule's value matches: one pattern, or two where the value has what can be read in two ways."""
    text, anchored = written(value.removesuffix("$")), value.endswith("$")
    first = _pattern(text.split("*"), anchored)
    if not _TO_READ_TWICE.search(text):
        return (first,)
    second = tuple(_TO_READ_TWICE.sub(lambda found: _SECOND[found[0]], part) for part in first.parts)
    return first, RobotsPattern(second, first.anchored)


def _pattern(parts: list[str], anchored: bool) -> RobotsPattern:
    """Without wildcards that change nothing: those beside another one, and a last one."""
    first, *others = parts
    return RobotsPattern((first, *filter(None, others)), anchored and (not others or bool(others[-1])))


def path_text(target: str) -> str:
    """Path and query of a request, in the common writing."""
    return written(target) or "/"


def written(text: str) -> str:
    """`text` in the common writing, its wildcards as they stand."""
    if _SAME.fullmatch(text):
        return text
    octets = text.encode("utf-8", "surrogateescape")
    return quote(_ESCAPE.sub(_rewritten, octets) if b"%" in octets else octets, safe=_KEPT)


def _rewritten(escape: re.Match[bytes]) -> bytes:
    if escape[1] and (octet := int(escape[1], 16)) in _UNRESERVED:
        return bytes((octet,))
    return escape[0].upper()


def weight(value: str) -> int:
    """How much a rule weighs: its octets as written, of which those beyond ASCII count as their escapes, three each.

    So Google's parser counts, which escapes just these before it does.
    """
    return len(value) if value.isascii() else sum(1 if o < 128 else 3 for o in value.encode("utf-8", "surrogateescape"))
