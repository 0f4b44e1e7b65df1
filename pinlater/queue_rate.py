"""The number of jobs that a queue's rate allows now. Pure: times are milliseconds of a clock that never goes back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class QueueRate:
    """The unused part of a rate. No second holds more than 1.1 times the rate and one job more."""

    gathered: float = 1.0
    at_ms: float = 0.0

    def take(self, rate: float, wanted: int, now_ms: float) -> int:
        """As many of the wanted jobs as `rate` jobs a second allow; they count as used."""
        self._gather(rate, now_ms)
        taken = min(wanted, int(self.gathered))
        self.gathered -= taken
        return taken

    def give_back(self, jobs: int) -> None:
        """This number of the taken jobs didn't exist."""
        self.gathered += jobs

    def next_ms(self, rate: float, now_ms: float) -> float:
        """The time in ms until there is one job to take."""
        self._gather(rate, now_ms)
        return max(0.0, (1 - self.gathered) * 1000 / rate) if rate > 0 else float("inf")

    def _gather(self, rate: float, now_ms: float) -> None:
        most = max(1.0, rate / 10)
        self.gathered = min(most, self.gathered + rate * max(now_ms - self.at_ms, 0.0) / 1000)
        self.at_ms = now_ms
