from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ratelimiter.backends.timeline import JUMP_MS, SLACK_MS, MeasuredTimeline

DAY_US = 86_400_000_000
SHARED_US = 1_795_000_000_000_000


@given(st.integers(0, 1_000 * DAY_US), st.integers(-1_000 * DAY_US, 1_000 * DAY_US))
def test_a_time_comes_back_from_the_shared_clock_as_it_went(time_us: int, distance_us: int) -> None:
    timeline = MeasuredTimeline()
    timeline.begin(0, distance_us, 0)
    time_ms = timeline.time_ms(time_us)
    assert timeline.shared_us(time_ms) == time_us
    assert timeline.time_ms(timeline.shared_us(time_ms)) == time_ms


def test_clocks_that_drift_apart_are_followed_in_small_steps() -> None:
    timeline, rng = MeasuredTimeline(), random.Random(1)
    timeline.begin(1_000, SHARED_US, 1_000.2)
    shared = float(SHARED_US)
    for second in range(3_600):
        shared += 1_000_100  # 100 ppm fast
        now = 2_000.0 + 1_000 * second
        sent, answered = now - rng.uniform(0.1, 5), now + rng.uniform(0.1, 5)
        before = timeline.time_ms(round(shared))
        assert timeline.heard(sent, round(shared), answered)
        assert abs(timeline.time_ms(round(shared)) - before) < 5  # the shortest way there or back that was met
        assert sent - 2 * SLACK_MS <= timeline.time_ms(round(shared)) <= answered + 2 * SLACK_MS


def test_a_clock_that_was_set_is_noticed_either_way_and_a_slow_answer_is_not() -> None:
    timeline = MeasuredTimeline()
    timeline.begin(1_000, SHARED_US, 1_000)
    assert timeline.heard(1_000, SHARED_US, 9_000)
    assert timeline.heard(1_000, SHARED_US + 8_000_000, 9_000)
    for hour_us in (3_600_000_000, -3_600_000_000, round(1_000 * JUMP_MS) + 1, -round(1_000 * JUMP_MS) - 1):
        assert not timeline.heard(1_000, SHARED_US + hour_us, 1_000)
