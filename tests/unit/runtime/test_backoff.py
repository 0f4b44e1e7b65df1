"""Delays between tries."""

from __future__ import annotations

from runtime.backoff import Backoff


def test_each_failure_doubles_the_delay_up_to_the_longest() -> None:
    backoff = Backoff(first_ms=100, longest_ms=1_000)
    assert [backoff.delay_ms(failures) for failures in range(1, 7)] == [100, 200, 400, 800, 1_000, 1_000]


def test_chance_decides_about_the_jitter_and_no_more() -> None:
    backoff = Backoff(first_ms=1_000, longest_ms=60_000)
    assert [backoff.delay_ms(1, chance) for chance in (0, 0.5, 1)] == [500, 750, 1_000]
    assert Backoff(1_000, 60_000, jitter=0).delay_ms(1, 0) == 1_000


def test_a_million_failures_are_no_large_number() -> None:
    assert Backoff(1, 10**9).delay_ms(1_000_000) == 10**9
