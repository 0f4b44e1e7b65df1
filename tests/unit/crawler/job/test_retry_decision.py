"""The decision about a job after its visit."""

from __future__ import annotations

import pytest

from crawler.frontier import EntryState
from crawler.job.body import CrawlJob, Policy
from crawler.job.retry_decision import Again, Ended, Patience, next_move
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.gen.urlstore.ttypes import Outcome

PATIENCE = Patience(max_tries=3, give_up_ms=10_000, backoff_ms=1_000, max_backoff_ms=8_000)
JOB = CrawlJob("http://a.test/", "c1")
CHAIN = (Hop("http://a.test/", 301, "http://b.test/"),)
NOW_MS = 1_000_000


def outcome(family: str, code: str, delay_ms: int | None = None) -> Outcome:
    return Outcome(family=family, code=code, at_ms=NOW_MS, delay_ms=delay_ms)


def move(job: CrawlJob, ended: Outcome, chance: float = 0.0) -> Ended | Again:
    return next_move(job, ended, CHAIN, PATIENCE, chance)


@pytest.mark.parametrize("code", ["fetched", "unchanged"])
def test_a_page_ends_its_job(code: str) -> None:
    ended = move(JOB, outcome("fetched", code))
    assert isinstance(ended, Ended) and ended.ending.state == EntryState.PAGE


def test_a_refusal_ends_its_job_and_is_no_failure() -> None:
    ended = move(JOB, outcome("refused", "robots_denied"))
    assert isinstance(ended, Ended)
    assert (ended.ending.state, ended.ending.code) == (EntryState.REFUSED, "robots_denied")


def test_a_url_without_a_slot_comes_back_for_ever() -> None:
    job = JOB
    for _ in range(500):
        again = move(job, outcome("deferred", "no_slot", 700))
        assert isinstance(again, Again) and again.delay_ms == 700
        job = again.job
    assert job.tries == 0 and job.deferred_ms == 0


def test_a_deferral_carries_the_chain_so_far() -> None:
    again = move(JOB, outcome("deferred", "no_slot", 5))
    assert isinstance(again, Again) and again.job.resume == CHAIN


def test_a_host_that_defers_is_given_up_after_the_patience_that_it_asked_for() -> None:
    first = move(JOB, outcome("deferred", "retry_after", 2_000))
    assert isinstance(first, Again) and first.job.deferred_ms == 2_000
    still = move(first.job, outcome("deferred", "retry_after", 8_000))
    assert isinstance(still, Again) and still.job.deferred_ms == 10_000
    over = move(still.job, outcome("deferred", "retry_after", 1))
    assert isinstance(over, Ended) and over.ending.state == EntryState.FAILED


def test_a_host_that_asks_for_no_patience_is_given_up_too() -> None:
    job, visits = JOB, 1
    while isinstance(again := move(job, outcome("deferred", "retry_after", 0)), Again):
        job, visits = again.job, visits + 1
    assert visits == 11


def test_an_unavailable_url_is_tried_so_often_and_then_failed() -> None:
    job, delays = JOB, []
    for _ in range(PATIENCE.max_tries - 1):
        again = move(job, outcome("unavailable", "timeout"))
        assert isinstance(again, Again)
        delays.append(again.delay_ms)
        job = again.job
    assert delays == [500, 1_000]
    over = move(job, outcome("unavailable", "timeout"))
    assert isinstance(over, Ended)
    assert (over.ending.state, over.ending.code, over.ending.tries) == (EntryState.FAILED, "timeout", 3)


def test_chance_spreads_retries_over_half_of_the_backoff() -> None:
    delays = {move(JOB, outcome("unavailable", "timeout"), chance).delay_ms for chance in (0.0, 0.5, 1.0)}
    assert delays == {500, 750, 1_000}


def test_a_job_s_own_policy_wins() -> None:
    impatient = CrawlJob("http://a.test/", "c1", policy=Policy(max_tries=1, give_up_ms=0))
    assert isinstance(move(impatient, outcome("unavailable", "timeout")), Ended)
    assert isinstance(move(impatient, outcome("deferred", "retry_after", 1)), Ended)
