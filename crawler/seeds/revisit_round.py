"""A round of revisits: pages of the store that are due soon, each a job that runs at its due time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from crawler.frontier.scope import CrawlScope
from crawler.seeds.crawl_start import Seed
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import DueRequest

MAX_PAGES = 100_000
"""Pages of one round; the others are visited in the next one."""


@dataclass(frozen=True, slots=True)
class Round:
    """The pages that are due until the round's end."""

    seeds: tuple[Seed, ...]
    soonest_ms: int | None
    """Not later than the store's next page after those is due: UTC, ms since 1970; None = there is none."""

    async def source(self, _: CrawlScope) -> AsyncIterator[Sequence[Seed]]:
        """The seeds, for `start`."""
        yield self.seeds


async def due(store: UrlStore, scope: CrawlScope, context: Context, now_ms: int, horizon_ms: int) -> Round:
    """The pages within `scope` that are due within `horizon_ms` from now; no others are read."""
    seeds: list[Seed] = []
    continuation, soonest_ms = b"", None
    while len(seeds) < MAX_PAGES:
        found = await store.due(DueRequest(context, now_ms + horizon_ms, continuation))
        pages = (page for page in found.pages if scope.admits(page.url))
        seeds += [Seed(page.url, page.due_ms if page.due_ms > now_ms else 0) for page in pages]
        continuation, soonest_ms = found.continuation, found.soonest_ms
        if not continuation:
            return Round(tuple(seeds), soonest_ms)
    return Round(tuple(seeds[:MAX_PAGES]), now_ms)
