"""Background images named in CSS text; a scan, no CSS parser."""

from __future__ import annotations

import re

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
