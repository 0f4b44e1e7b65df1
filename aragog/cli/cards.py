"""Tables, cards and progress for people. Everything that pages say is printed as text, never as mark-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from aragog.cli.console import Terminal, plain
from crawler.visit.visitor import PageVisit
from thrift_idl.gen.page.ttypes import Link, PageRecord
from thrift_idl.gen.urlstore.ttypes import Inlink, LookupResult, Outcome, Page

STYLES = {"fetched": "green", "refused": "yellow", "deferred": "cyan", "unavailable": "red", "internal": "red"}


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error if that is a terminal; yields the function that moves it by one."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Terminal(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def _outcome_text(outcome: Outcome) -> Text:
    status = f" {outcome.status}" if outcome.status and outcome.code != "fetched" else ""
    return Text(f"{outcome.code}{status}", style=STYLES.get(outcome.family, ""))


def _said(visit: PageVisit) -> Text:
    if visit.page is None:
        return plain(visit.outcome.message)
    moved = f" -> {visit.page.url}" if visit.chain else ""
    return plain(f"{visit.page.record.title or '(no title)'}{moved}")


def print_visits(visits: Sequence[PageVisit]) -> None:
    """One line for each URL, in the given order."""
    table = Table(show_edge=False)
    for heading in ("outcome", "URL", "title, or why not"):
        table.add_column(heading, overflow="fold")
    for visit in visits:
        table.add_row(_outcome_text(visit.outcome), plain(visit.url), _said(visit))
    Terminal().print(table)


def _record_rows(record: PageRecord) -> Iterator[tuple[str, str]]:
    yield "title", record.title
    yield "description", record.description
    yield "site name", record.site_name
    yield "language", record.language
    yield "charset", record.charset
    if record.typed is not None and record.typed.kind != "other":
        yield "kind", f"{record.typed.kind}, confidence {record.typed.confidence:.2f}"
    yield "OpenGraph", ", ".join(f"{p.name}={p.content}" for p in record.opengraph[:6])
    yield "Twitter", ", ".join(f"{p.name}={p.content}" for p in record.twitter[:4])
    yield "JSON-LD", f"{len(record.json_ld)} blocks" if record.json_ld else ""
    yield "images", "\n".join(f"{i.url} ({i.found})" for i in record.images[:4])
    yield "outlinks", str(len(record.outlinks)) if record.outlinks else ""
    yield "robots", "; ".join(f"{r.agent or 'all'}: {', '.join(r.directives)}" for r in record.robots)
    yield "preferences", ", ".join(record.preferences)
    yield "flags", ", ".join(record.flags)


def _page_rows(page: Page) -> Iterator[tuple[str, str]]:
    yield "lives at", page.url
    yield "version", f"{page.version}, {page.content_bytes:,} bytes, {page.media_type}, HTTP {page.status}"
    if not page.content_key:
        yield "content", "not kept"
    yield from _record_rows(page.record)


def _rows(found: LookupResult) -> Iterator[tuple[str, str]]:
    if found.aliases:
        yield "reached by", " -> ".join(found.aliases) + (" (a circle)" if found.cycle else "")
    row = found.row
    if row is None:
        return
    if row.page is not None:
        yield from _page_rows(row.page)
    elif row.redirects_to:
        yield "redirects to", row.redirects_to
    for claim in found.claims:
        yield f"claim ({claim.source})", f"{claim.url}: {'holds' if claim.holds else 'does not hold'}, {claim.why}"
    if row.outcome is not None:
        yield "last visit", f"{row.outcome.code} {row.outcome.message}".strip()
    yield "URL key", found.key.hex()


def print_card(url: str, found: LookupResult) -> None:
    """All data of a URL, in a frame."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(found):
        if value:
            table.add_row(name, plain(value))
    if found.row is None:
        table.add_row("nothing", plain(f"stored; fetch it: aragog fetch {url}"))
    Terminal().print(Panel(table, title=plain(found.canonical or url), title_align="left", expand=False))


def print_links(links: Sequence[Link]) -> None:
    """Outlinks, one on each line."""
    table = Table(show_edge=False)
    for heading in ("outlink", "rel", "anchor text"):
        table.add_column(heading, overflow="fold")
    for link in links:
        table.add_row(plain(link.url), plain(_rel(link)), plain(link.text))
    Terminal().print(table)


def print_inlinks(inlinks: Sequence[Inlink]) -> None:
    """Links to a page, one on each line; `via` is the URL that they name if that redirects to the page."""
    table = Table(show_edge=False)
    for heading in ("inlink from", "rel", "anchor text", "via"):
        table.add_column(heading, overflow="fold")
    for link in inlinks:
        table.add_row(plain(link.url), plain(_rel(link)), plain(link.text), plain(link.via))
    Terminal().print(table)


def _rel(link: Link | Inlink) -> str:
    """The link's types, and that it is nofollow if the whole page says so."""
    return " ".join((*link.rel, *(("(nofollow)",) if link.nofollow and "nofollow" not in link.rel else ())))
