"""The documented bounds that a page exceeds, as lxml counts: such a page must have the flag, and no other may."""

from __future__ import annotations

from extraction.limits import DEFAULT
from tests.acceptance.real_sites.reading import Reading
from thrift_idl.gen.page.ttypes import Link, PageRecord
from thrift_idl.records import pack

OF_THE_PAGE = frozenset(("bad_charset", "json_ld_broken"))
"""Flags of a page that is broken by itself: it is whole all the same."""


def exceeded(url: str, reading: Reading) -> frozenset[str]:
    """The flags that the record of the page at `url` must have."""
    links = reading.outlinks(url)
    rel_words = sum(len(link.rel) for link in links.values())
    record = PageRecord(outlinks=tuple(Link(target, link.rel, link.text, False) for target, link in links.items()))  # type: ignore[call-arg]  # stubs have keywords only
    is_exceeded = {
        "truncated": reading.content_bytes > DEFAULT.content_bytes,
        "too_many_tags": reading.tags > DEFAULT.tags,
        "too_many_outlinks": len(links) > DEFAULT.outlinks or rel_words > DEFAULT.rel_words,
        "too_many_images": reading.images > DEFAULT.images,
        "text_cut": len(reading.title) > DEFAULT.title_length,
        "record_too_large": len(pack(record)) > DEFAULT.record_bytes,
    }
    return frozenset(flag for flag, exceeds in is_exceeded.items() if exceeds)
