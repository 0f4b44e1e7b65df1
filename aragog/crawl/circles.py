"""Redirects that lead in a circle, found where they are stored: a crawl visits each of their URLs by itself."""

from __future__ import annotations

from aragog.crawl.visit import Visit, outcome_of
from thrift_idl.errors import TooManyRedirects
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, PutOutcomeRequest
from thrift_idl.records import replace


async def refuse_circle(store: UrlStore, visit: Visit, context: Context) -> bool:
    """Whether the alias just stored closes a circle; then every URL on the way has the outcome that a fetch of it has.

    Whoever stores the last alias of a circle finds it, in whatever order they came. Repeatable.
    """
    found = await store.lookup(LookupRequest(context, visit.url))
    if not found.cycle:
        return False
    began_ms = visit.outcome.at_ms
    outcome = replace(
        outcome_of(TooManyRedirects("the redirects form a loop", reason="loop"), began_ms), status=visit.outcome.status
    )
    for url in found.aliases:
        await store.put_outcome(PutOutcomeRequest(context=context, url=url, outcome=outcome, began_ms=began_ms))
    return True
