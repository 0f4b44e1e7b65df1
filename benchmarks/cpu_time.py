"""CPU time of a call: imported on both sides of a comparison, so it needs nothing but Python."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(call: Callable[[], object], at_least: float = 1.0) -> float:
    """CPU seconds of one call of this process's, over at least so many seconds of calls; one more warms up."""
    call()
    began, count = time.process_time(), 0
    while time.process_time() - began < at_least:
        call()
        count += 1
    return (time.process_time() - began) / count
