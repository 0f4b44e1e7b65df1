"""The contract of every frontier for URLs with new keys."""

from __future__ import annotations

import pytest

from crawler.frontier import ClaimVerdict, Finished, Rekeyed
from crawler.frontier.crawls import CrawlState
from tests.contract.frontier.steps import FAILED, Steps, key, offer


def renamed(old: str, new: str, job: int = 0) -> Rekeyed:
    """The URL `old` is called `new` now; its job's number, or 0."""
    return Rekeyed(key(old), key(new), offer(old, job).descriptor if job else "")


async def test_an_open_entry_goes_with_its_own_job_and_is_visited_by_it(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a"), offer("b"))
    assert await crawl.frontier.rekey("c", [renamed("a", "new a", job=1)]) == 1
    assert await crawl.unknown("a", "new a", "b") == ["a"]
    moved = offer("a")
    claim = (await crawl.claims(type(moved)(key("new a"), moved.descriptor, 1)))[0]
    assert claim.verdict is ClaimVerdict.MINE


@pytest.mark.parametrize("job", [0, 2])
async def test_an_open_entry_stays_where_the_job_is_not_its_own(crawl: Steps, job: int) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a"))
    assert await crawl.frontier.rekey("c", [renamed("a", "new a", job)]) == 0
    assert await crawl.claim("a") is ClaimVerdict.MINE


async def test_an_entry_that_is_done_goes_without_a_job_and_no_number_changes(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a"), offer("b"))
    await crawl.visit("a")
    before = (await crawl.frontier.crawls.status("c")).counters
    assert await crawl.frontier.rekey("c", [renamed("a", "new a"), renamed("strange", "new strange")]) == 1
    assert await crawl.frontier.rekey("c", [renamed("a", "new a")]) == 0, "a repeat"
    assert (await crawl.frontier.crawls.status("c")).counters == before
    assert await crawl.unknown("a", "new a") == ["a"]


async def test_a_failed_entry_takes_with_it_what_is_listed_of_it_and_is_retried(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a"))
    await crawl.visit("a", ending=FAILED)
    assert await crawl.frontier.rekey("c", [renamed("a", "new a")]) == 1
    (failure,) = await crawl.frontier.crawls.failures("c")
    assert (failure.key, failure.url) == (key("new a"), FAILED.url)
    assert await crawl.frontier.crawls.reopen("c", [key("a"), key("new a")]) == {key("new a"): 1}
    assert await crawl.frontier.rekey("c", [renamed("new a", "newer a")]) == 1, "reopened, and of no job yet"
    (failure,) = await crawl.frontier.crawls.failures("c")
    assert failure.key == key("newer a")


async def test_two_that_become_one_are_counted_once_and_the_crawl_ends(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a"), offer("b"))
    await crawl.visit("a")
    assert (await crawl.visit("seed", depth=0)).finished is Finished.DONE
    assert await crawl.counts() == (1, 2, 2)
    assert await crawl.frontier.rekey("c", [renamed("b", "a", job=1)]) == 1
    assert await crawl.counts() == (0, 2, 2)
    assert await crawl.state() is CrawlState.DONE
    assert await crawl.unknown("b") == [], "it has ended"


async def test_a_crawl_that_is_not_there_has_nothing_to_move(crawl: Steps) -> None:
    assert await crawl.frontier.rekey("none", [renamed("a", "b")]) == 0


async def test_a_new_frontier_has_the_keys_of_today(crawl: Steps) -> None:
    from weburl import KEY_VERSION

    assert await crawl.frontier.key_version() == KEY_VERSION
    await crawl.begin()
    await crawl.frontier.write_key_version(KEY_VERSION + 1)
    assert await crawl.frontier.key_version() == KEY_VERSION + 1
