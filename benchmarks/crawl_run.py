"""One crawl in this process, measured: what `benchmarks.crawl` starts. Prints a `Result` as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from aragog.assembly.working import CrawlWorker, working
from aragog.settings import load
from benchmarks.stages import Stages, thread_seconds
from crawler.seeds.crawl_start import CrawlRequest, start
from thrift_idl.rpc import run

KIB = 1024
_CURVE_PAGES = 1_000


@dataclass(slots=True)
class Result:
    """The cost of a crawl."""

    pages: int = 0
    wall_s: float = 0
    start_s: float = 0
    """CPU time until the crawl began: imports, opening files."""
    own_s: float = 0
    """CPU time of the process, all threads."""
    children_s: float = 0
    peak_mib: float = 0
    threads: dict[str, float] = field(default_factory=dict)
    """CPU time of each thread."""
    stages: dict[str, float] = field(default_factory=dict)
    """Parts of the main thread's."""
    in_threads: dict[str, float] = field(default_factory=dict)
    """Parts of the thread pool's."""
    calls: dict[str, int] = field(default_factory=dict)
    curve: list[tuple[int, float]] = field(default_factory=list)
    """(pages, MiB resident)."""

    @property
    def cpu_s(self) -> float:
        """All of it, starting too."""
        return self.own_s + self.children_s


def metered() -> Stages:
    """Meter the stages of a page's way, wherever the classes are used from now on."""
    from aragog.assembly import services
    from crawler.frontier.sqlite import SqliteFrontier
    from crawler.job.follower import Follower
    from fetcher.service import FetcherService
    from pinlater import PinLaterService
    from recommender_hooks.service import SignalsService
    from urlstore.service import UrlStoreService

    stages = Stages()
    stages.meter(FetcherService, "fetch", "fetch")
    stages.meter(services, "extract_page", "extract (this side)")
    for name in ("put_page", "touch_page", "put_outcome"):
        stages.meter(UrlStoreService, name, "put")
    stages.meter(UrlStoreService, "lookup", "look up")
    for name in ("follow", "follow_redirect", "follow_up"):
        stages.meter(Follower, name, "follow")
    for name in ("unknown", "schedule", "claim", "release", "finish"):
        stages.meter(SqliteFrontier, name, "frontier")
    for name in ("enqueueJobs", "dequeueJobs", "ackDequeuedJobs", "checkpointJobs", "getJobCount"):
        stages.meter(PinLaterService, name, "pinlater")
    stages.meter(SignalsService, "publish", "signals", keeps=True)
    stages.meter(UrlStoreService, "link_pages", "inlinks", keeps=True)
    stages.meter_threads()
    return stages


async def crawl(seeds: Sequence[str], with_signals: bool, curve: bool, stages: Stages) -> Result:
    """Crawl to the end."""
    result = Result()
    async with working(load(), lock_wait_ms=0, waiting=lambda _: None) as whole:
        pumps = whole.pumps if with_signals else (whole.pumps[0], whole.pumps[2])
        worker = replace(whole, pumps=pumps)
        began, result.start_s = time.perf_counter(), time.process_time()
        wanted = CrawlRequest(tuple(seeds), "any")
        crawl_id = await start(wanted, worker.frontier, worker.jobs, time.time_ns() // 1_000_000)
        stop = asyncio.Event()
        work = asyncio.create_task(worker.run(stop))
        while not await is_over(worker, crawl_id, with_signals):
            await asyncio.sleep(0.25)
            if curve and worker.progress.pages >= _CURVE_PAGES * (len(result.curve) + 1):
                result.curve.append((worker.progress.pages, resident_mib()))
        result.wall_s, result.pages, result.threads = (
            time.perf_counter() - began,
            worker.progress.pages,
            thread_seconds(),
        )
        result.stages, result.in_threads = dict(stages.seconds), dict(stages.in_threads)
        result.calls = dict(stages.calls)
        stop.set()
        await work
    return result


async def is_over(worker: CrawlWorker, crawl_id: str, with_signals: bool) -> bool:
    status = await worker.frontier.crawls.status(crawl_id)
    queues = ("inlinks", "signals") if with_signals else ("inlinks",)
    return status.state.ended and not sum([await worker.jobs.count(queue) for queue in queues])


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / KIB / KIB


def main() -> None:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=Path)
    for name in ("--stages", "--no-signals", "--memory"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--profile", default="")
    given = parser.parse_args()
    stages = metered() if given.stages else Stages()
    crawling = partial(crawl, given.seeds.read_text().split(), not given.no_signals, given.memory, stages)
    result = profiled(crawling, given.profile) if given.profile else run(crawling())
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    result.own_s, result.children_s = own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime
    result.peak_mib = own.ru_maxrss / KIB
    print(json.dumps(asdict(result)))


def profiled(crawling: Callable[[], Coroutine[Any, Any, Result]], path: str) -> Result:
    """The same under pyinstrument, which is no dependency of ours: pip install pyinstrument."""
    from pyinstrument import Profiler

    with Profiler(interval=0.002, async_mode="disabled") as profiler:
        result = run(crawling())
    Path(path).write_text(profiler.output_text(show_all=True))
    return result


if __name__ == "__main__":
    main()
