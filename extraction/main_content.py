"""The main content of a page: its own text without navigation, comments and other surroundings.

One walk gathers blocks of text and leaves out those that element, role or name mark as surroundings. Then the
containers are descended as long as one of them holds nearly all of the good blocks: a container that a template names
as content needs half of them, any other nearly all. Of the container's blocks those that are mostly links are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from selectolax.lexbor import LexborNode

from extraction.block_names import INLINE, SKIPPED, Attributes, is_content, is_left_out
from extraction.flags import Flags
from extraction.limits import ExtractionLimits
from extraction.text import TEXT_ID, collapse, tag_ids

_CONTAINER_NAMES = "div section article main td body form center blockquote tbody"
_NAMED_NAMES = "div section article main ul ol p span table details header dl form aside a"
_CONTAINERS = frozenset(tag_ids(_CONTAINER_NAMES.split()).values())
_NAMED = frozenset(tag_ids(_NAMED_NAMES.split()).values())
_IDS = tag_ids(("a", "br", "pre", "body", "td", "th"))
_A, _BR, _PRE, _CELLS = _IDS["a"], _IDS["br"], _IDS["pre"], frozenset((_IDS["td"], _IDS["th"]))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_NAMES = {number: name for name, number in tag_ids((*_HEADINGS, "li", "tr")).items()}  # told apart
_OTHER = "other"
_IN_A_ROW = INLINE | {TEXT_ID, _BR}
_NO_ATTRIBUTES: Attributes = {}
_GOOD = 80  # characters of a block that is running text
_LINKED = {"li": 0.75, "tr": 0.9}  # a block with a higher share of link text consists of links
_LINKED_ELSE = 0.5
_NAMED_SHARE, _ANY_SHARE = 0.5, 0.85
_INDEX = 4  # a page with this many times as much text in links as beside them is an index
_MOST_STEPS = 40
_LEAST = 140  # characters of main content: with fewer, the names were misleading


@dataclass(frozen=True, slots=True)
class _Block:
    tag: str
    """The name of a heading, list item or table row; else `other`."""
    container: int
    linked: int
    text: str

    @property
    def is_linked(self) -> bool:
        return self.linked > _LINKED.get(self.tag, _LINKED_ELSE) * len(self.text)


def main_text(body: LexborNode, limits: ExtractionLimits, flags: Flags) -> str:
    """The main content below `body`, one line for each block; bounded, with the flag `main_text_cut`."""
    text = _gathered(body, limits, flags, strict=True)
    if len(text) < _LEAST:
        other = _gathered(body, limits, flags, strict=False)
        text = other if len(other) > 2 * len(text) else text
    if len(text) > limits.main_text_length:
        flags.add("main_text_cut")
    return text[: limits.main_text_length].rstrip()


def _gathered(body: LexborNode, limits: ExtractionLimits, flags: Flags, *, strict: bool) -> str:
    found = _Gathered(limits, flags, strict=strict)
    found.walk(body)
    return "\n".join(found.chosen())


class _Gathered:
    """The blocks and containers of a page, in document order."""

    def __init__(self, limits: ExtractionLimits, flags: Flags, *, strict: bool) -> None:
        """`strict`: leave out elements whose names mark them as outside the content."""
        self._nodes = limits.main_text_nodes
        self._flags = flags
        self._strict = strict
        self._blocks: list[_Block] = []
        self._parents = [0]
        self._named = [False]
        # The present block: its pieces, the length of linked text in it, tag, container; True if we are in a link.
        self._pieces: list[str] = []
        self._linked = 0
        self._tag = _IDS["body"]
        self._container = 0
        self._in_link = False
        self._opened: list[tuple[bool, int, int, bool]] = []
        """For each open element: True if it is a block of its own, and the state before it: tag, container, in_link."""

    def walk(self, body: LexborNode) -> None:
        """Gather the nodes below `body`."""
        node, left = body.first_child, self._nodes
        pieces = self._pieces
        while node is not None and left:
            left -= 1
            tag = node.tag_id
            if tag != TEXT_ID:
                within = self._enter(node, tag)
                if within is not None:
                    node = within
                    continue
            else:
                text = node.text_content or ""
                pieces.append(text)
                if self._in_link:
                    self._linked += len(text.strip())
            following = node.next
            node = self._after(node) if following is None else following
        if node is not None:
            self._flags.add("main_text_cut")
        self._begin(0, 0)

    def _enter(self, node: LexborNode, tag: int) -> LexborNode | None:
        """Take an element; return its first child, if one is to be read."""
        if tag in SKIPPED:
            return None
        attributes = _NO_ATTRIBUTES
        if tag in _NAMED:
            attributes = node.attributes
            if is_left_out(tag, attributes, strict=self._strict):
                return None
        elif tag == _PRE:  # highlighted code has one element for each word: it is read at once
            self._take_at_once(node)
            return None
        elif tag == _BR:
            self._pieces.append(" ")
        within = node.first_child
        if within is not None:
            self._open(node, tag, attributes)
        return within

    def _take_at_once(self, node: LexborNode) -> None:
        tag, container = self._tag, self._container
        self._begin(_PRE, container)
        self._pieces.append(node.text())
        self._begin(tag, container)

    def _open(self, node: LexborNode, tag: int, attributes: Attributes) -> None:
        breaks = tag not in INLINE
        if tag in _CELLS and _is_simple(node):
            breaks = False
            self._pieces.append(" ")
        self._opened.append((breaks, self._tag, self._container, self._in_link))
        if tag == _A:
            self._in_link = self._in_link or "href" in attributes
        elif breaks:
            container = self._container
            if tag in _CONTAINERS:
                container = self._contain(tag, attributes if tag in _NAMED else node.attributes)
            self._begin(tag, container)

    def _after(self, node: LexborNode) -> LexborNode | None:
        """The next node after the end of the last one in its parent: elements that end on the way are closed."""
        following: LexborNode | None = None
        while following is None and self._opened and (parent := node.parent) is not None:
            node = parent
            breaks, tag, container, self._in_link = self._opened.pop()
            if breaks:
                self._begin(tag, container)
            following = node.next
        return following

    def _contain(self, tag: int, attributes: Attributes) -> int:
        self._parents.append(self._container)
        self._named.append(is_content(tag, attributes))
        return len(self._parents) - 1

    def _begin(self, tag: int, container: int) -> None:
        """Start another block; the one before is kept if it has text."""
        if self._pieces:
            text = _collapsed("".join(self._pieces))
            if text:
                self._blocks.append(_Block(_NAMES.get(self._tag, _OTHER), self._container, self._linked, text))
            self._pieces.clear()
        self._linked, self._tag, self._container = 0, tag, container

    def chosen(self) -> list[str]:
        """Texts of the blocks of the main content."""
        good = self._good()
        inside = self._inside(self._content_container(good))
        found = [block for block in self._blocks if inside[block.container]]
        kept = [block for block in found if not block.is_linked]
        if _length(kept) < min(_LEAST, _length(found) / _INDEX):
            kept = found  # an index: links are its content
        return [*self._title(inside, kept), *_without_idle_headings(kept)]

    def _title(self, inside: Sequence[bool], kept: Sequence[_Block]) -> list[str]:
        """The last h1 before the content: templates put the title outside content that has none of its own."""
        if not kept or any(block.tag == "h1" for block in kept):
            return []
        before = takewhile(lambda block: not inside[block.container], self._blocks)
        return [block.text for block in before if block.tag == "h1"][-1:]

    def _good(self) -> list[int]:
        """Characters of running text in each container, nested ones included."""
        good = [0] * len(self._parents)
        for block in self._blocks:
            if len(block.text) >= _GOOD and not block.is_linked:
                good[block.container] += len(block.text)
        for index in range(len(good) - 1, 0, -1):
            good[self._parents[index]] += good[index]
        return good

    def _content_container(self, good: Sequence[int]) -> int:
        """The container to take: from the whole page down to the one with the good text."""
        at = 0
        for _ in range(_MOST_STEPS):  # each looks at all containers
            step = self._step(at, good)
            if step is None:
                break
            at = step
        return at

    def _step(self, at: int, good: Sequence[int]) -> int | None:
        """The next container within `at`: the largest named one that holds half of it, or a child with nearly all."""
        inside = self._inside(at)
        within = [index for index in range(at + 1, len(good)) if inside[index] and good[index]]
        named = [index for index in within if self._named[index] and good[index] >= _NAMED_SHARE * good[at]]
        children = [index for index in within if self._parents[index] == at and good[index] >= _ANY_SHARE * good[at]]
        return max(named or children, key=lambda index: good[index], default=None)

    def _inside(self, container: int) -> list[bool]:
        inside = [False] * len(self._parents)
        inside[container] = True
        for index in range(container + 1, len(inside)):
            inside[index] = inside[self._parents[index]]
        return inside


def _length(blocks: Sequence[_Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _without_idle_headings(blocks: Sequence[_Block]) -> list[str]:
    """Blocks without the headings of dropped text: nothing follows those, or a heading of no lower rank."""
    kept: list[str] = []
    following = ""
    for block in reversed(blocks):
        if block.tag in _HEADINGS and (not following or (following in _HEADINGS and following <= block.tag)):
            continue
        kept.append(block.text)
        following = block.tag
    return kept[::-1]


def _is_simple(cell: LexborNode) -> bool:
    """True if a table cell is a piece of its row, not a column of a layout."""
    child = cell.first_child
    while child is not None:
        if child.tag_id not in _IN_A_ROW:
            return False
        child = child.next
    return True


def _collapsed(text: str) -> str:
    """Like `collapse`: a check whether there is anything to do takes half the time of doing it."""
    if "  " in text or not text.isprintable() or text[:1] == " " or text[-1:] == " ":
        return collapse(text)
    return text
