"""A cache of the crawls that a worker works for: their orders, read once, and the list of those that run now.

And a cache of the links that the worker has found in a frontier: most links of a site are on each of its pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from crawler.frontier.crawls import Crawl, Crawls, CrawlState, CrawlStatus
from crawler.frontier.scope import CrawlScope
from crawler.job.body import QUEUE
from runtime.clock import monotonic_ms

_MOST = 65_536  # keys of a crawl: some 10 MB


class LinkCache:
    """A bounded table of URL keys and the least depth they were entered at; it forgets the oldest half at a time."""

    def __init__(self, most: int = _MOST) -> None:
        self._half = most // 2
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def strange(self, keys: Iterable[bytes], depth: int) -> tuple[bytes, ...]:
        """Links not known to be entered at `depth` or a smaller one, in order."""
        young, old, far = self._young, self._old, depth + 1
        return tuple(key for key in keys if young.get(key, far) > depth and old.get(key, far) > depth)

    def add(self, keys: Iterable[bytes], depth: int) -> None:
        """Keys that the frontier has entered, found at `depth`: a running crawl keeps its entries."""
        self._young.update(dict.fromkeys(keys, depth))
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}


@dataclass(frozen=True, slots=True)
class CachedCrawl:
    """The constant data of a crawl."""

    crawl: Crawl
    scope: CrawlScope
    hosts: frozenset[str]
    """The seeds' hosts."""
    links: LinkCache = field(default_factory=LinkCache, compare=False)


class CrawlCache:
    """A cache over `Crawls`, refreshed every `refresh_ms` for running crawls."""

    def __init__(self, crawls: Crawls, refresh_ms: int = 500, now_ms: Callable[[], float] = monotonic_ms) -> None:
        self._crawls = crawls
        self._refresh_ms = refresh_ms
        self._now_ms = now_ms
        self._known: dict[str, CachedCrawl] = {}
        self._queues: Sequence[str] = ()
        self.spent: Sequence[Crawl] = ()
        """Running crawls that have all their pages, as of the last `queues`."""
        self._read_ms = float("-inf")

    async def of(self, crawl_id: str) -> CachedCrawl:
        """The crawl of that id. Raises `NotFound`."""
        known = self._known.get(crawl_id)
        if known is None:
            crawl = (await self._crawls.status(crawl_id)).crawl
            hosts = await self._crawls.hosts(crawl_id)
            # Concurrent jobs of one crawl all get the same object.
            known = self._known.setdefault(crawl_id, CachedCrawl(crawl, CrawlScope.of(crawl.scope, hosts), hosts))
        return known

    def forget(self, crawl_id: str) -> None:
        """The crawl has ended."""
        self._known.pop(crawl_id, None)

    async def queues(self) -> Sequence[str]:
        """Queues of the running crawls, and the one for jobs of no crawl."""
        if self._now_ms() - self._read_ms >= self._refresh_ms:
            running = [status for status in await self._crawls.all() if status.state == CrawlState.RUNNING]
            self._queues = (*(status.crawl.queue for status in running), QUEUE)
            self.spent = [status.crawl for status in running if _is_spent(status)]
            self._read_ms = self._now_ms()
        return self._queues


def _is_spent(status: CrawlStatus) -> bool:
    most = status.crawl.max_pages
    return most is not None and status.counters.pages >= most
