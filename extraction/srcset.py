"""Image candidates of a srcset attribute: https://html.spec.whatwg.org/multipage/images.html#parsing-a-srcset-attribute."""

from __future__ import annotations

import re

_MOST = 64
_LOOKED_AT = 4 * _MOST
_URL = re.compile(r"[\t\n\f\r ,]*([^\t\n\f\r ]+)")
_DESCRIPTORS = re.compile(r"((?:[^,(]|\([^)]*\)?)*+),?")
_DESCRIPTOR = re.compile(r"\d++[wh]|-?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?x")


def candidates(srcset: str | None) -> list[str]:
    """URLs of the candidates in order, as written; those with a descriptor that is none are left out."""
    found: list[str] = []
    position = 0
    for _ in range(_LOOKED_AT):
        if not srcset or len(found) >= _MOST or not (url := _URL.match(srcset, position)):
            break
        href = url[1].rstrip(",")
        position = url.end()
        if len(href) == len(url[1]):  # a comma right after the URL ends the candidate
            descriptors = _DESCRIPTORS.match(srcset, position)
            position = descriptors.end() if descriptors else len(srcset)
            if descriptors and not all(map(_DESCRIPTOR.fullmatch, descriptors[1].split())):
                continue
        if href:
            found.append(href)
    return found
