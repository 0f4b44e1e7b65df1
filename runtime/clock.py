"""The clocks of a process: the only module that asks the operating system for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


def wall_ms() -> int:
    """Milliseconds since 1970 UTC by this machine's clock, which may be set at any time. For dates."""
    return time.time_ns() // 1_000_000


def precise_wall_ms() -> float:
    """`wall_ms` with its fractions: for records of grants, whose intervals are checked against a limit."""
    return time.time_ns() / 1e6


def wall_us() -> int:
    """Microseconds since 1970 UTC by the clock of `wall_ms`."""
    return time.time_ns() // 1_000


def monotonic_ms() -> float:
    """Milliseconds of a clock that never goes back, the same in all processes of a machine. For durations.

    It starts again with the machine. From nanoseconds: as a number of seconds, a day's would be less exact.
    """
    return time.monotonic_ns() / 1e6


def thread_cpu_ms() -> float:
    """Milliseconds of CPU time that this thread has used."""
    return time.thread_time_ns() / 1e6


@dataclass(frozen=True, slots=True)
class Clock:
    """Both clocks, for code that measures with one and dates with the other."""

    now_ms: Callable[[], float] = monotonic_ms
    """Never goes back."""
    wall_ms: Callable[[], int] = wall_ms
    """Since 1970 UTC."""
