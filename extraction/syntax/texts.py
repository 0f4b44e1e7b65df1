"""The text of an element: one line for each block in it, white space collapsed within."""

from __future__ import annotations

from collections.abc import Iterable

from selectolax.lexbor import LexborNode

from extraction.text import BLOCKS, UNSEEN, collapse

_NODES = 3_000
_LENGTH = 64 * 1024
_TOTAL = 2 * 1024 * 1024
_LINE = BLOCKS - {"button", "select", "option", "textarea"}


class Texts:
    """Reads the texts of a page's elements, a bounded part of each and of all: elements nest."""

    def __init__(self) -> None:
        self._left = _TOTAL

    def of(self, node: LexborNode) -> str:
        """The text of an element, one line for each block in it."""
        first = node.first_child
        if first is None or self._left <= 0:
            return ""
        if first.is_text_node and first.next is None:
            return collapse(self._read(first))
        pieces: list[str] = []
        enough = self._left - _LENGTH
        for seen, inner in enumerate(node.traverse(include_text=True)):
            if inner.is_text_node:
                parent = inner.parent
                if parent is None or parent.tag not in UNSEEN:
                    pieces.append(self._read(inner).replace("\n", " ").replace("\r", " "))
            elif inner.tag in _LINE:
                pieces.append("\n")
            if self._left < enough or seen > _NODES:
                break
        lines = (collapse(line) for line in "".join(pieces).splitlines())
        return "\n".join(line for line in lines if line)

    def _read(self, node: LexborNode) -> str:
        text = node.text_content or ""
        self._left -= len(text) + 1
        return text[:_LENGTH]


def once(nodes: Iterable[LexborNode]) -> list[LexborNode]:
    """Each node once: one that matches two selectors of a list is found twice."""
    return list({node.mem_id: node for node in nodes}.values())
