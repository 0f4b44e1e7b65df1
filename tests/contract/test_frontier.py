"""What every frontier must do alike: SQLite in memory and in a file, Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from aragog.crawl.crawls import Crawl, CrawlState, Failure
from aragog.crawl.frontier import Claim, Ending, EntryState, Finish, Finished, Frontier, Offer, Verdict
from aragog.crawl.frontier.redis import RedisFrontier
from aragog.crawl.frontier.sqlite import SqliteFrontier
from thrift_idl.errors import BadConfiguration, InvalidRequest, NotFound

FETCHED = Ending(EntryState.PAGE, "fetched")
REFUSED = Ending(EntryState.REFUSED, "robots_denied")
FAILED = Ending(EntryState.FAILED, "timeout", "http://a.test/slow", "no first byte in 10 s", 3)


def key(name: str) -> bytes:
    return sha256(name.encode()).digest()[:16]


def offer(name: str, job: int = 1, depth: int = 1) -> Offer:
    return Offer(key(name), f"q_c:s1:p1:{name}-{job}", depth)


@pytest.fixture(params=["memory", "file", "redis"])
async def frontier(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Frontier]:
    opened: Frontier
    if request.param == "redis":
        opened = await RedisFrontier.open(request.getfixturevalue("redis_durable_url"))
    else:
        path = ":memory:" if request.param == "memory" else str(tmp_path / "frontier.sqlite")
        opened = await SqliteFrontier.open(f"sqlite:///{path}")
    yield opened
    await opened.close()


class Steps:
    """One crawl, `c`, seeded with the URL `seed`, by its job 1."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier

    async def begin(self, max_depth: int | None = None, max_pages: int | None = None) -> None:
        crawl = Crawl("c", "q_c", 1, "host", max_depth, max_pages, created_ms=7, label="aragog crawl")
        assert await self.frontier.crawls.create(crawl, ("a.test",))
        await self.frontier.schedule("c", [offer("seed", depth=0)])
        await self.frontier.crawls.seeded("c")

    async def unknown(self, *names: str, depth: int = 1) -> list[str]:
        told = await self.frontier.unknown("c", [key(name) for name in names], depth)
        return [name for name in dict.fromkeys(names) if key(name) in told]

    async def claim(self, name: str, job: int = 1, depth: int = 1) -> Verdict:
        return (await self.claims(offer(name, job, depth)))[0].verdict

    async def claims(self, *offers: Offer) -> Sequence[Claim]:
        return await self.frontier.claim("c", offers)

    async def schedule(self, *offers: Offer) -> None:
        await self.frontier.schedule("c", offers)

    async def finish(
        self, name: str, job: int = 1, depth: int = 1, ending: Ending = FETCHED, final: str | None = None
    ) -> Finish:
        return await self.frontier.finish("c", offer(name, job, depth), ending, key(final) if final else None)

    async def visit(self, name: str, job: int = 1, depth: int = 1, ending: Ending = FETCHED) -> Finish:
        assert await self.claim(name, job, depth) is Verdict.MINE
        return await self.finish(name, job, depth, ending)

    async def counts(self) -> tuple[int, int, int]:
        """Open, done, pages."""
        counters = (await self.frontier.crawls.status("c")).counters
        return counters.open, counters.done, counters.pages

    async def state(self) -> CrawlState:
        return (await self.frontier.crawls.status("c")).state


@pytest.fixture
def crawl(frontier: Frontier) -> Steps:
    return Steps(frontier)


# --- a crawl's way ---


async def test_a_crawl_ends_when_everything_found_is_done(crawl: Steps) -> None:
    await crawl.begin()
    assert await crawl.claim("seed", depth=0) is Verdict.MINE
    assert await crawl.unknown("a", "b", "seed", "a") == ["a", "b"]
    await crawl.schedule(offer("a"), offer("b"))
    assert await crawl.unknown("a", "b") == []
    assert await crawl.finish("seed", depth=0) == Finish(Finished.DONE, 0, 2, 1, False)
    assert (await crawl.visit("a")).ended is False
    assert await crawl.visit("b", ending=REFUSED) == Finish(Finished.DONE, 1, 0, 2, True)
    status = await crawl.frontier.crawls.status("c")
    assert (status.state, status.seeded, status.ended_ms > 0) == (CrawlState.DONE, True, True)
    assert (status.counters.page, status.counters.refused, status.counters.open) == (2, 1, 0)
    assert status.outcomes == {"fetched": 2, "robots_denied": 1}
    assert status.crawl == Crawl("c", "q_c", 1, "host", None, None, 7, "aragog crawl")


