"""The start of a crawl, or its continuation: seeds into its queue and frontier. A start that died is repeated."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from crawler.frontier import Frontier, Offer
from crawler.frontier.crawls import Crawl, Crawls, CrawlState, CrawlStatus
from crawler.frontier.scope import CrawlScope, ScopeKind, seed_hosts
from crawler.job.body import QUEUE, CrawlJob
from crawler.job.follow_up_jobs import INLINKS, SIGNALS
from crawler.job.job_queues import JobQueues
from thrift_idl.errors import InvalidRequest, InvalidUrl
from weburl import request_form, url_key

#: Frontier entries in one call.
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class CrawlRequest:
    """The order of a crawl. The same request is the same crawl, until it has ended."""

    seeds: tuple[str, ...]
    """Request forms, each once."""
    scope: ScopeKind = "host"
    max_depth: int | None = None
    max_pages: int | None = None
    label: str = ""
    source: str = ""
    """Another source of URLs besides the seeds, such as a sitemap; "" = none."""
    places: tuple[str, ...] = ()
    """URLs whose hosts, or domains, belong to the crawl like the seeds'."""

    @property
    def name(self) -> str:
        """The id of its first crawl; later ones have a number after it."""
        named = [*self.seeds, self.scope, str(self.max_depth), str(self.max_pages)]
        text = "\n".join([*named, self.source] if self.source else named)
        return "c" + sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Seed:
    """A first URL of a crawl, from a source other than the command line."""

    url: str
    """Request form."""
    run_after_ms: int = 0
    """The earliest time of its visit: UTC, ms since 1970."""


Source = Callable[[CrawlScope], AsyncIterator[Sequence[Seed]]]
"""Seeds in batches, those within the scope; called again by a start that died, from the beginning."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a seed file that is no URL."""

    number: int
    text: str
    why: str


def read_seeds(lines: Iterable[str]) -> tuple[tuple[str, ...], list[BadLine]]:
    """The URLs of a seed file, one on each line, `#` begins a comment line; and the lines that are none."""
    good: dict[bytes, str] = {}
    bad: list[BadLine] = []
    for number, line in enumerate(lines, 1):
        text = line.strip().lstrip("\ufeff")
        if not text or text.startswith("#"):
            continue
        try:
            good.setdefault(url_key(text), request_form(text))
        except InvalidUrl as error:
            bad.append(BadLine(number, text[:200], str(error)))
    return tuple(good.values()), bad


def running_of(
    wanted: CrawlRequest, crawls: Iterable[CrawlStatus], queues: Container[str] = frozenset()
) -> tuple[str, bool]:
    """The id of the crawl that `wanted` means, and True if it exists: one that isn't over, or a new one.

    A crawl with a queue in `queues` isn't over, even if all its pages are visited: its last worker drops the queue.
    """
    same = [status for status in crawls if re.fullmatch(rf"{wanted.name}(_\d+)?", status.crawl.id)]
    for status in same:
        if not status.state.ended or (status.state == CrawlState.DONE and status.crawl.queue in queues):
            return status.crawl.id, True
    numbers = [int(status.crawl.id.removeprefix(wanted.name).removeprefix("_") or 1) for status in same]
    return (f"{wanted.name}_{max(numbers) + 1}" if same else wanted.name), False


async def start(
    wanted: CrawlRequest,
    frontier: Frontier,
    jobs: JobQueues,
    now_ms: int,
    *,
    drops_queue: bool = False,
    source: Source | None = None,
) -> str:
    """Start the crawl, or continue it if it isn't over; its id. A paused one runs again. Repeatable.

    `source` gives more seeds than those of `wanted`, whose `source` names it.
    `drops_queue` says that a crawl's queue is dropped after all its follow-up work: a crawl with a queue
    is continued. Otherwise it is over with its last page.
    """
    if not wanted.seeds and source is None:
        raise InvalidRequest("no seeds: name at least one URL")
    crawls = frontier.crawls
    queues = await jobs.names() if drops_queue else frozenset()
    crawl_id, is_there = running_of(wanted, await crawls.all(), queues)
    if not is_there:
        await _create(wanted, crawl_id, crawls, now_ms)
    status = await crawls.status(crawl_id)
    await make_queues(jobs, status.crawl.queue)
    if status.state == CrawlState.PAUSED:
        await crawls.turn(crawl_id, CrawlState.RUNNING)
    if not status.seeded:
        await _seed_all(status.crawl, wanted, source, frontier, jobs)
    return crawl_id


