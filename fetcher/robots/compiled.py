"""Compiled rules in this process's memory: those used last, within a bound on memory.

Most files take less than 64 KiB. Larger ones, which a hostile site may create, share an eighth of the
memory, so that they push out each other and not the rules of other sites.
"""

from __future__ import annotations

from dataclasses import dataclass

from fetcher.robots.copies import RobotsCopy
from fetcher.robots.rules import RobotsRules
from fetcher.settings import KIB
from runtime.bounded_cache import ByteBoundedCache

LARGE = 64 * KIB
_OBJECTS = KIB


@dataclass(frozen=True, slots=True)
class Compiled:
    """A copy and what it says to us."""

    copy: RobotsCopy
    rules: RobotsRules

    @property
    def cost(self) -> int:
        """Bytes held, about."""
        return _OBJECTS + len(self.copy.content) + self.rules.cost


_Shelf = ByteBoundedCache[str, Compiled]


def _cost(compiled: Compiled) -> int:
    return compiled.cost


class CompiledRules:
    """Compiled rules by origin."""

    def __init__(self, most_bytes: int) -> None:
        self._small: _Shelf = ByteBoundedCache(most_bytes - most_bytes // 8, _cost)
        self._large: _Shelf = ByteBoundedCache(most_bytes // 8, _cost)

    @property
    def bytes(self) -> int:
        """Memory in use, about."""
        return self._small.bytes + self._large.bytes

    def get(self, origin: str) -> Compiled | None:
        """What is kept of `origin`; it counts as used."""
        return self._small.get(origin) or self._large.get(origin)

    def keep(self, compiled: Compiled) -> None:
        """Keep it instead of what there was of its origin; forget others beyond the bound, the longest unused first."""
        self._small.drop(compiled.copy.origin)
        self._large.drop(compiled.copy.origin)
        (self._large if compiled.cost > LARGE else self._small).put(compiled.copy.origin, compiled)
