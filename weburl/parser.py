"""The WHATWG URL parser, exactly: https://url.spec.whatwg.org/#url-parsing.

Ada does the work, through two bindings. `ada_url` carries the current Ada and decides; `can_ada` is five times faster
(0.3 against 1.6 µs) but carries an older Ada. That one accepts some invalid punycode, leaves `^` in paths, loses a
base's empty query, and leaves dot segments that follow a segment beginning with a dot: `/x/.a/../y` stays as it is,
which would hide `/x/y` from robots.txt. So it gets only text made of the characters of RFC 3986 without the percent
sign and without `/.`, on no such base. Its answer counts only for http(s) URLs where no IDNA was involved. A property
test checks that both give the same answer for such text.
"""

from __future__ import annotations

import re
from functools import lru_cache

import ada_url
import can_ada

from thrift_idl.errors import InvalidUrl

MAX_LENGTH = 8192
"""Longest URL, in characters, raw or in any derived form. RFC 9110 4.1 asks for at least 8000."""

HTTP = ("http://", "https://")
"""The beginnings of parsed URLs that can be fetched."""

_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=]+").fullmatch
_CACHED_BASES = 64  # a page resolves all its links on one base; a process has 64 pages at once


def parse(raw: str, base: str | None = None) -> str:
    """The parsed form of `raw`, resolved on `base` if given: WHATWG's href, of any scheme.

    Lone surrogates become U+FFFD, as the standard's USVString has it. Raises `InvalidUrl`.
    """
    if len(raw) > MAX_LENGTH:
        raise _too_long(raw)
    href = (_fast(raw, base) if is_plain(raw) else None) or _exact(raw, base)
    if len(href) > MAX_LENGTH:
        raise _too_long(href)
    return href


def is_plain(raw: str) -> bool:
    """True if can_ada may parse `raw`: only characters of RFC 3986, no percent sign, no `/.`."""
    return "/." not in raw and _PLAIN(raw) is not None


def host_to_ascii(host: str) -> str:
    """A host in the form of a special URL: lower case, punycode, IP addresses in canonical form, IPv6 in brackets.

    Raises `InvalidUrl` if `host` is not a host.
    """
    href = parse(f"http://{host}/")
    ascii_host = href[len("http://") : -1]
    # One slash more, a port or userinfo means that the text was more than a host.
    if re.search(r"[/?#@\\]", host) or re.search(r":\d*\Z", host) or "/" in ascii_host:
        raise InvalidUrl(f"{_shown(host)} is no host", host=_shown(host))
    return ascii_host


def _fast(raw: str, base: str | None) -> str | None:
    """can_ada's answer if it is certainly right, otherwise None."""
    parsed_base = None if base is None else sure_base(base)
    if base is not None and parsed_base is None:
        return None
    try:
        href = (can_ada.parse(raw) if parsed_base is None else parsed_base + raw).href
    except ValueError:
        return None
    return href if href.startswith(HTTP) and "xn--" not in href else None


@lru_cache(maxsize=_CACHED_BASES)
def sure_base(base: str) -> can_ada.URL | None:
    """`base`, parsed once for all links of its page (`+` resolves without changing it); None if can_ada isn't sure."""
    href = parse(base).partition("#")[0]
    return None if "xn--" in href or href.endswith("?") else can_ada.parse(href)


def _exact(raw: str, base: str | None) -> str:
    try:
        if base is None:
            return ada_url.normalize_url(_scalar(raw))
        return ada_url.join_url(_scalar(base), _scalar(raw))
    except ValueError:
        where = f" on the base {_shown(base)}" if base else ""
        raise InvalidUrl(f"{_shown(raw)} is no valid URL{where}", url=_shown(raw)) from None


def _scalar(text: str) -> str:
    """`text` with each lone surrogate replaced by U+FFFD (https://infra.spec.whatwg.org/#javascript-string-convert)."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _too_long(url: str) -> InvalidUrl:
    message = f"{_shown(url)} has {len(url)} characters; the limit is {MAX_LENGTH}"
    return InvalidUrl(message, url=_shown(url))


def _shown(url: str) -> str:
    """A bounded, printable rendering for messages."""
    return ascii(url if len(url) <= 200 else url[:200] + "...")
