"""A crawl run to its end: started, worked on where this process does the work, and watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from aragog.assembly.following import reconciliation_of
from aragog.cli import crawl_display
from aragog.cli.pages import tell_waiting
from aragog.cli.stop_signals import Stopping
from aragog.settings import Settings
from crawler.frontier import Frontier
from crawler.frontier.crawls import Crawl
from crawler.job.job_queues import JobQueues
from crawler.seeds.crawl_start import CrawlRequest, Source, start
from crawler.worker.crawl_watch import CrawlProgress, faults, watch
from crawler.worker.worker_progress import WorkerProgress
from pinlater.worker import BackendHealth
from runtime.clock import wall_ms
from thrift_idl.errors import BackendDown, BadConfiguration
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.urlstore.protocol import UrlStore

T = TypeVar("T")
MakeSource = Callable[["Watched", Fetcher], Source]
"""The source of seeds besides the command line's, with the fetcher of this assembly."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The parts for starting and watching a crawl; with a worker if this process does the work."""

    frontier: Frontier
    jobs: JobQueues
    drop_queue: Callable[[str], Awaitable[None]]
    drops_queue: bool
    """True if that is possible: a crawl that has its queue isn't over."""
    fetching: Callable[[], AbstractAsyncContextManager[Fetcher]]
    store: Callable[[], AbstractAsyncContextManager[UrlStore]]
    health: BackendHealth = field(default_factory=BackendHealth)
    progress: WorkerProgress | None = None
    work: Callable[[asyncio.Event], Awaitable[None]] | None = None


async def run_crawl(
    settings: Settings, wanted: CrawlRequest, lock_wait_ms: int, make_source: MakeSource | None = None
) -> CrawlProgress | None:
    """The progress of the crawl; None if it was stopped before it began."""
    stopping = Stopping()
    try:
        async with watching_of(settings, lock_wait_ms) as watched:
            crawl_id = await _started(watched, wanted, make_source)
            await _reconciled(watched, crawl_id, wanted.seeds)
            stopping.started()
            return await work_and_watch(watched, crawl_id, stopping.stop)
    except asyncio.CancelledError:
        if not stopping.broken_off:
            raise
    return None


async def _started(watched: Watched, wanted: CrawlRequest, make_source: MakeSource | None) -> str:
    if make_source is None:
        return await watched.health.persistently(lambda: _start(watched, wanted, None))
    async with watched.fetching() as fetcher:
        source = make_source(watched, fetcher)
        return await watched.health.persistently(lambda: _start(watched, wanted, source))


async def _start(watched: Watched, wanted: CrawlRequest, source: Source | None) -> str:
    now_ms, drops_queue = wall_ms(), watched.drops_queue
    return await start(wanted, watched.frontier, watched.jobs, now_ms, drops_queue=drops_queue, source=source)


async def _reconciled(watched: Watched, crawl_id: str, seeds: Sequence[str]) -> None:
    """Before the crawl continues: restore what its frontier, queue or store lost meanwhile, and report it."""
    async with watched.store() as store:
        reconciliation = reconciliation_of(watched.frontier, watched.jobs, store, "cli")
        crawl = (await watched.frontier.crawls.status(crawl_id)).crawl
        found = await watched.health.persistently(lambda: reconciliation.run(crawl, seeds))
    crawl_display.tell_lost(found)


async def _rescued(watched: Watched, crawl: Crawl) -> int:
    """The crawl has no progress: URLs found again get a job (returns their number), the rest is given up."""
    async with watched.store() as store:
        reconciliation = reconciliation_of(watched.frontier, watched.jobs, store, "cli")
        return await watched.health.persistently(lambda: reconciliation.rescue(crawl))


async def work_and_watch(watched: Watched, crawl_id: str, stop: asyncio.Event) -> CrawlProgress | None:
    """The progress of the crawl; None if it was stopped before any was known."""
    working = asyncio.ensure_future(watched.work(stop)) if watched.work else None
    display = crawl_display.Display(watched.progress, watched.health)
    watching = watch(crawl_id, watched.frontier, watched.jobs, watched.health.persistently)
    progress: CrawlProgress | None = None
    try:
        with display.showing():
            while (latest := await unless(stop, anext(watching, None))) is not None:
                progress = latest
                display.show(progress)
                if progress.is_stuck:
                    count = await unless(stop, _rescued(watched, progress.status.crawl))
                    if count is not None:
                        display.rescued(count)
        if progress and progress.over:
            queue = progress.status.crawl.queue
            await unless(stop, watched.health.persistently(lambda: watched.drop_queue(queue)))
    finally:
        stop.set()
        if working:
            await working
    if progress and not progress.over:
        with suppress(BackendDown):  # then the last known state is shown; draining has ended more of it
            progress = replace(progress, status=await watched.frontier.crawls.status(crawl_id))
    if progress:
        with suppress(BackendDown):
            found = await faults(watched.frontier.crawls, progress.status)
            progress = replace(progress, faults=found)
    return progress


async def unless(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """The result of `work`; None once told to stop."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))
        return None
    return task.result()


@asynccontextmanager
async def watching_of(settings: Settings, lock_wait_ms: int) -> AsyncIterator[Watched]:
    """With a worker in this process, unless PinLater is a service: then workers are processes of their own."""
    async with AsyncExitStack() as stack:
        if not settings.pinlater.service:
            from aragog.assembly.working import working  # noqa: PLC0415 - all services; ls and show start without them

            work = working(settings, lock_wait_ms=lock_wait_ms, waiting=tell_waiting)
            worker = await stack.enter_async_context(work)
            yield Watched(
                frontier=worker.frontier,
                jobs=worker.jobs,
                drop_queue=worker.drop_queue,
                drops_queue=True,
                fetching=lambda: nullcontext(worker.assembly.fetcher),
                store=lambda: nullcontext(worker.assembly.store),
                health=worker.health,
                progress=worker.progress,
                work=worker.run,
            )
            return
        yield await services_of(settings, stack)


async def services_of(settings: Settings, stack: AsyncExitStack) -> Watched:
    """Frontier and PinLater without a worker."""
    from aragog.assembly.scheduling import dropper, frontier_of, local_pinlater, pinlater_of  # noqa: PLC0415 - as above
    from aragog.assembly.storing import store_of  # noqa: PLC0415 - as above

    pinlater = await stack.enter_async_context(
        pinlater_of(settings) if settings.pinlater.service else local_pinlater(settings)
    )
    jobs = JobQueues(pinlater, "cli")
    frontier = await stack.enter_async_context(frontier_of(settings))
    drops_queue = not settings.pinlater.service or bool(settings.pinlater.admin_password)
    return Watched(
        frontier=frontier,
        jobs=jobs,
        drop_queue=dropper(settings, pinlater, jobs),
        drops_queue=drops_queue,
        fetching=lambda: _fetcher_service(settings),
        store=lambda: store_of(settings),
    )


@asynccontextmanager
async def _fetcher_service(settings: Settings) -> AsyncIterator[Fetcher]:
    """The fetcher that is a service. Raises `BadConfiguration` if workers are processes and the fetcher is none."""
    from aragog.assembly.fetching import fetcher_client  # noqa: PLC0415 - as above

    if not settings.fetcher.service:
        raise BadConfiguration("sitemaps are fetched by the fetcher's service here: set fetcher.service")
    async with fetcher_client(settings) as fetcher:
        yield fetcher
