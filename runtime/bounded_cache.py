"""Caches bounded by bytes, for values whose size strangers decide. Pure: every package may import it.

If the number of entries is the bound, use cachetools (`FIFOCache`, `TTLCache`), and
`functools.lru_cache` for functions of few and short arguments.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
R = TypeVar("R")

_LONGEST_TEXT: Final = 512  # characters


def text_cache(most: int) -> Callable[[Callable[[str], R]], Callable[[str], R]]:
    """Let a pure function of a text keep its last `most` answers: at most 10 MB for 16,384 of them.

    The answer to a text of more than 512 characters is computed each time.
    """

    def caching(function: Callable[[str], R]) -> Callable[[str], R]:
        of_short = lru_cache(maxsize=most)(function)

        @wraps(function)
        def answer(text: str) -> R:
            return of_short(text) if len(text) <= _LONGEST_TEXT else function(text)

        return answer

    return caching


class ByteBoundedCache(Generic[K, V]):
    """Values by key, at most `most_bytes` in total: beyond that, the least recently used ones are dropped.

    The newest value stays, however large it is.
    """

    def __init__(self, most_bytes: int, size: Callable[[V], int]) -> None:
        """`size` returns the bytes of a value; for one value always the same number."""
        self._most = most_bytes
        self._size = size
        self._kept: OrderedDict[K, V] = OrderedDict()
        self.bytes = 0
        """Bytes in use."""

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """The value, which counts as used; None if there is none."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: K, value: V) -> None:
        """Keep a value in place of the previous one."""
        self.drop(key)
        self._kept[key] = value
        self.bytes += self._size(value)
        while self.bytes > self._most and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))

    def drop(self, key: K) -> None:
        """Forget a value, if it is there."""
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self.bytes -= self._size(dropped)