async def test_a_crawl_does_not_end_before_it_is_seeded(crawl: Steps) -> None:
    await crawl.frontier.crawls.create(Crawl("c", "q_c", 2, "any"))
    await crawl.schedule(offer("a", depth=0))
    assert (await crawl.visit("a", depth=0)).ended is False
    await crawl.schedule(offer("b", depth=0))
    assert await crawl.frontier.crawls.seeded("c") is CrawlState.RUNNING
    assert (await crawl.visit("b", depth=0)).ended is True


async def test_a_crawl_whose_seeds_are_done_already_ends_when_it_is_seeded(crawl: Steps) -> None:
    await crawl.frontier.crawls.create(Crawl("c", "q_c", 1, "any"))
    await crawl.schedule(offer("a", depth=0))
    await crawl.visit("a", depth=0)
    assert [await crawl.frontier.crawls.seeded("c") for _ in range(2)] == [CrawlState.DONE] * 2


async def test_crawls_know_nothing_of_one_another(frontier: Frontier) -> None:
    for name in ("c1", "c2"):
        await frontier.crawls.create(Crawl(name, f"q_{name}", 1, "any"))
    await frontier.schedule("c1", [offer("a")])
    assert await frontier.unknown("c2", [key("a")], 0) == [key("a")]
    assert (await frontier.crawls.status("c2")).counters.open == 0


# --- repeats, and whose a URL is ---


