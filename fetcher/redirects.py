"""Decisions about redirects: the target of an answer, and whether to follow it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import weburl
from thrift_idl.errors import InvalidUrl, TooManyRedirects
from thrift_idl.gen.fetcher.ttypes import Hop

REDIRECTS = frozenset((301, 302, 303, 307, 308))  # RFC 9110 15.4


def location_target(url: str, location: str) -> str:
    """Request form of the target of `location`, relative to `url`. Raises `InvalidUrl`, also for other schemes."""
    try:
        # Bytes beyond ASCII are UTF-8 by custom (https://fetch.spec.whatwg.org/#concept-response-location-url).
        text = location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        text = location
    try:
        return weburl.join(url, text)
    except InvalidUrl as error:
        raise InvalidUrl(f"redirected to no http(s) URL: {error.message}", target=ascii(text[:200])) from None


def check_hop(chain: Sequence[Hop], hop: Hop, most: int) -> None:
    """Raise `TooManyRedirects` if following `hop` closes a loop, or makes more than `most` hops."""
    if hop.target == hop.url or any(hop.target == earlier.url for earlier in chain):
        raise TooManyRedirects("the redirects form a loop", reason="loop")
    if len(chain) >= most:
        raise TooManyRedirects(f"more than {most} redirects", reason="too_many")


def check_resume(chain: Sequence[Hop], most: int) -> None:
    """Raise for a chain that no fetch of ours could have left for resuming: too long, or with a loop."""
    for index, hop in enumerate(chain):
        check_hop(chain[:index], hop, most)
