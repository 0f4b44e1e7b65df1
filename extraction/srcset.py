"""Image candidates of a srcset attribute: https://html.spec.whatwg.org/multipage/images.html#parsing-a-srcset-attribute."""

from __future__ import annotations

import re
from typing import NamedTuple

_MOST = 64
_LOOKED_AT = 4 * _MOST
_DIGITS = 7  # of a width: no real width has more
_MOST_DENSE = 100.0
_URL = re.compile(r"[\t\n\f\r ,]*([^\t\n\f\r ]+)")
_DESCRIPTORS = re.compile(r"((?:[^,(]|\([^)]*\)?)*+),?")
_WIDTH = re.compile(rf"[\t\n\f\r ]+(\d{{1,{_DIGITS}}}+)w[\t\n\f\r ]*+(?:,|\Z)")
_DESCRIPTOR = re.compile(r"\d++[wh]|-?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?x")


class ImageCandidate(NamedTuple):
    """One file of several: its URL as written, its width (`640w`) or its density (`2x`); 0 = not given."""

    href: str
    width: int = 0
    density: float = 0.0


def best(srcset: str | None) -> ImageCandidate | None:
    """The widest file; of those without a width the densest; of equals the first."""
    found = candidates(srcset)
    return max(found, key=lambda each: (each.width, each.density or 1.0)) if found else None


def candidates(srcset: str | None) -> list[ImageCandidate]:
    """The candidates in order; those with an invalid descriptor, and data: URLs, are left out."""
    found: list[ImageCandidate] = []
    position = 0
    for _ in range(_LOOKED_AT):
        if not srcset or len(found) >= _MOST or not (url := _URL.match(srcset, position)):
            break
        href = url[1].rstrip(",")
        position = url.end()
        if width := _WIDTH.match(srcset, position) if url[1][-1] != "," else None:  # the usual case
            position = width.end()
            if href[:5].lower() != "data:":
                found.append(ImageCandidate(href, int(width[1])))
            continue
        words: list[str] = []
        if len(href) == len(url[1]):  # a comma right after the URL ends the candidate
            descriptors = _DESCRIPTORS.match(srcset, position)
            position = descriptors.end() if descriptors else len(srcset)
            words = descriptors[1].split() if descriptors else []
        if href and href[:5].lower() != "data:" and all(map(_DESCRIPTOR.fullmatch, words)):
            found.append(_candidate(href, words))
    return found


def _candidate(href: str, words: list[str]) -> ImageCandidate:
    said = {word[-1]: word[:-1] for word in reversed(words)}
    width = said.get("w", "")
    return ImageCandidate(
        href, int(width) if 0 < len(width) <= _DIGITS else 0, min(float(said.get("x", 0)), _MOST_DENSE)
    )
