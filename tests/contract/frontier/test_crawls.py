"""The contract of every frontier for crawls: pause, cancel, list of failures, retry, forget."""

from __future__ import annotations

import pytest

from crawler.frontier import ClaimVerdict, EntryState, Finish, Finished, Frontier, Offer, VisitEnding
from crawler.frontier.crawls import Crawl, CrawlState, Failure
from tests.contract.frontier.steps import FAILED, Steps, key, offer
from thrift_idl.errors import InvalidRequest, NotFound

# --- pause, resume, cancel ---


async def test_a_paused_crawl_gives_jobs_back_finishes_visits_and_goes_on(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.claim("seed", depth=0)
    assert [await crawl.frontier.crawls.turn("c", CrawlState.PAUSED) for _ in range(2)] == [CrawlState.PAUSED] * 2
    assert await crawl.unknown("a") == ["a"]
    await crawl.schedule(offer("a"))
    assert (await crawl.finish("seed", depth=0)).finished is Finished.DONE
    assert await crawl.claim("a") is ClaimVerdict.LATER
    assert await crawl.counts() == (1, 1, 1)
    await crawl.frontier.crawls.turn("c", CrawlState.RUNNING)
    assert (await crawl.visit("a")).ended is True


async def test_a_cancelled_crawl_takes_nothing_more_but_counts_what_is_under_way(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.claim("seed", depth=0)
    assert await crawl.frontier.crawls.turn("c", CrawlState.CANCELLED) is CrawlState.CANCELLED
    assert await crawl.unknown("a") == []
    await crawl.schedule(offer("a"))
    assert await crawl.claim("a") is ClaimVerdict.NOT_RUNNING
    finish = await crawl.finish("seed", depth=0)
    assert (finish.finished, finish.ended) == (Finished.DONE, True)
    assert await crawl.counts() == (0, 1, 1)
    assert await crawl.state() is CrawlState.CANCELLED


@pytest.mark.parametrize("wanted", [CrawlState.RUNNING, CrawlState.PAUSED, CrawlState.CANCELLED])
async def test_a_crawl_that_is_done_cant_be_turned(crawl: Steps, wanted: CrawlState) -> None:
    await crawl.begin()
    await crawl.visit("seed", depth=0)
    with pytest.raises(InvalidRequest, match="done"):
        await crawl.frontier.crawls.turn("c", wanted)
    assert await crawl.state() is CrawlState.DONE


async def test_a_cancelled_crawl_cant_be_resumed(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.frontier.crawls.turn("c", CrawlState.CANCELLED)
    with pytest.raises(InvalidRequest, match="cancelled"):
        await crawl.frontier.crawls.turn("c", CrawlState.RUNNING)


# --- failed URLs ---


async def test_failed_urls_are_listed_with_what_happened(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("b", ending=FAILED)
    await crawl.visit("a", ending=VisitEnding(EntryState.FAILED, "dns_failure", "http://\ud800/", "x" * 9_000, 1))
    first, second = sorted((key("a"), key("b")))
    failures = await crawl.frontier.crawls.failures("c")
    assert [failure.key for failure in failures] == [first, second]
    found = {failure.key: failure for failure in failures}
    assert found[key("b")] == Failure(key("b"), FAILED.url, "timeout", FAILED.message, 3)
    assert len(found[key("a")].message) < 1_000
    assert [failure.key for failure in await crawl.frontier.crawls.failures("c", first)] == [second]
    assert len(await crawl.frontier.crawls.failures("c", limit=1)) == 1


async def test_a_retry_reopens_an_ended_crawl_and_ends_it_again(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a", depth=2))
    await crawl.visit("seed", depth=0)
    await crawl.visit("a", depth=2, ending=FAILED)
    assert await crawl.state() is CrawlState.DONE
    assert await crawl.frontier.crawls.reopen("c", [key("a"), key("seed"), key("never")]) == {key("a"): 2}
    assert await crawl.counts() == (1, 1, 1)
    assert await crawl.state() is CrawlState.RUNNING
    await crawl.schedule(offer("a", 2, depth=2))
    assert await crawl.frontier.crawls.reopen("c", [key("a")]) == {}
    assert await crawl.claim("a", 1, depth=2) is ClaimVerdict.REPEAT
    assert (await crawl.visit("a", 2, depth=2)).ended is True
    assert await crawl.frontier.crawls.failures("c") == []
    assert await crawl.counts() == (0, 2, 2)


async def test_a_retry_that_died_before_it_scheduled_is_made_again(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("seed", depth=0, ending=FAILED)
    assert [await crawl.frontier.crawls.reopen("c", [key("seed")]) for _ in range(2)] == [{key("seed"): 0}] * 2
    assert len(await crawl.frontier.crawls.failures("c")) == 1
    assert await crawl.unknown("seed") == ["seed"]
    assert (await crawl.visit("seed", 2, depth=0)).ended is True


async def test_a_retry_job_dequeued_before_it_is_scheduled_is_visited_once(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("seed", depth=0, ending=FAILED)
    await crawl.frontier.crawls.reopen("c", [key("seed")])
    await crawl.visit("seed", 2, depth=0)
    await crawl.schedule(offer("seed", 2, depth=0))
    assert await crawl.counts() == (0, 1, 1)
    assert await crawl.state() is CrawlState.DONE


async def test_a_url_that_fails_again_stays_on_the_list(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("seed", depth=0, ending=FAILED)
    await crawl.frontier.crawls.reopen("c", [key("seed")])
    await crawl.visit("seed", 2, depth=0, ending=VisitEnding(EntryState.FAILED, "dns_failure"))
    assert [failure.code for failure in await crawl.frontier.crawls.failures("c")] == ["dns_failure"]
    assert (await crawl.frontier.crawls.status("c")).counters.failed == 1


async def test_a_cancelled_crawl_has_no_retry(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.frontier.crawls.turn("c", CrawlState.CANCELLED)
    with pytest.raises(InvalidRequest, match="cancelled"):
        await crawl.frontier.crawls.reopen("c", [key("seed")])


# --- the crawls ---


async def test_crawls_are_listed_the_newest_first(frontier: Frontier) -> None:
    assert await frontier.crawls.all() == []
    for number in range(3):
        await frontier.crawls.create(Crawl(f"c{number}", "q", 0, "any", created_ms=number))
    assert [status.crawl.id for status in await frontier.crawls.all()] == ["c2", "c1", "c0"]


async def test_an_id_is_taken_once(frontier: Frontier) -> None:
    assert await frontier.crawls.create(Crawl("c", "q", 1, "any"), ("a.test",)) is True
    assert await frontier.crawls.create(Crawl("c", "other", 2, "host"), ("b.test",)) is False
    assert (await frontier.crawls.status("c")).crawl.queue == "q"
    assert await frontier.crawls.hosts("c") == {"a.test"}


async def test_an_ended_crawl_is_forgotten_wholly(crawl: Steps) -> None:
    await crawl.begin()
    with pytest.raises(InvalidRequest, match="running"):
        await crawl.frontier.crawls.forget("c")
    await crawl.visit("seed", depth=0, ending=FAILED)
    for _ in range(2):
        await crawl.frontier.crawls.forget("c")
    assert await crawl.frontier.crawls.all() == []
    assert await crawl.frontier.crawls.create(Crawl("c", "q", 1, "any"))
    assert await crawl.frontier.crawls.failures("c") == []
    assert await crawl.unknown("seed") == ["seed"]


async def test_an_unknown_crawl_runs_nothing(crawl: Steps) -> None:
    assert await crawl.unknown("a") == []
    await crawl.schedule(offer("a"))
    assert await crawl.claim("a") is ClaimVerdict.NOT_RUNNING
    assert await crawl.finish("a") == Finish(Finished.STALE, 1, 0, 0, True)
    await crawl.frontier.release("c", [offer("a")])
    for call in (
        crawl.frontier.crawls.status("c"),
        crawl.frontier.crawls.seeded("c"),
        crawl.frontier.crawls.hosts("c"),
        crawl.frontier.crawls.failures("c"),
        crawl.frontier.crawls.reopen("c", [key("a")]),
        crawl.frontier.crawls.turn("c", CrawlState.PAUSED),
    ):
        with pytest.raises(NotFound, match="crawl ls"):
            await call


async def test_what_is_no_url_key_is_refused(crawl: Steps) -> None:
    await crawl.begin()
    with pytest.raises(InvalidRequest, match="16 bytes"):
        await crawl.frontier.unknown("c", [b"short"], 0)
    with pytest.raises(InvalidRequest, match="16 bytes"):
        await crawl.claims(Offer(b"", "d", 0))


async def test_a_crawl_of_seeds_on_too_many_hosts_is_refused(frontier: Frontier) -> None:
    with pytest.raises(InvalidRequest, match="any"):
        await frontier.crawls.create(Crawl("c", "q", 1, "host"), [f"h{number}.test" for number in range(100_001)])
