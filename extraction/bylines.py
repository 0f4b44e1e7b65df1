"""Author and date of a page by the names that templates give their elements: for pages where no syntax names them.

These are the last and least certain entries of the precedence table. Elements beside the text (comments, teasers,
reviews) don't count. Several names or days belong to a list and give none; a text that looks like no name gives none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.syntax.texts import Texts
from extraction.values.moments import moment

_TEXTS = "h1,article,.hentry"  # a page without either is no text that one author wrote at one time
_AUTHORS = ".author,.byline,.post-author,.entry-author,.author-name,.byline-name,[itemprop~=author]"
_WITHIN = ".fn,[itemprop~=name],[rel~=author],.author-name,.name"
_DATES = ".published,.entry-date,.post-date,.article-date,.dateline,.pubdate,.date-header,[itemprop~=datePublished]"
_STATED = ("datetime", "content", "title")
_MOST = 30  # elements that are looked at
_MOST_ANCESTORS = 40
_BESIDE_NAMES = frozenset(("nav", "aside", "form"))
_BESIDE = re.compile(
    r"comment|respon[ds]|related|sidebar|widget|teaser|(?<!v)card|review|testimonial|trending|popular|pingback|archive|promo",
    re.IGNORECASE,
)
_OWN_TAGS = frozenset(("article", "main"))
_OWN = re.compile(r"(?:^|\s)(?:hentry|h-entry|hfeed|blog-posts)(?=\s|$)")
_BY = re.compile(r"(?:(?:written|posted|published|reported|recipe|article|story|text)\s+)?by\b:?\s*", re.IGNORECASE)
_END = re.compile(r"\s+(?:[|•·–—/-]|on|in|at|published|posted|updated)\s.*|\s*[,|•·(].*", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][^\d_@#<>{}\[\]!?:;/\\]{1,58}")
_MOST_WORDS = 5
_PARTICLE_NAMES = "de del der den van von zu la le da di do dos du bin ibn al el y e and und et af av ter ten"
_PARTICLES = frozenset(_PARTICLE_NAMES.split())
_NOBODY = frozenset(("author", "admin", "administrator", "anonymous", "unknown", "by"))


def author(tree: LexborHTMLParser) -> tuple[str, LexborNode | None]:
    """The one name that the elements for authors hold; "" for none or several."""
    return _only((_name(_author_text(node)), node) for node in _elements(tree, _AUTHORS))


def published(tree: LexborHTMLParser) -> tuple[str, LexborNode | None]:
    """The text of the elements for dates, as written, if all valid ones name one day; "" for none or several."""
    found = ((stated, node) for node in _elements(tree, _DATES) for stated in (_date_text(node),) if moment(stated))
    return _only(found, lambda stated: moment(stated)[:10])


def _elements(tree: LexborHTMLParser, selector: str) -> Iterator[LexborNode]:
    if tree.css_first(_TEXTS) is None:
        return iter(())
    return (node for node in islice(tree.css(selector), _MOST) if not _is_beside(node))


def _only(
    found: Iterable[tuple[str, LexborNode]], same: Callable[[str], str] = str.casefold
) -> tuple[str, LexborNode | None]:
    pairs = [(value, node) for value, node in found if value]
    return pairs[0] if len({same(value) for value, _ in pairs}) == 1 else ("", None)


def _is_beside(node: LexborNode) -> bool:
    """True if it is outside the page's own text; the footer of an article is a part of it."""
    at: LexborNode | None = node
    in_footer = False
    for _ in range(_MOST_ANCESTORS):
        if at is None or at.tag == "body":
            return in_footer
        attributes = at.attributes
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"[:300]
        if at.tag in _BESIDE_NAMES or _BESIDE.search(names):
            return True
        if at.tag in _OWN_TAGS or _OWN.search(names):
            return False
        in_footer = in_footer or at.tag == "footer"
        at = at.parent
    return True


def _author_text(node: LexborNode) -> str:
    stated = node.attributes.get("content")
    return stated or Texts().of(node.css_first(_WITHIN) or node)


def _name(text: str) -> str:
    """The name in `By Ann Lee | 3 March`; "" if nothing looks like one."""
    line = text.strip().partition("\n")[0][:200]
    name = _END.sub("", _BY.sub("", line, count=1) if _BY.match(line) else line, count=1).strip()
    words = name.split()
    if not _NAME.fullmatch(name) or len(words) > _MOST_WORDS or name.lower() in _NOBODY:
        return ""
    return name if all(word in _PARTICLES or word[0] == word[0].upper() for word in words) else ""


def _date_text(node: LexborNode) -> str:
    attributes = node.attributes
    stated = next((attributes[each] for each in _STATED if attributes.get(each)), None)
    if stated:
        return stated
    inner = node.css_first("time[datetime]")
    return (inner.attributes.get("datetime") or "") if inner is not None else Texts().of(node).partition("\n")[0]
