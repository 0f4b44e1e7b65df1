"""bodyRegexToMatch: a real regular expression, found anywhere in a body, in time linear in the body's length (RE2)."""

from __future__ import annotations

from typing import Any

import re2  # type: ignore[import-untyped]  # ships no types

from pinlater.errors import refusal
from thrift_idl.gen.pinlater.ttypes import ErrorCode

_PATTERN_CHARACTERS = 1_000
_PATTERN_BYTES = 1024 * 1024  # of memory


class BodyPattern:
    """A compiled expression; without one, everything matches."""

    def __init__(self, expression: str | None) -> None:
        self._compiled = None if expression is None else _compiled(expression)

    @property
    def is_all(self) -> bool:
        """True if no body needs to be read."""
        return self._compiled is None

    def matches(self, body: bytes) -> bool:
        """True if the expression occurs in `body`."""
        return self._compiled is None or self._compiled.search(body) is not None


def _compiled(expression: str) -> Any:
    if len(expression) > _PATTERN_CHARACTERS:
        text = f"bodyRegexToMatch: at most {_PATTERN_CHARACTERS} characters, not {len(expression)}"
        raise refusal(ErrorCode.UNKNOWN, text)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES
    try:
        return re2.compile(expression.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        raise refusal(ErrorCode.UNKNOWN, f"bodyRegexToMatch: no regular expression (RE2): {error}") from error
