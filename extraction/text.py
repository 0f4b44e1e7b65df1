"""Text of a page: white space collapsed, lengths bounded, the visible text hashed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from selectolax.lexbor import LexborNode

UNSEEN = frozenset(("script", "style", "noscript", "template", "title", "iframe", "noembed", "noframes"))
"""Elements whose text a reader of the page doesn't see in it."""

_BLOCK_NAMES = """
    address article aside blockquote br button caption center dd details dialog dir div dl dt fieldset figcaption
    figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol option p pre search section
    select summary table tbody td textarea tfoot th thead tr ul
"""
BLOCKS = frozenset(_BLOCK_NAMES.split())
"""Elements that are shown apart from what is around them."""
_ANCHOR_NODES = 200
# What str.split() takes for white space, in UTF-8, where no sequence is part of another's.
_NARROW_SPACES = bytes.maketrans(b"\t\n\v\f\r\x1c\x1d\x1e\x1f", b" " * 9)
_RUN_OF_SPACES = re.compile(rb"  +")
_FEW_RUNS = 20_000
_WIDE_SPACES = (
    re.compile(rb"\xc2[\x85\xa0]"),
    re.compile(rb"\xe1\x9a\x80"),
    re.compile(rb"\xe2(?:\x80[\x80-\x8a\xa8\xa9\xaf]|\x81\x9f)"),
    re.compile(rb"\xe3\x80\x80"),
)


def collapse(text: str) -> str:
    """White space runs, no-break spaces among them, become one space; none at the ends."""
    return " ".join(text.split())


def collapsed_octets(text: str) -> bytes:
    """`collapse`, in UTF-8: for long texts, where it takes half the time since no word becomes an object."""
    octets = text.encode("utf-8", "replace").translate(_NARROW_SPACES)
    if not text.isascii():
        for space in _WIDE_SPACES:
            octets = space.sub(b" ", octets)
    # One pass. Replacing pairs until there are none takes fourteen times as long where runs are few, and a tenth of the
    # time where nearly all spaces are runs.
    octets, runs = _RUN_OF_SPACES.subn(b" ", octets, count=_FEW_RUNS)
    while runs == _FEW_RUNS and b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets.strip(b" ")


def bounded(text: str, length: int) -> str:
    """`text`, cut to `length` characters."""
    return text if len(text) <= length else text[:length].rstrip()


def anchor_text(anchor: LexborNode, length: int) -> str:
    """The text within an anchor, collapsed; looks at a bounded part of it, since anchors nest in broken pages."""
    first = anchor.first_child
    if first is not None and first.is_text_node and first.next is None:
        return bounded(collapse(first.text_content or ""), length)
    pieces: list[str] = []
    size = 0
    for seen, node in enumerate(anchor.traverse(include_text=True)):
        if node.is_text_node:
            parent = node.parent
            if parent is None or parent.tag not in UNSEEN:
                pieces.append(node.text_content or "")
                size += len(pieces[-1])
        elif node.tag in BLOCKS:
            pieces.append(" ")
        if size > 4 * length or seen > _ANCHOR_NODES:
            break
    return bounded(collapse("".join(pieces)), length)


class VisibleText:
    """The text that a reader sees, gathered in document order.

    Comments, markup, attributes and hidden inputs leave no trace in it. Blocks are set apart by white space, so that a
    page and its minified twin have the same text.
    """

    def __init__(self) -> None:
        self._pieces = [" "]
        self._skipped = False

    def set_apart(self, _: LexborNode) -> None:
        """An element begins that is shown as a block."""
        if self._pieces[-1] != " ":
            self._pieces.append(" ")

    def skip(self, unseen: LexborNode) -> None:
        """An element begins whose content, the next text node, isn't seen."""
        self._skipped = unseen.first_child is not None

    def add(self, node: LexborNode) -> None:
        """A text node."""
        if self._skipped:
            self._skipped = False
            return
        text = node.text_content or ""
        if not text.isspace():
            self._pieces.append(text)
        elif self._pieces[-1] != " ":  # most white space stands where a block begins or ends
            self._pieces.append(" ")

    @property
    def position(self) -> int:
        """Where the next piece of text will stand: for `gaps`."""
        return len(self._pieces)

    def gaps(self, positions: Sequence[int], enough: int) -> list[int]:
        """Characters from each position to the next, and from the last to the end: those at the ends of pieces don't
        count. Of more than `enough` some are counted.
        """
        ends = (*positions[1:], len(self._pieces))
        return [_size(self._pieces[start:end], enough) for start, end in zip(positions, ends, strict=True)]

    def digest(self) -> bytes:
        """SHA-256 of the collapsed text in UTF-8."""
        return sha256(collapsed_octets("".join(self._pieces))).digest()


def _size(pieces: Sequence[str], enough: int) -> int:
    size = 0
    for piece in pieces:
        size += len(piece.strip())
        if size > enough:
            break
    return size
