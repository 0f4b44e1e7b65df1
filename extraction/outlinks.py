"""Links out of a page: the first of each URL, in document order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from extraction.addresses import Addresses
from extraction.flags import Flags
from extraction.limits import Limits
from extraction.places import APART, Places, in_runs
from extraction.text import VisibleText, anchor_text, bounded, collapse
from thrift_idl.gen.page.ttypes import Link

_MOST_REL = 16
_MAX_REL = 64


class _Found(NamedTuple):
    """A link, and what is known of where it stands; `at` is its place among all links of the page."""

    rel: tuple[str, ...]
    text: str
    navigation: bool | None
    at: int


class Outlinks:
    """Gathers `a` and `area` elements that have a target."""

    def __init__(self, addresses: Addresses, limits: Limits, flags: Flags, places: Places, seen: VisibleText) -> None:
        self._addresses = addresses
        self._limits = limits
        self._flags = flags
        self._places = places
        self._seen = seen
        self._found: dict[str, _Found] = {}
        self._starts: list[int] = []

    def records(self, nofollow: bool) -> tuple[Link, ...]:
        """What was found; `nofollow`: the page forbids to follow any of its links."""
        undecided = any(found.navigation is None for found in self._found.values())
        dense = in_runs(self._seen.gaps(self._starts, APART)) if undecided else []
        return tuple(
            Link(
                url,
                found.rel,
                found.text,
                nofollow or "nofollow" in found.rel,
                dense[found.at] if found.navigation is None else found.navigation,
            )
            for url, found in self._found.items()
        )

    def add(self, node: LexborNode, stands_in: LexborNode | None = None) -> None:
        """An `a` or `area` element; `stands_in`: the noscript element that it was read from.

        The text of an area is its alt (https://html.spec.whatwg.org/#attr-area-alt).
        """
        attributes = node.attributes
        url = self._new(attributes)
        if not url:
            return
        length = self._limits.anchor_length
        text = (
            bounded(collapse(attributes.get("alt") or ""), length) if node.tag == "area" else anchor_text(node, length)
        )
        navigation = self._places.navigation(node if stands_in is None else stands_in)
        self._found[url] = _Found(_rel(attributes), text, navigation, len(self._starts) - 1)

    def _new(self, attributes: Mapping[str, str | None]) -> str:
        """The URL of a link that is new here; of any link, where it starts is noted."""
        if "href" not in attributes:
            return ""
        url = self._addresses.absolute(attributes["href"] or "")
        if url:
            self._starts.append(self._seen.position)
        if not url or url in self._found:
            return ""
        if len(self._found) >= self._limits.outlinks:
            self._flags.add("too_many_outlinks")
            return ""
        return url


def _rel(attributes: Mapping[str, str | None]) -> tuple[str, ...]:
    if "rel" not in attributes:
        return ()
    words = (attributes.get("rel") or "")[: _MOST_REL * _MAX_REL].lower().split()
    return tuple(word[:_MAX_REL] for word in dict.fromkeys(words[:_MOST_REL]))
