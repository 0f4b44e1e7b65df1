"""The nodes of all syntaxes as one graph: typed, reachable by @id, each with its place on the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborNode

_MOST_NODES = 5_000
_MOST_VALUES = 2_000  # of one property
_MAIN_KEYS = frozenset(("@graph", "mainEntity", "mainEntityOfPage", "mainContentOfPage", "blogPost"))
NESTED = 0.4
"""The weight of a node within another one, against 1 for a node of its own."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a node: a syntax, and the element that holds it (None: it lies beyond the parsed tree)."""

    syntax: str
    element: LexborNode | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A thing that the page describes. Reads like a mapping of names to lists of values."""

    data: Mapping[str, Any]
    types: tuple[str, ...]
    """Bare names in lower case."""
    source: Source
    weight: float
    graph: Graph

    def values(self, name: str) -> list[Any]:
        """Values under a name: strings, numbers, booleans, dicts; lists are flattened, references followed."""
        value = self.data.get(name)
        if isinstance(value, str):  # the usual case
            return [value]
        return [] if value is None else list(self.graph.flat(value))

    def path(self, name: str) -> str:
        """The name of its property: `Recipe.name`."""
        kind = self.data.get("@type")
        first = kind[0] if isinstance(kind, list) and kind else kind
        return f"{bare_name(first)}.{name}" if isinstance(first, str) else name

    def nodes(self, name: str) -> list[Node]:
        """The things under a name."""
        return [self.inner(value) for value in self.values(name) if isinstance(value, dict)]

    def inner(self, data: Mapping[str, Any]) -> Node:
        """A value that is a thing, as a node."""
        return Node(data, types_of(data), self.source, NESTED, self.graph)


class Graph:
    """Nodes in the order in which they were found."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._by_id: dict[str, Mapping[str, Any]] = {}
        self._left = _MOST_NODES

    def add(self, value: Any, source: Source) -> None:
        """Add a value, and every node within it."""
        rest: list[tuple[Any, float]] = [(value, 1.0)]
        while rest and self._left > 0:
            item, weight = rest.pop()
            if isinstance(item, dict):
                self._left -= 1
                self._add_node(item, source, weight)
                for key, inner in reversed(item.items()):
                    if isinstance(inner, dict | list):
                        rest.append((inner, weight if key in _MAIN_KEYS else min(weight, NESTED)))
            elif isinstance(item, list):
                rest += [(each, weight) for each in reversed(item) if isinstance(each, dict | list)]

    def _add_node(self, item: Mapping[str, Any], source: Source, weight: float) -> None:
        identity = item.get("@id")
        if isinstance(identity, str) and len(item) > len(self._by_id.get(identity, ())) and len(item) > 1:
            self._by_id[identity] = item
        types = types_of(item)
        if types:
            self.nodes.append(Node(item, types, source, weight, self))

    def of_types(self, names: frozenset[str]) -> list[Node]:
        """Nodes that have one of these types."""
        return [node for node in self.nodes if not names.isdisjoint(node.types)]

    def flat(self, value: Any) -> Iterator[Any]:
        """Scalars and dicts of a value, bounded."""
        rest, left = [value], _MOST_VALUES
        while rest and left > 0:
            item = rest.pop()
            left -= 1
            if isinstance(item, list):
                rest += item[:left][::-1]
            elif isinstance(item, dict):
                if "@list" in item or "@set" in item:
                    rest.append(item.get("@list", item.get("@set")))
                elif "@value" in item:
                    rest.append(item["@value"])
                else:
                    yield self._resolved(item)
            elif item is not None:
                yield item

    def _resolved(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        identity = item.get("@id")
        if len(item) > 2 or not isinstance(identity, str):
            return item
        return self._by_id.get(identity, item)


def types_of(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Bare names of a node's types, in lower case."""
    kind = item.get("@type", item.get("type"))
    if isinstance(kind, str):
        return (bare(kind),)
    return tuple(bare(each) for each in kind[:16] if isinstance(each, str)) if isinstance(kind, list) else ()


def bare(name: str) -> str:
    """As `bare_name`, in lower case."""
    return bare_name(name).lower()


def bare_name(name: str) -> str:
    """A type without its vocabulary: `http://schema.org/Recipe`, `schema:Recipe`."""
    if name.isalnum():  # the usual case
        return name[:256]
    return name[:256].strip().rstrip("/").rpartition("/")[2].rpartition("#")[2].rpartition(":")[2]


def renamed(value: Any) -> Any:
    """A JSON-LD value whose keys lose their vocabulary, `schema:name` and `https://schema.org/name`; the caller bounds
    the nesting.
    """
    if isinstance(value, dict):
        return {_bare_key(key): renamed(each) for key, each in value.items()}
    return [renamed(each) for each in value] if isinstance(value, list) else value


def _bare_key(key: str) -> str:
    return key if key.startswith("@") else key.rpartition("/")[2].rpartition(":")[2]
