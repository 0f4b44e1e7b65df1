"""A cache of links that this worker has found in a frontier: most links of a site are on each of its pages."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 65_536  # keys of a crawl: some 10 MB


class LinkCache:
    """A bounded table of URL keys and the least depth they were entered at; it forgets the oldest half at a time."""

    def __init__(self, most: int = _MOST) -> None:
        self._half = most // 2
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def strange(self, keys: Iterable[bytes], depth: int) -> tuple[bytes, ...]:
        """Links not known to be entered at `depth` or a smaller one, in order."""
        young, old, far = self._young, self._old, depth + 1
        return tuple(key for key in keys if young.get(key, far) > depth and old.get(key, far) > depth)

    def add(self, keys: Iterable[bytes], depth: int) -> None:
        """Keys that the frontier has entered, found at `depth`: a running crawl keeps its entries."""
        self._young.update(dict.fromkeys(keys, depth))
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}
