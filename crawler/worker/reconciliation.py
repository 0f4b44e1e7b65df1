"""Comparison of frontier, queue and store: data that one of them lost is restored from the others.

Each is a separate store. A power cut may take the last writes of one, and a file may be deleted or restored from a
copy. Then an open entry may have no job, and the crawl would wait for it for ever; or an entry is done but the store
lacks its page, and the crawl would end without that page. Both wait again, owned by no job, until their URLs are
found: by a worker that follows links to them, or by this module, for the URLs of seeds and stored rows. A
URL that nothing names any more is given up once the crawl waits for nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from crawler.frontier import EntryState, Frontier, FrontierEntry
from crawler.frontier.crawls import Crawl
from crawler.frontier.entry import UNOWNED, owner_of
from crawler.job.follower import Follower
from crawler.job.job_queues import JobQueues
from crawler.seeds.crawl_start import enqueue
from crawler.worker.lost_follow_ups import LostFollowUps
from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import MissingRequest, ScanRequest, UrlRow
from weburl import url_key

_KEYS = 1_000  # read from the store in one call
_ROWS = 200
_STORED = (EntryState.PAGE, EntryState.ALIAS)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The lost and the restored parts of a crawl."""

    jobs: int = 0
    """URLs that the crawl waits for, whose jobs were gone."""
    pages: int = 0
    """URLs that were done, whose pages or redirects were gone."""
    follow_ups: int = 0
    """Pages whose jobs for their event or inlinks were gone; as of `look`, in a sample. They have them again."""
    enqueued: int = 0
    """URLs that have a job again; the others wait for a page that names them."""

    @property
    def lost(self) -> int:
        """The number of URLs that lost something."""
        return self.jobs + self.pages


class Reconciliation:
    """Compares the stores of a crawl. Every call may be repeated, beside workers too."""

    def __init__(
        self,
        frontier: Frontier,
        jobs: JobQueues,
        store: UrlStore,
        follower: Follower,
        lost_follow_ups: LostFollowUps,
        source: str,
    ) -> None:
        self._frontier = frontier
        self._jobs = jobs
        self._store = store
        self._follower = follower
        self._lost_follow_ups = lost_follow_ups
        self._context = Context(source)

    async def run(self, crawl: Crawl, seeds: Sequence[str] = ()) -> Reconciled:
        """Find the lost URLs of a crawl, and give jobs to those that are named. `seeds`: request forms."""
        jobs = await self._frontier.disown(crawl.id, await self._lost_jobs(crawl))
        pages = await self._frontier.disown(crawl.id, await self._lost_pages(crawl), refetch=True)
        wanted = await self._without_job(crawl) if jobs or pages else {}
        count = len(wanted)
        if wanted:
            await self._enqueue(crawl, wanted, seeds)
            await self._bring_back(crawl, wanted)  # and all follow-up jobs
            return Reconciled(jobs, pages, enqueued=count - len(wanted))
        return Reconciled(jobs, pages, await self._lost_follow_ups.restore(crawl, self._context))

    async def look(self, crawl: Crawl) -> Reconciled:
        """The findings of `run`; nothing is changed."""
        follow_ups = await self._lost_follow_ups.sampled(crawl, self._context)
        return Reconciled(len(await self._lost_jobs(crawl)), len(await self._lost_pages(crawl)), follow_ups)

    async def rescue(self, crawl: Crawl) -> int:
        """For a crawl that waits with an empty queue: the number of URLs with a job now. If none, all are given up.

        Then the crawl ends, unless one of them has been found meanwhile.
        """
        await self._frontier.disown(crawl.id, await self._lost_jobs(crawl))
        wanted = await self._without_job(crawl)
        count = len(wanted)
        await self._bring_back(crawl, wanted)
        if count == len(wanted):
            await self._frontier.give_up(crawl.id, tuple(wanted))
        return count - len(wanted)

    # --- losses ---

    async def _lost_jobs(self, crawl: Crawl) -> dict[bytes, FrontierEntry]:
        """Open entries whose jobs aren't in the queue. Searched if it has fewer jobs than there are such entries.

        An entry comes after its job and goes before it; so a job that is absent both before and after its entry was
        seen, which is open all the time, is lost.
        """
        status = await self._frontier.crawls.status(crawl.id)
        if status.counters.open <= await self._jobs.count(crawl.queue):
            return {}
        owners = await self._owners(crawl)
        suspects: dict[bytes, FrontierEntry] = {}
        async for some in self._frontier.entries(crawl.id):
            suspects |= {key: entry for key, entry in some.items() if entry.open and entry.owner not in owners}
        owners = await self._owners(crawl)
        return {key: entry for key, entry in suspects.items() if entry.owner not in owners}

    async def _owners(self, crawl: Crawl) -> set[bytes]:
        owners: set[bytes] = set()
        async for some in self._jobs.all_jobs(crawl.queue):
            owners.update(map(owner_of, some))
        return owners

    async def _lost_pages(self, crawl: Crawl) -> dict[bytes, FrontierEntry]:
        """Done entries, pages or redirects, without data in the store."""
        lost: dict[bytes, FrontierEntry] = {}
        async for some in self._frontier.entries(crawl.id):
            stored = {key: entry for key, entry in some.items() if entry.state in _STORED}
            lost |= {key: stored[key] async for key in self._missing(tuple(stored))}
        return lost

    async def _missing(self, keys: Sequence[bytes]) -> AsyncIterator[bytes]:
        for start in range(0, len(keys), _KEYS):
            for key in await self._store.missing(MissingRequest(self._context, tuple(keys[start : start + _KEYS]))):
                yield key

    async def _without_job(self, crawl: Crawl) -> dict[bytes, int]:
        """Entries that wait for a job: URL key -> depth."""
        wanted: dict[bytes, int] = {}
        async for some in self._frontier.entries(crawl.id):
            wanted |= {key: entry.depth for key, entry in some.items() if entry.open and entry.owner == UNOWNED}
        return wanted

    # --- restoring ---

    async def _bring_back(self, crawl: Crawl, wanted: dict[bytes, int]) -> None:
        """Jobs for those of `wanted` that stored rows name, and the follow-up jobs of the crawl's pages.

        URLs that get a job leave `wanted`. The whole store is read, once: no other place has their URLs.
        """
        after = b""
        while True:
            found = await self._store.scan(ScanRequest(self._context, after, _ROWS))
            await self._enqueue(crawl, wanted, [url for row in found.rows for url in _named(row)])
            for row in found.rows:
                if row.page and row.page.last_seen_ms >= crawl.created_ms:
                    await self._follower.follow_up(row.page, self._context)
            after = found.continuation
            if not after:
                return

    async def _enqueue(self, crawl: Crawl, wanted: dict[bytes, int], urls: Sequence[str]) -> None:
        named = {key: (url, wanted[key]) for key, url in _keyed(urls, wanted)}
        if named:
            await enqueue(crawl, named, self._frontier, self._jobs)
        for key in named:
            del wanted[key]


def _named(row: UrlRow) -> Iterator[str]:
    """Every URL that a row names."""
    yield row.url
    if row.redirects_to:
        yield row.redirects_to
    if row.page:
        yield from (link.url for link in row.page.record.outlinks)


def _keyed(urls: Sequence[str], wanted: Mapping[bytes, int]) -> Iterator[tuple[bytes, str]]:
    for url in urls:
        with suppress(InvalidUrl):
            key = url_key(url)
            if key in wanted:
                yield key, url
