"""The wait before the next try: twice as long after each failure, up to a bound, in part by chance. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MOST_DOUBLINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delays of a series of tries."""

    first_ms: int
    """After the first failure; each further one doubles it."""
    longest_ms: int
    jitter: float = 0.5
    """This share of each delay is random, so that callers that failed together don't return together."""

    def delay_ms(self, failures: int, chance: float = 1.0) -> int:
        """The delay after this many failures, the last one included; `chance`, from 0 to 1, is the part of the jitter
        that is waited.
        """
        whole_ms = min(self.first_ms << min(failures - 1, _MOST_DOUBLINGS), self.longest_ms)
        return round(whole_ms * (1 - self.jitter * (1 - chance)))
