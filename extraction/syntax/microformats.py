"""Microformats: h-recipe, h-entry, h-product, and their predecessors, as nodes with schema.org's names.

http://microformats.org/wiki/h-recipe, h-entry, h-product; hRecipe, hAtom, hProduct. Roots and their properties are
found by class; the properties of a root inside another one belong to the inner one.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.syntax.graph import Source
from extraction.syntax.implied import classes, implied
from extraction.syntax.texts import Texts, once

_MOST_ROOTS = 20
_MOST_PROPERTIES = 600
_RECIPE = {
    "p-name": "name", "fn": "name", "p-ingredient": "recipeIngredient", "ingredient": "recipeIngredient",
    "e-instructions": "recipeInstructions", "instructions": "recipeInstructions", "p-yield": "recipeYield",
    "yield": "recipeYield", "dt-duration": "totalTime", "duration": "totalTime", "preptime": "prepTime",
    "cooktime": "cookTime", "u-photo": "image", "photo": "image", "p-author": "author", "author": "author",
    "p-summary": "description", "summary": "description", "dt-published": "datePublished", "published": "datePublished",
    "p-category": "keywords", "tag": "keywords",
}  # fmt: skip
_ENTRY = {
    "p-name": "headline", "entry-title": "headline", "p-summary": "description", "entry-summary": "description",
    "p-author": "author", "author": "author", "dt-published": "datePublished", "published": "datePublished",
    "dt-updated": "dateModified", "updated": "dateModified", "u-photo": "image", "u-featured": "image",
    "p-category": "keywords",
}  # fmt: skip
_PRODUCT = {
    "p-name": "name", "fn": "name", "u-photo": "image", "photo": "image", "p-brand": "brand", "brand": "brand",
    "p-category": "category", "category": "category", "p-description": "description", "e-description": "description",
    "description": "description", "p-price": "price", "price": "price", "u-identifier": "sku", "identifier": "sku",
}  # fmt: skip
_ROOTS = {
    "h-recipe": ("Recipe", _RECIPE), "hrecipe": ("Recipe", _RECIPE), "h-entry": ("BlogPosting", _ENTRY),
    "hentry": ("BlogPosting", _ENTRY), "h-product": ("Product", _PRODUCT), "hproduct": ("Product", _PRODUCT),
}  # fmt: skip
_SELECTOR = ",".join(f".{name}" for name in _ROOTS)
_PROPERTIES = {id(table): ",".join(f".{name}" for name in table) for table in (_RECIPE, _ENTRY, _PRODUCT)}
_DATES = ("datePublished", "dateModified", "totalTime", "prepTime", "cookTime")


def read(tree: LexborHTMLParser) -> list[tuple[dict[str, Any], Source]]:
    """The items of a page."""
    roots = once(islice(tree.css(_SELECTOR), _MOST_ROOTS))
    if not roots:
        return []
    inner = {root.mem_id for root in roots}
    left, texts = _MOST_PROPERTIES, Texts()
    found = []
    for root in roots:
        name = next((each for each in classes(root) if each in _ROOTS), "")
        if not name:
            continue
        kind, table = _ROOTS[name]
        nodes = once(islice(root.css(_PROPERTIES[id(table)]), left))
        left -= len(nodes)
        item = _item(kind, table, root, nodes, inner, texts)
        if name.startswith("h-"):
            _imply(item, table, root, texts)
        found.append((item, Source("microformats", root)))
    return found


def _imply(item: dict[str, Any], table: dict[str, str], root: LexborNode, texts: Texts) -> None:
    keys = {"name": table["p-name"], "photo": "image", "url": "url"}
    if not all(key in item for key in keys.values()):
        for name, value in implied(root, texts).items():
            item.setdefault(keys[name], [value])


def _item(
    kind: str, table: dict[str, str], root: LexborNode, nodes: list[LexborNode], roots: set[int], texts: Texts
) -> dict[str, Any]:
    item: dict[str, Any] = {"@type": kind}
    taken: set[int] = set()
    for node in nodes:
        owner = _owner(node, roots, taken)
        if owner != root.mem_id or node.mem_id == root.mem_id:
            continue
        for name in classes(node):
            key = table.get(name)
            if key is not None:
                value = _value(node, key, texts)
                if value:
                    item.setdefault(key, []).append(value)
                    taken.add(node.mem_id)
    return item


def _owner(node: LexborNode, roots: set[int], taken: set[int]) -> int:
    """The root around an element; 0 if a property is around it: `fn` of an author is no name of the recipe."""
    above = node.parent
    for _ in range(64):
        if above is None:
            break
        if above.mem_id in roots:
            return above.mem_id
        if above.mem_id in taken:
            break
        above = above.parent
    return 0


def _value(node: LexborNode, key: str, texts: Texts) -> str:
    attributes = node.attributes
    if key == "image":
        image = node if node.tag in ("img", "a") else node.css_first("img")
        of = attributes if image is node or image is None else image.attributes
        return of.get("src") or of.get("href") or of.get("data-src") or ""
    if key in _DATES:
        stated = attributes.get("datetime") or attributes.get("title") or _value_title(node)
        return stated or texts.of(node)
    return attributes.get("content") or texts.of(node)


def _value_title(node: LexborNode) -> str:
    """http://microformats.org/wiki/value-class-pattern."""
    inner = node.css_first(".value-title[title]")
    return "" if inner is None else inner.attributes.get("title") or ""
