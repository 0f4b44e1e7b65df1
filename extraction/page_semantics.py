"""The meaning of a page: the nodes of all syntaxes joined, its kinds found, its card made."""

from __future__ import annotations

from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser

from extraction.card import card_of
from extraction.kinds.convert import Place
from extraction.kinds.typed import found_kinds, page_kind, typed
from extraction.sources import Sources
from extraction.statements import Chooser
from extraction.syntax import microformats
from extraction.syntax.graph import Graph, Source
from extraction.syntax.scoped import MICRODATA, RDFA, read
from extraction.tree_walk import TreeWalk
from thrift_idl.gen.page.ttypes import Card, Image, Typed


class PageSemantics(NamedTuple):
    """The subject of the page."""

    card: Card
    typed: Typed


def semantics_of(
    tree: LexborHTMLParser,
    walk: TreeWalk,
    images: tuple[Image, ...],
    content_language: str,
    chooser: Chooser,
) -> PageSemantics:
    """Card and typed result of a page that was walked."""
    graph, stated = graph_of(tree, walk), walk.metas.stated
    place = Place(graph, walk.addresses.absolute)
    found = found_kinds(graph, stated)
    page = page_kind(found, stated)
    sources = Sources(tree, graph, stated, walk.links, images, page, walk.title, walk.language, content_language)
    return PageSemantics(card_of(sources, place, chooser), typed(found, page, stated, place, chooser))


def graph_of(tree: LexborHTMLParser, walk: TreeWalk) -> Graph:
    """The nodes of a page: JSON-LD's first, since the first of equal ones is believed."""
    graph = Graph()
    for value, element in walk.json_ld.values:
        graph.add(value, Source("json-ld", element))
    found: list[tuple[dict[str, Any], Source]] = []
    for dialect in (MICRODATA, RDFA):
        if tree.css_first(f"[{dialect.scope}]") is not None:  # without one there is no item
            found += read(tree, dialect)
    for item, source in (*found, *microformats.read(tree)):
        graph.add(item, source)
    return graph
