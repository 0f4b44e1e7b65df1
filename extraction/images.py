"""Images that a page shows or names: one entry for each URL and place, in document order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from extraction.addresses import Addresses
from extraction.flags import Flags
from extraction.image_rank import is_tiny, score
from extraction.limits import ExtractionLimits
from extraction.srcset import best
from extraction.text import bounded, collapse
from thrift_idl.gen.page.ttypes import Image

_MOST = 64
_COMMENT = re.compile(r"/\*(?:.*?\*/|.*)", re.DOTALL)
_BACKGROUND = re.compile(r"\bbackground(?:-image)?[\t\n\f\r ]*+:([^;{}]*+)", re.IGNORECASE)
_URL = re.compile(r"url\([\t\n\f\r ]*+(?:\"([^\"\n]*+)\"|'([^'\n]*+)'|([^\t\n\f\r \"'()]*+))", re.IGNORECASE)


def background_urls(css: str) -> list[str]:
    """URLs of background and background-image declarations, as written, in order; at most 64."""
    if "url(" not in css.lower():
        return []
    found: list[str] = []
    for declaration in _BACKGROUND.finditer(_COMMENT.sub(" ", css)):
        found += ["".join(filter(None, url.groups())) for url in _URL.finditer(declaration[1])]
        if len(found) >= _MOST:
            break
    return found[:_MOST]


_PROPERTY_IMAGES = {
    "og:image": "og",
    "og:image:url": "og",
    "og:image:secure_url": "og",
    "twitter:image": "twitter",
    "twitter:image:src": "twitter",
}
_PROPERTY_DETAILS = {
    "og:image:width": ("og", "width"),
    "og:image:height": ("og", "height"),
    "og:image:alt": ("og", "alt"),
    "twitter:image:alt": ("twitter", "alt"),
}
_LAZY_URLS = frozenset(("data-src", "data-lazy-src", "data-original", "data-lazy", "data-hi-res-src"))
_LAZY_SETS = frozenset(("data-srcset", "data-lazy-srcset", "data-original-set"))
# Leading digits count, a percentage is no size: https://html.spec.whatwg.org/#rules-for-parsing-dimension-values
_PIXELS = re.compile(r"[\t\n\f\r ]*(\d{1,7}+)(?:\.\d*+)?(?![\d%])")

Attributes = Mapping[str, str | None]


class Around(NamedTuple):
    """The surroundings of an image: a link's target, a figure's caption, True if it is in navigation."""

    link: str = ""
    caption: str = ""
    navigation: bool = False


_NOTHING = Around()


@dataclass(slots=True)
class _Entry:
    url: str
    found: str
    alt: str
    width: int
    height: int
    file_width: int = 0
    around: Around = _NOTHING


def pixels(value: object) -> int:
    """A declared size in CSS pixels, 0 for none."""
    if isinstance(value, int | float):
        return int(value) if 0 < value < 10_000_000 else 0
    digits = _PIXELS.match(value) if isinstance(value, str) else None
    return int(digits[1]) if digits else 0


class Images:
    """Gathers images in document order."""

    def __init__(self, addresses: Addresses, limits: ExtractionLimits, flags: Flags) -> None:
        self._addresses = addresses
        self._limits = limits
        self._flags = flags
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._described: dict[str, _Entry] = {}
        self._looked_at = 0
        self.is_full = False
        """True if an image was left out: no later element adds anything."""

    def records(self) -> tuple[Image, ...]:
        """The images in document order, each with its rank; icons, pixels and spacers left out."""
        kept = [each for each in self._entries.values() if not is_tiny(each.width, each.height)]
        places = Counter(each.url for each in kept)
        scores = [_score(each, places[each.url]) for each in kept]
        best_first = sorted(range(len(kept)), key=lambda at: -scores[at])
        ranks = {at: rank for rank, at in enumerate(best_first, 1)}
        return tuple(_record(each, ranks[at]) for at, each in enumerate(kept))

    def add(
        self,
        href: str | None,
        found: str,
        alt: str = "",
        width: int = 0,
        height: int = 0,
        around: Around = _NOTHING,
        file_width: int = 0,
    ) -> _Entry | None:
        """Keep one image if its URL is http(s) and it is new in this place."""
        url = self._addresses.absolute(href) if href and not href.isspace() else ""
        if not url:
            return None
        entry = self._entries.get((url, found))
        if entry is None:
            if len(self._entries) >= self._limits.images:
                self.is_full = True
                self._flags.add("too_many_images")
                return None
            alt = bounded(collapse(alt), self._limits.anchor_length)
            entry = self._entries[url, found] = _Entry(url, found, alt, width, height, file_width, around)
        return entry

    def add_element(self, attributes: Attributes, found: str = "", around: Around = _NOTHING) -> None:
        """An img element: src, the best of its srcset, and the URLs in its data attributes, which scripts use.

        `found` is the name for all of them.
        """
        self._look_at(attributes)
        alt = attributes.get("alt") or ""
        width, height = pixels(attributes.get("width")), pixels(attributes.get("height"))
        self.add(attributes.get("src"), found or "img", alt, width, height, around)
        if "srcset" in attributes:
            self._add_best(attributes["srcset"], found or "srcset", alt, width, height, around)
        self._add_lazy(attributes, found or "lazy", alt, width, height, around)

    def add_source(self, attributes: Attributes, found: str = "", around: Around = _NOTHING) -> None:
        """A source element of a picture; one of audio or video has no srcset."""
        self._look_at(attributes)
        self._add_best(attributes.get("srcset"), found or "picture", "", 0, 0, around)
        self._add_lazy(attributes, found or "lazy", "", 0, 0, around)

    def _look_at(self, attributes: Attributes) -> None:
        """Count an element and its candidates: the same few images, repeated, fill no list."""
        self._count(1 + sum((attributes.get(name) or "").count(",") for name in ("srcset", *_LAZY_SETS)))

    def _count(self, candidates: int) -> None:
        self._looked_at += candidates
        if self._looked_at > self._limits.image_candidates:
            self.is_full = True
            self._flags.add("too_many_images")

    def add_style(self, css: str) -> None:
        """Background images of a style attribute; each attribute counts as an image."""
        self._count(1)
        self.add_css(css)

    def add_css(self, css: str) -> None:
        """Background images of a style sheet."""
        for href in background_urls(css):
            self.add(href, "css")

    def add_property(self, name: str, content: str) -> None:
        """An OpenGraph or Twitter property (lower case name): an image, or a detail of the image before it."""
        if name in _PROPERTY_IMAGES:
            found = _PROPERTY_IMAGES[name]
            entry = self.add(content, found)
            if entry is None:
                self._described.pop(found, None)
            else:
                self._described[found] = entry
        elif name in _PROPERTY_DETAILS:
            self._describe(*_PROPERTY_DETAILS[name], content)

    def _describe(self, found: str, detail: str, content: str) -> None:
        entry = self._described.get(found)
        if entry is None:
            return
        if detail == "alt":
            entry.alt = entry.alt or bounded(collapse(content), self._limits.anchor_length)
        elif detail == "width":
            entry.width = entry.width or pixels(content)
        else:
            entry.height = entry.height or pixels(content)

    def _add_lazy(self, attributes: Attributes, found: str, alt: str, width: int, height: int, around: Around) -> None:
        for name, value in attributes.items():
            if name in _LAZY_URLS:
                self.add(value, found, alt, width, height, around)
            elif name in _LAZY_SETS:
                self._add_best(value, found, alt, width, height, around)

    def _add_best(self, srcset: str | None, found: str, alt: str, width: int, height: int, around: Around) -> None:
        candidate = best(srcset)
        if candidate is not None:
            self.add(candidate.href, found, alt, width, height, around, candidate.width)


def _record(entry: _Entry, rank: int) -> Image:
    around = entry.around
    return Image(
        entry.url,
        entry.found,
        entry.alt,
        entry.width,
        entry.height,
        around.caption,
        around.link,
        entry.file_width,
        rank,
    )


def _score(entry: _Entry, places: int) -> float:
    return score(
        entry.found,
        entry.url,
        entry.width or entry.file_width,
        entry.height,
        places=places,
        is_described=bool(entry.alt),
        is_captioned=bool(entry.around.caption),
        in_navigation=entry.around.navigation,
    )
