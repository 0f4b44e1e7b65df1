"""A cache of answers about URLs that are asked for often, within a bound of memory for any hostile page."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

R = TypeVar("R")

_LONGEST = 512  # characters; longer texts are computed each time


def remembered(most: int) -> Callable[[Callable[[str], R]], Callable[[str], R]]:
    """Let a pure function of a text keep its last `most` answers: at most 10 MB for 16,384 of them."""

    def keeping(function: Callable[[str], R]) -> Callable[[str], R]:
        of_short = lru_cache(maxsize=most)(function)

        @wraps(function)
        def answer(text: str) -> R:
            return of_short(text) if len(text) <= _LONGEST else function(text)

        return answer

    return keeping
