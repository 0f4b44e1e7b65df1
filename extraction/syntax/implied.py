"""Implied properties of a microformat without the class for them: name, photo, url.

https://microformats.org/wiki/microformats2-parsing#parsing_for_implied_properties
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from selectolax.lexbor import LexborNode

from extraction.syntax.texts import Texts

_MOST = 600  # elements of a root, and children of one
_NAMES = {"img": "alt", "area": "alt", "abbr": "title"}
_PHOTOS = {"img": "src", "object": "data"}
_URLS = {"a": "href", "area": "href"}


def implied(root: LexborNode, texts: Texts) -> dict[str, str]:
    """name, photo and url of an h-* root, if its explicit properties allow them."""
    prefixes = {
        name[:2] for node in islice(root.css("[class]"), _MOST) if not _is(node, root) for name in classes(node)
    }
    if "h-" in prefixes:
        return {}
    found = {}
    if prefixes.isdisjoint(("p-", "e-")):
        found["name"] = _stated(root, _NAMES, only_child=True) or texts.of(root)
    if "u-" not in prefixes:
        found["photo"] = _stated(root, _PHOTOS, only_child=False)
        found["url"] = _stated(root, _URLS, only_child=False)
    return {name: value for name, value in found.items() if value}


def classes(node: LexborNode) -> list[str]:
    """The classes of an element in lower case; a bounded number of them."""
    return (node.attributes.get("class") or "")[:512].lower().split()


def _stated(root: LexborNode, attributes: dict[str, str], *, only_child: bool) -> str:
    """The attribute of the root itself, of its only child of that element, or of the only child's."""
    own = _attribute(root, attributes)
    if own:
        return own
    children = list(_children(root))
    for within in (children, list(_children(children[0])) if len(children) == 1 else []):
        for tag in attributes:
            such = within if only_child else [child for child in within if child.tag == tag]
            if len(such) == 1 and such[0].tag == tag and (stated := _attribute(such[0], attributes)):
                return stated
    return ""


def _attribute(node: LexborNode, attributes: dict[str, str]) -> str:
    return (node.attributes.get(attributes.get(node.tag or "", "")) or "").strip()


def _children(node: LexborNode) -> Iterator[LexborNode]:
    return islice((child for child in node.iter() if child.is_element_node), _MOST)


def _is(one: LexborNode, other: LexborNode) -> bool:
    return one.mem_id == other.mem_id
