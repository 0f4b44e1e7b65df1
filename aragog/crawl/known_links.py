"""Links that this worker knows a frontier to hold: most links of a site are on each of its pages."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 65_536  # keys of a crawl: some 10 MB


class KnownLinks:
    """A bounded set of URL keys that forgets the oldest half at a time."""

    def __init__(self, most: int = _MOST) -> None:
        self._half = most // 2
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def strange(self, keys: Iterable[bytes]) -> tuple[bytes, ...]:
        """Those that aren't in it, in order."""
        return tuple(key for key in keys if key not in self._young and key not in self._old)

    def add(self, keys: Iterable[bytes]) -> None:
        """Keys of which the frontier has entries: no crawl takes one away while it runs."""
        self._young.update(keys)
        if len(self._young) > self._half:
            self._old, self._young = self._young, set()
