"""Lost follow-up jobs of a crawl: its stored pages that are not published, or not linked, and have no job for it.

A crawl's own jobs end before the follow-up jobs of its last pages. If the file of the queues is lost then, no open
entry shows the loss: only the store knows which pages have an event and inlinks. A look at all rows takes too long for
each start of a large crawl, so a sample of them decides: a quarter of a second of CPU.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from crawler.frontier import EntryState, Frontier
from crawler.frontier.crawls import Crawl
from crawler.job.follow_up_jobs import INLINKS, SIGNALS, FollowUp
from crawler.job.follower import Follower
from crawler.job.job_queues import JobQueues
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, ScanRequest, UrlRow
from thrift_idl.publishing import PublishedPages
from weburl import KEY_BYTES

SAMPLE = 500
"""Rows that are looked at first; of a larger store those after a random key. A loss of 1 % of the pages is found
99 times of 100."""
_ROWS = 200
_AT_ONCE = 200  # pages that get their jobs together


class LostFollowUps:
    """Finds the lost follow-up jobs of a crawl, and enqueues them again. Every call may be repeated."""

    def __init__(
        self, frontier: Frontier, jobs: JobQueues, store: UrlStore, follower: Follower, published: PublishedPages
    ) -> None:
        self._frontier = frontier
        self._jobs = jobs
        self._store = store
        self._follower = follower
        self._published = published

    async def sampled(self, crawl: Crawl, context: Context) -> int:
        """The number of pages in the sample that lost a follow-up job."""
        return len(await self._lost(crawl, context, SAMPLE))

    async def restore(self, crawl: Crawl, context: Context) -> int:
        """Enqueue what was lost, if the sample shows a loss; the number of pages."""
        if not await self._lost(crawl, context, SAMPLE):
            return 0
        urls = await self._lost(crawl, context, None)
        for start in range(0, len(urls), _AT_ONCE):
            await asyncio.gather(*(self._restore(url, context) for url in urls[start : start + _AT_ONCE]))
        return len(urls)

    async def _restore(self, url: str, context: Context) -> None:
        row = (await self._store.lookup(LookupRequest(context, url))).row
        if row is not None and row.page:
            await self._follower.follow_up(row.page, context)

    async def _lost(self, crawl: Crawl, context: Context, most: int | None) -> list[str]:
        """Pages with a lost job, by their rows, at most so many of them. The queues are read only if a page wants one.

        A job that is done between is not taken for lost: its page's entry is done before, and the row is read again.
        """
        suspects: dict[bytes, tuple[str, list[str]]] = {}
        async for rows in self._rows(context, most):
            wanted = await asyncio.gather(*(self._wanted(crawl, row, context) for row in rows))
            suspects |= {row.key: (row.url, queues) for row, queues in zip(rows, wanted, strict=True) if queues}
        if suspects:
            suspects = await self._of_crawl(crawl, suspects)
        if not suspects:
            return []
        waiting = {queue: await self._urls(queue) for queue in (SIGNALS, INLINKS)}
        return [url for url, queues in suspects.values() if any(url not in waiting[queue] for queue in queues)]

    async def _wanted(self, crawl: Crawl, row: UrlRow, context: Context) -> list[str]:
        """The queues in which the page of a row should have a job."""
        page = row.page
        if page is None or row.redirects_to or page.last_seen_ms < crawl.created_ms:
            return []
        published = await self._published.is_published(page, context)
        return [
            queue
            for queue, is_done in ((SIGNALS, published), (INLINKS, row.linked_version == page.version))
            if not is_done
        ]

    async def _of_crawl(
        self, crawl: Crawl, suspects: dict[bytes, tuple[str, list[str]]]
    ) -> dict[bytes, tuple[str, list[str]]]:
        """Those that the crawl has as pages; one whose visit is under way has its jobs yet to come."""
        found: dict[bytes, tuple[str, list[str]]] = {}
        async for some in self._frontier.entries(crawl.id):
            found |= {
                key: suspects[key] for key, entry in some.items() if key in suspects and entry.state == EntryState.PAGE
            }
        return found

    async def _urls(self, queue: str) -> set[str]:
        """The URLs of the jobs in a queue, those set aside included."""
        urls: set[str] = set()
        async for some in self._jobs.all_jobs(queue):
            for body in some.values():
                with suppress(InvalidRequest):
                    urls.add(FollowUp.decode(body).url)
        return urls

    async def _rows(self, context: Context, most: int | None) -> AsyncIterator[Sequence[UrlRow]]:
        """All rows, or so many after a random key, then those from the beginning; a row may come twice."""
        places = (b"",) if most is None else (os.urandom(KEY_BYTES), b"")
        left = most
        for place in places:
            after = place
            while left is None or left > 0:
                found = await self._store.scan(ScanRequest(context, after, _ROWS if left is None else min(_ROWS, left)))
                yield found.rows
                left = None if left is None else left - len(found.rows)
                after = found.continuation
                if not after:
                    break
