"""URLs that a page names, made absolute on its base URL."""

from __future__ import annotations

from thrift_idl.errors import InvalidUrl
from weburl import joiner, parse

_NO_LINK = ("javascript:", "mailto:", "tel:", "data:", "about:", "blob:")
_LINK_BEGINS = frozenset("hH/.?#")  # most links; none begins with a scheme of those above
_SPACE = "\t\n\f\r "


def base_url(page_url: str, base_href: str | None) -> str:
    """The document base URL (https://html.spec.whatwg.org/multipage/urls-and-fetching.html#document-base-url)."""
    if base_href is None:
        return page_url
    try:
        base = parse(base_href.strip(_SPACE), page_url)
    except InvalidUrl:
        return page_url
    return page_url if base.startswith(("data:", "javascript:")) else base


class Addresses:
    """Resolves URLs on one base and remembers the results: pages repeat themselves."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._join = joiner(base)
        self._known: dict[str, str] = {}

    def absolute(self, href: str) -> str:
        """The request form of `href`: http(s), without fragment and userinfo; "" if it has none."""
        known = self._known.get(href)
        if known is None:
            known = self._known[href] = self._resolved(href.strip(_SPACE))
        return known

    def _resolved(self, href: str) -> str:
        if href[:1] not in _LINK_BEGINS and href[:11].lower().startswith(_NO_LINK):
            return ""
        try:
            return self._join(href)
        except InvalidUrl:
            return ""
