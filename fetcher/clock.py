"""The two clocks of a fetch: one to measure with, one to date with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Milliseconds: `now_ms` never steps back, `wall_ms` counts from 1970 UTC."""

    now_ms: Callable[[], float] = lambda: time.monotonic() * 1000
    wall_ms: Callable[[], int] = lambda: int(time.time() * 1000)
