"""Points for each image: how well it shows the subject of a page, by its place and its description. Pure."""

from __future__ import annotations

import re

_TINY = 32  # CSS pixels: a shorter side is that of an icon, a line, a counting pixel

#: The page names the first four for this purpose; the others only occur in it.
_FOUND = {
    "og": 60,
    "json-ld": 55,
    "twitter": 50,
    "link": 40,
    "srcset": 32,
    "picture": 31,
    "img": 30,
    "lazy": 30,
    "noscript": 28,
    "css": 10,
}
_EACH_MORE_PLACE = 4
_MOST_PLACES = 5
_CAPTION, _ALT, _NAVIGATION, _NAME = 10, 3, -25, -30
_LARGE = 600 * 400
_AREA = 20
_SMALL_SIDE, _SMALL = 120, -15
_LEAST_RATIO, _LONG = 1 / 4, -15  # banners and side lines
_NAMES = re.compile(
    r"(?:^|[/_.-])(?:sprites?|pixel|spacer|blank|transparent|placeholder|logos?|icons?|favicon|avatars?|badges?"
    r"|buttons?|btn|arrow|bullet|loader|loading|spinner|gravatar|emoji|tracking|1x1|ads?)(?=[/_.\d-]|$)",
    re.IGNORECASE,
)


def is_tiny(width: int, height: int) -> bool:
    """True if the declared size (0 = none) is that of an icon, a spacer or a counting pixel."""
    return 0 < width < _TINY or 0 < height < _TINY


def score(
    found: str,
    url: str,
    width: int,
    height: int,
    *,
    places: int = 1,
    is_described: bool = False,
    is_captioned: bool = False,
    in_navigation: bool = False,
) -> float:
    """Points of an image; `places`: all places where the page names its URL, this one included."""
    points = _FOUND.get(found, 0) + _EACH_MORE_PLACE * (min(places, _MOST_PLACES) - 1)
    points += _CAPTION * is_captioned + _ALT * is_described + _NAVIGATION * in_navigation
    if _NAMES.search(url, url.find("/", 8)):
        points += _NAME
    return points + _size_points(width, height)


def _size_points(width: int, height: int) -> float:
    if not width and not height:
        return 0
    sides = sorted((width or height, height or width))
    points = _AREA * min(1.0, sides[0] * sides[1] / _LARGE)
    if sides[0] < _SMALL_SIDE:
        points += _SMALL
    if sides[0] < sides[1] * _LEAST_RATIO:
        points += _LONG
    return points
