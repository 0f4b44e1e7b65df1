"""The markup that the parser gets: cut where parsing the rest would cost too much.

Lexbor is linear except for three shapes. It walks the open elements at most tags (100,000 nested divs: 13 s), and all
attributes of a tag at each new one (40,000 attributes: 2.4 s). And by the standard, formatting elements left open
are copied into every block that follows (2,400 `b` and as many `p`, 35 KB: 6 million nodes, 2.2 GiB).
"""

from __future__ import annotations

import re

from extraction.flags import Flags
from extraction.limits import ExtractionLimits
from extraction.nesting import FORMATTING_NAMES, VOID, Nesting
from extraction.tags import Tag, tags

_SCANNED_ABOVE = 5_000  # tags: this many nested divs still take less than 50 ms
_LARGE = 256 * 1024  # characters: in larger texts quotes may hide a tag from the check of its length, which takes 7 s
_MANY_BYTES = 1_024  # a shorter tag has too few attributes to count them
_EITHER_CASE = "|".join("".join(f"[{each}{each.upper()}]" for each in name) for name in FORMATTING_NAMES.split())
_FORMATTING_TAG = re.compile(rf"<(?=[bcefinstuBCEFINSTU])(?:{_EITHER_CASE})[\t\n\f\r />]")
_FORMATTING_ABOVE = 200  # open ones, each copied into at most 5,000 blocks before the scan begins in any case
_SMALL = 1_000  # tags that can't make more than 250,000 nodes
_SELF_CLOSED = re.compile(r"<([a-zA-Z][\w:.-]*+)((?>[^<>\"'/]++|/(?!>)|\"[^\"]*+\"|'[^']*+')*+)/>")


def bounded_markup(text: str, limits: ExtractionLimits, flags: Flags) -> str:
    """`text` up to the first tag that exceeds a limit."""
    count = text.count("<")
    if count > limits.tags:
        flags.add("too_many_tags")
        text = _with_tags(text, limits.tags)
    return text[: _safe_length(text, limits, flags)] if _is_suspect(text, count, limits) else text


def _is_suspect(text: str, count: int, limits: ExtractionLimits) -> bool:
    """True if any of the three shapes is possible in a text with `count` tags: cheap enough for every page."""
    if count > _SCANNED_ABOVE or len(text) > _LARGE or _has_long_tag(text, limits.tag_bytes):
        return True
    return count > _SMALL and len(_FORMATTING_TAG.findall(text)) > _FORMATTING_ABOVE


def _has_long_tag(text: str, length: int) -> bool:
    """True if more than `length` characters lie between two `>`, or between one and an end: looks only at the last
    one within reach each time, so that few are examined.
    """
    start = 0
    while len(text) - start > length:
        start = text.rfind(">", start, start + length + 1) + 1
        if not start:
            return True
    return False


def _with_tags(text: str, most: int) -> str:
    """The first `most` tags of `text`, which has more."""
    return text[: len(text) - len(text.split("<", most + 1)[-1]) - 1]


def _safe_length(text: str, limits: ExtractionLimits, flags: Flags) -> int:
    nesting, pairs, copies = Nesting(), 0, 0
    for tag in tags(text, nesting):
        if tag.end - tag.start > _MANY_BYTES:
            pairs += tag.count_attributes() ** 2
            if _has_too_many_attributes(tag, pairs, limits):
                flags.add("too_many_attributes")
                return tag.start
        copies += nesting.formatting  # if each tag begins a block
        nesting.add(tag)
        if nesting.depth > limits.depth or nesting.steps > limits.depth_steps:
            flags.add("too_deep")
            return tag.start
        if copies > limits.nodes:
            flags.add("too_many_nodes")
            return tag.start
    return len(text)


def _has_too_many_attributes(tag: Tag, pairs: int, limits: ExtractionLimits) -> bool:
    if pairs > limits.attribute_pairs:
        return True
    return tag.end - tag.start > limits.tag_bytes and tag.count_attributes() > limits.attributes


def expanded_xhtml(text: str) -> str:
    """XHTML as an HTML parser can read it: `<script/>` ends at once in the one and never in the other."""
    return _SELF_CLOSED.sub(_expanded, text)


def _expanded(tag: re.Match[str]) -> str:
    name, attributes = tag.groups()
    return tag[0] if name in VOID else f"<{name}{attributes}></{name}>"
