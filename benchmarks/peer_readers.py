"""The same fields of a page by parsel, lxml and BeautifulSoup, for `benchmarks.extraction`: runs in their environment.

`python -m benchmarks.peer_readers FILE URL` prints, as JSON, of each reader its seconds of CPU a page and what it read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import lxml.html
from bs4 import BeautifulSoup
from parsel import Selector

from benchmarks.cpu_time import seconds

Reader = Callable[[bytes, str], dict[str, Any]]


def by_parsel(content: bytes, url: str) -> dict[str, Any]:
    """As a Scrapy spider does."""
    page = Selector(content.decode())
    metas = page.css("meta[property^='og:']")
    return {
        "title": page.css("title::text").get(),
        "description": page.css("meta[name=description]::attr(content)").get(),
        "canonical": page.css("link[rel=canonical]::attr(href)").get(),
        "og": [[meta.attrib["property"], meta.attrib["content"]] for meta in metas],
        "links": [[urljoin(url, a.attrib["href"]), a.css("::text").get()] for a in page.css("a[href]")],
    }


def by_lxml(content: bytes, url: str) -> dict[str, Any]:
    """XPath, and nothing above it."""
    page = lxml.html.document_fromstring(content.decode())
    metas = page.xpath("//meta[starts-with(@property, 'og:')]")
    return {
        "title": page.findtext(".//title"),
        "description": page.xpath("//meta[@name='description']/@content")[0],
        "canonical": page.xpath("//link[@rel='canonical']/@href")[0],
        "og": [[meta.get("property"), meta.get("content")] for meta in metas],
        "links": [[urljoin(url, a.get("href")), a.text_content()] for a in page.xpath("//a[@href]")],
    }


def by_beautiful_soup(content: bytes, url: str) -> dict[str, Any]:
    """With the parser that its documentation calls the fast one."""
    page = BeautifulSoup(content.decode(), "lxml")
    metas = page.select("meta[property^='og:']")
    return {
        "title": page.title.string,  # type: ignore[union-attr]  # the page has one
        "description": page.find("meta", attrs={"name": "description"})["content"],  # type: ignore[index]  # as above
        "canonical": page.find("link", rel="canonical")["href"],  # type: ignore[index]  # as above
        "og": [[meta["property"], meta["content"]] for meta in metas],
        "links": [[urljoin(url, str(a["href"])), a.get_text()] for a in page.find_all("a", href=True)],
    }


READERS: dict[str, Reader] = {"lxml": by_lxml, "parsel": by_parsel, "beautifulsoup4": by_beautiful_soup}


def main() -> None:
    """Read the page by each."""
    content, url = Path(sys.argv[1]).read_bytes(), sys.argv[2]
    answer = {
        f"{name} {version(name)}": {
            "seconds": seconds(lambda read=read: read(content, url)),  # type: ignore[misc]  # its default
            "fields": read(content, url),
        }
        for name, read in READERS.items()
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
