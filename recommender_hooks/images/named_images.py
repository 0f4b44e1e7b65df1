"""The images that a page names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.page.ttypes import Image
from weburl import request_form, url_key


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image URL of a page, and the page's description of it."""

    url: str
    """Request form."""
    key: bytes
    found: tuple[str, ...]
    """The places where the page names it, each once, in document order."""
    alt: str
    """The first that isn't empty."""


def named_images(images: Iterable[Image]) -> tuple[NamedImage, ...]:
    """The images of a record, one for each URL key, in the order in which the page first names them."""
    named: dict[bytes, NamedImage] = {}
    for image in images:
        try:
            url, key = request_form(image.url), url_key(image.url)
        except InvalidUrl:
            continue
        known = named.get(key, NamedImage(url, key, (), ""))
        found = known.found if image.found in known.found else (*known.found, image.found)
        named[key] = NamedImage(known.url, key, found, known.alt or image.alt or "")
    return tuple(named.values())
