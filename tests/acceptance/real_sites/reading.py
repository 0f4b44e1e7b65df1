"""A page read by lxml: what the store should say of it, by a parser and code that aren't ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree, html

from tests.acceptance.real_sites.resolving import resolve

_NO_TEXT = frozenset(("script", "style", "template", "title", "iframe", "noscript"))
_ROBOTS = re.compile(r"robots|[a-z0-9_-]*bot")
_REFRESH = re.compile(r"\s*0\s*;\s*url\s*=\s*[\"']?([^\"']+)", re.IGNORECASE)
_INLINE_NAMES = (
    "a abbr acronym b big cite code dfn em font i img kbd label q s samp small span strong sub sup tt u var wbr"
)
_INLINE = frozenset(_INLINE_NAMES.split())


@dataclass(frozen=True, slots=True)
class Link:
    """One link as the page writes it."""

    href: str
    rel: tuple[str, ...]
    text: str
    holds_link: bool = False
    """Whether another link stands in it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One page as lxml sees it; addresses as written."""

    title: str
    canonical: str
    base: str
    refresh: str
    opengraph: tuple[tuple[str, str], ...]
    robots: tuple[tuple[str, tuple[str, ...]], ...]
    links: tuple[Link, ...]
    content_bytes: int
    tags: int
    """`<` characters."""
    images: int
    """Different ones, of img elements."""

    def base_url(self, url: str) -> str:
        """The base of its addresses."""
        return resolve(url, self.base) if self.base else url

    def outlinks(self, url: str) -> dict[str, Link]:
        """The first link to each URL, in order."""
        base, found = self.base_url(url), dict[str, Link]()
        known: dict[str, str] = {}
        for link in self.links:
            address = link.href.partition("#")[0]
            target = known.get(address)
            if target is None:
                target = known[address] = resolve(base, address)
            if target:
                found.setdefault(target, link)
        return found

    def follows(self, link: Link) -> bool:
        """True if a polite crawl follows that link."""
        directives = {word for agent, words in self.robots if not agent for word in words}
        return "nofollow" not in link.rel and not directives & {"nofollow", "none"}


@lru_cache(maxsize=4096)
def read(path: Path, content_of: Any) -> Reading:
    """The reading of a file; `content_of` gives its bytes."""
    content = content_of(path)
    root = html.document_fromstring(content, parser=html.HTMLParser(huge_tree=True))
    head = root.find("head")
    canonical = () if head is None else (link for link in head.iter("link") if "canonical" in _words(link, "rel"))
    base = root.find(".//base[@href]")
    return Reading(
        title=_title(root),
        canonical=next((link.get("href", "").strip() for link in canonical), ""),
        base="" if base is None else base.get("href", "").strip(),
        refresh=next(_refreshes(root), ""),
        opengraph=tuple(_opengraph(root)),
        robots=tuple(_robots(root)),
        links=tuple(_links(root)),
        content_bytes=len(content),
        tags=content.count(b"<"),
        images=len({each.get("src") for each in root.iter("img") if each.get("src")}),
    )


def _title(root: Any) -> str:
    titles = (each for each in root.iter("title") if not any(above.tag == "svg" for above in each.iterancestors()))
    return " ".join(next(("".join(each.itertext()) for each in titles), "").split())


def _refreshes(root: Any) -> Iterator[str]:
    for meta in root.iter("meta"):
        if meta.get("http-equiv", "").lower() == "refresh" and (found := _REFRESH.match(meta.get("content", ""))):
            yield found[1].strip()


def _opengraph(root: Any) -> Iterator[tuple[str, str]]:
    for meta in root.iter("meta"):
        name = meta.get("property") or meta.get("name") or ""
        if name.startswith("og:") and meta.get("content") is not None:
            yield name, meta.get("content")


def _robots(root: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for meta in root.iter("meta"):
        name = meta.get("name", "").strip().lower()
        words = tuple(re.split(r"[,\s]+", meta.get("content", "").strip().lower()))
        if _ROBOTS.fullmatch(name) and any(words):
            yield name.removeprefix("robots"), words


def _links(root: Any) -> Iterator[Link]:
    for each in root.iter("a", "area"):
        if (href := each.get("href")) is not None:
            text = each.get("alt", "") if each.tag == "area" else "".join(_pieces(each))
            rel, holds_link = tuple(dict.fromkeys(_words(each, "rel"))), each.find(".//a") is not None
            yield Link(href, rel, " ".join(text.split())[:256].rstrip(), holds_link)


def _pieces(element: Any) -> Iterator[str]:
    """Text in an element; blocks are set apart."""
    apart = "" if element.tag in _INLINE else " "
    yield apart
    if element.tag not in _NO_TEXT and not isinstance(element, (etree._Comment, etree._ProcessingInstruction)):
        yield element.text or ""
        for inner in element:
            yield from _pieces(inner)
            yield inner.tail or ""
    yield apart


def _words(element: Any, name: str) -> list[str]:
    words: list[str] = element.get(name, "").lower().split()
    return words
