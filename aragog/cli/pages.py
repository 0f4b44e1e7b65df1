"""`aragog fetch`, `lookup`, `links`: the commands on one URL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from aragog.assembly.storing import store_of
from aragog.cli import cards
from aragog.cli.command_context import context, run
from aragog.cli.terminal import say_json, tell
from aragog.export import inlinks
from aragog.settings import Settings, load
from crawler.visit.visitor import PageVisit, Visitor, visit_patiently
from thrift_idl.errors import NotFound
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import Link
from thrift_idl.gen.urlstore.ttypes import LookupRequest, LookupResult, OutlinksRequest, Page
from thrift_idl.records import to_json

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a table.")]
Url = Annotated[str, typer.Argument(help="A URL, as you would type it: http://example.com/page")]
#: URLs of one command visited at once; the rate limiter spaces those of one domain.
AT_ONCE = 32


def fetch(
    urls: Annotated[list[str], typer.Argument(help="URLs to fetch and store.")],
    patience_ms: Annotated[int, typer.Option(help="How long to retry a deferred URL (429, no slot), in ms.")] = 60_000,
    lock_wait_ms: Annotated[
        int, typer.Option(help="How long to wait for another process that owns the data directory, in ms.")
    ] = 600_000,
    as_json: Json = False,
) -> None:
    """Fetch URLs politely and store their pages: robots.txt, rate limit, redirects, metadata, links.

    Exits with 1 if a URL has no page; its outcome is stored in any case.
    """
    visits = run(_fetch(load(), urls, patience_ms, lock_wait_ms))
    for visit in visits:
        say_json(to_json_visit(visit)) if as_json else None
    if not as_json:
        cards.print_visits(visits)
    if any(visit.page is None for visit in visits):
        raise typer.Exit(1)


async def _fetch(settings: Settings, urls: Sequence[str], patience_ms: int, lock_wait_ms: int) -> list[PageVisit]:
    from aragog.assembly.services import assembled  # noqa: PLC0415 - the fetcher is heavy; lookup and links start without it

    async with assembled(settings, lock_wait_ms=lock_wait_ms, waiting=tell_waiting) as assembly:
        return await fetch_all(replace(assembly.visitor, facts=True), urls, patience_ms)


async def fetch_all(visitor: Visitor, urls: Sequence[str], patience_ms: int) -> list[PageVisit]:
    """Visit `urls`, many at once, each until it has an outcome or `patience_ms` have passed; results in their order."""
    gate = asyncio.Semaphore(AT_ONCE)
    with cards.progress("fetching", len(urls)) as step:

        async def one(url: str) -> PageVisit:
            visit = await visit_patiently(visitor, url, context(), patience_ms, gate)
            step()
            return visit

        return list(await asyncio.gather(*(one(url) for url in urls)))


def tell_waiting(pid: int) -> None:
    """Say on standard error which process this command waits for."""
    tell(f"waiting for process {pid}, which fetches from this data directory")


def to_json_visit(visit: PageVisit) -> dict[str, object]:
    """The output of `fetch --json` for a visit."""
    page = visit.page
    return {
        "url": visit.url,
        "outcome": to_json(visit.outcome),
        "changed": visit.changed,
        "page": None if page is None else _shown_page(page),
        "chain": to_json(visit.chain),
        "fetch": None if visit.fetched is None else _facts(visit.fetched),
    }


def _shown_page(page: Page) -> dict[str, object]:
    return {"url": page.url, "version": page.version, "title": page.record.title, "charset": page.record.charset}


def _facts(fetched: FetchResult) -> dict[str, object]:
    """All facts of the fetch, without the content; the chain is the visit's."""
    shown: dict[str, object] = to_json(fetched)
    return {name: value for name, value in shown.items() if name not in ("content", "chain")}


def lookup(url: Url, as_json: Json = False) -> None:
    """Show all data stored under a URL: its target, its page, the end of its last visit."""
    found = run(_lookup(load(), url))
    say_json(to_json(found)) if as_json else cards.print_card(url, found)
    if found.row is None:
        raise typer.Exit(1)


async def _lookup(settings: Settings, url: str) -> LookupResult:
    async with store_of(settings) as store:
        return await store.lookup(LookupRequest(context(), url))


def links(
    url: Url,
    inwards: Annotated[
        bool, typer.Option("--in", help="Links to the page instead, also by URLs that redirect to it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the links out of a stored page, in document order, with their rel and anchor text.

    With --in: the links of other stored pages to it, as far as a worker has linked them, by the sources' URL keys.
    """
    if inwards:
        run(_show_inlinks(load(), url, as_json))
        return
    found = run(_links(load(), url))
    for link in found if as_json else ():
        say_json(to_json(link))
    if not as_json:
        cards.print_links(found)


async def _show_inlinks(settings: Settings, url: str, as_json: bool) -> None:
    async with store_of(settings) as store:
        found = inlinks(store, context(), url)
        if as_json:
            async for link in found:
                say_json(to_json(link))
        else:
            cards.print_inlinks([link async for link in found])


async def _links(settings: Settings, url: str) -> Sequence[Link]:
    async with store_of(settings) as store:
        try:
            return await store.outlinks(OutlinksRequest(context(), url))
        except NotFound as error:
            raise NotFound(f"{url}: no page stored; `aragog fetch {url}` first") from error
