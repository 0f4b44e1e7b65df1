"""The target of a link by the standard library alone: an independent reading, not our own URL code.

`urljoin` is RFC 3986; what browsers do beyond it (https://url.spec.whatwg.org/) is added here as far as the sites
need it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

#: What WHATWG leaves as it is in a path and in a query, beside letters and digits.
_PATH = "!$%&'()*+,-./:;=@[\\]_|~"
_QUERY = "!$%&()*+,-./:;=?@[\\]^_`{|}~"
_CONTROLS_AND_SPACE = "".join(map(chr, range(0x21)))
_PORTS = {"http": ":80", "https": ":443"}
_UNRESERVED = re.compile(r"%(4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]|3[0-9]|2[DE]|5F|7E)", re.IGNORECASE)


def resolve(base: str, href: str) -> str:
    """The absolute http(s) URL without fragment that `href` names on a page whose base is `base`; "" for none."""
    href = re.sub(r"[\t\n\r]", "", href.strip(_CONTROLS_AND_SPACE))
    try:
        parts = urlsplit(urljoin(base, href))
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    authority = parts.netloc.rpartition("@")[2].lower().removesuffix(_PORTS[parts.scheme])
    path = _without_dots(quote(parts.path, safe=_PATH)) or "/"
    query = f"?{quote(parts.query, safe=_QUERY)}" if parts.query else ""
    return f"{parts.scheme}://{authority}{path}{query}"


def same_page(url: str) -> str:
    """The common form of two spellings of one URL: unreserved characters unescaped, the query sorted."""
    path, mark, query = _UNRESERVED.sub(lambda found: chr(int(found[1], 16)), url).partition("?")
    return path + mark + "&".join(sorted(query.split("&")))


def _without_dots(path: str) -> str:
    """RFC 3986 5.2.4 of a path that begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    ends_in_folder = segments[-1] in (".", "..")
    return "/" + "/".join(kept) + ("/" if ends_in_folder and kept else "")
