"""One hot domain is nobody else's problem: thousands of its URLs wait for their slots, everybody else goes on.

`make test` asserts counts and windows: those hold on any machine. `make torture` also times it: 10,000 URLs of one
domain, at 50 QPS, for at 10 they would take 17 minutes; what has to be got through before anybody else's turn comes is
the same.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.many_hosts import Log, many_hosts
from tests.support.processes import run_aragog

OTHERS, DOMAINS = 1_000, 100
HOT = "hot.test"


@dataclass(frozen=True, slots=True)
class Crawled:
    """The result of one crawl."""

    ended: dict[str, object]
    log: Log
    dequeues: Counter[str]
    """How often the job of each URL was dequeued."""
    began: float

    def times(self, hot: bool) -> list[float]:
        return [when for when, host, _ in self.log.requests if host.endswith(HOT) == hot]

    def pages(self) -> Counter[str]:
        return Counter(f"http://{host}{path}" for _, host, path in self.log.requests if path != "/robots.txt")

    def last_of_others(self) -> float:
        """Seconds from the command's start to the last request of the others."""
        return self.times(hot=False)[-1] - self.began

    def rate_of_hot(self) -> float:
        times = self.times(hot=True)
        return len(times) / (times[-1] - times[0])

    def fullest_window(self) -> int:
        """Most requests to the hot domain within one second."""
        times = self.times(hot=True)
        return max(bisect_left(times, when + 1) - at for at, when in enumerate(times))


def hot_urls(count: int) -> list[str]:
    return [f"http://www{number % 10}.{HOT}/{number}" for number in range(count)]


def other_urls() -> list[str]:
    return [f"http://h{number % DOMAINS}.test/{number}" for number in range(OTHERS)]


def crawled(folder: Path, hot: int, qps: int) -> Crawled:
    """Crawl the hot domain's URLs, then everybody else's, as the seed file has them."""
    steps = folder / "steps"
    steps.mkdir(parents=True)
    seeds = folder / "seeds.txt"
    seeds.write_text("\n".join([*hot_urls(hot), *other_urls()]) + "\n")
    limits = folder / "limits.toml"
    limits.write_text(f'[domains."{HOT}"]\nqps = {qps}\n')
    with many_hosts(folder) as web:
        env = web.settings(folder / "data", ratelimiter_overrides=str(limits)) | {"ARAGOG_TORTURE_STEPS": str(steps)}
        began = time.time()
        options = ("--json", "--depth", "0", "--scope", "any", "--file", str(seeds))
        done = run_aragog(env, "crawl", *options, timeout=500)
        assert done.returncode == 0, done.stderr
        return Crawled(json.loads(done.stdout), web.log(), dequeues(steps), began)


def dequeues(folder: Path) -> Counter[str]:
    """Each dequeue of a crawl's job ended in an ack or in its being given back."""
    urls: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for file in folder.iterdir():
        for step, job, *url in map(str.split, file.read_text().splitlines()):
            if step == "fetch":
                urls[job] = url[0]
            counts[job] += step in ("ack", "give_back")
    return Counter({url: counts[job] for job, url in urls.items()})


def check(found: Crawled, hot: int, qps: int) -> None:
    """The conditions that hold on any machine."""
    assert found.ended["outcomes"] == {"fetched": hot + OTHERS}
    assert found.pages() == Counter([*hot_urls(hot), *other_urls()])
    of_hot = [found.dequeues[url] for url in hot_urls(hot)]
    print(f"dequeues of a hot URL: {sum(of_hot) / hot:.2f} on average, {max(of_hot)} at most")
    assert min(of_hot) >= 1 and sum(of_hot) <= 3 * hot
    print(f"fullest second: {found.fullest_window()} of {qps} QPS (its clock is right to {found.log.lag_s:.3f} s)")
    assert found.fullest_window() <= 1.05 * qps * (1 + found.log.lag_s) + 1


@pytest.mark.alone("measures what the hot domain and the others get of one machine")
@pytest.mark.timeout(300)
def test_thousands_of_urls_of_one_domain_keep_its_limit_and_are_rarely_dequeued_in_vain(tmp_path: Path) -> None:
    found = crawled(tmp_path, 3_000, 100)
    check(found, 3_000, 100)
    # Everybody else is through while the hot domain still has most of its work before it.
    done = bisect_left(found.times(hot=True), found.times(hot=False)[-1])
    print(f"the others were through after {done} of the hot domain's 3,000 requests")
    assert done < 2_000


@pytest.mark.alone("measures what the hot domain and the others get of one machine")
@pytest.mark.torture
@pytest.mark.timeout(900)
def test_the_others_are_as_fast_as_alone_and_the_hot_domain_gets_its_limit(tmp_path: Path) -> None:
    alone = crawled(tmp_path / "alone", 0, 50)
    beside = crawled(tmp_path / "beside", 10_000, 50)
    check(beside, 10_000, 50)
    print(f"others: {alone.last_of_others():.1f} s alone, {beside.last_of_others():.1f} s beside the hot domain")
    print(f"the hot domain got {beside.rate_of_hot():.1f} QPS")
    assert beside.last_of_others() <= 1.5 * alone.last_of_others()
    assert beside.rate_of_hot() >= 0.9 * 50
