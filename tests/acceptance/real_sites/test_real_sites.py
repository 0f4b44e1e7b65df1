"""Thousands of pages that nobody here wrote, crawled, killed, resumed, and read again by another parser.

`make test` crawls them killed in the middle, and one of them undisturbed; `make torture` all of them undisturbed, and
one over the real engines, too.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.real_sites.bounds import OF_THE_PAGE, exceeded
from tests.acceptance.real_sites.crawling import QPS, Crawled, crawl, limits, reaching
from tests.acceptance.real_sites.differences import KINDS, Difference, differences, kind_of
from tests.acceptance.real_sites.reaching import Reached, reachable
from tests.acceptance.real_sites.resolving import same_page
from tests.acceptance.real_sites.serving import Served, fullest_second, program, served
from tests.acceptance.real_sites.sites import SITES, missing, roots, seeds
from tests.support.engines import unavailable
from tests.support.sample_crawls import distributed

pytestmark = pytest.mark.timeout(1_500)
#: What is crawled a second time, undisturbed.
AGAIN = SITES if os.environ.get("ARAGOG_TORTURE") else SITES[2:]
#: What the real engines are given: all of it would take them minutes.
OVER_ENGINES = SITES[2:]
REPORT = Path(__file__).parents[3] / "docs" / "real-sites.md"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if lacking := [*missing(), *([] if program() else ["nginx"])]:
        unavailable(f"not installed: apt-get install --no-install-recommends {' '.join(lacking)}")
    with served(tmp_path_factory.mktemp("sites") / "nginx") as serving:
        yield serving


@pytest.fixture(scope="module")
def expected() -> dict[str, Reached]:
    return reachable()


@pytest.fixture(scope="module")
def killed(sites: Served, expected: dict[str, Reached], tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    env = reaching(sites, tmp_path_factory.mktemp("killed"))
    return crawl(sites, env, kill_after=len(expected) // 2)


def fullest_seconds(crawled: Crawled) -> dict[str, int]:
    """Most requests within one second, by domain."""
    return {site.domain: fullest_second(crawled.log, site) for site in SITES}


@pytest.fixture(scope="module")
def stored(killed: Crawled) -> dict[str, dict[str, Any]]:
    """Rows by what is the same page."""
    return {same_page(url): row for url, row in killed.rows().items()}


def test_every_page_reachable_in_scope_is_stored(
    expected: dict[str, Reached], stored: dict[str, dict[str, Any]]
) -> None:
    print(Counter(each.outcome for each in expected.values()))
    pages = {url for url, each in expected.items() if each.outcome == "page"}
    begun = {same_page(seed) for seed in seeds()}
    assert all(any(url.startswith(root) for url in pages - begun) for root in roots()), "each package has been crawled"
    assert {url for url, row in stored.items() if "page" in row} == pages


def test_what_is_no_page_is_known_for_what_it_is(
    expected: dict[str, Reached], stored: dict[str, dict[str, Any]]
) -> None:
    wanted = {url: each for url, each in expected.items() if each.outcome != "page"}
    found = {url: _seen(stored[url]) for url in wanted if url in stored}
    assert found == {url: each.target or each.outcome for url, each in wanted.items()}


def _seen(row: dict[str, Any]) -> str:
    outcome = row["outcome"]
    if outcome["code"] == "http_status" and outcome["status"] == 404:
        return "not_found"
    return str(row.get("redirects_to") or outcome["code"])


def test_every_page_says_what_lxml_reads_in_it(expected: dict[str, Reached], stored: dict[str, dict[str, Any]]) -> None:
    found: list[Difference] = []
    filled: Counter[str] = Counter()
    for url, each in expected.items():
        if each.reading is not None:
            record = stored[url]["page"]["record"]
            filled.update(name for name in ("title", "canonical", "opengraph", "outlinks", "robots") if record[name])
            found += differences(stored[url]["url"], record, each.reading)
    kinds = Counter(map(kind_of, found))
    print(f"pages that have a {dict(filled)}; differences by kind {dict(kinds)}")
    assert not kinds[""], "\n".join(str(each)[:500] for each in found if not kind_of(each))[:5_000]


def test_no_page_was_cut_but_beyond_a_documented_bound(
    expected: dict[str, Reached], stored: dict[str, dict[str, Any]]
) -> None:
    readings = {url: each.reading for url, each in expected.items() if each.reading is not None}
    bounds = {url: exceeded(stored[url]["url"], reading) for url, reading in readings.items()}
    flags = {url: frozenset(stored[url]["page"]["record"]["flags"]) - OF_THE_PAGE for url in readings}
    print(f"pages beyond a bound: {[url for url, exceeds in bounds.items() if exceeds]}")
    assert {url: each for url, each in flags.items() if each} == {url: each for url, each in bounds.items() if each}


def test_each_kind_of_difference_is_argued_in_the_report() -> None:
    text = REPORT.read_text()
    assert [kind.name for kind in KINDS if f"| {kind.name} |" not in text] == []


def test_no_domain_is_asked_above_its_limit_in_any_second(killed: Crawled) -> None:
    fullest = fullest_seconds(killed)
    print(f"requests in the fullest second, at {QPS} a second: {fullest}")
    assert all(0 < count <= 1.05 * QPS + 1 for count in fullest.values())


def test_killed_and_resumed_the_store_is_the_undisturbed_one(sites: Served, killed: Crawled, tmp_path: Path) -> None:
    undisturbed = crawl(sites, reaching(sites, tmp_path), AGAIN)
    assert undisturbed.rows() == killed.rows_of(AGAIN)


@pytest.mark.torture
@pytest.mark.timeout(1_500)
def test_three_workers_on_the_real_engines_store_the_same(
    sites: Served,
    killed: Crawled,
    engine_settings: dict[str, str],
    tmp_path: Path,
) -> None:
    with distributed({"connect_to": sites.connect_to()}, tmp_path, engine_settings | limits(tmp_path)) as env:
        found = crawl(sites, env, OVER_ENGINES)
    assert found.rows() == killed.rows_of(OVER_ENGINES)
    fullest = [fullest_second(found.log, site) for site in OVER_ENGINES]
    print(f"requests in the fullest second, three workers: {fullest}")
    assert max(fullest) <= 1.05 * QPS + 1
