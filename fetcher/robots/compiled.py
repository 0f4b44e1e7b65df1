"""Compiled rules in this process's memory: those used last, within a bound on memory.

Most files take less than 64 KiB. Larger ones, which a hostile site may create, share an eighth of the
memory, so that they push out each other and not the rules of other sites.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from fetcher.robots.copies import RobotsCopy
from fetcher.robots.rules import RobotsRules
from fetcher.settings import KIB

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


class _Shelf:
    """Some of them, the one used last at the end."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[str, Compiled] = OrderedDict()
        self.bytes = 0

    def get(self, origin: str) -> Compiled | None:
        found = self._kept.get(origin)
        if found is not None:
            self._kept.move_to_end(origin)
        return found

    def drop(self, origin: str) -> None:
        previous = self._kept.pop(origin, None)
        self.bytes -= previous.cost if previous else 0

    def keep(self, compiled: Compiled) -> None:
        self._kept[compiled.copy.origin] = compiled
        self.bytes += compiled.cost
        while self.bytes > self._most and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))


class CompiledRules:
    """Compiled rules by origin."""

    def __init__(self, most_bytes: int) -> None:
        self._small, self._large = _Shelf(most_bytes - most_bytes // 8), _Shelf(most_bytes // 8)

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
        (self._large if compiled.cost > LARGE else self._small).keep(compiled)
