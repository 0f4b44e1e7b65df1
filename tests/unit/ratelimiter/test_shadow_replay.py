from __future__ import annotations

from ratelimiter.overrides import Limit, Overrides, parse
from ratelimiter.shadow_replay import replay
from tests.support.ledger_records import granted

DEFAULT = Limit(100.0)


def test_the_limits_of_then_change_nothing() -> None:
    grants = [granted(100.0 * n, wait_ms=100.0 * (n % 10)) for n in range(100)]
    tally = replay(grants, Overrides(DEFAULT))
    assert tally.live == tally.candidate
    assert tally.live == {"at_once": 10, "delayed": 90}


def test_a_slower_limit_delays_some_and_refuses_the_rest() -> None:
    overrides = parse('[domains."a.com"]\nqps = 2', "candidate.toml", DEFAULT)
    tally = replay([granted(100.0 * n, wait_ms=100.0 * n) for n in range(10)], overrides)
    assert tally.live == {"at_once": 1, "delayed": 9}
    assert tally.candidate == {"at_once": 1, "delayed": 2, "refused": 7}
    assert tally.slower == {"a.com": 9}


def test_a_faster_limit_delays_none() -> None:
    overrides = parse('[domains."a.com"]\nqps = 1000', "candidate.toml", DEFAULT)
    tally = replay([granted(100.0 * n, wait_ms=50) for n in range(10)], overrides)
    assert tally.candidate == {"at_once": 10}
    assert tally.faster == {"a.com": 10}


def test_a_crawl_delay_of_then_is_kept_in_the_replay() -> None:
    grants = [granted(700.0 * n, interval_ms=700.0, limit="default, Crawl-delay") for n in range(5)]
    assert replay(grants, Overrides(DEFAULT)).candidate == {"at_once": 5}
    crowded = [granted(100.0 * n, interval_ms=700.0, limit="default, Crawl-delay") for n in range(5)]
    assert replay(crowded, Overrides(DEFAULT)).candidate["refused"] > 0
