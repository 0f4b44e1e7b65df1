"""What is handed to the parser: markup cut where parsing it on would cost too much.

Lexbor is linear but for three shapes. It walks the open elements at most block tags (100,000 nested divs: 13 s), and
all attributes of a tag at each new one (40,000 attributes: 2.4 s). And by the standard, formatting elements left open
are copied into every block that follows (2,400 `b` and as many `p`, 35 KB: 6 million nodes, 2.2 GiB).
"""

from __future__ import annotations

import re

from extraction.flags import Flags
from extraction.limits import Limits
from extraction.tags import Tag, tags

_SCANNED_ABOVE = 5_000  # tags: so many nested divs still take less than 50 ms
_LARGE = 256 * 1024  # characters: quotes may hide a tag of so many from the look at its length, which takes 7 s
_MANY_BYTES = 1_024  # a shorter tag has too few attributes to count them
_FORMATTING_NAMES = "b big code em font i nobr s small strike strong tt u"
_FORMATTING = frozenset(_FORMATTING_NAMES.split())
_EITHER_CASE = "|".join("".join(f"[{each}{each.upper()}]" for each in name) for name in _FORMATTING_NAMES.split())
_FORMATTING_TAG = re.compile(rf"<(?=[bcefinstuBCEFINSTU])(?:{_EITHER_CASE})[\t\n\f\r />]")
_FORMATTING_ABOVE = 200  # open ones, each copied into at most 5,000 blocks before the scan begins anyway
_SMALL = 1_000  # tags that can't make more than 250,000 nodes
_VOID_NAMES = "area base br col embed hr img input link meta source track wbr"
_VOID = frozenset(_VOID_NAMES.split())
# Their end tags may be left out, or one ends the other: they don't nest without an element that counts between them.
_OPTIONAL_NAMES = "html head body a form nobr li dt dd p rt rp optgroup option colgroup thead tbody tfoot tr td th"
_DRAWINGS = ("svg", "math")
_UNCOUNTED = _VOID | frozenset(_OPTIONAL_NAMES.split())
_SELF_CLOSED = re.compile(r"<([a-zA-Z][\w:.-]*+)((?>[^<>\"'/]++|/(?!>)|\"[^\"]*+\"|'[^']*+')*+)/>")


def bounded_markup(text: str, limits: Limits, flags: Flags) -> str:
    """`text` up to the first tag that exceeds a limit."""
    count = text.count("<")
    if count > limits.tags:
        flags.add("too_many_tags")
        text = _with_tags(text, limits.tags)
    return text[: _safe_length(text, limits, flags)] if _is_suspect(text, count, limits) else text


def _is_suspect(text: str, count: int, limits: Limits) -> bool:
    """Whether any of the three shapes is possible in a text with `count` tags: cheap enough for every page."""
    if count > _SCANNED_ABOVE or len(text) > _LARGE or _has_long_tag(text, limits.tag_bytes):
        return True
    return count > _SMALL and len(_FORMATTING_TAG.findall(text)) > _FORMATTING_ABOVE


def _has_long_tag(text: str, length: int) -> bool:
    """Whether more than `length` characters lie between two `>`, or one and an end: looked at from one to the last
    within reach, so that few are looked at.
    """
    start = 0
    while len(text) - start > length:
        start = text.rfind(">", start, start + length + 1) + 1
        if not start:
            return True
    return False


def _with_tags(text: str, most: int) -> str:
    """`text`, which has more, up to so many tags."""
    return text[: len(text) - len(text.split("<", most + 1)[-1]) - 1]


def _safe_length(text: str, limits: Limits, flags: Flags) -> int:
    nesting, pairs = _Nesting(), 0
    for tag in tags(text):
        if tag.end - tag.start > _MANY_BYTES:
            pairs += tag.count_attributes() ** 2
            if _has_too_many_attributes(tag, pairs, limits):
                flags.add("too_many_attributes")
                return tag.start
        nesting.add(tag)
        if nesting.depth > limits.depth:
            flags.add("too_deep")
            return tag.start
        if nesting.copies > limits.nodes:
            flags.add("too_many_nodes")
            return tag.start
    return len(text)


def _has_too_many_attributes(tag: Tag, pairs: int, limits: Limits) -> bool:
    if pairs > limits.attribute_pairs:
        return True
    return tag.end - tag.start > limits.tag_bytes and tag.count_attributes() > limits.attributes


class _Nesting:
    """How many elements are open, from above: an end tag closes only what is open by its name.

    And how many copies of formatting elements that makes, if every other tag begins a block.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.copies = 0
        self._open: dict[str, int] = {}
        self._formatting = 0

    def add(self, tag: Tag) -> None:
        self.copies += self._formatting
        if tag.name not in _UNCOUNTED and not self._ends_at_once(tag):
            self._count(tag.name, -1 if tag.is_end else 1)

    def _ends_at_once(self, tag: Tag) -> bool:
        """`<path/>` in a drawing; elsewhere the slash means nothing (https://html.spec.whatwg.org/#start-tags)."""
        if not tag.raw_attributes.endswith("/"):
            return False
        return tag.name in _DRAWINGS or any(self._open.get(name) for name in _DRAWINGS)

    def _count(self, name: str, step: int) -> None:
        count = self._open.get(name, 0) + step
        if count >= 0:
            self._open[name] = count
            self.depth += step
            if name in _FORMATTING:
                self._formatting += step


def expanded_xhtml(text: str) -> str:
    """XHTML as an HTML parser can read it: `<script/>` ends at once in the one and never in the other."""
    return _SELF_CLOSED.sub(_expanded, text)


def _expanded(tag: re.Match[str]) -> str:
    name, attributes = tag.groups()
    return tag[0] if name in _VOID else f"<{name}{attributes}></{name}>"
