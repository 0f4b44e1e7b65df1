"""One visit of one URL: look up, fetch, extract, store. `aragog fetch` and each job of a crawl use it.

Every step is idempotent: a visit that died in any step is repeated. Any error in a visit becomes the URL's outcome,
unless a backend of ours is down or our configuration is wrong.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from crawler.visit.oversize_pages import LargePlace
from runtime.clock import wall_ms
from runtime.wait_budget import WaitBudget
from thrift_idl.errors import (
    AragogError,
    BadConfiguration,
    Deferred,
    Moved,
    NotFound,
    Refused,
    StoreUnreadable,
    Unavailable,
    is_of_a_backend,
    is_of_a_row,
)
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import FetchRequest, FetchResult, Hop
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import (
    LookupRequest,
    Outcome,
    Page,
    PutOutcomeRequest,
    PutPageRequest,
    TouchPageRequest,
)
from thrift_idl.outcomes import error_outcome, fault_outcome, fetched_outcome, redirected_outcome, unchanged_outcome
from thrift_idl.records import replace as replace_fields
from thrift_idl.redirect_chain import chain_of
from weburl.validators import sendable

T = TypeVar("T")
Extract = Callable[[FetchResult], Awaitable[PageRecord]]
#: The families that are outcomes of a URL; any other error says nothing about it.
UrlError = (Refused, Deferred, Unavailable)

_log = logging.getLogger(__name__)


class Persistently(Protocol):
    """The way to make a repeatable call: once, or again as long as a backend is down."""

    async def __call__(self, call: Callable[[], Awaitable[T]], /) -> T:
        """The result of `call`."""
        ...


async def once(call: Callable[[], Awaitable[T]], /) -> T:
    """The result of `call`, or its error."""
    return await call()


@dataclass(frozen=True, slots=True)
class PageVisit:
    """The end of one visit. `page` is there if it got or confirmed one."""

    url: str
    outcome: Outcome
    page: Page | None = None
    changed: bool = False
    is_new: bool = False
    """True if this visit made the page's version: no follow-up can exist yet."""
    #: Hops made before a deferral: the next visit resumes there.
    chain: tuple[Hop, ...] = ()
    fetched: FetchResult | None = None
    """The fetch's result without its content, if the visitor keeps facts."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Visits URLs with the given services."""

    fetcher: Fetcher
    store: UrlStore
    extract: Extract
    persistently: Persistently = once
    """The way to make calls that must not be lost: a worker repeats them while a backend is down."""
    max_bytes: int | None = None
    """Cap of a page's content; None = the fetcher's."""
    large: LargePlace | None = None
    """The place where a page that `max_bytes` cut is fetched whole; None = it stays cut."""
    max_wait_ms: int | None = None
    """The longest wait for a slot; None = the fetcher's. A URL that would wait longer is deferred."""
    one_hop: bool = False
    """Stop at a redirect, store the alias, and leave its target to the caller (outcome `redirected`)."""
    facts: bool = False
    """Keep the facts of a fetch besides its content."""
    wall_ms: Callable[[], int] = wall_ms

    async def visit(
        self, url: str, context: Context, resume: Sequence[Hop] = (), accept: Sequence[str] = ()
    ) -> PageVisit:
        """Fetch `url` once and store the result. Raises only `BackendDown` and its kinds, `BadConfiguration`."""
        began_ms = self.wall_ms()
        try:
            return await self._visit(url, context, resume, accept, began_ms)
        except BadConfiguration:
            raise
        except Exception as error:  # unforeseen: only this URL loses its visit
            if is_of_a_backend(error):
                raise
            return await self.failed(url, error, context)

    async def failed(self, url: str, error: Exception, context: Context) -> PageVisit:
        """The visit of `url` that ended in an error of ours: logged with its trace, and stored if the store takes it.

        Raises `BackendDown` and its kinds.
        """
        trace = None if isinstance(error, BadConfiguration) else error
        _log.error("%s failed by an error of ours (request %s): %r", url, context.request_id, error, exc_info=trace)
        began_ms = self.wall_ms()
        visit = PageVisit(url, fault_outcome(error, context.request_id, began_ms))
        request = PutOutcomeRequest(context=context, url=url, outcome=visit.outcome, began_ms=began_ms)
        try:
            await self.persistently(lambda: self.store.put_outcome(request))
        except Exception as unstored:  # the error may be the store's: the crawl keeps the outcome
            if is_of_a_backend(unstored):
                raise
            _log.warning("the outcome of %s isn't stored: %s", url, unstored)
        return visit

    async def _visit(
        self,
        url: str,
        context: Context,
        resume: Sequence[Hop],
        accept: Sequence[str],
        began_ms: int,
        *,
        conditional: bool = True,
    ) -> PageVisit:
        previous = await self._stored(url, context)
        request = _request(url, context, previous if conditional else None, resume, accept, self)
        try:
            fetched = await self._fetched(request)
            if self.large:
                fetched = await self.large.whole(fetched, request, self._fetched)
        except Moved as moved:
            return await self._put_alias(url, moved, context, began_ms)
        except UrlError as error:
            return await self._put_outcome(url, error, context, began_ms)
        if fetched.chain:
            previous = await self._stored(fetched.url, context)
        if fetched.status == 304:
            try:
                return await self._touch(url, fetched, previous, context)
            except NotFound:  # the page, or its content, is gone: a 304 restores neither
                if not conditional:
                    raise
                return await self._visit(url, context, resume, accept, began_ms, conditional=False)
        try:
            return await self._put_page(url, fetched, previous, context)
        except Refused as error:  # the store refuses it: its record is too large
            error.details.setdefault("url", fetched.url)
            return await self._put_outcome(url, error, context, began_ms)

    async def _fetched(self, request: FetchRequest) -> FetchResult:
        return await self.persistently(lambda: self.fetcher.fetch(request))

    async def _stored(self, url: str, context: Context) -> Page | None:
        """The page stored under `url` itself: an alias's page has other validators."""
        try:
            found = await self.persistently(lambda: self.store.lookup(LookupRequest(context, url)))
        except Refused:  # an invalid URL: the fetch reports it
            return None
        except StoreUnreadable as error:
            if not is_of_a_row(error):  # a put repairs a row
                raise
            return None
        return found.row.page if found.row and not found.aliases else None

    async def _put_page(self, url: str, fetched: FetchResult, previous: Page | None, context: Context) -> PageVisit:
        record = await self.persistently(lambda: self.extract(fetched))
        request = PutPageRequest(context, fetched, record, previous.write_ms if previous else 0)
        put = await self.persistently(lambda: self.store.put_page(request))
        outcome = fetched_outcome(fetched)
        facts = self._facts(fetched)
        return PageVisit(url, outcome, put.page, put.record_changed, put.content_changed, fetched.chain, facts)

    async def _touch(self, url: str, fetched: FetchResult, previous: Page | None, context: Context) -> PageVisit:
        request = TouchPageRequest(context, fetched, previous.write_ms if previous else 0)
        page = await self.persistently(lambda: self.store.touch_page(request))
        outcome = unchanged_outcome(fetched)
        return PageVisit(url, outcome, page, chain=fetched.chain, fetched=self._facts(fetched))

    def _facts(self, fetched: FetchResult) -> FetchResult | None:
        return replace_fields(fetched, content=b"") if self.facts else None

    async def _put_alias(self, url: str, moved: Moved, context: Context, began_ms: int) -> PageVisit:
        chain = chain_of(moved)
        hop = chain[-1]
        outcome = redirected_outcome(hop.status, began_ms)
        request = PutOutcomeRequest(context=context, url=hop.url, outcome=outcome, chain=(hop,), began_ms=began_ms)
        await self.persistently(lambda: self.store.put_outcome(request))
        return PageVisit(url, outcome, chain=chain)

    async def _put_outcome(self, url: str, error: AragogError, context: Context, began_ms: int) -> PageVisit:
        chain = chain_of(error)
        outcome = error_outcome(error, began_ms)
        request = PutOutcomeRequest(
            context=context,
            url=error.details.get("url") or url,
            outcome=outcome,
            chain=chain,
            answered=bool(outcome.status) and not 300 <= outcome.status < 400,
            began_ms=began_ms,
        )
        if _is_worth_storing(error):
            await self.persistently(lambda: self.store.put_outcome(request))
        return PageVisit(url, outcome, chain=chain)


def _is_worth_storing(error: AragogError) -> bool:
    """False for outcomes that say nothing of a URL: an invalid text, and waiting for a slot of our own limiter."""
    return error.code != "no_slot" and (error.code != "invalid_url" or "url" in error.details)


def _request(
    url: str,
    context: Context,
    previous: Page | None,
    resume: Sequence[Hop],
    accept: Sequence[str],
    visitor: Visitor,
) -> FetchRequest:
    conditional = previous if not resume else None
    return FetchRequest(
        context=context,
        url=url,
        if_none_match=(sendable(conditional.etag) or None) if conditional else None,
        if_modified_since=(sendable(conditional.last_modified) or None) if conditional else None,
        resume=tuple(resume),
        accept=tuple(accept),
        max_bytes=visitor.max_bytes,
        max_wait_ms=visitor.max_wait_ms,
        one_hop=visitor.one_hop,
    )


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
