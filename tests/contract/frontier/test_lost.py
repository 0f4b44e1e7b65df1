"""The contract of every frontier for lost jobs and pages."""

from __future__ import annotations

from crawler.frontier import LOST_CODE, ClaimVerdict, EntryState, FrontierEntry
from crawler.frontier.crawls import CrawlState
from crawler.frontier.entry import UNOWNED
from tests.contract.frontier.steps import FAILED, REDIRECTED, Steps, key, offer


async def entries(crawl: Steps) -> dict[bytes, FrontierEntry]:
    found: dict[bytes, FrontierEntry] = {}
    async for some in crawl.frontier.entries("c"):
        found |= some
    return found


async def entry(crawl: Steps, name: str) -> dict[bytes, FrontierEntry]:
    return {key(name): (await entries(crawl))[key(name)]}


async def begun(crawl: Steps) -> None:
    """`seed` is done and found `a` and `b`, which have jobs."""
    await crawl.begin()
    await crawl.claim("seed", depth=0)
    await crawl.schedule(offer("a"), offer("b"))
    await crawl.finish("seed", depth=0)


async def test_all_entries_are_told_however_many_they_are(crawl: Steps) -> None:
    await crawl.begin()
    names = [f"url-{number}" for number in range(2_345)]
    await crawl.schedule(*map(offer, names))
    found = await entries(crawl)
    assert set(found) == {key(name) for name in [*names, "seed"]}
    assert {each.state for each in found.values()} == {EntryState.WAITING}
    assert await entries(Steps(crawl.frontier)) == found
    assert [some async for some in crawl.frontier.entries("unknown")] in ([], [{}])


async def test_a_url_whose_job_was_lost_wants_another_which_owns_it(crawl: Steps) -> None:
    await begun(crawl)
    assert await crawl.frontier.disown("c", await entry(crawl, "a")) == 1
    assert (await entry(crawl, "a"))[key("a")].owner == UNOWNED
    assert await crawl.unknown("a", "b") == ["a"]
    await crawl.schedule(offer("a", job=2))
    assert await crawl.claim("a", job=1) is ClaimVerdict.REPEAT
    await crawl.visit("a", job=2)
    assert (await crawl.visit("b")).ended is True
    assert await crawl.counts() == (0, 3, 3)


async def test_an_entry_that_moved_meanwhile_stays(crawl: Steps) -> None:
    await begun(crawl)
    seen = await entry(crawl, "a")
    await crawl.visit("a")
    assert await crawl.frontier.disown("c", seen) == 0
    assert await crawl.counts() == (1, 2, 2)
    assert await crawl.frontier.disown("c", {key("never"): seen[key("a")]}) == 0


async def test_a_page_that_was_lost_is_fetched_anew_and_counted_once(crawl: Steps) -> None:
    await begun(crawl)
    await crawl.visit("a")
    await crawl.visit("b", ending=REDIRECTED)
    assert await crawl.state() is CrawlState.DONE
    lost = await entry(crawl, "a") | await entry(crawl, "b")
    assert await crawl.frontier.disown("c", lost, refetch=True) == 2
    assert await crawl.state() is CrawlState.RUNNING
    assert await crawl.counts() == (2, 1, 1)
    await crawl.schedule(offer("a", job=2), offer("b", job=2))
    assert await crawl.claim("a", job=2) is ClaimVerdict.MINE
    await crawl.finish("a", job=2)
    assert (await crawl.visit("b", job=2, ending=REDIRECTED)).ended is True
    assert await crawl.counts() == (0, 3, 2)


async def test_without_its_page_lost_a_url_found_nearer_is_not_fetched_again(crawl: Steps) -> None:
    await crawl.begin(max_depth=9)
    await crawl.claim("seed", depth=0)
    await crawl.schedule(offer("a", depth=5), offer("b", depth=1))
    await crawl.finish("seed", depth=0)
    await crawl.visit("a", depth=5)
    await crawl.schedule(offer("a", job=2, depth=2))
    assert await crawl.frontier.disown("c", await entry(crawl, "a")) == 1
    await crawl.schedule(offer("a", job=3, depth=2))
    assert await crawl.claim("a", job=3, depth=2) is ClaimVerdict.RELINK


async def test_what_nothing_names_is_given_up_and_the_crawl_ends(crawl: Steps) -> None:
    await begun(crawl)
    await crawl.visit("b")
    await crawl.frontier.disown("c", await entry(crawl, "a"))
    assert await crawl.frontier.give_up("c", [key("a"), key("seed"), key("never")]) == 1
    status = await crawl.frontier.crawls.status("c")
    assert (status.state, status.counters.skipped, status.outcomes[LOST_CODE]) == (CrawlState.DONE, 1, 1)


async def test_a_url_that_has_a_job_is_not_given_up(crawl: Steps) -> None:
    await begun(crawl)
    assert await crawl.frontier.give_up("c", [key("a"), key("b")]) == 0
    assert await crawl.counts() == (2, 1, 1)


async def test_nothing_of_a_cancelled_or_unknown_crawl_waits_again(crawl: Steps) -> None:
    await begun(crawl)
    seen = await entry(crawl, "a")
    await crawl.frontier.crawls.turn("c", CrawlState.CANCELLED)
    assert await crawl.frontier.disown("c", seen) == 0
    assert await crawl.frontier.disown("unknown", seen) == 0
    assert await crawl.frontier.give_up("unknown", [key("a")]) == 0


async def test_a_failed_url_stays_on_its_list(crawl: Steps) -> None:
    await begun(crawl)
    await crawl.visit("a", ending=FAILED)
    await crawl.frontier.disown("c", await entry(crawl, "b"))
    assert [each.key for each in await crawl.frontier.crawls.failures("c")] == [key("a")]
