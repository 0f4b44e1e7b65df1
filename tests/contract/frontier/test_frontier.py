"""The contract of every frontier for URLs and jobs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from crawler.frontier import ClaimVerdict, EntryClaim, Finish, Finished, Frontier
from crawler.frontier.crawls import Crawl, CrawlState
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.sqlite import SqliteFrontier
from tests.contract.frontier.steps import FAILED, REDIRECTED, REFUSED, Steps, key, offer
from thrift_idl.errors import BadConfiguration

# --- a crawl's way ---


async def test_a_crawl_ends_when_everything_found_is_done(crawl: Steps) -> None:
    await crawl.begin()
    assert await crawl.claim("seed", depth=0) is ClaimVerdict.MINE
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
    assert await crawl.claim("a", 2) is ClaimVerdict.REPEAT
    assert await crawl.claim("a", 1) is ClaimVerdict.MINE
    assert await crawl.counts() == (2, 0, 0)
    await crawl.finish("a", 1)
    assert await crawl.claim("a", 2) is ClaimVerdict.REPEAT
    assert await crawl.counts() == (1, 1, 1)


async def test_a_job_dequeued_before_it_is_scheduled_gets_its_entry_by_the_claim(crawl: Steps) -> None:
    await crawl.begin()
    assert (await crawl.visit("a", 1)).finished is Finished.DONE
    await crawl.schedule(offer("a", 1), offer("a", 2))
    assert await crawl.counts() == (1, 1, 1)


async def test_of_two_jobs_for_one_url_in_one_batch_the_first_is_visited(crawl: Steps) -> None:
    await crawl.begin()
    verdicts = [claim.verdict for claim in await crawl.claims(offer("a", 1), offer("a", 2), offer("b", 1))]
    assert verdicts == [ClaimVerdict.MINE, ClaimVerdict.REPEAT, ClaimVerdict.MINE]


async def test_a_lost_job_is_claimed_again_and_finished_once(crawl: Steps) -> None:
    await crawl.begin()
    assert [await crawl.claim("seed", depth=0) for _ in range(3)] == [ClaimVerdict.MINE] * 3
    assert (await crawl.finish("seed", depth=0)).finished is Finished.DONE
    assert await crawl.finish("seed", depth=0) == Finish(Finished.STALE, 0, 0, 1, True)
    assert await crawl.counts() == (0, 1, 1)


async def test_a_job_whose_ack_was_lost_is_a_repeat(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("a"))
    await crawl.visit("a")
    assert await crawl.claim("a") is ClaimVerdict.REPEAT


async def test_a_visit_without_a_claim_finishes_nothing(crawl: Steps) -> None:
    await crawl.begin()
    assert (await crawl.finish("never-seen")).finished is Finished.STALE
    assert (await crawl.finish("seed", job=2, depth=0)).finished is Finished.STALE
    assert await crawl.counts() == (1, 0, 0)


async def test_a_hundred_callers_at_once_give_a_url_one_owner(crawl: Steps) -> None:
    await crawl.begin()
    verdicts = await asyncio.gather(*(crawl.claim("a", job) for job in range(100)))
    assert sorted(verdicts) == [ClaimVerdict.MINE] + [ClaimVerdict.REPEAT] * 99
    assert await crawl.counts() == (2, 0, 0)


async def test_a_thousand_links_are_asked_and_scheduled_in_one_call(crawl: Steps) -> None:
    await crawl.begin()
    names = [f"n{number}" for number in range(1_201)]
    assert await crawl.unknown(*names) == names
    await crawl.schedule(*(offer(name) for name in names[:-1]))
    assert await crawl.unknown(*names) == names[-1:]
    assert await crawl.counts() == (1_201, 0, 0)
    claims = await crawl.claims(*(offer(name) for name in names))
    assert {claim.verdict for claim in claims} == {ClaimVerdict.MINE}
    assert len(claims) == 1_201


# --- redirects ---


async def test_a_redirects_final_url_is_done_with_it_and_is_the_page(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.schedule(offer("short"), offer("page"))
    assert await crawl.claim("short") is ClaimVerdict.MINE
    await crawl.finish("short", final="page")
    assert await crawl.counts() == (1, 2, 1)
    assert await crawl.claim("page") is ClaimVerdict.REPEAT
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
        assert await crawl.claim(name) is ClaimVerdict.MINE
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


async def test_a_redirect_whose_target_is_a_url_of_its_own_is_an_alias_and_no_page(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.claim("seed", depth=0)
    await crawl.schedule(offer("page", depth=0))
    await crawl.finish("seed", depth=0, ending=REDIRECTED)
    assert await crawl.counts() == (1, 1, 0)
    assert await crawl.visit("page", depth=0) == Finish(Finished.DONE, 0, 0, 1, True)


# --- depth ---


async def test_a_url_found_nearer_keeps_its_job_and_is_visited_at_the_least_depth(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.schedule(offer("a", 1, depth=3))
    assert await crawl.unknown("a", depth=2) == []
    assert await crawl.claims(offer("a", 1, depth=3)) == [EntryClaim(ClaimVerdict.MINE, 2)]
    await crawl.schedule(offer("a", 2, depth=1))
    assert await crawl.claim("a", 2, depth=1) is ClaimVerdict.REPEAT
    assert await crawl.claims(offer("a", 1, depth=3)) == [EntryClaim(ClaimVerdict.MINE, 1)]


async def test_a_visit_whose_url_is_found_nearer_meanwhile_schedules_its_links_again(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    assert await crawl.claim("a", depth=3) is ClaimVerdict.MINE
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
    assert await crawl.claim("a", 1, depth=3) is ClaimVerdict.REPEAT
    assert await crawl.claims(offer("a", 2, depth=2)) == [EntryClaim(ClaimVerdict.RELINK, 2)]
    assert await crawl.finish("a", 2, depth=2) == Finish(Finished.DONE, 2, 1, 1, False)
    assert (await crawl.frontier.crawls.status("c")).outcomes == {"fetched": 1}
    await crawl.schedule(offer("a", 2, depth=2))
    assert await crawl.counts() == (1, 1, 1)


async def test_the_claim_of_a_nearer_job_reopens_a_page_as_well(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.visit("a", 1, depth=3)
    assert await crawl.claim("a", 2, depth=2) is ClaimVerdict.RELINK
    await crawl.finish("a", 2, depth=2)
    await crawl.schedule(offer("a", 2, depth=2))
    assert await crawl.counts() == (1, 1, 1)


async def test_what_was_refused_is_not_reopened_by_a_nearer_job(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.visit("a", 1, depth=3, ending=REFUSED)
    assert await crawl.unknown("a", depth=1) == []
    assert await crawl.claim("a", 2, depth=1) is ClaimVerdict.REPEAT


async def test_a_redirect_to_a_url_found_nearer_schedules_the_links_at_that_depth(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.schedule(offer("page", depth=1))
    await crawl.claim("short", depth=4)
    assert (await crawl.finish("short", depth=4, final="page")).finished is Finished.AGAIN
    assert (await crawl.finish("short", depth=1, final="page")).finished is Finished.DONE
    assert await crawl.claim("page", depth=1) is ClaimVerdict.REPEAT


async def test_a_redirect_found_nearer_brings_its_page_nearer(crawl: Steps) -> None:
    await crawl.begin(max_depth=9)
    await crawl.claim("short", 1, depth=5)
    await crawl.finish("short", 1, depth=5, final="page")
    assert await crawl.claim("short", 2, depth=2) is ClaimVerdict.RELINK
    await crawl.finish("short", 2, depth=2, final="page")
    assert await crawl.unknown("page", depth=3) == []
    assert await crawl.unknown("page", depth=1) == ["page"]
    assert await crawl.counts() == (1, 2, 1)


async def test_an_alias_found_nearer_leads_to_its_target_at_that_depth(crawl: Steps) -> None:
    await crawl.begin(max_depth=5)
    await crawl.claim("short", 1, depth=4)
    assert await crawl.unknown("short", depth=3) == []
    assert (await crawl.finish("short", 1, depth=4, ending=REDIRECTED)).finished is Finished.AGAIN
    assert (await crawl.finish("short", 1, depth=3, ending=REDIRECTED)).finished is Finished.DONE
    assert await crawl.claim("short", 2, depth=1) is ClaimVerdict.RELINK
    await crawl.finish("short", 2, depth=1, ending=REDIRECTED)
    assert (await crawl.frontier.crawls.status("c")).counters.alias == 1


async def test_without_a_depth_limit_depth_moves_nothing(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("a", 1, depth=9)
    assert await crawl.unknown("a", depth=1) == []
    assert await crawl.claim("a", 2, depth=0) is ClaimVerdict.REPEAT


# --- the page budget ---


async def test_what_is_scheduled_after_the_end_is_ignored(crawl: Steps) -> None:
    await crawl.begin()
    await crawl.visit("seed", depth=0)
    await crawl.schedule(offer("a"))
    assert await crawl.claim("a") is ClaimVerdict.NOT_RUNNING
    assert await crawl.counts() == (0, 1, 1)
    assert await crawl.state() is CrawlState.DONE


async def test_the_page_budget_is_kept_to_the_page_and_the_crawl_ends(crawl: Steps) -> None:
    await crawl.begin(max_pages=2)
    await crawl.schedule(*(offer(name) for name in "abde"))
    await crawl.visit("seed", depth=0)
    assert await crawl.claim("a") is ClaimVerdict.MINE
    assert await crawl.claim("b") is ClaimVerdict.LATER
    assert await crawl.claim("a") is ClaimVerdict.MINE, "a repeated claim keeps its place"
    await crawl.finish("a")
    assert await crawl.unknown("f") == []
    assert await crawl.claim("f") is ClaimVerdict.OVER_BUDGET
    assert [await crawl.claim(name) for name in "bde"] == [ClaimVerdict.OVER_BUDGET] * 3
    assert await crawl.state() is CrawlState.DONE
    assert await crawl.counts() == (0, 6, 2)
    assert (await crawl.frontier.crawls.status("c")).outcomes == {"fetched": 2, "over_budget": 4}
    assert await crawl.claim("b") is ClaimVerdict.NOT_RUNNING


async def test_a_job_skipped_before_it_is_scheduled_is_not_waited_for(crawl: Steps) -> None:
    await crawl.begin(max_pages=1)
    await crawl.schedule(offer("a"))
    await crawl.visit("seed", depth=0)
    assert await crawl.claim("late") is ClaimVerdict.OVER_BUDGET
    await crawl.schedule(offer("late"))
    assert await crawl.claim("a") is ClaimVerdict.OVER_BUDGET
    assert await crawl.counts() == (0, 3, 1)
    assert await crawl.state() is CrawlState.DONE


async def test_a_visit_that_brings_no_page_makes_room_for_another(crawl: Steps) -> None:
    await crawl.begin(max_pages=1)
    await crawl.schedule(offer("a"))
    assert await crawl.claim("seed", depth=0) is ClaimVerdict.MINE
    assert await crawl.claim("a") is ClaimVerdict.LATER
    await crawl.finish("seed", depth=0, ending=REFUSED)
    assert (await crawl.visit("a")).ended is True


async def test_a_deferred_visit_gives_its_place_back(crawl: Steps) -> None:
    await crawl.begin(max_pages=1)
    await crawl.schedule(offer("a"))
    assert await crawl.claim("seed", depth=0) is ClaimVerdict.MINE
    for _ in range(2):
        await crawl.frontier.release("c", [offer("seed", depth=0), offer("a"), offer("unknown")])
    assert await crawl.claim("a") is ClaimVerdict.MINE
    assert await crawl.claim("seed", depth=0) is ClaimVerdict.LATER
    await crawl.finish("a")
    assert await crawl.claim("seed", depth=0) is ClaimVerdict.OVER_BUDGET
    assert await crawl.state() is CrawlState.DONE


async def test_nobody_gives_back_anothers_place(crawl: Steps) -> None:
    await crawl.begin(max_pages=1)
    await crawl.claim("seed", 1, depth=0)
    await crawl.frontier.release("c", [offer("seed", 2, depth=0)])
    assert await crawl.claim("a") is ClaimVerdict.LATER


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
