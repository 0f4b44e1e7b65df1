"""A worker: the pumps of the crawl, of image signals and of inlinks, over the services of one assembly."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from aragog.assembly.backends import LEASES, SINK, open_backend
from aragog.assembly.following import follower_of
from aragog.assembly.scheduling import dropper, frontier_of, pinlater_of
from aragog.assembly.services import Assembly, assembled_on, children_of
from aragog.data_directory_lock import Waiting
from aragog.settings import Settings
from crawler.frontier import Frontier
from crawler.job.crawl_cache import CrawlCache
from crawler.job.follow_up_jobs import INLINKS, SIGNALS
from crawler.job.job_queues import JobQueues
from crawler.job.retry_decision import Patience
from crawler.seeds.crawl_start import make_queues
from crawler.visit.oversize_pages import LargePlace
from crawler.visit.visitor import Visitor
from crawler.worker.crawling import Crawling
from crawler.worker.domains_at_limit import MAX_WAIT_MS, DomainsAtLimit
from crawler.worker.follow_up_work import FollowUpWork
from crawler.worker.job_owners import domain_of_page, domain_of_visit
from crawler.worker.skip_over_limit import SkipOverLimit
from crawler.worker.step_observer import StepObserver
from crawler.worker.worker_progress import WorkerProgress
from pinlater.worker import BackendHealth, Pump, PumpBounds
from recommender_hooks.backends import EventSink
from recommender_hooks.images.image_signals import FUNCTION, IMPORTS, ImageError
from recommender_hooks.images.image_state import ImagePolicy
from recommender_hooks.service import SignalsService
from runtime.children import ChildPool, LostCall
from runtime.memory import collected_seldom

#: Pages whose images one worker fetches at a time.
_SIGNAL_PLACES = 32


@dataclass(frozen=True, slots=True)
class CrawlWorker:
    """A worker and its progress."""

    assembly: Assembly
    frontier: Frontier
    jobs: JobQueues
    health: BackendHealth
    progress: WorkerProgress
    pumps: tuple[Pump, ...]
    drop_queue: Callable[[str], Awaitable[None]]
    """Drop the queue of a finished crawl."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then drain. Raises errors that waiting doesn't help; the other pumps drain too."""
        pumps = (self._run(pump, stop) for pump in self.pumps)
        for ended in await asyncio.gather(*pumps, return_exceptions=True):
            if ended is not None:  # the first one's: a full disk hits them all
                raise ended

    async def _run(self, pump: Pump, stop: asyncio.Event) -> None:
        try:
            await pump.run(stop)
        finally:
            stop.set()


@asynccontextmanager
async def working(settings: Settings, *, lock_wait_ms: int, waiting: Waiting) -> AsyncIterator[CrawlWorker]:
    """A worker over the services that the settings name."""
    source = f"worker-{socket.gethostname()}-{os.getpid()}"
    async with AsyncExitStack() as stack:
        assembly = await assembled_on(stack, settings, lock_wait_ms, waiting)
        observer = StepObserver.of_environment()
        pinlater = observer.pinlater(await stack.enter_async_context(pinlater_of(settings)))
        frontier = await stack.enter_async_context(frontier_of(settings))
        jobs, health, progress = observer.queues(pinlater, source), BackendHealth(), WorkerProgress()
        await health.persistently(lambda: make_queues(jobs))
        signals, store = await _signals(stack, settings, assembly), observer.store(assembly.store)
        follow_ups = FollowUpWork(
            signals=observer.signals(signals), store=store, jobs=jobs, health=health, progress=progress, source=source
        )
        crawl_cache = CrawlCache(frontier.crawls)
        skip_over_limit = SkipOverLimit(crawl_cache, frontier, jobs)
        crawling = Crawling(
            visitor=observer.visitor(replace(_visitor(settings, assembly, health), store=store)),
            frontier=frontier,
            jobs=jobs,
            crawl_cache=crawl_cache,
            at_limit=DomainsAtLimit(assembly.limiter, source),
            follower=observer.follower(follower_of(frontier, jobs, assembly.store)),
            health=health,
            progress=progress,
            patience=_patience(settings),
            source=source,
        )
        bounds = PumpBounds(
            places=settings.crawl.places,
            drain_ms=settings.crawl.drain_ms,
            heartbeat_ms=settings.crawl.claim_timeout_ms // 4,
        )
        signal_bounds = replace(bounds, places=_SIGNAL_PLACES)
        visit, publish, link = map(observer.prepare, (crawling.prepare, follow_ups.publish, follow_ups.link))
        pumps = (
            Pump(jobs, health, skip_over_limit.queues, visit, bounds, domain_of_visit),
            Pump(jobs, health, partial(_one, SIGNALS), publish, signal_bounds, domain_of_page),
            Pump(jobs, health, partial(_one, INLINKS), link, replace(bounds, places=256, batch=128)),
        )
        stack.enter_context(collected_seldom())
        yield CrawlWorker(assembly, frontier, jobs, health, progress, pumps, dropper(settings, pinlater, jobs))


async def _one(name: str) -> Sequence[str]:
    return (name,)


def _visitor(settings: Settings, assembly: Assembly, health: BackendHealth) -> Visitor:
    """The visitor; its places share the worker's bytes in flight, except for those of one place for a large page."""
    largest, in_flight = settings.fetcher.max_content_bytes, settings.crawl.bytes_in_flight_mib << 20
    large = LargePlace(largest) if in_flight > 2 * largest else None
    share = (in_flight - (largest if large else 0)) // settings.crawl.places
    visitor = replace(assembly.visitor, persistently=health.persistently, max_wait_ms=MAX_WAIT_MS)
    return replace(visitor, max_bytes=min(largest, share), large=large, one_hop=True)


def _patience(settings: Settings) -> Patience:
    given = settings.crawl
    return Patience(max_tries=given.max_tries, give_up_ms=given.give_up_ms, backoff_ms=given.backoff_ms)


async def _signals(stack: AsyncExitStack, settings: Settings, assembly: Assembly) -> SignalsService:
    given = settings.events
    sink: EventSink = await open_backend("events.sink", SINK, given.sink, settings)
    stack.push_async_callback(sink.close)
    leases = await open_backend("events.leases", LEASES, given.leases, settings)
    stack.push_async_callback(leases.close)
    pool = children_of(settings, 1, IMPORTS)
    stack.push_async_callback(pool.close)
    policy = ImagePolicy(tries=given.image_tries, backoff_ms=given.image_backoff_ms, give_up_ms=given.image_give_up_ms)
    return SignalsService(
        fetcher=assembly.fetcher,
        store=assembly.store,
        sink=sink,
        decode=partial(_decode, pool),
        leases=leases,
        policy=policy,
    )


async def _decode(pool: ChildPool, image: bytes) -> bytes:
    answer = await pool.run(FUNCTION, image)
    if isinstance(answer, LostCall):
        raise ImageError(answer.ending, answer.detail)
    return answer.result
