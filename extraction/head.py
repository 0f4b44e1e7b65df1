"""The head of a page as a fetcher needs it before extraction: canonical link and meta refresh, from its first bytes.

No tree: a linear scan, which stops after the head where the rest doesn't matter. Comments, scripts and noscript
elements don't mislead it; it agrees with `extraction.page` where both see the whole head.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from extraction.addresses import Addresses, base_url
from extraction.charset import declared_encoding, decode
from extraction.tags import Tag, tags

HEAD_BYTES = 64 * 1024
_PRESCANNED = (
    1024  # https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16be"), (codecs.BOM_UTF16_LE, "utf-16le"))

_WORDS = (b"canonical", b"og:url")
_SHORT = 8_192
_MOST_TAGS = 2_000  # base, link and meta that are read: no real page has more, and they cost a fetcher 50 ms
# Not all of http-equiv, nor in lower case: a search that starts at a rare character takes half the time.
_EQUIV = re.compile(r"-[eE][qQ][uU][iI][vV]")
_BASE = re.compile(r"<[bB][aA][sS][eE]")
_NOT_ASCII = (b"\x00", b"\x1b")  # UTF-16, ISO-2022-JP: their tags can't be found in the bytes
_HEAD_NAMES = "html head base basefont bgsound link meta title noscript noframes script style template"
_HEAD_TAGS = frozenset(_HEAD_NAMES.split())
_RAW = frozenset(("title", "noscript", "noframes", "script", "style", "template"))
# https://html.spec.whatwg.org/multipage/semantics.html#shared-declarative-refresh-steps
_REFRESH = re.compile(
    r"[\t\n\f\r ]*+(?:(?P<seconds>\d{1,9}+)\d*+|(?=\.))[\d.]*+"
    r"(?:[\t\n\f\r ]*+[;,][\t\n\f\r ]*+|[\t\n\f\r ]++)(?:[uU][rR][lL][\t\n\f\r ]*+=[\t\n\f\r ]*+)?(?P<url>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class PageHead:
    """Request forms, "" if the page's first bytes name none."""

    canonical: str = ""
    """rel=canonical of the head: a claim."""
    og_url: str = ""
    """og:url: a claim."""
    refresh: str = ""
    """The target of a meta refresh without delay."""


def read_head(content: bytes, url: str, charset: str = "") -> PageHead:
    """Canonical link and zero-delay meta refresh in the first 64 KiB of the page at `url`.

    `charset` is the Content-Type header's. Never raises; a page that refreshes to itself is also its own target.
    """
    first = content[:HEAD_BYTES]
    if _says_nothing(first):
        return PageHead()
    found = list(islice(_head_and_refreshes(decode(first, charset).text), _MOST_TAGS))
    bases = (tag.attributes().get("href") for tag, _ in found if tag.name == "base")
    addresses = Addresses(base_url(url, next((href for href in bases if href is not None), None)))
    canonicals = (_canonical_href(tag) for tag, in_head in found if in_head and tag.name == "link")
    refreshes = (_refresh_href(tag) for tag, _ in found if tag.name == "meta")
    og_urls = (_og_url(tag) for tag, in_head in found if in_head and tag.name == "meta")
    return PageHead(
        canonical=addresses.absolute(next(filter(None, canonicals), "") or "about:blank"),
        og_url=addresses.absolute(next(filter(None, og_urls), "") or "about:blank"),
        refresh=addresses.absolute(next(filter(None, refreshes), "") or "about:blank"),
    )


def said_charset(content: bytes) -> str:
    """The charset that a page's first bytes declare: a byte order mark, or a meta element; "" = nothing."""
    for mark, charset in _MARKS:
        if content.startswith(mark):
            return charset
    return declared_encoding(content) if b"charset" in content[:_PRESCANNED].lower() else ""


def _says_nothing(first: bytes) -> bool:
    """True if these bytes certainly name neither claim nor refresh: claims only count in the head."""
    if any(mark in first for mark in _NOT_ASCII):
        return False
    text = first.decode("latin-1")
    if _names_refresh(text, 0):
        return False
    # Searching the words everywhere takes less time than finding a head's end, as long as the text is short.
    head = (first if len(first) <= _SHORT else first[: _head_end(text)]).lower()
    return not any(word in head for word in _WORDS)


def _names_refresh(text: str, start: int) -> bool:
    """True if a meta refresh may be in the text from `start` on."""
    return _EQUIV.search(text, start) is not None and "refresh" in text[start:].lower()


def _placed(text: str) -> Iterator[tuple[Tag, bool]]:
    """The tags, each with True if it is in the head: text or any start tag that isn't the head's begins the body."""
    in_head, closed = True, False
    for tag in tags(text):
        closed = closed or (tag.is_end and tag.name == "head")
        in_head = in_head and not _begins_body(tag, closed)
        yield tag, in_head


def _head_end(text: str) -> int:
    """The position of the first tag that isn't the head's."""
    return next((tag.start for tag, in_head in _placed(text) if not in_head), len(text))


def _head_and_refreshes(text: str) -> Iterator[tuple[Tag, bool]]:
    """base, link and meta tags, each with True if it is in the head; those of a body only if they may count."""
    was_in_head = True
    for tag, in_head in _placed(text):
        if was_in_head and not in_head and not _matters(text, tag.start):
            return
        was_in_head = in_head
        if tag.name in ("base", "link", "meta") and not tag.is_end:
            yield tag, in_head


def _matters(text: str, body: int) -> bool:
    """True if a tag may still count from `body` on: a refresh and a first base are valid there, too."""
    return _BASE.search(text, body) is not None or _names_refresh(text, body)


def _begins_body(tag: Tag, after_head: bool) -> bool:
    if tag.is_end:
        return tag.name in ("body", "html", "br") or (tag.after_text and tag.name not in _RAW)
    # After </head>, all but noscript go into the head (https://html.spec.whatwg.org/#the-after-head-insertion-mode).
    return tag.after_text or tag.name not in _HEAD_TAGS or (after_head and tag.name == "noscript")


def _canonical_href(tag: Tag) -> str:
    attributes = tag.attributes()
    return attributes.get("href", "").strip() if "canonical" in attributes.get("rel", "").lower().split() else ""


def _og_url(tag: Tag) -> str:
    attributes = tag.attributes()
    name = attributes.get("property", "") or attributes.get("name", "")
    return attributes.get("content", "").strip() if name.strip().lower() == "og:url" else ""


def _refresh_href(tag: Tag) -> str:
    attributes = tag.attributes()
    if attributes.get("http-equiv", "").strip().lower() != "refresh":
        return ""
    found = _REFRESH.match(attributes.get("content", ""))
    if not found or int(found["seconds"] or 0) > 0:
        return ""
    href = found["url"]
    if href.startswith(("'", '"')):
        href = href[1:].partition(href[0])[0]
    return href.strip()
