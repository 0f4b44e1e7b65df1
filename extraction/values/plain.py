"""Plain text: no mark-up, no entities, white space collapsed."""

from __future__ import annotations

import html
import re
from typing import Any

from extraction.text import bounded, collapse

LONGEST = 8_192
"""The characters kept of one text."""

_READ = 4 * LONGEST
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_ROUNDS = 3  # `&amp;amp;#39;` was seen on real pages
_INLINE_NAMES = "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark q s samp small span strike"
_BLOCK_NAMES = (
    "address article aside blockquote br center dd details div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr iframe img input li main meta nav object ol option p path picture pre script section source style svg "
    "table tbody td tfoot th thead time title tr u ul video wbr link noscript button select strong sub sup tt var"
)
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|br|center|dd|details|div|dl|dt|figcaption|figure|footer|form|h[1-6]|header"
    r"|hr|iframe|img|li|main|nav|ol|p|picture|pre|section|table|tbody|td|tfoot|th|thead|tr|ul|video)(?=[\s/>])[^<>]*+>",
    re.IGNORECASE,
)
_ANY = re.compile(
    rf"</?(?:{'|'.join((_INLINE_NAMES + ' ' + _BLOCK_NAMES).split())})(?=[\s/>])[^<>]*+>|<!--[^<>]*+-->",
    re.IGNORECASE,
)
_UNSEEN = re.compile(r"<(script|style)\b[^<>]*+>[^<]*+</\1>", re.IGNORECASE)
_CLOSED = re.compile(r"</[a-zA-Z][a-zA-Z0-9]{0,10}\s*+>|<br\s*+/?>|<p>", re.IGNORECASE)
_INVISIBLE = {ord(each): None for each in "\u200b\ufeff\u00ad\u2060"} | dict.fromkeys(
    (*range(32), *range(127, 160)), " "
)


def plain(value: Any, length: int = LONGEST) -> str:
    """One line of plain text of a string or a number."""
    if isinstance(value, str):
        return value if _is_plain(value, length) else bounded(collapse(shown(_decoded(value[:_READ]))), length)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def lines(value: str, length: int = LONGEST) -> list[str]:
    """Plain text in which each block, `br` and newline begins a line; empty lines left out."""
    text = _decoded(value[: 4 * _READ])
    if "<" in text:
        text = _ANY.sub("", _BLOCK.sub("\n", _UNSEEN.sub("", text)))
    cleaned = (bounded(collapse(line.translate(_INVISIBLE)), length) for line in text.splitlines())
    return [line for line in cleaned if line]


def shown(text: str) -> str:
    """The text without tags, if it is mark-up: `a <b> tag` alone is none, `<b>bold</b>` is."""
    if "<" in text and _CLOSED.search(text):
        text = _ANY.sub("", _BLOCK.sub(" ", _UNSEEN.sub("", text)))
    return text.translate(_INVISIBLE)


def _is_plain(text: str, length: int) -> bool:
    """True if nothing needs to be done, as for most texts."""
    return (
        len(text) <= length
        and "&" not in text
        and "<" not in text
        and "  " not in text
        and text.isprintable()
        and text.isascii()
        and text.strip() == text
    )


def _decoded(text: str) -> str:
    """The text with its references decoded, a few times: templates encode twice."""
    for _ in range(_ROUNDS):
        if "&" not in text:
            break
        decoded = _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
        if decoded == text:
            break
        text = decoded
    return text
