"""Shared clocks for tests of a state that several machines share."""

from __future__ import annotations


class SameTime:
    """A `Timeline` of a shared clock that is the test's: it stands still while the test's does."""

    def shared_us(self, time_ms: float) -> int:
        return round(time_ms * 1_000)

    def time_ms(self, shared_us: int) -> float:
        return shared_us / 1_000

    def heard(self, sent_ms: float, shared_us: int, answered_ms: float) -> bool:
        return True

    def begin(self, sent_ms: float, shared_us: int, answered_ms: float) -> None:
        pass
