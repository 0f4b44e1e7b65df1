"""The text of a page: white space collapsed, lengths bounded, the visible text hashed."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence, Set
from hashlib import sha256

from selectolax.lexbor import LexborHTMLParser, LexborNode, create_tag

UNSEEN = frozenset(("script", "style", "noscript", "template", "title", "iframe", "noembed", "noframes"))
"""Elements whose text a reader of the page doesn't see in it."""

_BLOCK_NAMES = """
    address article aside blockquote br button caption center dd details dialog dir div dl dt fieldset figcaption
    figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol option p pre search section
    select summary table tbody td textarea tfoot th thead tr ul
"""
BLOCKS = frozenset(_BLOCK_NAMES.split())
"""Elements that are displayed separately from the text around them."""
_ANCHOR_NODES = 200


def tag_ids(names: Iterable[str]) -> dict[str, int]:
    """Lexbor's numbers of tags by their names: comparing a node's number takes half the time."""
    return {name: create_tag(name).tag_id for name in names}


TEXT_ID = LexborHTMLParser(" ", is_fragment=True).root.tag_id  # type: ignore[union-attr]  # it has one text node
_BLOCK_IDS = frozenset(tag_ids(BLOCKS).values())
_UNSEEN_IDS = frozenset(tag_ids(UNSEEN).values())
# The white space of str.split(), in UTF-8, where no sequence is part of another's.
_NARROW_SPACES = (b"\t", b"\n", b"\v", b"\f", b"\r", b"\x1c", b"\x1d", b"\x1e", b"\x1f")
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
    """`collapse`, in UTF-8: for long texts, where it takes half the time because no word becomes an object."""
    octets = text.encode("utf-8", "replace")
    for narrow in _NARROW_SPACES:  # a third of the time of translating all: few occur
        octets = octets.replace(narrow, b" ")
    if not text.isascii():
        for space in _WIDE_SPACES:
            octets = space.sub(b" ", octets)
    # One pass. Replacing pairs until there are none takes fourteen times as long where runs are few, and a tenth of the
    # time where nearly all spaces are runs.
    runs = 0
    if b"  " in octets:
        octets, runs = _RUN_OF_SPACES.subn(b" ", octets, count=_FEW_RUNS)
    while runs == _FEW_RUNS and b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets.strip(b" ")


def bounded(text: str, length: int) -> str:
    """`text`, cut to `length` characters."""
    return text if len(text) <= length else text[:length].rstrip()


def anchor_text(anchor: LexborNode, length: int) -> str:
    """The text within an anchor, collapsed; reads a bounded part of it, since anchors nest in broken pages."""
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
    """The text visible to a reader, gathered in document order.

    Comments, markup, attributes and hidden inputs leave no trace in it. White space separates blocks, so that a
    page and its minified twin have the same text.
    """

    def __init__(self) -> None:
        self._pieces = [" "]

    def gather(self, nodes: Iterable[LexborNode], wanted: Container[int], named: Set[int]) -> Iterator[LexborNode]:
        """Take the text of `nodes`, a tree in document order; yields each element whose tag is `wanted`, or which is
        `named` by its memory, as soon as it begins.

        One loop without calls: a page has thousands of nodes.
        """
        pieces, unseen, apart = self._pieces, False, True
        for node in nodes:
            tag = node.tag_id
            if tag == TEXT_ID:
                if unseen:
                    unseen = False
                    continue
                text = node.text_content or ""
                if not text.isspace():
                    pieces.append(text)
                    apart = False
                elif not apart:  # most white space is at the start or end of a block
                    pieces.append(" ")
                    apart = True
                continue
            if tag in _BLOCK_IDS:
                if not apart:
                    pieces.append(" ")
                    apart = True
            elif tag in _UNSEEN_IDS:  # the next text is its content
                unseen = node.first_child is not None
            if tag in wanted or (named and node.mem_id in named):
                yield node

    @property
    def position(self) -> int:
        """The place of the next piece of text: for `gaps`."""
        return len(self._pieces)

    def gaps(self, positions: Sequence[int], enough: int) -> list[int]:
        """Characters from each position to the next, and from the last to the end: those at the ends of pieces don't
        count. If there are more than `enough`, only some are counted.
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
