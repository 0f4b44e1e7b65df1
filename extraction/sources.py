"""Sources of the card's fields: each entry of the precedence table as statements of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction import bylines
from extraction.image_rank import score
from extraction.kinds.reading import Stated, syntax_of_meta
from extraction.kinds.typed import FoundKind
from extraction.precedence import THINGS
from extraction.statements import Statement
from extraction.syntax.graph import NESTED, Graph, Node
from extraction.syntax.texts import Texts
from thrift_idl.gen.page.ttypes import Image

_PAGE_TYPES = "webpage collectionpage itempage aboutpage contactpage faqpage profilepage checkoutpage medicalwebpage"
_PAGES = frozenset(_PAGE_TYPES.split())
_SITES = frozenset(("website",))
_MAKERS = frozenset(("organization", "newsmediaorganization", "corporation", "ngo", "onlinestore", "localbusiness"))
_AUTHOR = 'a[rel~="author" i], .p-author .p-name'
_TIME = "time[pubdate][datetime],time.published[datetime],time.entry-date[datetime],article time[datetime]"
_ANY_TIME = "time[datetime]"  # without one, four more searches aren't needed
_SHOWN = frozenset(("img", "srcset", "picture", "lazy", "noscript"))
_DECENT = 25  # points
_SIGN = re.compile(
    r"/(?:left|right|up|down|home|next|prev(?:ious)?|top|caution|warning|note|tip|important|info)\.[a-z]+$"
)
_SIZE = re.compile(r"(\d{1,4})x\d")
# Between a page's title and its site's name.
_SEPARATORS = "|-–—·•:»«>/"


class LinkElement(NamedTuple):
    """A link element with a href."""

    rel: tuple[str, ...]
    href: str
    attributes: Mapping[str, str | None]
    element: LexborNode
    in_head: bool


@dataclass(frozen=True, slots=True)
class Sources:
    """All statements of a page, by their sources."""

    tree: LexborHTMLParser
    graph: Graph
    stated: Stated
    links: list[LinkElement]
    images: tuple[Image, ...]
    page: FoundKind | None
    """The kind of the page."""
    title: str
    language: str
    content_language: str
    """The language of the header."""

    def of(self, names: tuple[str, ...]) -> Iterator[Statement]:
        """Statements of these entries of the precedence table, in their order."""
        for name in names:
            if (reader := _reader(name)) is not None:
                from_there, rest = reader
                yield from from_there(self, rest)
            elif entries := self.stated.get(name):
                yield Statement(syntax_of_meta(name), name, [content for content, _ in entries], entries[0][1])

    def site_names(self) -> set[str]:
        """The site's names for itself, in lower case."""
        names = [content for name in ("og:site_name", "application-name") for content, _ in self.stated.get(name, ())]
        nodes = (*self.graph.of_types(_SITES)[:3], *self.graph.of_types(_MAKERS)[:3])
        names += [name for node in nodes for name in node.values("name") if isinstance(name, str)]
        return {name.strip().lower() for name in names if name.strip()}


def _item(sources: Sources, name: str) -> Iterator[Statement]:
    for node in sources.page.nodes if sources.page is not None else ():
        yield from _said_by(node, name)


def _thing(sources: Sources, name: str) -> Iterator[Statement]:
    if sources.page is not None and sources.page.kind.name in THINGS:
        yield from _item(sources, name)


def _nodes(types: frozenset[str]) -> Any:
    def read(sources: Sources, name: str) -> Iterator[Statement]:
        for node in sources.graph.of_types(types)[:5]:
            if node.weight > NESTED or types is not _PAGES:
                yield from _said_by(node, name)

    return read


def _maker(sources: Sources, name: str) -> Iterator[Statement]:
    """The publisher of the page's subject, then of the site, then any organization of its own."""
    nodes = [*(sources.page.nodes if sources.page is not None else ()), *sources.graph.of_types(_PAGES | _SITES)[:4]]
    makers = [maker for node in nodes for maker in node.nodes("publisher")]
    makers += [node for node in sources.graph.of_types(_MAKERS)[:5] if node.weight > NESTED]
    for maker in makers[:6]:
        yield from _said_by(maker, name)


def _said_by(node: Node, name: str) -> Iterator[Statement]:
    if name in node.data and (values := node.values(name)):
        yield Statement(node.source.syntax, node.path(name), values, node.source.element)


def _link(sources: Sources, rel: str) -> Iterator[Statement]:
    found = [
        link for link in sources.links if rel in link.rel and (link.in_head or rel not in ("canonical", "amphtml"))
    ]
    if rel == "icon":
        found.sort(key=_size, reverse=True)
    for link in found[:5]:
        yield Statement("link", rel, [link.href], link.element)


def _size(link: LinkElement) -> int:
    """The size of an icon in pixels; a drawing has every size."""
    found = _SIZE.match((link.attributes.get("sizes") or "").lower())
    return int(found[1]) if found else 0


def _html(sources: Sources, name: str) -> Iterator[Statement]:
    element: LexborNode | None = None
    if name == "image":
        values = _best_image(sources.images)
    elif name == "lang":
        values, element = [sources.language], sources.tree.css_first("html")
    elif name == "title":
        values, element = [without_site(sources.title, sources.site_names())], sources.tree.css_first("title")
    elif name in _BYLINES:
        said, element = _BYLINES[name](sources.tree)
        values = [said]
    elif name == "time" and sources.tree.css_first(_ANY_TIME) is None:
        return
    else:
        element = sources.tree.css_first({"h1": "h1", "author": _AUTHOR, "time": _TIME}[name])
        if element is None:
            return
        values = [element.attributes.get("datetime") or "" if name == "time" else Texts().of(element)]
    if values and values[0]:
        yield Statement("html", name, values, element)


_BYLINES = {"byline": bylines.author, "dateline": bylines.published}


def _best_image(images: tuple[Image, ...]) -> list[str]:
    """The image in the content that best shows the page's subject, if it isn't probably a part of its design."""
    shown = (each for each in images if each.found in _SHOWN and not _is_drawn(each))
    best = min(shown, key=lambda each: each.rank, default=None)
    return [best.url] if best and score(best.found, best.url, best.width, best.height) >= _DECENT else []


def _is_drawn(image: Image) -> bool:
    """True if it is probably a part of the page's design: an arrow, a mark beside a note, a logo without a size."""
    path = image.url.partition("?")[0].lower()
    has_size = image.width or image.height or image.file_width
    return bool(_SIGN.search(path)) or (not has_size and path.endswith((".gif", ".svg")))


def _http(sources: Sources, name: str) -> Iterator[Statement]:
    if sources.content_language:
        yield Statement("http", name, [sources.content_language], None)


_READERS: Mapping[str, Any] = {
    "thing": _thing,
    "item": _item,
    "page": _nodes(_PAGES),
    "site": _nodes(_SITES),
    "maker": _maker,
    "link": _link,
    "html": _html,
    "http": _http,
}


@cache
def _reader(name: str) -> tuple[Any, str] | None:
    """The reader of an entry of the table, and its argument; None for the name of a meta element."""
    prefix, _, rest = name.partition(":")
    return (_READERS[prefix], rest) if prefix in _READERS else None


def without_site(title: str, sites: set[str]) -> str:
    """`Roses` for `Roses - Garden` of the site `Garden`; a title that is only the site's name stays."""
    lowered = title.lower()
    for site in sites:
        if lowered.endswith(site) and (rest := title[: len(title) - len(site)].rstrip())[-1:] in tuple(_SEPARATORS):
            return rest.rstrip(_SEPARATORS + " ") or title
    return title
