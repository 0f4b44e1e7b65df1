"""A reader of one kind of thing from the nodes and properties of a page, by its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborNode

from extraction.kinds.convert import Place, Values
from extraction.statements import Chooser, Statement
from extraction.syntax.graph import NESTED, Node

Convert = Callable[[Values, Place], Any]
Stated = Mapping[str, Sequence[tuple[str, LexborNode | None]]]
"""Contents of meta elements by their lower case name, each with its element."""

_SYNTAXES = {"og": "opengraph", "article": "opengraph", "product": "opengraph", "profile": "opengraph",
             "video": "opengraph", "place": "opengraph", "business": "opengraph", "music": "opengraph",
             "book": "opengraph", "recipe": "opengraph", "twitter": "twitter", "al": "app-links"}  # fmt: skip
_MERGED = 3  # nodes that describe the same thing in several syntaxes


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a kind: schema.org's properties, then names of meta elements, best first."""

    name: str
    properties: tuple[str, ...]
    convert: Convert
    metas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageKind:
    """A kind of page."""

    name: str
    struct: Callable[..., Any]
    types: frozenset[str]
    """schema.org's, in lower case."""
    og_types: frozenset[str]
    essential: tuple[tuple[str, ...], ...]
    """Groups of properties: a complete thing has at least one property of each."""
    fields: tuple[Field, ...]
    finish: Callable[[dict[str, Any]], dict[str, Any]] = lambda fields: fields
    """Adds fields derived from the others."""

    def completeness(self, node: Node) -> float:
        """The share of `essential` groups that are present, 0 to 1."""
        there = sum(1 for names in self.essential if any(node.data.get(name) for name in names))
        return there / len(self.essential)


def syntax_of_meta(name: str) -> str:
    """The syntax that a meta element's name belongs to."""
    if name.startswith(("dc.", "dcterms.", "dc:", "dcterms:")):
        return "dublin-core"
    return _SYNTAXES.get(name.partition(":")[0], "meta") if ":" in name else "meta"


def best_nodes(kind: PageKind, nodes: list[Node]) -> list[Node]:
    """The node of the page, then nodes of other syntaxes that describe the same thing."""
    ranked = sorted(nodes, key=lambda node: -(node.weight * (0.1 + kind.completeness(node))))
    found: list[Node] = []
    for node in ranked[:50]:
        others = [each for each in found if each.source.syntax == node.source.syntax]
        if not others and (not found or node.weight > NESTED):
            found.append(node)
    return found[:_MERGED]


def read_kind(kind: PageKind, nodes: list[Node], stated: Stated, place: Place, chooser: Chooser) -> Any:
    """The struct of a kind; a field without statements stays at its default."""
    found: dict[str, Any] = {}
    for field in kind.fields:
        if field.name in found:  # in a table twice: from a thing, otherwise from a text
            continue
        value = chooser.choose(
            f"{kind.name}.{field.name}",
            statements_of(field, nodes, stated),
            lambda values, convert=field.convert: convert(values, place),  # type: ignore[misc]  # bound now
            None,
        )
        if value:
            found[field.name] = value
    return kind.struct(**kind.finish(found))


def statements_of(field: Field, nodes: Sequence[Node], stated: Stated) -> Iterator[Statement]:
    """The statements about a field, best first."""
    for node in nodes:
        for name in field.properties:
            if name in node.data and (values := node.values(name)):
                yield Statement(node.source.syntax, node.path(name), values, node.source.element)
    for name in field.metas:
        if entries := stated.get(name):
            yield Statement(syntax_of_meta(name), name, [content for content, _ in entries], entries[0][1])