async def _create(wanted: CrawlRequest, crawl_id: str, crawls: Crawls, now_ms: int) -> None:
    crawl = Crawl(
        id=crawl_id,
        queue=f"crawl_{crawl_id}",
        seeds=len(wanted.seeds),
        scope=wanted.scope,
        max_depth=wanted.max_depth,
        max_pages=wanted.max_pages,
        created_ms=now_ms,
        label=wanted.label,
    )
    await crawls.create(crawl, () if wanted.scope == "any" else seed_hosts([*wanted.seeds, *wanted.places]))


async def _seed_all(
    crawl: Crawl, wanted: CrawlRequest, source: Source | None, frontier: Frontier, jobs: JobQueues
) -> None:
    await _seed(crawl, [Seed(url) for url in wanted.seeds], frontier, jobs)
    if source is not None:
        scope = CrawlScope.of(crawl.scope, await frontier.crawls.hosts(crawl.id))
        async for some in source(scope):
            await _seed(crawl, some, frontier, jobs)
    await frontier.crawls.seeded(crawl.id)


async def make_queues(jobs: JobQueues, *names: str) -> None:
    """The queues that a worker asks, and `names`."""
    for name in (QUEUE, SIGNALS, INLINKS, *names):
        await jobs.create(name)


async def _seed(crawl: Crawl, seeds: Sequence[Seed], frontier: Frontier, jobs: JobQueues) -> None:
    for begin in range(0, len(seeds), _BATCH):
        by_key: dict[bytes, Seed] = {}
        for seed in seeds[begin : begin + _BATCH]:
            with suppress(InvalidUrl):  # a page of a store that earlier versions wrote
                by_key.setdefault(url_key(seed.url), seed)
        wanted = await frontier.unknown(crawl.id, tuple(by_key), 0)
        times = [by_key[key].run_after_ms for key in wanted]
        await enqueue(crawl, {key: (by_key[key].url, 0) for key in wanted}, frontier, jobs, times)


async def enqueue(
    crawl: Crawl,
    found: dict[bytes, tuple[str, int]],
    frontier: Frontier,
    jobs: JobQueues,
    run_after_ms: Sequence[int] = (),
) -> None:
    """Jobs for the URLs `found` (URL key -> URL, depth), then their entries."""
    bodies = [CrawlJob(url, crawl.id, depth).encode() for url, depth in found.values()]
    names = await jobs.enqueue(crawl.queue, bodies, run_after_ms)
    offers = [Offer(key, name, depth) for (key, (_, depth)), name in zip(found.items(), names, strict=True)]
    await frontier.schedule(crawl.id, offers)


async def retry(crawl_id: str, frontier: Frontier, jobs: JobQueues) -> int:
    """Give every failed URL of a crawl another job; returns their number. Repeatable after a crash."""
    crawls: Crawls = frontier.crawls
    crawl = (await crawls.status(crawl_id)).crawl
    await make_queues(jobs, crawl.queue)
    after, count = b"", 0
    while failures := await crawls.failures(crawl_id, after, _BATCH):
        urls = {each.key: each.url for each in failures}
        reopened = await crawls.reopen(crawl_id, tuple(urls))
        await enqueue(crawl, {key: (urls[key], depth) for key, depth in reopened.items()}, frontier, jobs)
        count, after = count + len(reopened), failures[-1].key
    return count
