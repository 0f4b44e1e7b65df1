"""A round of revisits: the pages of the store that are due soon, each a job that runs when its page is due."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aragog.crawl.revisit import next_visit_ms
from aragog.crawl.scope import Scope
from aragog.crawl.start import Seed
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, ScanRequest, UrlRow

MAX_PAGES = 100_000
"""Of one round; the others' turn is the next one."""
_SCANNED = 1_000


@dataclass(frozen=True, slots=True)
class Round:
    """What is due until the round's end."""

    seeds: tuple[Seed, ...]
    soonest_ms: int | None
    """When the next page after those is due: UTC, ms since 1970; None = there is none."""

    async def source(self, _: Scope) -> AsyncIterator[Sequence[Seed]]:
        """The seeds, for `start`."""
        yield self.seeds


async def due(store: UrlStore, scope: Scope, context: Context, now_ms: int, horizon_ms: int) -> Round:
    """The pages within `scope` that are due within `horizon_ms` from now. Reads every row of the store."""
    seeds: list[Seed] = []
    soonest_ms: int | None = None
    async for row in _rows(store, context):
        due_ms = next_visit_ms(row)
        if due_ms is None or not scope.admits(row.url):
            continue
        if due_ms <= now_ms + horizon_ms and await _is_duplicate(store, row, context):
            due_ms = next_visit_ms(row, duplicate=True)
        if due_ms is not None and due_ms <= now_ms + horizon_ms and len(seeds) < MAX_PAGES:
            seeds.append(Seed(row.url, due_ms if due_ms > now_ms else 0))
        elif due_ms is not None:
            soonest_ms = due_ms if soonest_ms is None else min(soonest_ms, due_ms)
    return Round(tuple(seeds), soonest_ms)


async def _rows(store: UrlStore, context: Context) -> AsyncIterator[UrlRow]:
    continuation = b""
    while True:
        found = await store.scan(ScanRequest(context, continuation, _SCANNED))
        for row in found.rows:
            yield row
        continuation = found.continuation
        if not continuation:
            return


async def _is_duplicate(store: UrlStore, row: UrlRow, context: Context) -> bool:
    """Whether the page's claim to live elsewhere holds."""
    page = row.page
    if page is None or page.record.canonical in ("", page.url):
        return False
    found = await store.lookup(LookupRequest(context, row.url))
    return any(claim.holds and claim.url != page.url for claim in found.claims)
