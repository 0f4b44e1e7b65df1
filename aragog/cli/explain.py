"""`aragog explain`: everything that decides about the fetch of a URL, without requesting it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

import typer
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aragog.assembly.storing import store_of
from aragog.cli.command_context import context, run
from aragog.cli.console import Terminal, plain
from aragog.cli.terminal import say_json
from aragog.data_directory_lock import DataDirectoryLocked, owned
from aragog.explain import UrlExplainer, UrlReport, canonical_why, sentence, to_json
from aragog.settings import Settings, load
from drivers.owner_lock import Locks
from fetcher.robots.rules import told
from runtime.clock import wall_ms
from runtime.durations import duration_text
from thrift_idl.errors import BackendDown, FolderLocked
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import AddressVerdict, Explanation, RobotsExplanation, RobotsVerdict
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import (
    BlockRequest,
    DomainStatus,
    FeedbackRequest,
    Grant,
    ReserveBatchRequest,
    ReserveRequest,
    Shadow,
    StatusRequest,
)
from thrift_idl.gen.urlstore.ttypes import LookupResult, Page


def explain(
    url: Annotated[str, typer.Argument(help="A URL, as you would type it: http://example.com/page")],
    fetch_robots: Annotated[
        bool, typer.Option(help="Fetch robots.txt if it isn't cached; otherwise use the cache only.")
    ] = True,
    patience_ms: Annotated[int, typer.Option(help="How long to retry a robots.txt that gets no slot, in ms.")] = 5_000,
    lock_wait_ms: Annotated[
        int,
        typer.Option(
            help="How long to wait for another process that owns the data directory, in ms; then robots.txt "
            "is read from its cache only, and the limit stays unknown."
        ),
    ] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; its keys: pydoc aragog.explain.")] = False,
) -> None:
    """Explain the result of a fetch of a URL, and the reasons, without fetching it.

    Its forms, the verdict on each address, the line of robots.txt that decides, the limit and the next slot, the stored
    page and the reason for its canonical URL. Exits with 0 if it would be fetched, 1 if not or if that is unknown.
    """
    report = run(_explain(load(), url, fetch_robots, patience_ms, lock_wait_ms))
    say_json(to_json(report)) if as_json else print_report(report, wall_ms())
    if not report.fetch.would_fetch:
        raise typer.Exit(1)


async def _explain(settings: Settings, url: str, fetch_robots: bool, patience_ms: int, lock_wait_ms: int) -> UrlReport:
    async with store_of(settings) as store, _fetcher(settings, lock_wait_ms) as (fetcher, ours):
        explainer = UrlExplainer(fetcher, store, fetch_robots and ours, patience_ms)
        return await explainer.explain(url, context())


@asynccontextmanager
async def _fetcher(settings: Settings, lock_wait_ms: int) -> AsyncIterator[tuple[Fetcher, bool]]:
    """The fetcher, and True if it may fetch robots.txt: not in this process while another owns the data directory."""
    # The fetcher is heavy, and `aragog --help` starts without it.
    from aragog.assembly.fetching import fetcher_client, local_fetcher  # noqa: PLC0415
    from aragog.assembly.limiting import limiter_of  # noqa: PLC0415

    if settings.fetcher.service:
        async with fetcher_client(settings) as client:
            yield client, True
        return
    async with AsyncExitStack() as stack:
        locks, ours = Locks(), True
        limiter: RateLimiter
        try:
            locks.add(await stack.enter_async_context(owned(settings.data_path, lock_wait_ms, lambda _: None)))
            limiter = await stack.enter_async_context(limiter_of(settings, locks))
        except (DataDirectoryLocked, FolderLocked) as error:
            ours, limiter = False, _LimiterElsewhere(error)
            if settings.ratelimiter.service:
                limiter = await stack.enter_async_context(limiter_of(settings, locks))
        yield await stack.enter_async_context(local_fetcher(settings, limiter, locks)), ours


class _LimiterElsewhere:
    """The limiter of a place that another process owns: it can't be asked, so it grants nothing."""

    def __init__(self, locked: BackendDown) -> None:
        self._locked = locked

    async def reserve(self, _: ReserveRequest) -> Grant:
        """Raises an error that names the owner, like all of these."""
        raise self._locked

    async def reserve_batch(self, _: ReserveBatchRequest) -> tuple[Grant, ...]:
        """Like `reserve`."""
        raise self._locked

    async def feedback(self, _: FeedbackRequest) -> None:
        """Like `reserve`."""
        raise self._locked

    async def status(self, _: StatusRequest) -> DomainStatus:
        """Like `reserve`."""
        raise self._locked

    async def block(self, _: BlockRequest) -> None:
        """Like `reserve`."""
        raise self._locked


# --- the card ---


