"""The rules for an answer: the outcome of its status, its redirect, the claims of its Link header. Pure.

Sources: RFC 9110 10.2.3 (Retry-After), 15.4 (redirects), RFC 8288 (Link). The look-up decides later if a claim holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime

import weburl
from thrift_idl.errors import AragogError, BadReply, HttpStatus, InvalidUrl, RetryAfter, ServerError, TooManyRedirects
from thrift_idl.gen.fetcher.ttypes import CanonicalClaim, Hop
from weburl.link_header import links

_SECONDS = re.compile(r"[0-9]+")
_SECONDS_DIGITS = 12  # more is "never", and too long for Python's int
_LEAST_MS = 1_000  # "Retry-After: 0", or a past date, doesn't allow an immediate retry
_LONGEST_DATE = 64


def retry_after_ms(value: str | None, wall_ms: int, most_ms: int) -> int | None:
    """Retry-After as a duration, at most `most_ms`: seconds or an HTTP date (RFC 9110 10.2.3); None = absent."""
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return _bounded(int(text.lstrip("0")[:_SECONDS_DIGITS] or "0") * 1000, most_ms)
    if not text or len(text) > _LONGEST_DATE:
        return None
    try:
        date = parsedate_to_datetime(text)
        at_ms = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() * 1000
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return _bounded(int(at_ms) - wall_ms, most_ms)


def _bounded(delay_ms: int, most_ms: int) -> int:
    return min(max(delay_ms, _LEAST_MS), most_ms)


def status_error(status: int, retry_ms: int, conditional: bool) -> AragogError | None:
    """The error that an answer means; None = a result. Redirects are handled before.

    `retry_ms` is the deferral of a 429 or 503; `conditional` makes 304 a result.
    """
    shown = f"the server answered {status}"
    if 200 <= status <= 299 or (status == 304 and conditional):
        return None
    if status in (429, 503):
        return RetryAfter(shown, delay_ms=retry_ms, status=str(status))
    if status == 408 or 500 <= status <= 599:
        return ServerError(shown, status=str(status))
    if 300 <= status <= 499:
        return HttpStatus(shown, status=str(status))
    return BadReply(f"{status} is no status of RFC 9110", status=str(status))


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


_MOST_CLAIMS = 8
_LONGEST = 16 * 1024


def header_claims(base: str, values: Sequence[str]) -> Iterator[CanonicalClaim]:
    """Claims of all Link headers, their targets resolved on `base`; a target that is no URL is no claim."""
    combined = ", ".join(values)[:_LONGEST]
    if "canonical" not in combined.lower():
        return
    for target, relations in links(combined):
        if "canonical" in relations:
            with suppress(InvalidUrl):
                yield CanonicalClaim("header", weburl.join(base, target))


def bounded(claims: Sequence[CanonicalClaim]) -> tuple[CanonicalClaim, ...]:
    """The first few different ones."""
    return tuple(dict.fromkeys(claims))[:_MOST_CLAIMS]
