from __future__ import annotations

import pytest

from ratelimiter import next_slot
from ratelimiter.next_slot import NEVER


def test_a_domain_that_had_no_slot_gets_one_at_once() -> None:
    assert next_slot.slot_ms(5_000, NEVER, 100) == 5_000


def test_the_next_slot_is_one_interval_after_the_last() -> None:
    assert next_slot.slot_ms(5_000, 4_990, 100) == 5_090


def test_an_idle_domain_earns_no_burst() -> None:
    first = next_slot.slot_ms(9_000_000, 5_000, 100)
    assert first == 9_000_000
    assert next_slot.slot_ms(9_000_000, first, 100) == 9_000_100


def test_no_slot_lies_before_the_end_of_a_hold() -> None:
    assert next_slot.slot_ms(5_000, 4_000, 100, not_before=7_000) == 7_000


def test_a_hold_that_is_over_changes_nothing() -> None:
    assert next_slot.slot_ms(5_000, 4_990, 100, not_before=4_000) == 5_090


@pytest.mark.parametrize(
    ("crawl_delay_ms", "interval_ms"), [(None, 100), (0, 100), (50, 100), (2_000, 2_000), (10**9, 60_000)]
)
def test_a_crawl_delay_lengthens_the_interval_up_to_the_cap_and_never_shortens_it(
    crawl_delay_ms: int | None, interval_ms: float
) -> None:
    assert next_slot.interval_ms(100, crawl_delay_ms, 60_000) == interval_ms


def test_the_cap_of_crawl_delays_doesnt_shorten_a_longer_limit() -> None:
    assert next_slot.interval_ms(90_000, 70_000, 60_000) == 90_000


def test_refused_callers_get_places_one_interval_apart() -> None:
    now, first, cursor, places = 5_000.0, 6_100.0, NEVER, []
    for _ in range(4):
        cursor = next_slot.next_cursor_ms(now, cursor, first, 100)
        places.append(cursor)
    assert places == [6_100, 6_200, 6_300, 6_400]


def test_refused_callers_are_asked_back_half_their_wait_before_their_place() -> None:
    assert next_slot.retry_after_ms(5_000, 6_100, 1_000) == 600
    assert next_slot.retry_after_ms(5_000, 6_100, 0) == 1_100


def test_an_old_cursor_doesnt_send_callers_back_too_early() -> None:
    assert next_slot.next_cursor_ms(5_000, 100, 6_100, 100) == 6_100


def test_the_cursor_stays_within_an_hour() -> None:
    assert next_slot.next_cursor_ms(5_000, 5_000 + next_slot.HORIZON_MS, 6_100, 100) == 5_000 + next_slot.HORIZON_MS


def test_the_cursor_of_a_held_domain_stays_within_an_hour_of_the_holds_end() -> None:
    end = 80_000_000.0
    assert next_slot.next_cursor_ms(5_000, NEVER, end, 100, end) == end
    assert next_slot.next_cursor_ms(5_000, end, end, 100, end) == end + 100
    assert next_slot.next_cursor_ms(5_000, end + next_slot.HORIZON_MS, end, 100, end) == end + next_slot.HORIZON_MS
