"""Commands on crawls as a user gives them: limits and scopes, ls, show, retry, pause, resume, cancel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.many_hosts import Shape, Web, many_hosts
from tests.support.processes import run_aragog, start_aragog, stop

#: Twenty pages on each of three hosts; every page links to the next pages of its host and to the next host.
SHAPE = Shape(bytes=1_500, links=5, hosts=3, pages=20)
SEED = "http://h0.test/0"
DEAD = "http://dead.test/"
#: For what takes seconds, on a machine with other work.
PATIENCE_S = 100.0


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with many_hosts(tmp_path / "web", SHAPE) as served:
        yield served


@pytest.fixture
def env(web: Web, tmp_path: Path) -> dict[str, str]:
    """An impatient worker, fast limits, a host where nothing listens."""
    connect_to = {"dead.test": "127.0.0.1:1", "*.test": f"127.0.0.1:{web.port}"}
    return web.settings(
        tmp_path / "data", ratelimiter_qps="200", crawl_max_tries="2", crawl_backoff_ms="200", crawl_places="32"
    ) | {"ARAGOG_FETCHER_CONNECT_TO": json.dumps(connect_to)}


@pytest.fixture
def long_web(tmp_path: Path) -> Iterator[Web]:
    """A host of 300 pages: a crawl at `paced` outlasts a few commands on any machine."""
    with many_hosts(tmp_path / "long-web", replace(SHAPE, hosts=1, pages=300)) as served:
        yield served


def paced(web: Web, folder: Path, limits: Path) -> dict[str, str]:
    """Two pages a second, until `limits` says otherwise."""
    limits.write_text('[domains."h0.test"]\nqps = 2\n')
    return web.settings(folder, ratelimiter_qps="200", ratelimiter_overrides=str(limits))


def aragog(env: Mapping[str, str], *arguments: str) -> str:
    done = run_aragog(env, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def crawl(env: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    ended: dict[str, Any] = json.loads(aragog(env, "crawl", "--json", *arguments))
    return ended


def shown(env: Mapping[str, str], crawl_id: str) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(aragog(env, "crawl", "show", "--json", crawl_id))
    return status


def listed(env: Mapping[str, str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in aragog(env, "crawl", "ls", "--json").splitlines()]


def pages(web: Web) -> set[str]:
    return {f"http://{host}{path}" for _, host, path in web.log().requests if path != "/robots.txt"}


@contextmanager
def running(env: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = start_aragog(env, *arguments)
    try:
        yield process
    finally:
        stop(process)


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# --- how far a crawl goes ---


def test_the_scope_host_stays_on_the_seeds_hosts(web: Web, env: dict[str, str]) -> None:
    assert crawl(env, SEED)["outcomes"] == {"fetched": 20}
    assert pages(web) == {f"http://h0.test/{number}" for number in range(20)}


def test_the_scope_domain_includes_other_hosts_of_it(web: Web, env: dict[str, str]) -> None:
    seed = "http://www.h0.test/0"  # it links to www.h0.test and to h1.test
    assert crawl(env, "--scope", "domain", seed, "http://h1.test/0")["pages"] == 20 * 2
    assert {url.split("/")[2] for url in pages(web)} == {"www.h0.test", "h1.test"}


def test_the_scope_any_goes_wherever_links_lead(web: Web, env: dict[str, str]) -> None:
    assert crawl(env, "--scope", "any", SEED)["pages"] == 60
    assert len(pages(web)) == 60


def test_the_depth_counts_links_from_the_nearest_seed(web: Web, env: dict[str, str]) -> None:
    assert crawl(env, "--depth", "0", SEED)["pages"] == 1
    near = crawl(env, "--depth", "1", SEED)["pages"]
    assert near == 1 + 4  # four of its five links stay on the host
    assert pages(web) == {f"http://h0.test/{number}" for number in (0, 1, 2, 3, 4)}


@pytest.mark.parametrize("most", [1, 7, 33])
def test_no_more_pages_than_asked_for_are_fetched(web: Web, env: dict[str, str], most: int) -> None:
    ended = crawl(env, "--scope", "any", "--max-pages", str(most), SEED)
    assert ended["pages"] == most and ended["state"] == "done" and ended["open"] == 0
    assert len(pages(web)) == most


def test_a_crawl_with_its_pages_ends_though_a_slow_domain_has_many_urls_waiting(
    web: Web, env: dict[str, str], tmp_path: Path
) -> None:
    seeds = tmp_path / "seeds.txt"
    seeds.write_text("".join(f"http://slow.test/{number}\n" for number in range(600)))
    limits = tmp_path / "limits.toml"
    limits.write_text('[domains."slow.test"]\nqps = 2\n')
    slow = env | {"ARAGOG_RATELIMITER_OVERRIDES": str(limits)}
    ended = crawl(slow, "--depth", "0", "--max-pages", "5", "--file", str(seeds))
    assert ended["state"] == "done" and ended["pages"] == 5 and ended["outcomes"]["over_budget"] == 595


# --- failures ---


def test_a_crawl_ends_though_a_host_is_dead_and_says_what_failed(env: dict[str, str]) -> None:
    ended = crawl(env, "--depth", "0", SEED, DEAD, f"{DEAD}a", f"{DEAD}b")
    assert ended["state"] == "done" and ended["pages"] == 1 and ended["failed"] == 3
    failed = [json.loads(line) for line in aragog(env, "crawl", "show", "--failed", "--json", ended["id"]).splitlines()]
    assert {each["url"] for each in failed} == {DEAD, f"{DEAD}a", f"{DEAD}b"}
    assert all(each["code"] and each["message"] for each in failed)
    table = aragog(env, "crawl", "show", "--failed", ended["id"])
    assert table.count("http://dead.test/") == 3


def test_failed_urls_are_retried_once_their_host_is_back(web: Web, env: dict[str, str], tmp_path: Path) -> None:
    ended = crawl(env, "--depth", "0", SEED, DEAD + "5")
    assert ended["failed"] == 1
    for file in (tmp_path / "data").glob("robots.sqlite*"):  # it remembers for minutes that robots.txt couldn't be had
        file.unlink()
    alive = env | {"ARAGOG_FETCHER_CONNECT_TO": json.dumps({"*.test": f"127.0.0.1:{web.port}"})}
    assert "1 URLs" in aragog(alive, "crawl", "retry", ended["id"])
    assert shown(alive, ended["id"])["state"] == "running"
    with running(alive, "worker"):
        until(lambda: shown(alive, ended["id"])["state"] == "done")
    after = shown(alive, ended["id"])
    assert (after["pages"], after["failed"], after["open"]) == (2, 0, 0)


# --- many crawls ---


def test_crawls_are_listed_and_shown(env: dict[str, str]) -> None:
    first = crawl(env, "--depth", "0", SEED)["id"]
    second = crawl(env, "--depth", "0", "http://h1.test/0")["id"]
    assert [each["id"] for each in listed(env)] == [second, first]
    assert {each["state"] for each in listed(env)} == {"done"}
    table, card = aragog(env, "crawl", "ls"), aragog(env, "crawl", "show", first)
    assert first in table and second in table
    assert re.search(r"pages\s+1\b", card) and "fetched: 1" in card


@pytest.mark.timeout(300)
def test_a_paused_crawl_rests_until_it_is_resumed(long_web: Web, tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    slow = paced(long_web, tmp_path / "data", limits)
    with running(slow, "crawl", "--json", SEED) as crawling:
        until(lambda: any(each["pages"] > 1 for each in listed(slow)))
        (crawl_id,) = (each["id"] for each in listed(slow))
        assert "paused" in aragog(slow, "crawl", "pause", crawl_id)
        until(lambda: standing_still(slow, crawl_id))
        rested = shown(slow, crawl_id)
        assert rested["state"] == "paused" and 0 < rested["pages"] < 300
        limits.write_text("")
        assert "running" in aragog(slow, "crawl", "resume", crawl_id)
        out, told = crawling.communicate(timeout=PATIENCE_S)
    assert crawling.returncode == 0, told
    assert json.loads(out)["pages"] == 300
    assert len(pages(long_web)) == 300


def standing_still(env: Mapping[str, str], crawl_id: str) -> bool:
    before = shown(env, crawl_id)["pages"]
    time.sleep(2)  # what was dequeued before the pause is finished
    return bool(shown(env, crawl_id)["pages"] == before)


@pytest.mark.timeout(300)
def test_a_cancelled_crawl_ends_and_what_it_stored_stays(long_web: Web, tmp_path: Path) -> None:
    slow = paced(long_web, tmp_path / "data", tmp_path / "limits.toml")
    with running(slow, "crawl", "--json", SEED) as crawling:
        until(lambda: any(each["pages"] > 1 for each in listed(slow)))
        (crawl_id,) = (each["id"] for each in listed(slow))
        aragog(slow, "crawl", "cancel", crawl_id)
        out, told = crawling.communicate(timeout=60)
    assert crawling.returncode == 0, told
    ended = json.loads(out)
    assert ended["state"] == "cancelled" and 0 < ended["pages"] < 300
    assert aragog(slow, "lookup", SEED)
    again = run_aragog(slow, "crawl", "resume", crawl_id)
    assert again.returncode == 2 and "Traceback" not in again.stderr


@pytest.mark.timeout(400)
def test_a_small_crawl_beside_a_huge_one_is_not_held_up(web: Web, env: dict[str, str]) -> None:
    """Both wait before a worker begins, so that the order of the requests tells whose turn it was, and no clock."""
    start_elsewhere(env, [f"http://site{number % 50}.test/{number}" for number in range(4_000)])
    small = start_elsewhere(env, [f"http://small.test/{number}" for number in range(3)])
    with running(env, "worker"):
        until(lambda: shown(env, small)["state"] == "done", seconds=PATIENCE_S)
    asked = [host for _, host, path in web.log().requests if path != "/robots.txt"]
    small_at = [at for at, host in enumerate(asked) if host == "small.test"]
    assert len(small_at) == 3 and small_at[-1] < 1_000, "in its turn, not behind the other's 4,000"


@pytest.mark.timeout(400)
def test_a_crawl_that_comes_while_another_runs_is_taken_in(env: dict[str, str]) -> None:
    """The running one can't end meanwhile: its pages take ten minutes, and nothing here waits so long."""
    slow = env | {"ARAGOG_RATELIMITER_QPS": "0.5"}
    with running(slow, "crawl", "--json", "--depth", "0", *(f"http://h0.test/{number}" for number in range(300))):
        until(lambda: any(each["pages"] >= 1 for each in listed(slow)), seconds=PATIENCE_S)
        small = start_elsewhere(slow, ["http://small.test/1"])
        until(lambda: shown(slow, small)["state"] == "done", seconds=PATIENCE_S)
        assert {each["state"] for each in listed(slow) if each["id"] != small} == {"running"}


def start_elsewhere(env: Mapping[str, str], seeds: Sequence[str]) -> str:
    """Start a crawl in a data directory without working on it: what a second client of a service does; its id."""
    script = """
import asyncio, sys, time
from aragog.assembly.scheduling import frontier_of, local_pinlater
from crawler.job.job_queues import JobQueues
from crawler.seeds.crawl_start import CrawlRequest, start
from aragog.settings import load

async def main():
    settings = load()
    async with local_pinlater(settings) as pinlater, frontier_of(settings) as frontier:
        wanted = CrawlRequest(tuple(sys.stdin.read().split()), max_depth=0)
        print(await start(wanted, frontier, JobQueues(pinlater, "test"), time.time_ns() // 1_000_000))

asyncio.run(main())
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env=dict(env), input=" ".join(seeds), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
