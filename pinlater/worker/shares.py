"""A share of a worker's places for each owner of jobs: an owner with slow jobs delays its own jobs, and no others.

While others want places, an owner holds at most three times as many places as are free: one owner alone three
quarters, two owners three sevenths each. An owner that holds none is always admitted, while a place is free. Without
others it may have all places except one, which lets the next owner in. Jobs beyond a share go back to their queue for
about the time in which the owner's places become free, one after another. Pure: time is an argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_TIMES_FREE = 3
#: Fewer places are shared only one by one.
_FEW_PLACES = 8
#: Owners that came this recently still want places.
_LATELY_MS = 10_000
_FIRST_GAP_MS = 100.0
_LEAST_DELAY_MS, _LONGEST_DELAY_MS = 1_000, 60_000
_WEIGHT = 0.2  # the weight of the last gap against those before it


@dataclass(slots=True)
class _Owner:
    held: int = 0
    ended_ms: float | None = None
    gap_ms: float = _FIRST_GAP_MS
    """Time between two of its jobs that end."""
    next_ms: float = 0.0
    """The time when the next waiting job is to come back."""


class Shares:
    """The number of a worker's places that each owner holds."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._spare = 1 if places >= _FEW_PLACES else 0
        self._owners: dict[str, _Owner] = {}
        self._last = self._last_other = ("", -math.inf)

    @property
    def free(self) -> int:
        """Places that no owner holds."""
        return self._free

    def held(self, owner: str) -> int:
        """Places that an owner holds."""
        found = self._owners.get(owner)
        return found.held if found else 0

    def take(self, owner: str, now_ms: float) -> int:
        """Take a place: 0. Or the delay in ms after which to ask again; then none is taken."""
        self._note(owner, now_ms)
        known = self._owners.get(owner) or _Owner()  # only those that hold places are kept
        if self._free > 0 and (not known.held or self._admits(known, owner, now_ms)):
            self._owners[owner] = known
            known.held += 1
            self._free -= 1
            return 0
        known.next_ms = min(max(known.next_ms, now_ms) + known.gap_ms, now_ms + _LONGEST_DELAY_MS)
        return max(round(known.next_ms - now_ms), _LEAST_DELAY_MS)

    def leave(self, owner: str, now_ms: float | None = None) -> None:
        """Give a place back; with a time if a job ended then."""
        known = self._owners[owner]
        known.held -= 1
        self._free += 1
        if now_ms is not None:
            if known.ended_ms is not None:
                known.gap_ms += _WEIGHT * (now_ms - known.ended_ms - known.gap_ms)
            known.ended_ms = now_ms
        if not known.held:  # it is admitted with any history
            del self._owners[owner]

    def _admits(self, known: _Owner, owner: str, now_ms: float) -> bool:
        left = self._free - 1
        if self._others(owner, now_ms):
            return known.held < _TIMES_FREE * left
        return left >= self._spare

    def _others(self, owner: str, now_ms: float) -> bool:
        """True if another owner holds places, or wanted some lately."""
        if len(self._owners) > 1:
            return True
        other, when = self._last_other if self._last[0] == owner else self._last
        return other != owner and now_ms - when < _LATELY_MS

    def _note(self, owner: str, now_ms: float) -> None:
        if owner != self._last[0]:
            self._last_other = self._last
        self._last = (owner, now_ms)
