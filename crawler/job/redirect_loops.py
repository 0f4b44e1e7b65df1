"""Redirect loops, found in the stored rows: a crawl visits each URL of a loop by itself."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.visit.visitor import PageVisit, outcome_of
from thrift_idl.errors import TooManyRedirects
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, PutOutcomeRequest
from thrift_idl.records import replace


async def refuse_circle(store: UrlStore, visit: PageVisit, since_ms: int, context: Context) -> bool:
    """Whether the alias just stored closes a circle; then every URL on the way has the outcome that a fetch of it has.

    Whoever stores the last alias of a circle finds it, in whatever order they came. Only aliases since `since_ms`
    (when the crawl began) count: an older one may be of a URL that serves by now, and is still to be visited.
    Repeatable.
    """
    found = await store.lookup(LookupRequest(context, visit.url))
    stored_ms = await _stored_ms(store, found.aliases, context) if found.cycle else ()
    if not stored_ms or min(stored_ms) < since_ms:
        return False
    began_ms = max(*stored_ms, visit.outcome.at_ms)  # whoever closes the circle may have begun before another of it
    refused = outcome_of(TooManyRedirects("the redirects form a loop", reason="loop"), began_ms)
    outcome = replace(refused, status=visit.outcome.status)
    for url in found.aliases:
        await store.put_outcome(PutOutcomeRequest(context=context, url=url, outcome=outcome, began_ms=began_ms))
    return True


async def _stored_ms(store: UrlStore, urls: Sequence[str], context: Context) -> tuple[int, ...]:
    """When each URL of a circle had its outcome, 0 = it has none: in a circle a look-up of each gives its own row."""
    rows = [(await store.lookup(LookupRequest(context, url))).row for url in urls]
    return tuple(row.outcome.at_ms if row and row.outcome else 0 for row in rows)
