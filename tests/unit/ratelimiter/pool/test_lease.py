from __future__ import annotations

from ratelimiter.next_slot import MAX_WAIT_MS
from ratelimiter.pool.lease import NOT_OURS, NOTHING, next_lease


def test_a_shard_that_starts_takes_its_domains_for_busy_until_the_end_of_what_another_may_have_granted() -> None:
    lease = next_lease(NOTHING, 1, 300, [True, False], looked_ms=990, now=1_000)
    assert list(lease.floors) == [1_000 + 300 + MAX_WAIT_MS, NOT_OURS]
    assert lease.version == 1


def test_what_was_ours_all_the_time_goes_on_and_what_comes_waits() -> None:
    first = next_lease(NOTHING, 7, 300, [True, False, True], looked_ms=0, now=0)
    second = next_lease(first, 8, 300, [True, True, False], looked_ms=10_000, now=10_000)
    assert list(second.floors) == [1_300, 11_300, NOT_OURS]
    third = next_lease(second, 9, 300, [True, True, True], looked_ms=20_000, now=20_000)
    assert list(third.floors) == [1_300, 11_300, 21_300]


def test_a_version_that_passed_by_makes_everything_unknown() -> None:
    first = next_lease(NOTHING, 7, 300, [True], looked_ms=0, now=0)
    assert list(next_lease(first, 9, 300, [True], looked_ms=10_000, now=10_000).floors) == [11_300]


def test_the_longer_skew_of_two_memberships_counts() -> None:
    first = next_lease(NOTHING, 7, 2_000, [False], looked_ms=0, now=0)
    assert list(next_lease(first, 8, 300, [True], looked_ms=10_000, now=10_000).floors) == [13_000]


def test_a_tenure_lasts_for_the_skew_from_the_beginning_of_its_look() -> None:
    lease = next_lease(NOTHING, 7, 300, [True], looked_ms=1_000, now=1_200)
    assert lease.lasts(1_300)
    assert not lease.lasts(1_301)
    assert not NOTHING.lasts(0)
