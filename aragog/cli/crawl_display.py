"""Crawls as people see them: live progress, a summary, tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from aragog.cli.console import Terminal, plain
from aragog.cli.terminal import tell
from crawler.frontier.crawls import CrawlStatus, Failure
from crawler.worker.crawl_watch import CrawlProgress
from crawler.worker.reconciliation import Reconciled
from crawler.worker.worker_progress import WorkerProgress
from pinlater.worker import BackendHealth


def _line(progress: CrawlProgress) -> str:
    counters, eta_s = progress.status.counters, progress.eta_s
    eta = "" if eta_s is None or progress.status.state.ended else f", about {eta_s:,.0f} s left"
    return f"{counters.pages:,} pages, {progress.pages_per_s:,.1f}/s, {counters.open:,} URLs open{eta}"


def _outcomes(tally: WorkerProgress | None, status: CrawlStatus) -> str:
    ended = ", ".join(f"{code} {count:,}" for code, count in sorted(status.outcomes.items(), key=lambda one: -one[1]))
    waiting = sum(tally.outcomes[code] for code in ("no_slot", "retry_after")) if tally else 0
    deferred = f"   deferred {waiting:,} times" if waiting else ""
    return f"{ended}{deferred}"


def _waiting(health: BackendHealth | None) -> str:
    """The reason why a worker in this process waits; "" = none."""
    return f"waiting: {health.last_error}" if health and not health.well else ""


def _panel(progress: CrawlProgress, tally: WorkerProgress | None, waiting: str) -> Group:
    at_limit = f"{tally.at_their_limit()} domains at their limit, " if tally else ""
    queues = (
        f"queues: {progress.status.counters.open:,} URLs, {progress.signals:,} signals, {progress.inlinks:,} inlinks"
    )
    head = Text(f"crawl {progress.status.crawl.id} ({progress.status.state}) ", style="bold")
    lines = [head, Text(_line(progress)), Text(_outcomes(tally, progress.status)), Text(at_limit + queues, style="dim")]
    return Group(*lines, *([plain(waiting)] if waiting else []))


class Display:
    """Shows a crawl's progress on standard error; on a terminal live, else a line now and then."""

    def __init__(self, tally: WorkerProgress | None, health: BackendHealth | None = None) -> None:
        self._console = Terminal(stderr=True)
        self._tally = tally
        self._health = health
        self._live: Live | None = None
        self._next_s = 5.0

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show while the block runs."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, transient=True, auto_refresh=False) as self._live:
            yield

    def show(self, progress: CrawlProgress) -> None:
        """Show the crawl's present state."""
        waiting = _waiting(self._health)
        if self._live:
            self._live.update(_panel(progress, self._tally, waiting), refresh=True)
        elif progress.elapsed_s >= self._next_s:
            self._next_s = progress.elapsed_s + 10
            told = f"aragog: {_line(progress)}{'; ' + waiting if waiting else ''}"
            self._console.print(plain(told), soft_wrap=True)

    def rescued(self, count: int) -> None:
        """Report on a crawl without progress: the number of its URLs that have a job again."""
        done = f"{count:,} of its URLs are queued again" if count else "nothing names the other URLs: they are given up"
        text = f"aragog: the crawl made no progress, its queue had lost jobs; {done}"
        self._console.print(plain(text), soft_wrap=True)


def tell_lost(found: Reconciled) -> None:
    """Report the lost parts of a crawl that continues."""
    if found.follow_ups:
        tell(f"{found.follow_ups:,} pages had lost the jobs for their events or inlinks: they are queued again")
    if not found.lost:
        return
    lost = [f"{found.jobs:,} URLs had lost their jobs"] if found.jobs else []
    lost += [f"{found.pages:,} pages that were done are missing from the store"] if found.pages else []
    rest = found.lost - found.enqueued
    waiting = f"; {rest:,} wait for a page that names them" if rest > 0 else ""
    tell(f"{' and '.join(lost)}: {found.enqueued:,} are queued again{waiting}")


def print_summary(progress: CrawlProgress) -> None:
    """The result of a crawl."""
    status = progress.status
    table = Table(title=f"crawl {status.crawl.id}: {status.state}", title_justify="left", show_edge=False)
    table.add_column("outcome")
    table.add_column("URLs", justify="right")
    for code, count in sorted(status.outcomes.items(), key=lambda one: -one[1]):
        table.add_row(plain(code), f"{count:,}")
    Terminal().print(table)
    failed = status.counters.failed
    hint = f"; {failed:,} failed: aragog crawl show --failed {status.crawl.id}" if failed else ""
    Terminal().print(Text(f"{status.counters.pages:,} pages in {progress.elapsed_s:,.1f} s{hint}"))


def print_faults(progress: CrawlProgress) -> None:
    """On standard error, the faults that were errors of ours, and their remedies."""
    crawl_id, faults = progress.status.crawl.id, progress.faults
    told = []
    if faults:
        first = faults[0]
        told.append(f"{len(faults):,} URLs failed by an error of Aragog's own, or of its configuration")
        told.append(f"the first of them: {first.url[:200]}: {first.message} [{first.code}]")
        told.append(f"after its correction: aragog crawl retry {crawl_id}, then the same command again")
    if progress.lost:
        told.append(f"{progress.lost:,} URLs were lost with their jobs: the same command crawls again")
    if progress.set_aside:
        told.append(f"{progress.set_aside:,} follow-up jobs were set aside: aragog queue show signals, or inlinks")
    for line in told:
        tell(line)


def _when(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if time_ms else ""


def print_crawls(crawls: Sequence[CrawlStatus]) -> None:
    """All crawls, one on each line."""
    table = Table(show_edge=False)
    for heading in ("crawl", "state", "pages", "open", "failed", "started (UTC)", "asked for"):
        table.add_column(heading, overflow="fold")
    for each in crawls:
        counters = each.counters
        numbers = (f"{counters.pages:,}", f"{counters.open:,}", f"{counters.failed:,}")
        table.add_row(each.crawl.id, each.state, *numbers, _when(each.crawl.created_ms), plain(each.crawl.label))
    Terminal().print(table)


def print_crawl(status: CrawlStatus) -> None:
    """One crawl with all its numbers."""
    crawl, counters = status.crawl, status.counters
    table = Table.grid(padding=(0, 2))
    limits = [] if crawl.max_depth is None else [f"depth {crawl.max_depth}"]
    limits += [] if crawl.max_pages is None else [f"{crawl.max_pages:,} pages"]
    rows = {
        "state": str(status.state),
        "asked for": crawl.label,
        "scope": ", ".join([crawl.scope, *limits]),
        "seeds": f"{crawl.seeds:,}",
        "started (UTC)": _when(crawl.created_ms),
        "ended (UTC)": _when(status.ended_ms),
        "pages": f"{counters.pages:,}",
        "open": f"{counters.open:,}",
        "done": f"{counters.done:,}",
        "outcomes": "\n".join(f"{code}: {count:,}" for code, count in sorted(status.outcomes.items())),
    }
    for name, value in rows.items():
        if value:
            table.add_row(Text(name, style="dim"), plain(value))
    Terminal().print(Text(f"crawl {crawl.id}", style="bold"), table)


def print_failures(failures: Sequence[Failure]) -> None:
    """Failed URLs, one on each line."""
    table = Table(show_edge=False)
    for heading in ("URL", "outcome", "tries", "why"):
        table.add_column(heading, overflow="fold")
    for each in failures:
        table.add_row(plain(each.url), plain(each.code), str(each.tries), plain(each.message))
    Terminal().print(table)