async def test_of_two_jobs_for_one_url_the_first_scheduled_owns_it_and_the_other_is_a_repeat(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a", 1))
    await crawl.schedule(offer("a", 2))
    assert await crawl.claim("a", 2) is Verdict.REPEAT
    assert await crawl.claim("a", 1) is Verdict.MINE
    assert await crawl.counts() == (2, 0, 0)
    await crawl.finish("a", 1)
    assert await crawl.claim("a", 2) is Verdict.REPEAT
    assert await crawl.counts() == (1, 1, 1)


async def test_a_job_dequeued_before_it_is_scheduled_gets_its_entry_by_the_claim(crawl: Steps) -> None:
    await crawl.begin()
    assert (await crawl.visit("a", 1)).finished is Finished.DONE
    await crawl.schedule(offer("a", 1), offer("a", 2))
    assert await crawl.counts() == (1, 1, 1)


async def test_of_two_jobs_for_one_url_in_one_batch_the_first_is_visited(crawl: Steps) -> None:
    await crawl.begin()
    verdicts = [claim.verdict for claim in await crawl.claims(offer("a", 1), offer("a", 2), offer("b", 1))]
    assert verdicts == [Verdict.MINE, Verdict.REPEAT, Verdict.MINE]


async def test_a_lost_job_is_claimed_again_and_finished_once(crawl: Steps) -> None:
    await crawl.begin()
    assert [await crawl.claim("seed", depth=0) for _ in range(3)] == [Verdict.MINE] * 3
    assert (await crawl.finish("seed", depth=0)).finished is Finished.DONE
    assert await crawl.finish("seed", depth=0) == Finish(Finished.STALE, 0, 0, 1, True)
    assert await crawl.counts() == (0, 1, 1)


async def test_a_job_whose_ack_was_lost_is_a_repeat(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a"))
    await crawl.visit("a")
    assert await crawl.claim("a") is Verdict.REPEAT


async def test_a_visit_without_a_claim_finishes_nothing(crawl: Steps) -> None:
    await crawl.begin()
    assert (await crawl.finish("never-seen")).finished is Finished.STALE
    assert (await crawl.finish("seed", job=2, depth=0)).finished is Finished.STALE
    assert await crawl.counts() == (1, 0, 0)


async def test_a_hundred_callers_at_once_give_a_url_one_owner(crawl: Steps) -> None:
    await crawl.begin()
    verdicts = await asyncio.gather(*(crawl.claim("a", job) for job in range(100)))
    assert sorted(verdicts) == [Verdict.MINE] + [Verdict.REPEAT] * 99
    assert await crawl.counts() == (2, 0, 0)


async def test_a_thousand_links_are_asked_and_scheduled_in_one_call(crawl: Steps) -> None:
    await crawl.begin()
    names = [f"n{number}" for number in range(1_201)]
    assert await crawl.unknown(*names) == names
    await crawl.schedule(*(offer(name) for name in names[:-1]))
    assert await crawl.unknown(*names) == names[-1:]
    assert await crawl.counts() == (1_201, 0, 0)
    claims = await crawl.claims(*(offer(name) for name in names))
    assert {claim.verdict for claim in claims} == {Verdict.MINE}
    assert len(claims) == 1_201


# --- redirects ---


async def test_a_redirects_final_url_is_done_with_it_and_is_the_page(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("short"), offer("page"))
    assert await crawl.claim("short") is Verdict.MINE
    await crawl.finish("short", final="page")
    assert await crawl.counts() == (1, 2, 1)
    assert await crawl.claim("page") is Verdict.REPEAT
    counters = (await crawl.frontier.crawls.status("c")).counters
    assert (counters.page, counters.alias) == (1, 1)


async def test_a_final_url_that_nobody_knew_is_known_then(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.claim("seed", depth=0)
    assert await crawl.finish("seed", depth=0, final="page") == Finish(Finished.DONE, 0, 0, 1, True)
    assert await crawl.counts() == (0, 2, 1)


async def test_two_redirects_to_one_page_are_one_page(crawl: Steps) -> None:
    await crawl.begin()
    for name in ("s1", "s2"):
        await crawl.claim(name)
        await crawl.finish(name, final="page")
    assert await crawl.counts() == (1, 3, 1)


async def test_a_final_url_whose_own_visit_is_under_way_is_counted_once(crawl: Steps) -> None:
    await crawl.begin(max_pages=5)
    for name in ("page", "short"):
        assert await crawl.claim(name) is Verdict.MINE
    await crawl.finish("short", final="page")
    assert (await crawl.finish("page")).finished is Finished.STALE
    assert await crawl.counts() == (1, 2, 1)
    assert (await crawl.frontier.crawls.status("c")).counters.claimed == 0


async def test_a_redirect_that_ends_where_it_began_is_a_page(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.claim("seed", depth=0)
    await crawl.finish("seed", depth=0, final="seed")
    assert await crawl.counts() == (0, 1, 1)


async def test_a_final_url_that_had_failed_is_a_page_after_all(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("page", ending=FAILED)
    await crawl.claim("short")
    await crawl.finish("short", final="page")
    assert await crawl.frontier.crawls.failures("c") == []
    counters = (await crawl.frontier.crawls.status("c")).counters
    assert (counters.failed, counters.page, counters.alias, counters.open) == (0, 1, 1, 1)


# --- depth ---


async def test_a_url_found_nearer_keeps_its_job_and_is_visited_at_the_least_depth(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.schedule(offer("a", 1, depth=3))
    assert await crawl.unknown("a", depth=2) == []
    assert await crawl.claims(offer("a", 1, depth=3)) == [Claim(Verdict.MINE, 2)]
    await crawl.schedule(offer("a", 2, depth=1))
    assert await crawl.claim("a", 2, depth=1) is Verdict.REPEAT
    assert await crawl.claims(offer("a", 1, depth=3)) == [Claim(Verdict.MINE, 1)]


async def test_a_visit_whose_url_is_found_nearer_meanwhile_schedules_its_links_again(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    assert await crawl.claim("a", depth=3) is Verdict.MINE
    assert await crawl.unknown("a", depth=1) == []
    assert await crawl.finish("a", depth=3) == Finish(Finished.AGAIN, 1, 2, 0, False)
    assert await crawl.finish("a", depth=1) == Finish(Finished.DONE, 1, 1, 1, False)


async def test_a_page_found_nearer_after_it_was_done_is_reopened_for_its_stored_links(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.visit("a", 1, depth=3)
    assert await crawl.unknown("a", depth=3) == []
    assert await crawl.unknown("a", depth=2) == ["a"]
    await crawl.schedule(offer("a", 2, depth=2))
    assert await crawl.counts() == (2, 0, 1)
    assert await crawl.claim("a", 1, depth=3) is Verdict.REPEAT
    assert await crawl.claims(offer("a", 2, depth=2)) == [Claim(Verdict.RELINK, 2)]
    assert await crawl.finish("a", 2, depth=2) == Finish(Finished.DONE, 2, 1, 1, False)
    assert (await crawl.frontier.crawls.status("c")).outcomes == {"fetched": 1}
    await crawl.schedule(offer("a", 2, depth=2))
    assert await crawl.counts() == (1, 1, 1)


async def test_the_claim_of_a_nearer_job_reopens_a_page_as_well(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.visit("a", 1, depth=3)
    assert await crawl.claim("a", 2, depth=2) is Verdict.RELINK
    await crawl.finish("a", 2, depth=2)
    await crawl.schedule(offer("a", 2, depth=2))
    assert await crawl.counts() == (1, 1, 1)


async def test_what_was_refused_is_not_reopened_by_a_nearer_job(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.visit("a", 1, depth=3, ending=REFUSED)
    assert await crawl.unknown("a", depth=1) == []
    assert await crawl.claim("a", 2, depth=1) is Verdict.REPEAT


async def test_a_redirect_to_a_url_found_nearer_schedules_the_links_at_that_depth(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.schedule(offer("page", depth=1))
    await crawl.claim("short", depth=4)
    assert (await crawl.finish("short", depth=4, final="page")).finished is Finished.AGAIN
    assert (await crawl.finish("short", depth=1, final="page")).finished is Finished.DONE
    assert await crawl.claim("page", depth=1) is Verdict.REPEAT


async def test_a_redirect_found_nearer_brings_its_page_nearer(crawl: Steps) -> None:
    await crawl.begin(max_depth=9)
    await crawl.claim("short", 1, depth=5)
    await crawl.finish("short", 1, depth=5, final="page")
    assert await crawl.claim("short", 2, depth=2) is Verdict.RELINK
    await crawl.finish("short", 2, depth=2, final="page")
    assert await crawl.unknown("page", depth=3) == []
    assert await crawl.unknown("page", depth=1) == ["page"]
    assert await crawl.counts() == (1, 2, 1)


async def test_without_a_depth_limit_depth_moves_nothing(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("a", 1, depth=9)
    assert await crawl.unknown("a", depth=1) == []
    assert await crawl.claim("a", 2, depth=0) is Verdict.REPEAT


# --- the page budget ---


async def test_what_is_scheduled_after_the_end_is_ignored(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("seed", depth=0)
    await crawl.schedule(offer("a"))
    assert await crawl.claim("a") is Verdict.NOT_RUNNING
    assert await crawl.counts() == (0, 1, 1)
    assert await crawl.state() is CrawlState.DONE


async def test_the_page_budget_is_kept_to_the_page_and_the_crawl_ends(crawl: Steps) -> None:
    await crawl.begin(max_pages=2)
    await crawl.schedule(*(offer(name) for name in "abde"))
    await crawl.visit("seed", depth=0)
    assert await crawl.claim("a") is Verdict.MINE
    assert await crawl.claim("b") is Verdict.LATER
    assert await crawl.claim("a") is Verdict.MINE, "a repeated claim keeps its place"
    await crawl.finish("a")
    assert await crawl.unknown("f") == []
    assert await crawl.claim("f") is Verdict.OVER_BUDGET
    assert [await crawl.claim(name) for name in "bde"] == [Verdict.OVER_BUDGET] * 3
    assert await crawl.state() is CrawlState.DONE
    assert await crawl.counts() == (0, 5, 2)
    assert (await crawl.frontier.crawls.status("c")).outcomes == {"fetched": 2, "over_budget": 3}
    assert await crawl.claim("b") is Verdict.NOT_RUNNING


async def test_a_visit_that_brings_no_page_makes_room_for_another(crawl: Steps) -> None:
    await crawl.begin(max_pages=1)
    await crawl.schedule(offer("a"))
    assert await crawl.claim("seed", depth=0) is Verdict.MINE
    assert await crawl.claim("a") is Verdict.LATER
    await crawl.finish("seed", depth=0, ending=REFUSED)
    assert (await crawl.visit("a")).ended is True


async def test_a_deferred_visit_gives_its_place_back(crawl: Steps) -> None:
    await crawl.begin(max_pages=1)
    await crawl.schedule(offer("a"))
    assert await crawl.claim("seed", depth=0) is Verdict.MINE
    for _ in range(2):
        await crawl.frontier.release("c", [offer("seed", depth=0), offer("a"), offer("unknown")])
    assert await crawl.claim("a") is Verdict.MINE
    assert await crawl.claim("seed", depth=0) is Verdict.LATER
    await crawl.finish("a")
    assert await crawl.claim("seed", depth=0) is Verdict.OVER_BUDGET
    assert await crawl.state() is CrawlState.DONE


async def test_nobody_gives_back_anothers_place(crawl: Steps) -> None:
    await crawl.begin(max_pages=1)
    await crawl.claim("seed", 1, depth=0)
    await crawl.frontier.release("c", [offer("seed", 2, depth=0)])
    assert await crawl.claim("a") is Verdict.LATER


# --- pause, resume, cancel ---


async def test_a_paused_crawl_gives_jobs_back_finishes_visits_and_goes_on(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.claim("seed", depth=0)
    assert [await crawl.frontier.crawls.turn("c", CrawlState.PAUSED) for _ in range(2)] == [CrawlState.PAUSED] * 2
    assert await crawl.unknown("a") == ["a"]
    await crawl.schedule(offer("a"))
    assert (await crawl.finish("seed", depth=0)).finished is Finished.DONE
    assert await crawl.claim("a") is Verdict.LATER
    assert await crawl.counts() == (1, 1, 1)
    await crawl.frontier.crawls.turn("c", CrawlState.RUNNING)
    assert (await crawl.visit("a")).ended is True


async def test_a_cancelled_crawl_takes_nothing_more_but_counts_what_is_under_way(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.claim("seed", depth=0)
    assert await crawl.frontier.crawls.turn("c", CrawlState.CANCELLED) is CrawlState.CANCELLED
    assert await crawl.unknown("a") == []
    await crawl.schedule(offer("a"))
    assert await crawl.claim("a") is Verdict.NOT_RUNNING
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
    await crawl.visit("a", ending=Ending(EntryState.FAILED, "dns_failure", "http://\ud800/", "x" * 9_000, 1))
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
    assert await crawl.claim("a", 1, depth=2) is Verdict.REPEAT
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
    await crawl.visit("seed", 2, depth=0, ending=Ending(EntryState.FAILED, "dns_failure"))
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
    assert await crawl.claim("a") is Verdict.NOT_RUNNING
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


# --- what outlives a process ---


async def test_a_frontier_in_a_file_is_there_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/f.sqlite"
    first = await SqliteFrontier.open(url)
    await Steps(first).begin()
    await first.close()
    second = await SqliteFrontier.open(url)
    assert await Steps(second).counts() == (1, 0, 0)
    await second.close()


async def test_frontiers_with_different_prefixes_share_a_redis(redis_durable_url: str) -> None:
    one, other = [await RedisFrontier.open(f"{redis_durable_url}?prefix={name}") for name in ("one", "other")]
    await Steps(one).begin()
    assert await other.crawls.all() == []
    await one.close()
    await other.close()


@pytest.mark.parametrize("url", ["redis://", "http://127.0.0.1/"])
async def test_a_url_of_no_redis_is_refused(url: str) -> None:
    with pytest.raises(BadConfiguration):
        await RedisFrontier.open(url)
