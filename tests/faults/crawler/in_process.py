"""A crawl in this process, by the parts of a worker, over services that raise what nobody foresaw where a test says."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from aragog.assembly.backends import SINK, open_backend
from aragog.assembly.following import follower_of
from aragog.assembly.scheduling import frontier_of, pinlater_of
from aragog.assembly.services import assembled
from aragog.settings import Settings
from crawler.frontier import Frontier
from crawler.frontier.crawls import Failure
from crawler.frontier.scope import ScopeKind
from crawler.job.crawl_cache import CrawlCache
from crawler.job.follow_up_jobs import INLINKS, SIGNALS
from crawler.job.job_queues import JobQueues
from crawler.job.retry_decision import Patience
from crawler.seeds.crawl_start import CrawlRequest, make_queues, retry, start
from crawler.visit.extractor import request_of
from crawler.worker.crawl_watch import CrawlProgress, failures, watch
from crawler.worker.crawling import Crawling
from crawler.worker.domains_at_limit import DomainsAtLimit
from crawler.worker.follow_up_work import FollowUpWork
from crawler.worker.step_observer import Step, StepObserver
from crawler.worker.worker_progress import WorkerProgress
from extraction import child_call
from pinlater.worker import BackendHealth, Pump, PumpBounds
from recommender_hooks.backends import EventSink
from recommender_hooks.events.event_reader import read_events
from recommender_hooks.images import image_signals
from recommender_hooks.service import SignalsService
from runtime.clock import wall_ms
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import PinLaterRetryFailedJobsRequest, RequestContext
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.records import unpack


class Unforeseen(Exception):
    """An error that no code of ours knows."""


@dataclass
class Faults:
    """The calls that raise: `service.method`, `extract`, `decode` or `step:NAME`, until `heal`."""

    where: str
    about: str = ""
    """Only calls in whose arguments this text occurs."""
    times: int | None = None
    """How many of them raise; None = all."""
    raised: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def heal(self) -> None:
        self.times = 0

    def look(self, where: str, arguments: object) -> None:
        self.seen[where] += 1
        if where == self.where and self.about in repr(arguments) and (self.times is None or self.raised < self.times):
            self.raised += 1
            raise Unforeseen(f"nobody foresaw this in {where}")

    def step(self, step: Step, job: str, url: str = "", /) -> None:
        """Fills `JobSteps`."""
        self.look(f"step:{step}", (job, url))

    def calling(self, where: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def called(*arguments: object) -> Any:
            self.look(where, arguments)
            return await call(*arguments)

        return called


class Faulty:
    """Before a service: its methods, after the faults had their look."""

    def __init__(self, name: str, service: object, faults: Faults) -> None:
        self._name, self._service, self._faults = name, service, faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._service, name)
        if name == "crawls":
            return Faulty("crawls", found, self._faults)
        if not inspect.iscoroutinefunction(found):
            return found
        return self._faults.calling(f"{self._name}.{name}", found)


@dataclass
class CrawlHere:
    """The parts of a worker, and the end of their crawl."""

    settings: Settings
    frontier: Frontier
    jobs: JobQueues
    store: UrlStore
    pinlater: PinLater
    pumps: Sequence[Pump]
    health: BackendHealth
    progress: WorkerProgress
    crawl_id: str = ""

    async def crawl(self, *seeds: str, scope: ScopeKind = "host", within_s: float = 60.0) -> CrawlProgress:
        """Work until the crawl of these seeds is over with all that follows. Raises TimeoutError."""
        self.crawl_id = await start(CrawlRequest(seeds, scope), self.frontier, self.jobs, wall_ms())
        return await self.work(within_s)

    async def work(self, within_s: float = 60.0) -> CrawlProgress:
        stop = asyncio.Event()
        working = [asyncio.ensure_future(pump.run(stop)) for pump in self.pumps]
        seen: list[CrawlProgress] = []
        try:
            async with asyncio.timeout(within_s):
                async for progress in watch(self.crawl_id, self.frontier, self.jobs, every_ms=50):
                    seen.append(progress)
                    assert not any(each.done() for each in working), "a pump has ended"
        finally:
            stop.set()
            await asyncio.gather(*working)
        return seen[-1]

    async def failed(self) -> list[Failure]:
        """The URLs that `crawl show --failed` names."""
        return await failures(self.frontier.crawls, self.crawl_id)

    async def retry(self) -> None:
        """`crawl retry`, and `queue retry` of both follow-up queues."""
        await retry(self.crawl_id, self.frontier, self.jobs)
        for queue in (SIGNALS, INLINKS):
            for priority in (1, 2, 3):
                request = PinLaterRetryFailedJobsRequest(queue, priority, 1, None, 1_000, None)
                await self.pinlater.retryFailedJobs(RequestContext("test"), request)

    def published(self) -> set[str]:
        """URLs that have an event."""
        return {event["url"] for event in read_events(self.settings.expand(self.settings.events.sink))}


@asynccontextmanager
async def crawl_here(settings: Settings, faults: Faults) -> AsyncIterator[CrawlHere]:
    """A worker's parts over real services, each behind `faults`. The claims of jobs time out after 2 s."""
    async with (
        assembled(settings) as assembly,
        pinlater_of(settings) as plain_pinlater,
        frontier_of(settings) as plain_frontier,
    ):

        def faulty(name: str, service: object) -> Any:
            return Faulty(name, service, faults)

        pinlater = cast(PinLater, faulty("pinlater", plain_pinlater))
        frontier = cast(Frontier, faulty("frontier", plain_frontier))
        store, fetcher = (
            cast(UrlStore, faulty("store", assembly.store)),
            cast(Fetcher, faulty("fetcher", assembly.fetcher)),
        )
        limiter = cast(RateLimiter, faulty("limiter", assembly.limiter))
        sink = cast(EventSink, faulty("sink", await open_backend("events.sink", SINK, settings.events.sink, settings)))
        health, progress = BackendHealth(), WorkerProgress()
        observer = StepObserver(faults.step)
        jobs = observer.queues(observer.pinlater(pinlater), "test")
        await make_queues(JobQueues(plain_pinlater, "test"))
        signals = SignalsService(fetcher=fetcher, store=store, sink=sink, decode=faults.calling("decode", _decode))
        visitor = replace(
            assembly.visitor,
            fetcher=fetcher,
            store=observer.store(store),
            extract=faults.calling("extract", _extract),
            persistently=health.persistently,
            one_hop=True,
        )
        crawl_cache = CrawlCache(frontier.crawls)
        crawling = Crawling(
            visitor=observer.visitor(visitor),
            frontier=frontier,
            jobs=jobs,
            crawl_cache=crawl_cache,
            at_limit=DomainsAtLimit(limiter, "test"),
            follower=observer.follower(follower_of(frontier, jobs, store)),
            health=health,
            progress=progress,
            patience=Patience(),
            source="test",
        )
        follow_ups = FollowUpWork(
            signals=observer.signals(signals),
            store=observer.store(store),
            jobs=jobs,
            health=health,
            progress=progress,
            source="test",
        )
        bounds = PumpBounds(heartbeat_ms=500)
        pumps = (
            Pump(jobs, health, crawl_cache.queues, observer.prepare(crawling.prepare), bounds),
            Pump(jobs, health, partial(_one, SIGNALS), observer.prepare(follow_ups.publish), bounds),
            Pump(jobs, health, partial(_one, INLINKS), observer.prepare(follow_ups.link), bounds),
        )
        try:
            # What looks on is no part of the work: it asks the services themselves.
            plain_jobs = JobQueues(plain_pinlater, "test")
            yield CrawlHere(
                settings, plain_frontier, plain_jobs, assembly.store, plain_pinlater, pumps, health, progress
            )
        finally:
            await sink.close()


async def _extract(fetched: FetchResult) -> PageRecord:
    """In this process: these pages are harmless."""
    return unpack(PageRecord, child_call.run(request_of(fetched, fetched.content)))


async def _decode(content: bytes) -> bytes:
    return image_signals.run(content)


async def _one(name: str) -> Sequence[str]:
    return (name,)
