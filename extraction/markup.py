"""What is handed to the parser: markup cut where parsing it on would cost too much.

Lexbor is linear but for two shapes: it walks the open elements at most block tags, and all attributes of a tag at each
new one. 100,000 nested divs take 13 s, 40,000 attributes 2.4 s.
"""

from __future__ import annotations

import re

from extraction.flags import Flags
from extraction.limits import Limits
from extraction.tags import Tag, tags

_SCANNED_ABOVE = 5_000  # tags: so many nested divs still take less than 50 ms
_VOID_NAMES = "area base br col embed hr img input link meta source track wbr"
_VOID = frozenset(_VOID_NAMES.split())
# Their end tags may be left out, and they don't nest without an element that counts between them.
_OPTIONAL_NAMES = "html head body li dt dd p rt rp optgroup option colgroup thead tbody tfoot tr td th"
_UNCOUNTED = _VOID | frozenset(_OPTIONAL_NAMES.split())
_SELF_CLOSED = re.compile(r"<([a-zA-Z][\w:.-]*+)((?>[^<>\"'/]++|/(?!>)|\"[^\"]*+\"|'[^']*+')*+)/>")


def bounded_markup(text: str, limits: Limits, flags: Flags) -> str:
    """`text` up to the first tag that exceeds a limit."""
    text = _within_tags(text, limits, flags)
    if text.count("<") <= _SCANNED_ABOVE and max(map(len, text.split(">"))) <= limits.tag_bytes:
        return text
    return text[: _safe_length(text, limits, flags)]


def _within_tags(text: str, limits: Limits, flags: Flags) -> str:
    if text.count("<") <= limits.tags:
        return text
    flags.add("too_many_tags")
    return text[: len(text) - len(text.split("<", limits.tags + 1)[-1]) - 1]


def _safe_length(text: str, limits: Limits, flags: Flags) -> int:
    nesting = _Nesting()
    for tag in tags(text):
        if tag.end - tag.start > limits.tag_bytes and tag.count_attributes() > limits.attributes:
            flags.add("too_many_attributes")
            return tag.start
        nesting.add(tag)
        if nesting.depth > limits.depth:
            flags.add("too_deep")
            return tag.start
    return len(text)


class _Nesting:
    """How many elements are open, from above: an end tag closes only what is open by its name."""

    def __init__(self) -> None:
        self.depth = 0
        self._open: dict[str, int] = {}

    def add(self, tag: Tag) -> None:
        if tag.name in _UNCOUNTED:
            return
        count = self._open.get(tag.name, 0)
        if not tag.is_end:
            self._open[tag.name] = count + 1
            self.depth += 1
        elif count:
            self._open[tag.name] = count - 1
            self.depth -= 1


def expanded_xhtml(text: str) -> str:
    """XHTML as an HTML parser can read it: `<script/>` ends at once in the one and never in the other."""
    return _SELF_CLOSED.sub(_expanded, text)


def _expanded(tag: re.Match[str]) -> str:
    name, attributes = tag.groups()
    return tag[0] if name in _VOID else f"<{name}{attributes}></{name}>"
