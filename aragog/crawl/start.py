"""Starting a crawl, or going on with it: seeds into its queue and frontier. A start that died is made again."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from aragog.crawl.crawls import Crawl, Crawls, CrawlState, CrawlStatus
from aragog.crawl.followups import INLINKS, SIGNALS
from aragog.crawl.frontier import Frontier, Offer
from aragog.crawl.job import QUEUE, CrawlJob
from aragog.crawl.queues import JobQueues
from aragog.crawl.scope import ScopeKind, seed_hosts
from thrift_idl.errors import InvalidRequest, InvalidUrl
from weburl import request_form, url_key

#: Frontier entries in one call.
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a crawl is asked to do. The same wish is the same crawl, until it has ended."""

    seeds: tuple[str, ...]
    """Request forms, each once."""
    scope: ScopeKind = "host"
    max_depth: int | None = None
    max_pages: int | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """The id of its first crawl; later ones have a number behind it."""
        text = "\n".join([*self.seeds, self.scope, str(self.max_depth), str(self.max_pages)])
        return "c" + sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a seed file that is no URL."""

    number: int
    text: str
    why: str


def read_seeds(lines: Iterable[str]) -> tuple[tuple[str, ...], list[BadLine]]:
    """The URLs of a seed file, one a line, `#` begins a comment line; and the lines that are none."""
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


def running_of(wanted: Wanted, crawls: Iterable[CrawlStatus], queues: Container[str] = frozenset()) -> tuple[str, bool]:
    """The id of the crawl that `wanted` means, and whether it is there already: one that isn't over, or a new one.

    One whose queue is among `queues` isn't, though all its pages may be visited: whoever saw it to its end drops that.
    """
    same = [status for status in crawls if re.fullmatch(rf"{wanted.name}(_\d+)?", status.crawl.id)]
    for status in same:
        if not status.state.ended or (status.state == CrawlState.DONE and status.crawl.queue in queues):
            return status.crawl.id, True
    return (f"{wanted.name}_{len(same) + 1}" if same else wanted.name), False


async def start(wanted: Wanted, frontier: Frontier, jobs: JobQueues, now_ms: int, *, drops_queue: bool = False) -> str:
    """Start the crawl, or go on with it where it isn't over; its id. A paused one runs again. Repeatable.

    `drops_queue` says that a crawl's queue is dropped once all that follows from it is done: one that has its queue
    is gone on with. Otherwise it is over with its last page.
    """
    if not wanted.seeds:
        raise InvalidRequest("no seeds: name at least one URL")
    crawls = frontier.crawls
    queues = await jobs.names() if drops_queue else frozenset()
    crawl_id, is_there = running_of(wanted, await crawls.all(), queues)
    if not is_there:
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
        await crawls.create(crawl, () if wanted.scope == "any" else seed_hosts(wanted.seeds))
    status = await crawls.status(crawl_id)
    await make_queues(jobs, status.crawl.queue)
    if status.state == CrawlState.PAUSED:
        await crawls.turn(crawl_id, CrawlState.RUNNING)
    if not status.seeded:
        await _seed(status.crawl, wanted.seeds, frontier, jobs)
    return crawl_id


async def make_queues(jobs: JobQueues, *names: str) -> None:
    """The queues that a worker asks, and `names`."""
    for name in (QUEUE, SIGNALS, INLINKS, *names):
        await jobs.create(name)


async def _seed(crawl: Crawl, seeds: Sequence[str], frontier: Frontier, jobs: JobQueues) -> None:
    for begin in range(0, len(seeds), _BATCH):
        by_key = {url_key(url): url for url in seeds[begin : begin + _BATCH]}
        wanted = await frontier.unknown(crawl.id, tuple(by_key), 0)
        await _enqueue(crawl, {key: (by_key[key], 0) for key in wanted}, frontier, jobs)
    await frontier.crawls.seeded(crawl.id)


async def _enqueue(crawl: Crawl, found: dict[bytes, tuple[str, int]], frontier: Frontier, jobs: JobQueues) -> None:
    bodies = [CrawlJob(url, crawl.id, depth).encode() for url, depth in found.values()]
    names = await jobs.enqueue(crawl.queue, bodies)
    offers = [Offer(key, name, depth) for (key, (_, depth)), name in zip(found.items(), names, strict=True)]
    await frontier.schedule(crawl.id, offers)


async def retry(crawl_id: str, frontier: Frontier, jobs: JobQueues) -> int:
    """Give every failed URL of a crawl another job; how many there were. Repeatable after a crash."""
    crawls: Crawls = frontier.crawls
    crawl = (await crawls.status(crawl_id)).crawl
    await make_queues(jobs, crawl.queue)
    after, count = b"", 0
    while failures := await crawls.failures(crawl_id, after, _BATCH):
        urls = {each.key: each.url for each in failures}
        reopened = await crawls.reopen(crawl_id, tuple(urls))
        await _enqueue(crawl, {key: (urls[key], depth) for key, depth in reopened.items()}, frontier, jobs)
        count, after = count + len(reopened), failures[-1].key
    return count
