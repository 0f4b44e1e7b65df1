"""Text of an element: a line for each block in it, white space collapsed within."""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from extraction.text import BLOCKS, UNSEEN, collapse

_NODES = 3_000
_LENGTH = 64 * 1024
_LINE = BLOCKS - {"button", "select", "option", "textarea"}


def element_text(node: LexborNode) -> str:
    """Of a bounded part of it."""
    first = node.first_child
    if first is None:
        return ""
    if first.is_text_node and first.next is None:
        return collapse((first.text_content or "")[:_LENGTH])
    pieces: list[str] = []
    size = 0
    for seen, inner in enumerate(node.traverse(include_text=True)):
        if inner.is_text_node:
            parent = inner.parent
            if parent is None or parent.tag not in UNSEEN:
                text = inner.text_content or ""
                pieces.append(_spaced(text))
                size += len(text)
        elif inner.tag in _LINE:
            pieces.append("\n")
        if size > _LENGTH or seen > _NODES:
            break
    lines = (collapse(line) for line in "".join(pieces).splitlines())
    return "\n".join(line for line in lines if line)


def _spaced(text: str) -> str:
    """A newline in the source is a space."""
    return text.replace("\n", " ").replace("\r", " ")
