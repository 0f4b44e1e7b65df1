"""One pass over the tree: each node goes to the collectors of its kind."""

from __future__ import annotations

from collections.abc import Callable, Set
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.addresses import Addresses
from extraction.flags import Flags
from extraction.images import Around, Images
from extraction.jsonld import JsonLd
from extraction.limits import ExtractionLimits
from extraction.markup import bounded_markup
from extraction.metas import Metas
from extraction.outlinks import Outlinks
from extraction.placement import Placement
from extraction.sources import LinkElement
from extraction.text import VisibleText, bounded, collapse, tag_ids

Handler = Callable[[LexborNode], None]

_MOST_LINKS = 500  # link elements
_MOST_NOSCRIPTS = 100
_MOST_NOSCRIPT = 256 * 1024  # characters, all together
_MOST_TITLES = 10  # examined until one is the page's
_NAMES = "html body title meta link a area img source script style noscript"
_IDS = tag_ids(_NAMES.split())


class TreeWalk:
    """The results of one pass over a page.

    The tree is the one that browsers with scripts build: a noscript element is one piece of text in it, so that
    elements in a head's noscript don't end the head.
    """

    def __init__(self, addresses: Addresses, limits: ExtractionLimits, flags: Flags) -> None:
        self.addresses = addresses
        self._limits = limits
        self._flags = flags
        self.images = Images(addresses, limits, flags)
        self.metas = Metas(limits, flags, self.images)
        self.text = VisibleText()
        self._places = Placement()
        self.outlinks = Outlinks(addresses, limits, flags, self._places, self.text)
        self.json_ld = JsonLd(limits, flags, self.images)
        self.links: list[LinkElement] = []
        self.title = ""
        self.canonical = ""
        self.language = ""
        self._titles = 0
        self._noscripts = 0
        self._noscript_left = _MOST_NOSCRIPT
        self._in_head = True

    def visit(self, tree: LexborHTMLParser, styled: Set[int]) -> None:
        """Visit every node in document order, a bounded number of them; `styled`: those whose style names a URL."""
        handlers = self._handlers()
        root = tree.root
        nodes = root.traverse(include_text=True) if root is not None else iter(())
        for node in self.text.gather(islice(nodes, self._limits.nodes), handlers, styled):
            handler = handlers.get(node.tag_id)
            if handler is not None:
                handler(node)
            if styled and node.mem_id in styled and not self.images.is_full:
                self.images.add_style(node.attributes.get("style") or "")
        if next(nodes, None) is not None:
            self._flags.add("too_many_nodes")

    def _handlers(self) -> dict[int, Handler]:
        """Handlers by numbers of tags. They live only for the visit: a cycle with this object would keep all pages."""
        return {
            _IDS["html"]: self._html,
            _IDS["body"]: self._body,
            _IDS["title"]: self._title,
            _IDS["meta"]: self._meta,
            _IDS["link"]: self._link,
            _IDS["a"]: self.outlinks.add,
            _IDS["area"]: self.outlinks.add,
            _IDS["img"]: self._img,
            _IDS["source"]: self._source,
            _IDS["script"]: self._script,
            _IDS["style"]: self._style,
            _IDS["noscript"]: self._noscript,
        }

    def _html(self, node: LexborNode) -> None:
        attributes = node.attributes
        self.language = (attributes.get("lang") or attributes.get("xml:lang") or "").strip()

    def _body(self, _: LexborNode) -> None:
        self._in_head = False

    def _title(self, node: LexborNode) -> None:
        """The first title element of the document counts, at any place; drawings have titles of their own."""
        self._titles += 1
        if self._titles > _MOST_TITLES or self.title or _in_drawing(node):
            return
        text = collapse(node.text())
        if len(text) > self._limits.title_length:
            self._flags.add("text_cut")
        self.title = bounded(text, self._limits.title_length)

    def _meta(self, node: LexborNode) -> None:
        self.metas.add(node.attributes, node)

    def _link(self, node: LexborNode) -> None:
        attributes = node.attributes
        rel, href = (attributes.get("rel") or "").lower().split(), attributes.get("href") or ""
        if rel and href and len(self.links) < _MOST_LINKS:
            self.links.append(LinkElement(tuple(rel[:8]), href, attributes, node, self._in_head))
        if "canonical" in rel and self._in_head and not self.canonical and href.strip():
            # Not in the body, where other people than the author write: https://html.spec.whatwg.org/#body-ok
            self.canonical = self.addresses.absolute(href)
        if "image_src" in rel or ("preload" in rel and (attributes.get("as") or "").lower() == "image"):
            self.images.add(href, "link")

    def _img(self, node: LexborNode) -> None:
        if self.images.is_full:
            return
        self.images.add_element(node.attributes, "", self._around(node))

    def _source(self, node: LexborNode) -> None:
        """A source element of a picture; that of audio or video has no srcset."""
        if self.images.is_full:
            return
        if "srcset" in (attributes := node.attributes) or "data-srcset" in attributes:
            self.images.add_source(attributes, "", self._around(node))

    def _around(self, node: LexborNode) -> Around:
        href, caption = self._places.around(node, self._limits.anchor_length)
        link = self.addresses.absolute(href) if href else ""
        return Around(link, caption, bool(self._places.navigation(node)))

    def _script(self, node: LexborNode) -> None:
        kind = (node.attributes.get("type") or "").partition(";")[0].strip().lower()
        if kind == "application/ld+json":
            self.json_ld.add(node.text(), node)

    def _style(self, node: LexborNode) -> None:
        self.images.add_css(node.text())

    def _noscript(self, node: LexborNode) -> None:
        """We run no scripts: links and images of a noscript element are valid for us."""
        markup = node.text()
        if "<" not in markup:
            return
        self._noscripts += 1
        self._noscript_left -= len(markup)
        if self._noscripts > _MOST_NOSCRIPTS or self._noscript_left < 0:
            self._flags.add("too_many_noscripts")
            return
        markup = bounded_markup(markup, self._limits, self._flags)
        for inner in LexborHTMLParser(markup, is_fragment=True, scripting=True).css("a[href],area[href],img,source"):
            self._inside_noscript(inner, node)

    def _inside_noscript(self, node: LexborNode, noscript: LexborNode) -> None:
        if node.tag == "img":
            self.images.add_element(node.attributes, "noscript", self._around(noscript))
        elif node.tag == "source":
            self.images.add_source(node.attributes, "noscript", self._around(noscript))
        else:
            self.outlinks.add(node, noscript)


def _in_drawing(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in ("svg", "math"):
            return True
        parent = parent.parent
    return False
