"""The outcome of a status: a result, or an error of the tree (architecture: Outcomes). Pure."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

from thrift_idl.errors import AragogError, BadReply, HttpStatus, RetryAfter, ServerError

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
