"""Microdata and RDFa Lite: elements with properties within elements with types, read by one algorithm.

https://html.spec.whatwg.org/multipage/microdata.html, https://www.w3.org/TR/rdfa-lite/. Where real pages differ, they
decide: `content` counts on any element, and a link's text is the value of a property that is no URL.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.syntax.graph import Source
from extraction.syntax.texts import Texts, once

_MOST = 2_000  # elements that have a property or a type
_MOST_REFS = 200
_URL_NAMES = """
    url image photo logo sameAs mainEntityOfPage thumbnailUrl contentUrl embedUrl item availability itemCondition
    thumbnail screenshot associatedMedia downloadUrl installUrl hasMap license primaryImageOfPage isBasedOn
    """
_URLS = frozenset(_URL_NAMES.split())
_LINK_ATTRIBUTES = ("href", "src", "data-src", "data")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The attributes of one syntax."""

    syntax: str
    property: str
    scope: str
    kind: str
    id: str
    selector: str


MICRODATA = Dialect("microdata", "itemprop", "itemscope", "itemtype", "itemid", "[itemprop],[itemscope]")
RDFA = Dialect("rdfa", "property", "typeof", "typeof", "resource", "[typeof],[typeof] [property]")


def read(tree: LexborHTMLParser, dialect: Dialect) -> list[tuple[dict[str, Any], Source]]:
    """The items of a page that are no property of another, in document order."""
    return _ScopedReading(dialect).items(once(islice(tree.css(dialect.selector), _MOST)), tree)


class _ScopedReading:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._texts = Texts()
        self._scopes: dict[int, dict[str, Any]] = {}
        self._owners: dict[int, dict[str, Any] | None] = {}

    def items(self, nodes: list[LexborNode], tree: LexborHTMLParser) -> list[tuple[dict[str, Any], Source]]:
        dialect, roots = self._dialect, []
        attributes_of = [node.attributes for node in nodes]
        for node, attributes in zip(nodes, attributes_of, strict=True):
            if dialect.scope in attributes:
                self._scopes[node.mem_id] = item = _item(dialect, attributes)
                if dialect.property not in attributes:
                    roots.append((item, Source(dialect.syntax, node)))
        self._own_references(nodes, attributes_of, tree)
        for node, attributes in zip(nodes, attributes_of, strict=True):
            names = (attributes.get(dialect.property) or "").split()
            owner = self._owner(node) if names else None
            if owner is None:
                if names and node.mem_id in self._scopes:
                    roots.append((self._scopes[node.mem_id], Source(dialect.syntax, node)))
                continue
            for name in names[:8]:
                key = name.rpartition("/")[2].rpartition(":")[2]
                value = self._scopes.get(node.mem_id) or _value(node, attributes, key, self._texts)
                if value is not owner:
                    owner.setdefault(key, []).append(value)
        return roots

    def _own_references(
        self, nodes: list[LexborNode], attributes_of: list[dict[str, str | None]], tree: LexborHTMLParser
    ) -> None:
        """itemref: the properties in those elements belong to the item, too."""
        left = _MOST_REFS
        for node, attributes in zip(nodes, attributes_of, strict=True):
            if self._dialect is not MICRODATA or "itemref" not in attributes:
                continue
            for name in (attributes["itemref"] or "").split()[:left]:
                left -= 1
                referred = (
                    tree.css_first(f'[id="{name}"]') if name.replace("-", "").replace("_", "").isalnum() else None
                )
                if referred is not None:
                    self._owners[referred.mem_id] = self._scopes.get(node.mem_id)

    def _owner(self, node: LexborNode) -> dict[str, Any] | None:
        """The item around an element; the findings on the way up are kept for its neighbours."""
        own = self._owners.get(node.mem_id)
        if own is not None:
            return own
        way: list[int] = []
        above = node.parent
        found: dict[str, Any] | None = None
        while above is not None:
            identity = above.mem_id
            found = self._scopes.get(identity)
            if found is None and identity in self._owners:
                found = self._owners[identity]
                break
            if found is not None:
                break
            way.append(identity)
            above = above.parent
        for identity in way:
            self._owners[identity] = found
        return found


def _item(dialect: Dialect, attributes: dict[str, str | None]) -> dict[str, Any]:
    item: dict[str, Any] = {"@type": (attributes.get(dialect.kind) or "").split()[:8]}
    if attributes.get(dialect.id):
        item["@id"] = attributes[dialect.id]
    return item


def _value(node: LexborNode, attributes: dict[str, str | None], name: str, texts: Texts) -> str:
    content = attributes.get("content")
    if content is not None:
        return content
    link = next((attributes[each] for each in _LINK_ATTRIBUTES if attributes.get(each)), None)
    if link is not None and (node.tag != "a" or name in _URLS):
        return link
    moment = attributes.get("datetime") or (attributes.get("value") if node.tag in ("data", "meter") else None)
    return moment or texts.of(node) or link or ""
