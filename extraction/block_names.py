"""Names of elements, roles and classes that mark a part of a page as its content or as its surroundings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser

from extraction.text import tag_ids

Attributes = Mapping[str, str | None]

_SKIPPED_NAMES = """
    script style noscript template title iframe noembed noframes svg math object embed audio video canvas button
    select textarea input nav footer map datalist dialog head
"""
_COMMENT_ID = LexborHTMLParser("<!-- -->", is_fragment=True).root.tag_id  # type: ignore[union-attr]  # it is there
SKIPPED = frozenset((*tag_ids(_SKIPPED_NAMES.split()).values(), _COMMENT_ID))
"""Elements that hold none of the page's own text."""

_INLINE_NAMES = """
    a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark q rp rt ruby s samp small
    span strike strong sub sup time tt u var wbr nobr picture
"""
INLINE = frozenset(tag_ids(_INLINE_NAMES.split()).values())
_IDS = tag_ids(("aside", "main", "article"))
_ASIDE, _MAIN, _ARTICLE = _IDS["aside"], _IDS["main"], _IDS["article"]

_OUT_ROLES_NAMES = """
    navigation banner contentinfo complementary search menu menubar dialog alertdialog alert toolbar tablist
"""
_OUT_ROLES = frozenset(_OUT_ROLES_NAMES.split())
_CONTENT_ROLES = frozenset(("main", "article"))
_BEFORE = r"(?:^|\s)(?!(?:has|with|no|without|show|hide|js)[-_])(?:[a-z0-9]+[-_]{1,2}){0,3}?"
_AFTER = (
    r"(?:[-_]{1,2}(?:wrapper?|container|inner|outer|list|links?|menu|nav|items?|widget|area|col|box|section|block|bar|info"
    r"|footer|header|form|buttons?|icons?|title|bottom|top|left|right|content|\d+))*(?=\s|$)"
)
_OUT_NAMES = r"""
    comments? commentlist respond disqus sidebar sphinxsidebar shar(?:e|ing) sharedaddy social related
    jp-relatedposts recommend(?:ed|ations?) promo(?:tion)? newsletter subscri(?:be|ption) signup sign-up cookies?
    consent gdpr banner breadcrumbs? crumbs pagination pager paging nav navbar navigation navheader navfooter menu
    toc footer colophon masthead widget widgets advert advertisement ads? adsense sponsor(?:ed)? popup modal
    overlay skip-?link skip-?to-?content sr-only screen-reader-text visually-hidden visuallyhidden headerlink
    author-?(?:bio|box|card) about-author bio tags tag-?cloud tag-?links cat-?links post-?meta entry-?meta
    article-?meta byline posted-on meta edit-?link noprint print-?button jump-(?:to|btn) jump rating-?form
    mw-editsection editsection catlinks reflist navbox suggested trending popular read-?next
    more-(?:posts|stories|articles) up-next teasers? outbrain taboola login search linenos gutter hidden dropdown
    toolbar buttons? reviews upsells? cross-sells?
"""
_OUT = re.compile(
    f"{_BEFORE}(?:{'|'.join(_OUT_NAMES.split())}){_AFTER}",
    re.IGNORECASE,
)
_CONTENT = re.compile(
    r"(?:^|\s)(?:(?:entry|post|article|story|page|main|blog|single|recipe|product|topic|body|field|kg|rich|news|text|c)[-_]{1,2}"
    r"(?:content|body|text|main|description|copy)|content|maincontent|main|article|post|hentry|story|cooked|markdown-body"
    r"|rst-content|e-content|h-entry|blog-post|post-full-content|gh-content|td-post-content|documentwrapper|body|document"
    r"|bodywrapper|mw-parser-output|mw-content-text|articlebody|node__content|rte|prose)(?=\s|$)",
    re.IGNORECASE,
)
_MOST_NAMES = 300
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NOTES = re.compile(r"(?:^|\s)(?:admonition|note|callout|topic|footnote|tip|warning)", re.IGNORECASE)


def is_left_out(tag: int, attributes: Attributes, *, strict: bool) -> bool:
    """True if an element is outside the page's own text, by its attributes; not `strict`: names don't count."""
    if not attributes:
        return strict and tag == _ASIDE
    if "hidden" in attributes or attributes.get("aria-hidden") == "true" or attributes.get("role") in _OUT_ROLES:
        return True
    style = attributes.get("style")
    if style and _HIDDEN.search(style):
        return True
    if not strict:
        return False
    if tag == _ASIDE:
        return not any(map(_NOTES.search, _names(attributes)))
    return tag != _MAIN and any(map(_is_out, _names(attributes))) and not _is_body(attributes)


def is_content(tag: int, attributes: Attributes) -> bool:
    """True if an element, its role or its name marks it as the holder of the content."""
    if tag in (_MAIN, _ARTICLE):
        return True
    if attributes.get("role") in _CONTENT_ROLES or _is_body(attributes):
        return True
    return any(map(_is_named_content, _names(attributes)))


def _names(attributes: Attributes) -> list[str]:
    """Its class and id, up to a bounded length."""
    found = (attributes.get("class"), attributes.get("id"))
    return [name[:_MOST_NAMES] for name in found if name]


@lru_cache(maxsize=4_096)
def _is_out(name: str) -> bool:
    """Remembered: names repeat on one page, and on the next page of its site."""
    return _OUT.search(name) is not None


@lru_cache(maxsize=4_096)
def _is_named_content(name: str) -> bool:
    return _CONTENT.search(name) is not None


def _is_body(attributes: Attributes) -> bool:
    """https://schema.org/articleBody."""
    return (attributes.get("itemprop") or "") in ("articleBody", "text", "recipeInstructions", "recipeIngredient")
