"""A part of `aragog doctor`: compares the stores on this machine, and finds data that one names and another has not.

It changes nothing, and creates nothing that is missing.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from aragog.assembly.following import reconciliation_of
from aragog.assembly.scheduling import frontier_of, local_pinlater
from aragog.assembly.storing import local_store
from aragog.data_locations import place_of
from aragog.settings import Settings
from crawler.frontier.crawls import CrawlState
from crawler.job.job_queues import JobQueues
from thrift_idl.errors import NotFound, StoreUnreadable
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import ContentRequest, ScanRequest, UrlRow
from urlstore.rows import is_damaged
from weburl import KEY_BYTES

SAMPLE = 2_000
"""Pages whose content is read; of a larger store, those after a random key."""
_CHUNK = 100
_CONTEXT = Context("doctor")


async def incomplete_crawls(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """(crawl id, its losses) of each crawl that continues when its command is given again.

    Only if the frontier is an existing file; no other process works with it meanwhile.
    """
    if not _is_here(settings.crawl.frontier, settings):
        return
    async with AsyncExitStack() as stack:
        frontier = await stack.enter_async_context(frontier_of(settings))
        crawls = await frontier.crawls.all()
        going_on = [status for status in crawls if not status.state.ended]
        for place in (settings.pinlater.backend, settings.urlstore.metadata):
            if _is_gone(place, settings):
                for status in going_on:
                    yield status.crawl.id, f"it waits for {status.counters.open:,} URLs, and {place} is gone"
                return
        if not all(_is_here(place, settings) for place in (settings.pinlater.backend, settings.urlstore.metadata)):
            return
        jobs = JobQueues(await stack.enter_async_context(local_pinlater(settings)), "doctor")
        store = await stack.enter_async_context(local_store(settings))
        reconciliation = reconciliation_of(frontier, jobs, store, "doctor")
        queues = await jobs.names()
        for status in crawls:
            waits_for_follow_ups = status.state == CrawlState.DONE and status.crawl.queue in queues
            if status.state.ended and not waits_for_follow_ups:
                continue
            found = await reconciliation.look(status.crawl)
            told = [f"{found.jobs:,} URLs lost their jobs, {found.pages:,} their pages"] if found.lost else []
            if found.follow_ups:
                told.append(f"in a sample, {found.follow_ups:,} pages lost the jobs for events or inlinks")
            if told:
                yield status.crawl.id, "; ".join(told)


async def lost_content(settings: Settings) -> tuple[int, list[str]] | None:
    """The number of checked pages, and the URLs of those whose content is missing or damaged; None without a store."""
    if not all(_is_here(url, settings) for url in (settings.urlstore.metadata, settings.urlstore.content)):
        return None
    pages, lost = 0, list[str]()
    async with local_store(settings) as store:
        async for row in _rows(store, os.urandom(KEY_BYTES)):
            if is_damaged(row):
                pages += 1
                lost.append(row.url)
            elif row.page and row.page.content_key:
                pages += 1
                lost += [row.url] if await _is_lost(store, row.url) else []
            if pages == SAMPLE:
                break
    return pages, lost


async def _rows(store: UrlStore, start: bytes) -> AsyncIterator[UrlRow]:
    """All rows, those after the key `start` first."""
    for after, until in ((start, b""), (b"", start)):
        place = after
        while True:
            found = await store.scan(ScanRequest(_CONTEXT, place, _CHUNK))
            for row in found.rows:
                if until and row.key > until:
                    return
                yield row
            place = found.continuation
            if not place:
                break


async def _is_lost(store: UrlStore, url: str) -> bool:
    try:
        await store.get_content(ContentRequest(_CONTEXT, url))
    except StoreUnreadable:
        return True
    except NotFound:  # an alias of a missing page
        return False
    return False


def _is_gone(url: str, settings: Settings) -> bool:
    place = place_of(url, settings)
    return place is not None and not place.exists()


def _is_here(url: str, settings: Settings) -> bool:
    place = place_of(url, settings)
    return place is not None and place.exists()
