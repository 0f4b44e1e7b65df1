"""Conversion between this machine's monotonic clock and the clock of a Redis that several machines share. Pure.

Only the Redis's clock is common to them. Every answer carries it, and it was read between the sending of the question
and the arrival of the answer; so the distance of the two clocks is known to within a round trip, and tracked as they
drift. A distance that leaves these bounds by more than `JUMP_MS` means that a clock was set: then nothing granted by
the old distance can be placed.
"""

from __future__ import annotations

from typing import Final, Protocol

SLACK_MS: Final = 1.0
JUMP_MS: Final = 50.0


class Timeline(Protocol):
    """Converts times of our clock (ms) to the shared one's (whole microseconds) and back, exactly."""

    def shared_us(self, time_ms: float) -> int:
        """Our time as the shared clock's."""
        ...

    def time_ms(self, shared_us: int) -> float:
        """The shared clock's time as ours."""
        ...

    def heard(self, sent_ms: float, shared_us: int, answered_ms: float) -> bool:
        """The shared clock was read between these two times of ours. False: one of the clocks was set meanwhile."""
        ...

    def begin(self, sent_ms: float, shared_us: int, answered_ms: float) -> None:
        """The clocks' distance from now on, independent of the past."""
        ...


class MeasuredTimeline:
    """`Timeline` by measurement."""

    def __init__(self) -> None:
        self._distance_us = 0

    def shared_us(self, time_ms: float) -> int:
        """Our time as the shared clock's."""
        return round(time_ms * 1_000) + self._distance_us

    def time_ms(self, shared_us: int) -> float:
        """The shared clock's time as ours."""
        return (shared_us - self._distance_us) / 1_000

    def heard(self, sent_ms: float, shared_us: int, answered_ms: float) -> bool:
        """Follow the clocks' drift; only small steps: each shifts the slots of all domains against each other."""
        least, most = shared_us - round(answered_ms * 1_000), shared_us - round(sent_ms * 1_000)
        beyond_us = max(least - self._distance_us, self._distance_us - most)
        if beyond_us > JUMP_MS * 1_000:
            return False
        if beyond_us > SLACK_MS * 1_000:
            self._distance_us = min(max(self._distance_us, least), most)
        return True

    def begin(self, sent_ms: float, shared_us: int, answered_ms: float) -> None:
        """The middle of the round trip is the best estimate."""
        self._distance_us = shared_us - round((sent_ms + answered_ms) * 500)
