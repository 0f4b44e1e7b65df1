from __future__ import annotations

import pytest

from ratelimiter.domain_state import DomainState
from ratelimiter.feedback import Answered, hear
from ratelimiter.next_slot import NEVER
from runtime.durations import DAY_MS

A, B = b"a" * 16, b"b" * 16


def told(
    standing: DomainState,
    now: float,
    status: int,
    retry_after_ms: float | None = None,
    url_key: bytes = A,
    jitter: float = 0.0,
) -> float:
    return hear(standing, now, Answered(status, retry_after_ms, url_key), jitter)


@pytest.mark.parametrize("status", [0, 200, 304, 404, 500, 502])
def test_other_answers_hold_nothing(status: int) -> None:
    standing = DomainState()
    assert told(standing, 0, status) == told(standing, 0, status, 5_000) == 0
    assert standing.held_until == NEVER


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_up_to_a_day_and_not_jittered(status: int) -> None:
    assert told(DomainState(), 0, status, 5_000, jitter=1) == 5_000
    assert told(DomainState(), 0, status, 10 * DAY_MS, jitter=1) == DAY_MS


def test_a_lone_503_speaks_of_its_url_only_however_often_that_is_tried() -> None:
    standing = DomainState()
    assert [told(standing, now, 503) for now in (0, 1_000, 2_000)] == [0, 0, 0]


def test_503_from_two_urls_within_a_minute_hold_the_domain() -> None:
    standing = DomainState()
    assert told(standing, 0, 503, url_key=A) == 0
    assert told(standing, 60_000, 503, url_key=B) == 60_000
    assert (standing.held_until, standing.held_status) == (120_000, 503)


def test_503_from_two_urls_further_apart_hold_nothing() -> None:
    standing = DomainState()
    assert told(standing, 0, 503, url_key=A) == told(standing, 60_001, 503, url_key=B) == 0
    assert told(standing, 120_001, 503, url_key=A) == 60_000


def test_two_503_that_dont_name_their_urls_count_as_two_urls() -> None:
    standing = DomainState()
    assert told(standing, 0, 503, url_key=b"") == 0
    assert told(standing, 1, 503, url_key=b"") == 60_000


def test_a_429_without_retry_after_holds_a_minute_then_twice_as_long_up_to_a_day() -> None:
    standing, now, holds = DomainState(), 0.0, []
    for _ in range(13):
        holds.append(told(standing, now, 429))
        now = standing.held_until + 1
    assert holds[:3] == [60_000, 120_000, 240_000]
    assert holds[-2:] == [DAY_MS, DAY_MS]


def test_jitter_lengthens_a_hold_by_up_to_a_tenth_and_isnt_doubled() -> None:
    standing = DomainState()
    assert told(standing, 0, 429, jitter=1) == 66_000
    assert told(standing, 66_001, 429, jitter=0.5) == 126_000


def test_answers_to_requests_sent_before_the_hold_dont_double_it() -> None:
    standing = DomainState()
    assert [told(standing, 1_000, 429) for _ in range(10)] == [60_000] + [0] * 9
    assert standing.held_until == 61_000
    assert told(standing, 61_001, 429) == 120_000


def test_a_success_of_before_the_hold_doesnt_reset_the_doubling_but_one_after_it_does() -> None:
    standing = DomainState()
    told(standing, 1_000, 429)
    told(standing, 1_001, 200)
    assert told(standing, 61_001, 429) == 120_000
    told(standing, 181_002, 200)
    assert told(standing, 181_003, 429) == 60_000


def test_a_longer_retry_after_lengthens_a_hold_and_a_shorter_one_doesnt_shorten_it() -> None:
    standing = DomainState()
    told(standing, 1_000, 429)
    told(standing, 1_001, 503, 5_000)
    assert (standing.held_until, standing.held_status) == (61_000, 429)
    told(standing, 1_002, 503, 100_000)
    assert (standing.held_until, standing.held_status) == (101_002, 503)


def test_retry_after_of_zero_counts_as_none() -> None:
    assert told(DomainState(), 1_000, 429, 0) == 60_000


def test_no_answer_makes_a_domain_faster() -> None:
    standing = DomainState()
    told(standing, 0, 429)
    for status in (200, 304, 404, 500, 503, 429, 0):
        held = standing.held_until
        told(standing, 1, status)
        assert standing.held_until >= held


def test_the_length_of_the_last_hold_is_remembered_for_a_day() -> None:
    standing = DomainState()
    assert standing.until() == NEVER
    told(standing, 0, 429)
    assert standing.until() == 60_000 + DAY_MS


def test_the_first_of_two_failures_is_remembered_for_a_minute() -> None:
    standing = DomainState()
    told(standing, 0, 503)
    assert standing.until() == 60_000
