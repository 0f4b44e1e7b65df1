"""Rules of a page, or of an image's own headers, for its publication. Pure.

noindex (or none): the page isn't published, no event at all. nopin, noimageindex, noai, noimageai: its images are
neither published nor fetched. https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag has robots
directives, https://help.pinterest.com/en/business/article/prevent-people-from-saving-images-from-your-site nopin.
"""

from __future__ import annotations

from collections.abc import Iterable

from extraction.limits import DEFAULT
from thrift_idl.gen.fetcher.ttypes import Header
from thrift_idl.gen.page.ttypes import PageRecord
from weburl.robots_directives import directives_for_us, of_header

_NO_PAGE = frozenset(("noindex", "none"))
_NO_IMAGES = frozenset(("noai", "noimageai", "noimageindex", "nopin"))


def forbids_page(record: PageRecord) -> bool:
    """True if the page asks not to be published."""
    return bool(_NO_PAGE & directives_for_us(record.robots))


def withholding(record: PageRecord) -> tuple[str, ...]:
    """The page's wishes that its images aren't published, sorted; empty = none."""
    return tuple(sorted(_NO_IMAGES & (directives_for_us(record.robots) | set(record.preferences))))


def forbids_image(headers: Iterable[Header]) -> bool:
    """True if an image's X-Robots-Tag asks not to publish it."""
    values = (header.value for header in headers if header.name.lower() == "x-robots-tag")
    directives = directives_for_us(of_header(value, DEFAULT.directives) for value in values)
    return bool((_NO_PAGE | _NO_IMAGES) & directives)
