"""Durations, and how people read them."""

from __future__ import annotations

import pytest

from runtime.durations import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, duration_text


def test_a_day_has_86_400_seconds() -> None:
    assert (SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS) == (1_000, 60_000, 3_600_000, 86_400_000)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (999.4, "999 ms"),
        (1_000, "1 s"),
        (59_999, "60 s"),
        (60_000, "1 min"),
        (90_000, "1.5 min"),
        (5_400_000, "1.5 h"),
        (86_400_000, "1 d"),
        (7 * 86_400_000, "7 d"),
    ],
)
def test_a_duration_is_read_in_its_largest_unit(ms: float, text: str) -> None:
    assert duration_text(ms) == text
