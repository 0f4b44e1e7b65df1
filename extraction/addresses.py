"""URLs that a page names, made absolute on its base URL."""

from __future__ import annotations

from extraction.flags import Flags
from extraction.limits import DEFAULT
from thrift_idl.errors import InvalidUrl
from weburl import joiner, parse

_NO_LINK = ("javascript:", "mailto:", "tel:", "data:", "about:", "blob:")
_LINK_BEGINS = frozenset("hH/.?#")  # most links; none begins with a scheme of those above
_SPACE = "\t\n\f\r "
_LONG = 1_024  # characters: a real page has few longer URLs, and to resolve one of 8,000 may take a millisecond


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

    def __init__(self, base: str, flags: Flags | None = None, long_urls: int = DEFAULT.long_urls) -> None:
        """`long_urls`: see `ExtractionLimits`; its flag goes to `flags`."""
        self.base = base
        self._flags = flags
        self._long_left = long_urls
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
        if self._long_left < 0:
            if self._flags is not None:
                self._flags.add("too_many_long_urls")
            return ""
        try:
            url = self._join(href)
        except InvalidUrl:
            self._count(len(self.base) + len(href))
            return ""
        self._count(len(url))
        return url

    def _count(self, length: int) -> None:
        if length > _LONG:
            self._long_left -= length
