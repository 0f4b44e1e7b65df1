"""Redirect loops, found in the stored rows: a crawl visits each URL of a loop by itself."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.visit.visitor import PageVisit
from thrift_idl.errors import TooManyRedirects
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, PutOutcomeRequest
from thrift_idl.outcomes import error_outcome


async def refuse_circle(store: UrlStore, visit: PageVisit, since_ms: int, context: Context) -> bool:
    """True if the alias just stored closes a loop; then every URL in it has the outcome that a fetch of it has.

    The worker that stores the last alias of a loop finds it, in any order of storing. Only aliases since `since_ms`
    (the start of the crawl) count: an older one may be of a URL that now serves a page, and is still to be visited.
    Repeatable.
    """
    found = await store.lookup(LookupRequest(context, visit.url))
    stored_ms = await _stored_ms(store, found.aliases, context) if found.cycle else ()
    if not stored_ms or min(stored_ms) < since_ms:
        return False
    began_ms = max(*stored_ms, visit.outcome.at_ms)  # the visit that closes the loop may have begun first
    refused = TooManyRedirects("the redirects form a loop", reason="loop")
    outcome = error_outcome(refused, began_ms, visit.outcome.status)
    for url in found.aliases:
        await store.put_outcome(PutOutcomeRequest(context=context, url=url, outcome=outcome, began_ms=began_ms))
    return True


async def _stored_ms(store: UrlStore, urls: Sequence[str], context: Context) -> tuple[int, ...]:
    """The time of each URL's outcome in a loop, 0 = none: in a loop a look-up of each gives its own row."""
    rows = [(await store.lookup(LookupRequest(context, url))).row for url in urls]
    return tuple(row.outcome.at_ms if row and row.outcome else 0 for row in rows)