def print_report(report: UrlReport, now_ms: int) -> None:
    """The report for people, in a frame; everything from outside printed as text."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(report, now_ms):
        if value:
            table.add_row(name, plain(value))
    style = {True: "green", False: "yellow", None: "cyan"}[report.fetch.would_fetch]
    said = plain(sentence(report))
    said.stylize(f"bold {style}")
    Terminal().print(Panel(Group(said, Text(), table), title=plain(report.url), title_align="left", expand=False))


def _rows(report: UrlReport, now_ms: int) -> Iterator[tuple[str, str]]:
    forms, fetch = report.forms, report.fetch
    yield "try again", f"in {duration_text(fetch.delay_ms)}" if fetch.delay_ms else ""
    yield "parsed", forms.parsed if forms.parsed != report.url else ""
    yield "request form", forms.request_form
    yield "normalized", forms.normalized
    yield "URL key", forms.key
    yield "origin", forms.origin
    yield "domain", forms.registrable_domain
    yield "port", fetch.port_refusal and f"refused: {fetch.port_refusal}"
    yield "address", "\n".join(_address_line(each) for each in fetch.addresses)
    if fetch.robots:
        yield from _robots_rows(fetch.robots)
    if fetch.limit:
        yield from _limit_rows(fetch.limit)
    yield "limit", fetch.limit_unknown and f"unknown: {fetch.limit_unknown}"
    if report.stored:
        yield from _stored_rows(report.stored, now_ms)
    yield "leads to", "\n".join(_onward_line(each) for each in report.leads_to)


def _address_line(found: AddressVerdict) -> str:
    return f"{found.address} port {found.port}: {'allowed' if found.allowed else 'denied'}, {found.reason}"


def _robots_rows(robots: RobotsExplanation) -> Iterator[tuple[str, str]]:
    age = "" if robots.age_ms is None else f", {duration_text(robots.age_ms)} old"
    version = robots.verdict.version if robots.verdict else ""
    why = f": {robots.code} {robots.message}" if robots.verdict is None else ""
    yield "robots.txt", f"{robots.url}\n{robots.source}{age}{f', version {version}' if version else ''}{why}"
    if robots.verdict:
        yield "decided by", decision(robots.verdict)
        if robots.verdict.crawl_delay_ms:
            yield "crawl delay", duration_text(robots.verdict.crawl_delay_ms)


def decision(rules: RobotsVerdict) -> str:
    """The deciding line, and its text."""
    if not rules.version:
        return "no file (4xx), or an empty one: all is allowed"
    if not rules.group:
        return "no group applies to us: all is allowed"
    group = f"group {rules.group}"
    if rules.flag:
        return f"no line: {told(rules.flag)} ({group})"
    return f"line {rules.line}: {rules.rule} ({group})" if rules.line else f"no line matches: allowed ({group})"


def _limit_rows(limit: DomainStatus) -> Iterator[tuple[str, str]]:
    """The pace of a registrable domain and of one of its hosts, and its causes."""
    yield "limit", _limit_line(limit)
    if limit.host_limit:
        pace = f"{_named(limit.host_limit, limit.host_line)}: a request each {duration_text(limit.host_interval_ms)}"
        yield "limit of the host", pace
    yield "note", limit.note
    yield "limits file", limit.limits_error and f"refused, the last good one is in force: {limit.limits_error}"
    if limit.shadow:
        yield from _shadow_rows(limit.shadow)


def _limit_line(limit: DomainStatus) -> str:
    """One line on the pace of a registrable domain."""
    words = [
        f"{_named(limit.limit, limit.line)}: a request each {duration_text(limit.interval_ms)}",
        f"next slot in {duration_text(limit.next_slot_ms)}",
    ]
    answered = f": it answered {limit.held_status}" if limit.held_status else ""
    words += [f"held for {duration_text(limit.held_ms)}{answered}"] if limit.held_ms else []
    words += [f"blocked for {duration_text(limit.blocked_ms)}"] if limit.blocked_ms else []
    return "; ".join(words)


def _named(limit: str, line: int) -> str:
    return f"{limit} (line {line})" if line else limit


def _shadow_rows(shadow: Shadow) -> Iterator[tuple[str, str]]:
    """The decisions of the candidate file, over all decisions of this limiter."""
    pace = f"{shadow.limit}: a request each {duration_text(shadow.interval_ms)}"
    live = f"{shadow.live_at_once:,} at once, {shadow.live_delayed:,} delayed, {shadow.live_refused:,} refused"
    instead = f"{shadow.at_once:,}, {shadow.delayed:,}, {shadow.refused:,}"
    yield "shadow", f"{pace}\nall domains: {live}; by the candidate {instead}"
    yield "shadow file", shadow.error and f"refused: {shadow.error}"


def _stored_rows(found: LookupResult, now_ms: int) -> Iterator[tuple[str, str]]:
    yield "canonical", f"{found.canonical}\n{canonical_why(found)}"
    for claim in found.claims:
        yield f"claim ({claim.source})", f"{claim.url}: {'holds' if claim.holds else 'does not hold'}, {claim.why}"
    yield "reached by", " -> ".join(found.aliases) + (" (a circle)" if found.cycle else "")
    row = found.row
    yield "stored", _page_line(row.page, now_ms) if row and row.page else "" if row else "nothing"
    if row and row.outcome:
        ago = duration_text(max(0, now_ms - row.outcome.at_ms))
        yield "last visit", f"{row.outcome.code}, {ago} ago {row.outcome.message}".rstrip()


def _page_line(page: Page, now_ms: int) -> str:
    seen = duration_text(max(0, now_ms - page.last_seen_ms))
    facts = f"version {page.version}, {page.content_bytes:,} bytes, {page.media_type}, seen {seen} ago"
    return f"{page.record.title or '(no title)'}\n{facts}"


def _onward_line(found: Explanation) -> str:
    if found.would_fetch:
        return f"{found.url}: would be fetched"
    return f"{found.url}: {found.code or 'unknown'}: {found.message}"
