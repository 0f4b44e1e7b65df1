"""`aragog reextract`: today's extractor applied to the stored pages, without a fetch."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from aragog.assembly.scheduling import visited_pinlater
from aragog.assembly.services import children_of
from aragog.assembly.storing import store_of
from aragog.cli.command_context import context, run
from aragog.cli.console import Terminal, plain
from aragog.cli.store_bar import StoreBar
from aragog.cli.terminal import say_json
from aragog.record_changes import ChangeReport
from aragog.reextract import Cursor, Extract, Reextraction, ReextractionScope
from aragog.reextract import ReextractionProgress as Place
from aragog.settings import Settings, load
from crawler.job.follow_up_jobs import INLINKS, SIGNALS, FollowUp
from crawler.job.job_queues import JobQueues
from crawler.visit.extractor import IMPORTS, extract_page
from extraction import EXTRACTOR_VERSION
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.ttypes import Page
from weburl import deciding_form


def reextract(
    domain: Annotated[str, typer.Option(help="Only pages of this registrable domain.")] = "",
    since: Annotated[str, typer.Option(help="Only pages fetched since: 2026-11-01, or with a time (UTC).")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would change, and write nothing.")] = False,
    children: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that extract at once; by default one for each CPU.")
    ] = min(os.cpu_count() or 1, 64),
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
) -> None:
    """Read stored pages with this Aragog's extractor, and store the differences; nothing is fetched.

    A run that was ended continues where it stopped when it is started again with the same options. A page with an
    unchanged record is not written. A page with a changed one gets jobs: its links are linked and its event is
    published again, with the extractor's version in its id. Exits with 1 if an error kept pages from being read.
    """
    scope = ReextractionScope(deciding_form(domain), milliseconds(since), dry_run)
    report = run(_reextract(load(), scope, children, StoreBar()))
    if as_json:
        say_json({"extractor_version": EXTRACTOR_VERSION, **asdict(report)})
    else:
        show(report, Terminal(), dry_run=dry_run)
    if report.broken:
        raise typer.Exit(1)


def milliseconds(since: str) -> int:
    """A date or a time in ISO 8601, UTC if it names no zone, in ms since 1970; "" = 0. Raises `InvalidRequest`."""
    if not since:
        return 0
    try:
        time = datetime.fromisoformat(since)
    except ValueError:
        raise InvalidRequest(f"--since {since!a} is no date: 2026-11-01, or 2026-11-01T12:00:00") from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


async def _reextract(settings: Settings, scope: ReextractionScope, children: int, bar: StoreBar) -> ChangeReport:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(store_of(settings))
        extract = await stack.enter_async_context(_extracting(settings, children))
        follow_up = _Jobs(settings, stack)
        cursor = Cursor(settings.data_path, scope)
        again = Reextraction(store, extract, follow_up, scope, cursor, context("reextract"))

        def tell(place: Place) -> None:
            report = place.report
            bar.tell(place.after, place.rows, f"{report.changed:,} changed, {report.unchanged:,} unchanged")

        with bar:
            return await again.run(tell)


@asynccontextmanager
async def _extracting(settings: Settings, children: int) -> AsyncIterator[Extract]:
    async with children_of(settings, children, IMPORTS) as pool:

        async def extract(fetched: FetchResult, had_text: bool) -> PageRecord:
            wanted = had_text or settings.extraction.text_features
            return await extract_page(pool, fetched, text_features=wanted)

        yield extract


class _Jobs:
    """Jobs for pages to publish and to link again; PinLater is opened for the first one."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._queues: JobQueues | None = None

    async def __call__(self, pages: Sequence[Page]) -> None:
        if not pages:
            return
        if self._queues is None:
            pinlater = await self._stack.enter_async_context(visited_pinlater(self._settings))
            self._queues = JobQueues(pinlater, "reextract")
        bodies = [FollowUp(page.url, page.version).encode() for page in pages]
        for queue in (SIGNALS, INLINKS):
            await self._queues.create(queue)
            await self._queues.enqueue(queue, bodies)


def show(report: ChangeReport, console: Terminal, *, dry_run: bool) -> None:
    """The report as people read it."""
    would = "would be " if dry_run else ""
    console.print(
        f"{report.looked_at:,} pages read by extractor version {EXTRACTOR_VERSION}: {report.changed:,} {would}changed,"
        f" {report.unchanged:,} unchanged, {report.to_publish:,} to publish;"
        f" {report.without_content:,} without content, {report.failed:,} failed,"
        f" {report.moved_on:,} fetched again meanwhile"
    )
    if report.broken:
        console.print(f"{report.broken:,} pages are unchanged, because each had an error (the log has the traces):")
    for url, why in report.broken_examples.items():
        console.print(plain(f"  {url}: {why}"), soft_wrap=True)
    if not report.fields:
        return
    table = Table("field", "pages", "for example", "before", "after")
    for name, count in sorted(report.fields.items(), key=lambda each: -each[1]):
        example = report.examples[name][0]
        table.add_row(name, f"{count:,}", *(plain(example[each][:80]) for each in ("url", "before", "after")))
    console.print(table)
