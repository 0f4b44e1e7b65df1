"""Delays between tries, whatever the numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.backoff import Backoff

BACKOFFS = st.builds(Backoff, first_ms=st.integers(0, 10**6), longest_ms=st.integers(0, 10**9), jitter=st.floats(0, 1))


@given(BACKOFFS, st.integers(1, 10**6), st.floats(0, 1))
def test_a_delay_is_between_nothing_and_the_longest(backoff: Backoff, failures: int, chance: float) -> None:
    assert 0 <= backoff.delay_ms(failures, chance) <= backoff.longest_ms


@given(BACKOFFS, st.integers(1, 100), st.floats(0, 1))
def test_no_failure_makes_the_next_delay_shorter(backoff: Backoff, failures: int, chance: float) -> None:
    assert backoff.delay_ms(failures, chance) <= backoff.delay_ms(failures + 1, chance)


@given(BACKOFFS, st.integers(1, 100), st.floats(0, 1))
def test_no_more_than_the_jitters_share_is_left_to_chance(backoff: Backoff, failures: int, chance: float) -> None:
    whole = backoff.delay_ms(failures)
    assert whole * (1 - backoff.jitter) - 1 <= backoff.delay_ms(failures, chance) <= whole
