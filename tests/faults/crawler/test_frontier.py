from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from crawler.frontier import Frontier
from crawler.frontier.crawls import Crawl, CrawlState
from deploy.engines import Engine
from tests.faults.crawler.crawler import ID, PAGE, Queue, expected, key, open_frontier
from tests.support.engines import REDIS
from thrift_idl.errors import BackendDown

CRAWLERS = 3
KILLS = 200 if os.environ.get("ARAGOG_TORTURE") else 15


async def begin(frontier: Frontier, queue: Queue) -> None:
    await frontier.crawls.create(Crawl(ID, "q", 1, "any"))
    await frontier.schedule(ID, queue.enqueue([0]))
    await frontier.crawls.seeded(ID)


async def end_state(url: str) -> tuple[CrawlState, int, int, int]:
    frontier = await open_frontier(url)
    status = await frontier.crawls.status(ID)
    await frontier.close()
    return status.state, status.counters.open, status.counters.done, status.counters.pages


class Crawlers:
    """Three processes on one frontier and one queue; whoever is killed is started again."""

    def __init__(self, url: str, folder: Path) -> None:
        self.ledger = folder / "ledger"
        self._command = [
            sys.executable,
            "-m",
            "tests.faults.crawler.crawler",
            url,
            str(folder / "queue"),
            str(self.ledger),
        ]
        self.processes = [self._start() for _ in range(CRAWLERS)]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command)

    def kill(self, at: int) -> bool:
        """True if one was killed at its work, and not after it."""
        killed = self.processes[at].poll() is None
        self.processes[at].kill()
        self.processes[at].wait()
        self.processes[at] = self._start()
        return killed

    def wait(self) -> list[int]:
        return [process.wait(60) for process in self.processes]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def assert_done_once_each(ledger: Path) -> None:
    """At most once, that is: a process may die between `finish` and its line."""
    ends = Counter(line.split()[0] for line in ledger.read_text().splitlines())
    assert set(ends.values()) == {1}, "no URL is finished twice"


@pytest.mark.parametrize("backend", ["sqlite", REDIS])
def test_processes_killed_at_random_end_the_crawl_as_if_nothing_had_happened(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    redis = backend == "redis"
    url = request.getfixturevalue("redis_durable_url") if redis else f"sqlite:///{tmp_path}/frontier.sqlite"
    rng, kills = random.Random(), 0

    async def seed() -> None:
        frontier = await open_frontier(url)
        await begin(frontier, Queue(str(tmp_path / "queue")))
        await frontier.close()

    asyncio.run(seed())
    crawlers = Crawlers(url, tmp_path)
    try:
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.02, 0.4))
            kills += crawlers.kill(rng.randrange(CRAWLERS))
        assert crawlers.wait() == [0] * CRAWLERS
    finally:
        crawlers.end()
    urls, pages = expected()
    assert kills > 0, "the crawl was over before it was disturbed"
    assert asyncio.run(end_state(url)) == (CrawlState.DONE, 0, len(urls), len(pages))
    assert_done_once_each(crawlers.ledger)


async def test_what_a_killed_redis_had_answered_is_there_when_it_is_back(private_redis: Engine, tmp_path: Path) -> None:
    frontier = await open_frontier(f"{private_redis.url.rpartition('/')[0]}/1")
    queue = Queue(str(tmp_path / "queue"))
    await begin(frontier, queue)
    offers = [*queue.enqueue(list(range(1, 200)))]
    await frontier.schedule(ID, offers)
    finished = 0
    killing = asyncio.create_task(_kill_soon(private_redis))
    try:
        for offer in offers:
            await frontier.claim(ID, [offer])
            await frontier.finish(ID, offer, PAGE)
            finished += 1
            await asyncio.sleep(0.002)
    except BackendDown:
        pass
    await killing
    with pytest.raises(BackendDown):
        await frontier.crawls.status(ID)
    private_redis.start()
    counters = (await frontier.crawls.status(ID)).counters
    assert counters.open + counters.done == 200
    assert counters.page in (finished, finished + 1), "the last may be done though its answer was lost"
    for offer in offers:
        await frontier.claim(ID, [offer])
        await frontier.finish(ID, offer, PAGE)
    counters = (await frontier.crawls.status(ID)).counters
    assert (counters.open, counters.page) == (1, 199)
    assert await frontier.unknown(ID, [key(0)], 0) == []
    await frontier.close()


async def _kill_soon(engine: Engine) -> None:
    await asyncio.sleep(0.15)
    await asyncio.to_thread(engine.kill)
