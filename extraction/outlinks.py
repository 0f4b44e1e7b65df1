"""Links out of a page: the first of each URL, in document order."""

from __future__ import annotations

from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from extraction.addresses import Addresses
from extraction.flags import Flags
from extraction.limits import Limits
from extraction.text import anchor_text, bounded, collapse
from thrift_idl.gen.page.ttypes import Link

_MOST_REL = 16
_MAX_REL = 64


class Outlinks:
    """Gathers `a` and `area` elements that have a target."""

    def __init__(self, addresses: Addresses, limits: Limits, flags: Flags) -> None:
        self._addresses = addresses
        self._limits = limits
        self._flags = flags
        self._found: dict[str, tuple[tuple[str, ...], str]] = {}

    def records(self, nofollow: bool) -> tuple[Link, ...]:
        """What was found; `nofollow`: the page forbids to follow any of its links."""
        return tuple(Link(url, rel, text, nofollow or "nofollow" in rel) for url, (rel, text) in self._found.items())

    def add_anchor(self, node: LexborNode, attributes: Mapping[str, str | None]) -> None:
        """An `a` element; its text is the link's."""
        if url := self._new(attributes):
            self._found[url] = _rel(attributes), anchor_text(node, self._limits.anchor_length)

    def add_area(self, attributes: Mapping[str, str | None]) -> None:
        """An `area` element; its alt is the link's text (https://html.spec.whatwg.org/#attr-area-alt)."""
        if url := self._new(attributes):
            self._found[url] = (
                _rel(attributes),
                bounded(collapse(attributes.get("alt") or ""), self._limits.anchor_length),
            )

    def _new(self, attributes: Mapping[str, str | None]) -> str:
        if "href" not in attributes:
            return ""
        url = self._addresses.absolute(attributes["href"] or "")
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
