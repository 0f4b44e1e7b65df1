"""The rules for a deferred URL: wait as told, resume at the hop where it stopped, until patience ends."""

from __future__ import annotations

import asyncio

from crawler.visit.visitor import PageVisit, Visitor
from thrift_idl.gen.context.ttypes import Context


async def visit_patiently(
    visitor: Visitor, url: str, context: Context, patience_ms: int, gate: asyncio.Semaphore
) -> PageVisit:
    """Visit `url` until it is no longer deferred, or the next wait would exceed `patience_ms` altogether.

    `gate` bounds the visits under way; a URL that waits holds no place in it.
    """
    async with gate:
        visit = await visitor.visit(url, context)
    left_ms = patience_ms
    while visit.outcome.family == "deferred" and (visit.outcome.delay_ms or 0) <= left_ms:
        delay_ms = max(visit.outcome.delay_ms or 0, 1)
        left_ms -= delay_ms
        await asyncio.sleep(delay_ms / 1000)
        async with gate:
            visit = await visitor.visit(url, context, resume=visit.chain)
    return visit
