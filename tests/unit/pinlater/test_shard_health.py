"""Health of a shard: failures in a window make it unhealthy, an answered probe makes it healthy."""

from __future__ import annotations

from pinlater.shard_health import HealthRules, ShardHealth

RULES = HealthRules(failures=3, window_ms=1_000, probe_every_ms=200)


def failed(*times_ms: float) -> ShardHealth:
    health = ShardHealth(RULES)
    for time_ms in times_ms:
        health.failed("it broke", time_ms)
    return health


def test_failures_within_the_window_make_it_unhealthy() -> None:
    health = failed(0, 500)
    assert health.well
    assert health.failed("again", 1_000)
    assert (health.well, health.reason) == (False, "again")


def test_failures_farther_apart_do_not() -> None:
    assert failed(0, 500, 1_001, 1_600, 2_400).well


def test_an_answer_between_forgives_what_was_before() -> None:
    health = failed(0, 1)
    assert not health.answered()
    health.failed("it broke", 2)
    health.failed("it broke", 3)
    assert health.well


def test_a_probe_is_wanted_once_an_interval_and_only_while_unhealthy() -> None:
    health = failed(0, 1, 2)
    assert [health.wants_probe(time_ms) for time_ms in (100, 202, 203, 401, 402)] == [False, True, False, False, True]
    assert not failed(0).wants_probe(10_000)


def test_an_answer_makes_it_well_and_says_so_once() -> None:
    health = failed(0, 1, 2)
    assert [health.answered(), health.answered()] == [True, False]
    assert health.well


def test_it_is_called_unhealthy_once() -> None:
    health = ShardHealth(RULES)
    assert [health.failed("no", time_ms) for time_ms in (0, 1, 2, 3)] == [False, False, True, False]
