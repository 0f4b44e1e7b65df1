"""Links a second through a frontier, and its bytes an entry: `python -m benchmarks.frontier [--entries N] [URL ...]`.

Default are a SQLite file in the temporary folder and a Redis of its own (as `make engines` has it), ended afterwards.
Each page has 100 links, half of them known: `unknown`, then `schedule` of the new ones, then `claim` and `finish`.
CPU time is this process's, without the server's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from crawler.frontier import EntryState, Frontier, Offer, VisitEnding
from crawler.frontier.crawls import Crawl
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.sqlite import SqliteFrontier
from deploy.engines import private
from drivers.sqlite import file_of

LINKS = 100
PARALLEL = 8
FETCHED = VisitEnding(EntryState.PAGE, "fetched")


class Load:
    """Pages of one crawl, worked off by several tasks at once."""

    def __init__(self, frontier: Frontier, entries: int) -> None:
        self.frontier = frontier
        self.entries = entries
        self.known: list[bytes] = [os.urandom(16) for _ in range(LINKS)]
        self.offers: list[Offer] = []
        self.counter = 0

    async def links(self) -> None:
        while len(self.offers) < self.entries:
            new = [os.urandom(16) for _ in range(LINKS // 2)]
            keys = [*new, *random.choices(self.known, k=LINKS // 2)]
            random.shuffle(keys)
            unknown = await self.frontier.unknown("c", keys, 1)
            offers = [self.offer(key) for key in unknown]
            await self.frontier.schedule("c", offers)
            self.offers += offers
            self.known += unknown[:5]

    def offer(self, key: bytes) -> Offer:
        self.counter += 1
        return Offer(key, f"crawl_c:s1:p1:{self.counter}", 1)

    async def visits(self, offers: Sequence[Offer]) -> None:
        for offer in offers:
            await self.frontier.claim("c", [offer])
            await self.frontier.finish("c", offer, FETCHED)


async def measure(name: str, url: str, entries: int) -> None:
    frontier = await (RedisFrontier if url.startswith("redis") else SqliteFrontier).open(url)
    await frontier.crawls.create(Crawl("c", "crawl_c", 1, "any", max_depth=20))
    before = await size(frontier, url)
    load = Load(frontier, entries)
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(load.links() for _ in range(PARALLEL)))
    took, used = time.perf_counter() - began, time.process_time() - cpu
    pages = len(load.offers) / (LINKS / 2)
    bytes_each = (await size(frontier, url) - before) / len(load.offers)
    print(f"{name}: {len(load.offers):,} entries, {bytes_each:.0f} bytes each")
    print(f"  unknown + schedule of {LINKS} links: {pages / took:,.0f} pages/s, {used / pages * 1e6:,.0f} µs CPU each")
    await visits(load)
    await frontier.close()


async def visits(load: Load) -> None:
    part = load.offers[: min(len(load.offers), 20_000)]
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(load.visits(part[at::PARALLEL]) for at in range(PARALLEL)))
    took, used = time.perf_counter() - began, time.process_time() - cpu
    print(f"  claim + finish: {len(part) / took:,.0f} jobs/s, {used / len(part) * 1e6:,.0f} µs CPU each")


async def size(frontier: Frontier, url: str) -> int:
    if isinstance(frontier, RedisFrontier):
        client = frontier._scripts.client
        return int((await client.info("memory"))["used_memory"])
    path = Path(file_of(url))
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("urls", nargs="*", help="sqlite:///.. or redis://..; the crawl `c` must not be there")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        urls = arguments.urls
        if not urls:
            folder = stack.enter_context(TemporaryDirectory())
            redis = private("redis-durable")
            stack.callback(redis.wipe)
            redis.start()
            urls = [f"sqlite:///{folder}/frontier.sqlite", redis.url]
        for url in urls:
            asyncio.run(measure(url.partition(":")[0], url, arguments.entries))


if __name__ == "__main__":
    main()
