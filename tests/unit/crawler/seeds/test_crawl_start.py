"""Seeds, and which crawl a command means."""

from __future__ import annotations

from crawler.frontier.crawls import Counters, Crawl, CrawlState, CrawlStatus
from crawler.seeds.crawl_start import CrawlRequest, read_seeds, running_of

WANTED = CrawlRequest(("http://a.test/",), max_depth=2)


def status(crawl_id: str, state: CrawlState) -> CrawlStatus:
    return CrawlStatus(Crawl(crawl_id, f"crawl_{crawl_id}", 1, "host"), state, Counters(), seeded=True)


def test_a_seed_file_has_comments_blank_lines_and_rubbish() -> None:
    lines = [
        "\ufeffhttp://a.test/",
        "",
        "# a comment",
        "not a url",
        "http://A.test:80/#top",
        "ftp://b.test/",
        "  http://c.test ",
    ]
    good, bad = read_seeds(lines)
    assert good == ("http://a.test/", "http://c.test/")
    assert [(line.number, line.text) for line in bad] == [(4, "not a url"), (6, "ftp://b.test/")]


def test_the_same_wish_goes_on_with_the_crawl_that_has_not_ended() -> None:
    paused = status(WANTED.name, CrawlState.PAUSED)
    assert running_of(WANTED, [paused]) == (WANTED.name, True)


def test_once_it_has_ended_the_same_wish_is_a_new_crawl() -> None:
    done = status(WANTED.name, CrawlState.DONE)
    assert running_of(WANTED, [done]) == (f"{WANTED.name}_2", False)
    second = status(f"{WANTED.name}_2", CrawlState.RUNNING)
    assert running_of(WANTED, [second, done]) == (f"{WANTED.name}_2", True)


def test_a_new_crawl_never_takes_the_name_of_one_that_is_there() -> None:
    third = status(f"{WANTED.name}_3", CrawlState.DONE)  # those before it are forgotten
    assert running_of(WANTED, [third]) == (f"{WANTED.name}_4", False)


def test_what_names_urls_beside_the_seeds_is_part_of_the_wish() -> None:
    names = {CrawlRequest(WANTED.seeds, source=source).name for source in ("", "auto", "http://a.test/sitemap.xml")}
    assert len(names) == 3 and CrawlRequest(WANTED.seeds).name in names


def test_one_whose_queue_is_there_is_not_over_unless_it_was_cancelled() -> None:
    done = status(WANTED.name, CrawlState.DONE)
    cancelled = status(WANTED.name, CrawlState.CANCELLED)
    assert running_of(WANTED, [done], {done.crawl.queue}) == (WANTED.name, True)
    assert running_of(WANTED, [cancelled], {cancelled.crawl.queue}) == (f"{WANTED.name}_2", False)


def test_another_wish_is_another_crawl() -> None:
    names = {CrawlRequest(("http://a.test/",)).name, WANTED.name, CrawlRequest(("http://b.test/",), max_depth=2).name}
    assert len(names) == 3
