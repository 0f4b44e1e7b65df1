from __future__ import annotations

import pytest

from ratelimiter.rules import NEVER
from ratelimiter.standing import DAY_MS, Standing, Standings, hold_ms


@pytest.mark.parametrize("status", [0, 200, 304, 404, 500, 502])
def test_other_answers_hold_nothing(status: int) -> None:
    assert hold_ms(status, None, 0) == 0
    assert hold_ms(status, 5_000, 0) == 0


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_up_to_a_day(status: int) -> None:
    assert hold_ms(status, 5_000, 0) == 5_000
    assert hold_ms(status, 10 * DAY_MS, 0) == DAY_MS


def test_a_lone_503_speaks_of_its_url_only() -> None:
    assert hold_ms(503, None, 60_000) == 0


def test_a_429_without_retry_after_holds_a_minute_then_twice_as_long_up_to_a_day() -> None:
    holds = [0.0]
    for _ in range(13):
        holds.append(hold_ms(429, None, holds[-1]))
    assert holds[1:4] == [60_000, 120_000, 240_000]
    assert holds[-1] == DAY_MS


def test_answers_to_requests_sent_before_the_hold_dont_double_it() -> None:
    standing = Standing()
    assert [standing.answered(1_000, 429, None) for _ in range(10)] == [60_000] + [0] * 9
    assert standing.held_until == 61_000
    assert standing.answered(61_001, 429, None) == 120_000


def test_a_success_of_before_the_hold_doesnt_reset_the_doubling_but_one_after_it_does() -> None:
    standing = Standing()
    standing.answered(1_000, 429, None)
    standing.answered(1_001, 200, None)
    assert standing.answered(61_001, 429, None) == 120_000
    standing.answered(181_002, 200, None)
    assert standing.answered(181_003, 429, None) == 60_000


def test_a_longer_retry_after_lengthens_a_hold_and_a_shorter_one_doesnt_shorten_it() -> None:
    standing = Standing()
    standing.answered(1_000, 429, None)
    standing.answered(1_001, 503, 5_000)
    assert standing.held_until == 61_000
    standing.answered(1_002, 503, 100_000)
    assert standing.held_until == 101_002


def test_retry_after_of_zero_counts_as_none() -> None:
    assert Standing().answered(1_000, 429, 0) == 60_000


def test_too_many_standings_drop_those_of_the_past_first() -> None:
    standings = Standings(max_domains=4)
    for number in range(4):
        standings.take(f"d{number}.com", 0).held_until = 100 if number < 3 else 9_000
    standings.take("new.com", 1_000)
    assert standings.find("d3.com") is not None
    assert len(standings) == 2


def test_too_many_standings_drop_those_that_end_soonest_next() -> None:
    standings = Standings(max_domains=4)
    for number in range(4):
        standings.take(f"d{number}.com", 0).held_until = 9_000 + number
    standings.take("new.com", 1_000)
    assert standings.find("d0.com") is None
    assert standings.find("d1.com") is not None


def test_the_length_of_the_last_hold_is_remembered_for_a_day() -> None:
    standing = Standing()
    assert standing.until() == NEVER
    standing.answered(0, 429, None)
    assert standing.until() == 60_000 + DAY_MS
