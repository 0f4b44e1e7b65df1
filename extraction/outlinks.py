"""Links out of a page: the first of each URL, in document order."""

from __future__ import annotations

from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from extraction.addresses import Addresses
from extraction.flags import Flags
from extraction.limits import ExtractionLimits
from extraction.placement import APART, Placement, in_runs
from extraction.text import VisibleText, anchor_text, bounded, collapse
from thrift_idl.gen.page.ttypes import Link

_MOST_REL = 16
_MAX_REL = 64


_Found = tuple[tuple[str, ...], str, bool | None, int]
"""A link's rel and text, True if it is in navigation, and its place among all links of the page."""


class Outlinks:
    """Gathers `a` and `area` elements that have a target."""

    def __init__(
        self, addresses: Addresses, limits: ExtractionLimits, flags: Flags, places: Placement, seen: VisibleText
    ) -> None:
        self._addresses = addresses
        self._limits = limits
        self._flags = flags
        self._places = places
        self._seen = seen
        self._found: dict[str, _Found] = {}
        self._starts: list[int] = []
        self._rel_words = 0
        self._is_full = False

    def records(self, nofollow: bool) -> tuple[Link, ...]:
        """The links in document order; `nofollow`: the page forbids following any of its links."""
        undecided = any(navigation is None for _, _, navigation, _ in self._found.values())
        dense = in_runs(self._seen.gaps(self._starts, APART)) if undecided else []
        return tuple(
            Link(url, rel, text, nofollow or "nofollow" in rel, dense[at] if navigation is None else navigation)
            for url, (rel, text, navigation, at) in self._found.items()
        )

    def add(self, node: LexborNode, stands_in: LexborNode | None = None) -> None:
        """An `a` or `area` element; `stands_in`: the noscript element that it was read from."""
        if self._is_full:  # examining the links beyond the bound is half the cost of a page that only has links
            return None
        attributes = node.attributes
        url = self._addresses.absolute(attributes["href"] or "") if "href" in attributes else ""
        if not url:
            return None
        self._starts.append(self._seen.position)
        if url in self._found:
            return None
        rel = _rel(attributes) if "rel" in attributes else ()
        self._rel_words += len(rel)
        if len(self._found) >= self._limits.outlinks or self._rel_words > self._limits.rel_words:
            self._is_full = True
            return self._flags.add("too_many_outlinks")
        text = self._alt(attributes) if node.tag == "area" else anchor_text(node, self._limits.anchor_length)
        navigation = self._places.navigation(node if stands_in is None else stands_in)
        self._found[url] = (rel, text, navigation, len(self._starts) - 1)
        return None

    def _alt(self, attributes: Mapping[str, str | None]) -> str:
        """The text of an area (https://html.spec.whatwg.org/#attr-area-alt)."""
        return bounded(collapse(attributes.get("alt") or ""), self._limits.anchor_length)


def _rel(attributes: Mapping[str, str | None]) -> tuple[str, ...]:
    words = (attributes.get("rel") or "")[: _MOST_REL * _MAX_REL].lower().split()
    return tuple(word[:_MAX_REL] for word in dict.fromkeys(words[:_MOST_REL]))
