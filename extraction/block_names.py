"""What elements, roles and names say of a part of a page: its content, or what stands around it."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

_SKIPPED_NAMES = """
    script style noscript template title iframe noembed noframes svg math object embed audio video canvas button
    select textarea input nav footer map datalist dialog head -comment
"""
SKIPPED = frozenset(_SKIPPED_NAMES.split())
"""Elements that hold none of the page's own text."""

_INLINE_NAMES = """
    a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark q rp rt ruby s samp small
    span strike strong sub sup time tt u var wbr nobr picture
"""
INLINE = frozenset(_INLINE_NAMES.split())

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


def names_of(node: LexborNode) -> str:
    """Its class and id, as far as they are looked at."""
    attributes = node.attributes
    return f"{(attributes.get('class') or '')[:_MOST_NAMES]} {(attributes.get('id') or '')[:_MOST_NAMES]}"


def is_left_out(node: LexborNode, tag: str, *, strict: bool) -> bool:
    """Whether an element is none of the page's own text, by its attributes; not `strict`: names don't count."""
    attributes = node.attributes
    if not attributes:
        return strict and tag == "aside"
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    if attributes.get("role") in _OUT_ROLES or _HIDDEN.search(attributes.get("style") or ""):
        return True
    if not strict:
        return False
    names = names_of(node)
    if tag == "aside":
        return not _NOTES.search(names)
    return tag != "main" and not names.isspace() and bool(_OUT.search(names)) and not _is_body(attributes)


def is_content(node: LexborNode) -> bool:
    """Whether an element, its role or its name says that it holds the content."""
    if node.tag in ("main", "article"):
        return True
    attributes = node.attributes
    if attributes.get("role") in _CONTENT_ROLES or _is_body(attributes):
        return True
    return bool(_CONTENT.search(names_of(node)))


def _is_body(attributes: dict[str, str | None]) -> bool:
    """https://schema.org/articleBody."""
    return (attributes.get("itemprop") or "") in ("articleBody", "text", "recipeInstructions", "recipeIngredient")
