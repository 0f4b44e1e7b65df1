from __future__ import annotations

import random

from ratelimiter.ledger.proof import Proof, ProofVerdict, allowed
from tests.support.ledger_records import WALL_MS, granted


def judged(*grants: object, skew_ms: float = 0.0) -> ProofVerdict:
    return Proof(skew_ms=skew_ms).of(grants)  # type: ignore[arg-type]


def test_slots_one_interval_apart_break_nothing() -> None:
    verdict = judged(*(granted(100.0 * n) for n in range(1_000)))
    assert verdict.holds
    assert (verdict.grants, verdict.broken, verdict.early) == (1_000, 0, 0)
    worst = verdict.worst[0]
    assert (worst.name, worst.slots, worst.allowed, worst.limit) == ("a.com", 10, 11.5, "default")


def test_a_second_with_more_than_105_percent_and_one_is_broken_and_told() -> None:
    verdict = judged(*(granted(83.0 * n) for n in range(13)))
    assert (verdict.holds, verdict.broken, verdict.early) == (False, 2, 12)
    worst = verdict.worst[0]
    assert (worst.slots, worst.broken, worst.until_ms) == (13, True, WALL_MS + 83 * 12)
    assert verdict.early_examples[0].gap_ms == 83


def test_a_double_grant_of_a_slow_domain_is_found_though_no_second_is_too_full() -> None:
    verdict = judged(granted(0, interval_ms=10_000), granted(5_000, interval_ms=10_000))
    assert (verdict.holds, verdict.broken, verdict.early) == (False, 0, 1)


def test_two_shards_that_each_keep_the_limit_but_not_together_are_found() -> None:
    one = [granted(100.0 * n, shard="one") for n in range(20)]
    two = [granted(100.0 * n + 50, shard="two") for n in range(20)]
    verdict = judged(*sorted(one + two, key=lambda each: each.asked_ms))
    assert verdict.broken
    assert verdict.worst[0].slots == 20
    assert verdict.worst[0].shards == ("one", "two")


def test_a_grant_told_late_is_judged_as_if_it_had_been_told_in_order() -> None:
    ordered = [granted(90.0 * n) for n in range(40)]
    shuffled = ordered.copy()
    random.Random(1).shuffle(shuffled)
    assert judged(*shuffled).worst[0].slots == judged(*ordered).worst[0].slots == 12


def test_the_limit_then_in_force_counts() -> None:
    fast = [granted(10.0 * n, interval_ms=10.0, limit="override") for n in range(200)]
    slow = [granted(2_000.0 + 990 + 1_000 * n, interval_ms=1_000.0) for n in range(5)]
    assert judged(*fast, *slow).holds
    too_soon = [granted(2_000.0 + 500 * n, interval_ms=1_000.0) for n in range(5)]
    assert judged(*fast, *too_soon).early == 5


def test_a_hosts_own_limit_is_judged_besides_its_domains() -> None:
    ok = [granted(500.0 * n, host="img.a.com", host_interval_ms=500.0) for n in range(10)]
    assert judged(*ok).holds
    verdict = judged(*(granted(200.0 * n, host="img.a.com", host_interval_ms=500.0) for n in range(10)))
    assert verdict.early == 9
    assert {window.kind for window in verdict.worst if window.broken} == {"host"}


def test_one_domains_slots_arent_anothers() -> None:
    verdict = judged(*(granted(10.0 * n, domain=f"d{n % 10}.com") for n in range(1_000)))
    assert verdict.holds
    assert len(verdict.busiest) == 10


def test_slots_of_two_clocks_are_judged_with_the_skew_that_is_named() -> None:
    grants = [granted(0, boot="b1"), granted(80, boot="b2")]
    assert judged(*grants).early == 1
    assert judged(*grants, skew_ms=50).early == 0


def test_memory_is_bounded_by_what_a_window_can_reach() -> None:
    proof = Proof()
    for number in range(20_000):
        proof.add(granted(100.0 * number, domain=f"d{number}.com"))
    assert len(proof._tracks) < 300
    assert proof.end().grants == 20_000


def test_the_fullest_second_of_each_of_the_fullest_names_is_kept() -> None:
    grants = [granted(1_000.0 * n + 100.0 * k, domain=f"d{n}.com") for n in range(30) for k in range(1 + n % 10)]
    verdict = Proof(most_windows=5).of(grants)
    assert [window.slots for window in verdict.worst] == [10, 10, 10, 9, 9]
    assert len({window.name for window in verdict.worst}) == 5


def test_what_is_allowed_is_what_was_promised() -> None:
    assert allowed(100.0) == 11.5
    assert allowed(1_000.0) == 2.05
