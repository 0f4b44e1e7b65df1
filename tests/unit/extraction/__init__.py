"""Pages in small pieces."""

from __future__ import annotations

from typing import Any

from extraction.page import extract
from thrift_idl.gen.page.ttypes import PageRecord

URL = "http://site.test/folder/page"


def record(html: str | bytes, **arguments: Any) -> PageRecord:
    """The record of a page served from `URL`."""
    content = html.encode() if isinstance(html, str) else html
    return extract(content, arguments.pop("url", URL), **arguments)


def urls(html: str, **arguments: Any) -> list[str]:
    return [link.url for link in record(html, **arguments).outlinks]


def images(html: str, **arguments: Any) -> list[tuple[str, str]]:
    return [(image.url, image.found) for image in record(html, **arguments).images]
