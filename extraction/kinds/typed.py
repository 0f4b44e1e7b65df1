"""The type of a page: every kind of which it has something, and the one that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from extraction.kinds.convert import Place as At
from extraction.kinds.persons_and_places import PLACE, PROFILE
from extraction.kinds.product import PRODUCT
from extraction.kinds.reading import PageKind, Stated, best_nodes, read_kind
from extraction.kinds.recipe import RECIPE
from extraction.kinds.works import APP, ARTICLE, MOVIE, VIDEO
from extraction.precedence import KINDS
from extraction.statements import Chooser
from extraction.syntax.graph import NESTED, Graph, Node
from thrift_idl.gen.page.ttypes import Typed

TABLES = {kind.name: kind for kind in (RECIPE, PRODUCT, MOVIE, PLACE, APP, VIDEO, PROFILE, ARTICLE)}
_BY_TYPE = {name: kind for kind in TABLES.values() for name in kind.types}
_SURE = 0.5
_LIKELY = 0.4
_WEAK_SYNTAX = {"microformats": 0.85}
_STATED = {
    "article": ("article:published_time", "article:section"),
    "product": ("product:price:amount", "og:price:amount"),
}
"""Properties that only such a page has."""


@dataclass(frozen=True, slots=True)
class FoundKind:
    """A kind that the page may be."""

    kind: PageKind
    nodes: list[Node]
    confidence: float


def found_kinds(graph: Graph, stated: Stated) -> list[FoundKind]:
    """Every kind that a node or OpenGraph's type names."""
    og_type = _og_type(stated)
    by_kind: dict[str, list[Node]] = {}
    has_profile_page = any("profilepage" in node.types for node in graph.nodes)
    for node in graph.nodes:
        for name in node.types:
            kind = _BY_TYPE.get(name)
            if kind is not None and (kind is not PROFILE or has_profile_page or og_type in PROFILE.og_types):
                by_kind.setdefault(kind.name, []).append(node)
    found = []
    for kind in TABLES.values():
        nodes = by_kind.get(kind.name, [])
        is_named = og_type in kind.og_types or any(name in stated for name in _STATED.get(kind.name, ()))
        if nodes or is_named:
            best = best_nodes(kind, nodes)
            found.append(FoundKind(kind, best, _confidence(kind, best, nodes, is_named)))
    return found


def _og_type(stated: Stated) -> str:
    entries = stated.get("og:type")
    return entries[0][0].strip().lower()[:64] if entries else ""


def _confidence(kind: PageKind, best: list[Node], nodes: list[Node], is_named: bool) -> float:
    """The confidence: structured data of the page by its completeness; less for one of several; else OpenGraph."""
    if not best:
        return 0.45 if kind is ARTICLE else 0.6
    first = best[0]
    complete = kind.completeness(first)
    sure = 0.55 + 0.4 * complete if first.weight > NESTED else 0.2 + 0.35 * complete
    sure *= _WEAK_SYNTAX.get(first.source.syntax, 1.0)
    if _is_one_of_several(first, nodes):
        sure *= 0.4 if kind is ARTICLE else 0.6  # archives list articles; pages with two recipes are about them
    return round(min(0.99, max(sure + 0.04, 0.6) if is_named else sure), 2)


def _is_one_of_several(first: Node, nodes: list[Node]) -> bool:
    """True if the syntax has other equally good nodes of other names: a list of them."""
    names = {
        _name(node)
        for node in nodes[:50]
        if node.weight == first.weight and node.source.syntax == first.source.syntax and node.types == first.types
    }
    return len(names) > 1


def _name(node: Node) -> str | int:
    said = node.data.get("name", node.data.get("headline"))
    return said if isinstance(said, str) else id(said)


def page_kind(found: list[FoundKind], stated: Stated) -> FoundKind | None:
    """The kind of the page, None for other."""
    sure = {each.kind.name: each for each in found if each.confidence >= _SURE}
    if _has_no_offer(sure):
        del sure["product"]
    og_type = _og_type(stated)
    for each in sure.values():
        if og_type in each.kind.og_types and each.kind is not ARTICLE and each.nodes:
            return each
    for name in KINDS:
        if name in sure:
            return sure[name]
    likely = [each for each in found if each.confidence >= _LIKELY and not _is_beside(each)]
    return max(likely, key=lambda each: each.confidence, default=None)


def _is_beside(found: FoundKind) -> bool:
    """True if it is a part of another subject of the page: the place of an event, the author."""
    return found.kind in (PLACE, PROFILE, VIDEO) and bool(found.nodes) and found.nodes[0].weight <= NESTED


def _has_no_offer(sure: dict[str, FoundKind]) -> bool:
    """True if it has no price: an article that reviews a product names it, too; a shop's page has a price."""
    if "product" not in sure or "article" not in sure:
        return False
    return not any(node.data.get(name) for node in sure["product"].nodes for name in ("offers", "hasVariant", "sku"))


def typed(found: list[FoundKind], page: FoundKind | None, stated: Stated, at: At, chooser: Chooser) -> Typed:
    """The record of the kinds found: each kind that has any field."""
    fields: dict[str, Any] = {}
    for each in found:
        if each is page or each.confidence >= 0.3:
            record = read_kind(each.kind, each.nodes, stated, at, chooser)
            if record != each.kind.struct():
                fields[each.kind.name] = record
    return Typed("other" if page is None else page.kind.name, 0.0 if page is None else page.confidence, **fields)
