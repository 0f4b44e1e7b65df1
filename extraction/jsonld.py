"""JSON-LD blocks: read leniently, kept as compact JSON, searched for images."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from extraction.flags import Flags
from extraction.images import Images, pixels
from extraction.limits import Limits

_TOTAL = 4  # of the bytes of one block
_MOST_NODES = 50_000
_IMAGE_KEYS = frozenset(("image", "images", "thumbnail", "thumbnailUrl", "primaryImageOfPage", "photo", "screenshot"))
# What templates leave around and inside JSON: comments and CDATA marks, a semicolon, commas before a bracket.
_OPENING = re.compile(r"\s*+(?:<!--|/\*\s*+<!\[CDATA\[\s*+\*/|//\s*+<!\[CDATA\[|<!\[CDATA\[)")
_AROUND = "\ufeff \t\n\r\f\v\xa0;"
# A string without an end goes on to the end of the text: looked for from each quote, it would take quadratic time.
_LAST_COMMA = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\\?\Z))|,(?=\s*+[\]}])', re.DOTALL)


class JsonLd:
    """Gathers the blocks of a page in document order."""

    def __init__(self, limits: Limits, flags: Flags, images: Images) -> None:
        self._limits = limits
        self._flags = flags
        self._images = images
        self._bytes_left = _TOTAL * limits.json_ld_bytes
        self.blocks: list[str] = []

    def add(self, text: str) -> None:
        """One block; what can't be kept leaves a flag."""
        if len(self.blocks) >= self._limits.json_ld_blocks:
            return self._flags.add("too_many_json_ld")
        size = len(text.encode("utf-8", "replace"))
        if size > min(self._limits.json_ld_bytes, self._bytes_left):
            return self._flags.add("json_ld_too_large")
        self._bytes_left -= size
        value = parse(text)
        if not isinstance(value, dict | list):
            return self._flags.add("json_ld_broken")
        return self._keep(value)

    def _keep(self, value: dict[str, Any] | list[Any]) -> None:
        if not is_bounded(value, self._limits.json_ld_depth):
            return self._flags.add("json_ld_too_deep")
        try:
            self.blocks.append(orjson.dumps(value).decode())
        except TypeError:  # an integer beyond 64 bits, half a surrogate pair: nobody downstream could read it
            return self._flags.add("json_ld_broken")
        for url, width, height, caption in image_claims(value):
            self._images.add(url, "json-ld", caption, width, height)
        return None


def parse(text: str) -> Any:
    """The JSON value, None for none. Forgives what templates get wrong: wrapping, control characters, last commas."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        mended = _LAST_COMMA.sub(lambda found: found[1] or "", _unwrapped(text))
    try:
        return json.loads(mended, strict=False, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _unwrapped(text: str) -> str:
    text = text.strip(_AROUND)
    opening = _OPENING.match(text)
    text = text[opening.end() if opening else 0 :].removesuffix("-->").removesuffix("]]>")
    return text.rstrip(_AROUND).removesuffix("//").rstrip(_AROUND)


def is_bounded(value: Any, depth: int) -> bool:
    """Whether lists and objects nest at most `depth` deep, and hold a bounded number of values."""
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

    An image is what stands under a key such as `image`, and any ImageObject; a logo is none: it isn't of the page.
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
