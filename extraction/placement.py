"""The place of an element in a page: in its navigation, in its own content, in a link, in a figure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from selectolax.lexbor import LexborNode

from extraction.text import anchor_text

_NAVIGATION = frozenset(("nav", "footer", "aside"))
_CONTENT = frozenset(("main", "article"))
_NAVIGATION_ROLES = frozenset(("navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar"))
_CONTENT_ROLES = frozenset(("main", "article"))
_NAMED = frozenset(("div", "section", "ul", "ol", "table", "header", "p", "td"))
_NAMES = re.compile(
    r"(?:^|\s)(?!(?:has|with|no|without|show|hide)[-_])(?:[a-z0-9]+[-_]){0,2}"
    r"(?:nav|navbar|navigation|menu|sidebar|sphinxsidebar|footer|breadcrumbs?|toc|pagination|pager|navheader|navfooter)"
    r"(?:[-_](?:wrapper|container|inner|list|links|menu|nav|items?|widget|area|col))?(?=\s|$)",
    re.IGNORECASE,
)
_MOST_NAMES = 200  # characters of a class attribute
_MOST_ANCESTORS = 40
_MOST_CHILDREN = 50  # of a figure, whose caption is its first or last child by the standard
_RUN = 6
APART = 48
"""Characters between two links that end a run of links."""


class Placement:
    """Looks up the tree from a node; its findings about an ancestor are kept for the next node below it."""

    def __init__(self) -> None:
        self._navigation: dict[int, bool | None] = {}
        self._captions: dict[int, str] = {}

    def navigation(self, node: LexborNode) -> bool | None:
        """True if a node is in navigation, by the nearest element around it that decides; None = none decides."""
        known = self._navigation
        climbed: list[int] = []
        verdict, parent = None, node.parent
        while parent is not None and len(climbed) < _MOST_ANCESTORS:
            identity = parent.mem_id
            if identity in known:
                verdict = known[identity]
                break
            climbed.append(identity)
            verdict = _said(parent)
            if verdict is not None:
                break
            parent = parent.parent
        for identity in climbed:
            known[identity] = verdict
        return verdict

    def around(self, image: LexborNode, length: int) -> tuple[str, str]:
        """The href of the a around an image as written, and the caption of the figure around it; "" = none."""
        href = caption = ""
        parent = image.parent
        for _ in range(_MOST_ANCESTORS):
            if parent is None or parent.tag in ("body", "td", "article", "main"):
                break
            if parent.tag == "a" and not href:
                href = parent.attributes.get("href") or ""
            elif parent.tag == "figure":
                caption = self._caption(parent, length)
                break
            parent = parent.parent
        return href, caption

    def _caption(self, figure: LexborNode, length: int) -> str:
        known = figure.mem_id
        if known not in self._captions:
            children = islice(figure.iter(), _MOST_CHILDREN)
            found = next((child for child in children if child.tag == "figcaption"), None)
            self._captions[known] = "" if found is None else anchor_text(found, length)
        return self._captions[known]


def _said(node: LexborNode) -> bool | None:
    """The placement of an element's content: True navigation, False content, None unknown.

    A header is navigation if it is the page's; that of an article or section is part of it.
    """
    tag = node.tag
    if tag in _NAVIGATION or tag in _CONTENT:
        return tag in _NAVIGATION
    if tag not in _NAMED:
        return None
    attributes = node.attributes
    role = attributes.get("role")
    if role in _NAVIGATION_ROLES or role in _CONTENT_ROLES:
        return role in _NAVIGATION_ROLES
    if _is_navigation(f"{attributes.get('class') or ''} {attributes.get('id') or ''}"[:_MOST_NAMES]):
        return True
    return True if tag == "header" and _is_of_page(node) else None


@lru_cache(maxsize=2_048)
def _is_navigation(names: str) -> bool:
    """Remembered: names repeat on one page, and on the next page of its site."""
    return _NAMES.search(names) is not None


def _is_of_page(header: LexborNode) -> bool:
    parent = header.parent
    for _ in range(_MOST_ANCESTORS):
        if parent is None or parent.tag == "body":
            return True
        if parent.tag in ("main", "article", "section"):
            return False
        parent = parent.parent
    return False


def in_runs(gaps: Sequence[int]) -> list[bool]:
    """For links in document order, True for each that is in a run of six or more with hardly any text between.

    `gaps`: characters from the start of each link to that of the next, the last one's to the end of the page.
    """
    dense = [False] * len(gaps)
    start = 0
    for at, gap in enumerate(gaps):
        if gap <= APART:
            continue
        if at + 1 - start >= _RUN:
            dense[start : at + 1] = [True] * (at + 1 - start)
        start = at + 1
    if len(gaps) - start >= _RUN:
        dense[start:] = [True] * (len(gaps) - start)
    return dense
