"""The clocks: units, and which one dates."""

from __future__ import annotations

import time

from runtime.clock import Clock, monotonic_ms, precise_wall_ms, thread_cpu_ms, wall_ms, wall_us


def test_the_wall_clock_counts_from_1970() -> None:
    before, found, after = time.time(), wall_ms(), time.time()
    assert before * 1_000 - 1 <= found <= after * 1_000
    assert isinstance(found, int) and isinstance(wall_us(), int)


def test_milliseconds_with_and_without_fractions_and_microseconds_are_of_one_clock() -> None:
    before, precise, micros, after = wall_ms(), precise_wall_ms(), wall_us(), wall_ms()
    assert before <= precise <= micros / 1_000 + 0.01 <= after + 1.01


def test_the_monotonic_clock_is_the_one_of_the_machine_in_milliseconds() -> None:
    before, found, after = time.monotonic(), monotonic_ms(), time.monotonic()
    assert before * 1_000 - 0.001 <= found <= after * 1_000 + 0.001


def test_a_thread_that_works_uses_cpu_time() -> None:
    before = thread_cpu_ms()
    while thread_cpu_ms() < before + 2:
        pass
    assert thread_cpu_ms() >= before + 2


def test_a_clock_measures_with_the_one_and_dates_with_the_other() -> None:
    clock = Clock()
    assert abs(clock.now_ms() - time.monotonic() * 1_000) < 60_000
    assert abs(clock.wall_ms() - time.time() * 1_000) < 60_000
    assert Clock(lambda: 1.5, lambda: 7).now_ms() == 1.5
