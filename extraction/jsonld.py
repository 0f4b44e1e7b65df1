"""JSON-LD blocks: read leniently, kept as compact JSON, searched for images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
from selectolax.lexbor import LexborNode

from extraction.flags import Flags
from extraction.images import Images, pixels
from extraction.limits import ExtractionLimits
from extraction.syntax.graph import renamed
from extraction.syntax.mend import LONGEST_MENDED, parse

_TOTAL = 4  # times the bytes of one block
_MOST_NODES = 50_000
_PREFIXED_KEY = re.compile(r'"(?:schema:|https?://schema\.org/)[A-Za-z]+":')
_SCRIPT = re.compile(r"<script(?=[\s/>])([^<>]*+)>", re.IGNORECASE)
_SCRIPT_END = re.compile(r"</script(?=[\s/>])", re.IGNORECASE)
_IMAGE_KEYS = frozenset(("image", "images", "thumbnail", "thumbnailUrl", "primaryImageOfPage", "photo", "screenshot"))


class JsonLd:
    """Gathers the blocks of a page in document order."""

    def __init__(self, limits: ExtractionLimits, flags: Flags, images: Images) -> None:
        self._limits = limits
        self._flags = flags
        self._images = images
        self._bytes_left = _TOTAL * limits.json_ld_bytes
        self._mendable = LONGEST_MENDED
        self.blocks: list[str] = []
        self.values: list[tuple[Any, LexborNode | None]] = []
        """Each block with the element that holds it."""

    def add(self, text: str, element: LexborNode | None = None) -> None:
        """Keep one block; a block that can't be kept leaves a flag."""
        if len(self.blocks) >= self._limits.json_ld_blocks:
            return self._flags.add("too_many_json_ld")
        size = len(text.encode("utf-8", "replace"))
        if size > min(self._limits.json_ld_bytes, self._bytes_left):
            return self._flags.add("json_ld_too_large")
        self._bytes_left -= size
        value = self._parsed(text)
        if value is None:
            return self._flags.add("json_ld_broken")
        return self._keep(value, element)

    def add_beyond(self, markup: str) -> None:
        """The blocks in markup that isn't parsed because the text before it was too much."""
        position = 0
        while found := _SCRIPT.search(markup, position):
            position = found.end()
            if "ld+json" in found[1].lower() and len(self.blocks) < self._limits.json_ld_blocks:
                end = _SCRIPT_END.search(markup, position)
                self.add(markup[position : end.start() if end else len(markup)])
                position = end.end() if end else len(markup)

    def _parsed(self, text: str) -> dict[str, Any] | list[Any] | None:
        """The one value of a block; several in a row as a list."""
        try:
            found = [orjson.loads(text)]
        except orjson.JSONDecodeError:
            found = parse(text, self._mendable)
            self._mendable -= len(text) if len(text) <= self._mendable else 0
        value = found[0] if len(found) == 1 else found or None
        return value if isinstance(value, dict | list) else None

    def _keep(self, value: dict[str, Any] | list[Any], element: LexborNode | None) -> None:
        if not is_bounded(value, self._limits.json_ld_depth):
            return self._flags.add("json_ld_too_deep")
        try:
            block = orjson.dumps(value).decode()
        except TypeError:  # an integer beyond 64 bits, half a surrogate pair: no reader of the record could read it
            return self._flags.add("json_ld_broken")
        self.blocks.append(block)
        value = renamed(value) if _PREFIXED_KEY.search(block) else value
        self.values.append((value, element))
        for url, width, height, caption in image_claims(value):
            self._images.add(url, "json-ld", caption, width, height)
        return None


def is_bounded(value: Any, depth: int) -> bool:
    """True if lists and objects nest at most `depth` deep, and hold a bounded number of values."""
    level, seen = [value], 0
    for _ in range(depth):
        level = [inner for outer in level for inner in _inner(outer)]
        seen += len(level)
        if not level or seen > _MOST_NODES:
            break
    return not any(isinstance(each, dict | list) for each in level) and seen <= _MOST_NODES


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def image_claims(value: Any) -> Iterator[tuple[str, int, int, str]]:
    """URL as written, width, height, caption of each image that the value names, in its order.

    An image is the value of a key such as `image`, and any ImageObject; a logo isn't one: it isn't of the page.
    """
    rest: list[tuple[Any, bool]] = [(value, False)]
    while rest:
        item, is_image = rest.pop()
        if isinstance(item, str):
            if is_image:
                yield item, 0, 0, ""
        elif isinstance(item, list):
            rest += [(each, is_image) for each in reversed(item)]
        elif isinstance(item, dict):
            if is_image or item.get("@type") == "ImageObject":
                yield from _image_object(item)
            else:
                rest += [(each, key in _IMAGE_KEYS) for key, each in reversed(item.items()) if key != "logo"]


def _image_object(item: dict[str, Any]) -> Iterator[tuple[str, int, int, str]]:
    url = next((item[key] for key in ("contentUrl", "url", "@id") if isinstance(item.get(key), str)), "")
    caption = item.get("caption")
    if url:
        yield url, _size(item.get("width")), _size(item.get("height")), caption if isinstance(caption, str) else ""


def _size(value: Any) -> int:
    return pixels(value.get("value") if isinstance(value, dict) else value)
