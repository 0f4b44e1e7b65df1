"""The rules for a deferred URL: wait as told, resume at the hop where it stopped, until patience ends."""

from __future__ import annotations

import asyncio

from crawler.visit.visitor import PageVisit, Visitor
from runtime.wait_budget import WaitBudget
from thrift_idl.gen.context.ttypes import Context


async def visit_patiently(
    visitor: Visitor, url: str, context: Context, patience_ms: int, gate: asyncio.Semaphore
) -> PageVisit:
    """Visit `url` until it is no longer deferred, or the next wait would exceed `patience_ms` in total.

    `gate` bounds the running visits; a waiting URL holds no place in it.
    """
    async with gate:
        visit = await visitor.visit(url, context)
    patience = WaitBudget(patience_ms)
    while visit.outcome.family == "deferred" and await patience.wait(visit.outcome.delay_ms or 0):
        async with gate:
            visit = await visitor.visit(url, context, resume=visit.chain)
    return visit
