"""`aragog politeness`: the promise to site owners, proved from the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aragog.cli.console import Terminal, plain
from aragog.cli.terminal import say_json
from aragog.politeness import AccessLogs, Proven, draw, moment, prove, sentence, to_json

_UNPROVEN = 3

app = typer.Typer(no_args_is_help=True, help="The promise to site owners: prove it from the ledger.")


@app.callback()
def _group() -> None:
    """Keep `politeness` a group while it has one command."""


@app.command()
def verify(
    ledger: Annotated[
        list[Path] | None,
        typer.Argument(help="Ledger files, or folders of them (of several shards); without, the one of the settings."),
    ] = None,
    access_log: Annotated[
        list[Path] | None,
        typer.Option(help="A site's own log to compare with: nginx or Apache combined, JSON lines; .gz too."),
    ] = None,
    host: Annotated[str, typer.Option(help="The host of an access log whose lines name none.")] = "",
    agent: Annotated[str, typer.Option(help="A part of our user agent; other requests are left out.")] = "Aragog",
    picture: Annotated[Path | None, typer.Option(help="Draw the busiest domains over time: an SVG file.")] = None,
    skew_ms: Annotated[
        float, typer.Option(help="How much the wall clocks of two machines may have differed, in ms.")
    ] = 0.0,
    worst: Annotated[int, typer.Option(min=1, max=1000, help="How many of the fullest seconds to show.")] = 10,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object; its keys: pydoc aragog.politeness.")
    ] = False,
) -> None:
    """Prove that no domain was asked more often than its limit allows, across shards, restarts and resizes.

    No window of one second may hold more than 1.05 x qps + 1 slots, with the limit then in force; no slot may come
    sooner than one interval after another. With --access-log: each request must have had a grant. Exits with 1 if a
    limit was broken, with 3 if none was, but the record may be incomplete.
    """
    ledgers = ledger or [_own_ledger()]
    logs = AccessLogs(access_log, agent, host.lower()) if access_log else None
    with progress() as watched:
        proven = prove(ledgers, logs, skew_ms, worst, watched)
        if picture is not None:
            draw(ledgers, proven.verdict, picture, watched)
    say_json(to_json(proven)) if as_json else _print(proven, worst)
    if not proven.holds:
        raise typer.Exit(1 if proven.violated else _UNPROVEN)


def _own_ledger() -> Path:
    from aragog.assembly.limiting import ledger_folder  # noqa: PLC0415 - a ledger that is named needs no settings
    from aragog.settings import load  # noqa: PLC0415

    return ledger_folder(load())


@contextmanager
def progress() -> Iterator[Callable[[str, int], Callable[[int], None]]]:
    """A bar on standard error if that is a terminal, for each reading of the ledgers."""
    console = Terminal(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def watched(what: str, total: int) -> Callable[[int], None]:
            task = bar.add_task(what, total=total)
            return lambda count: bar.advance(task, count)

        yield watched


def _print(proven: Proven, worst: int) -> None:
    console, verdict, condition = Terminal(), proven.verdict, proven.condition
    style = "bold red" if proven.violated else "bold green" if proven.holds else "bold yellow"
    console.print(plain(sentence(proven)), style=style)
    for doubt in proven.doubts:
        console.print(plain(f"doubt: {doubt}"), style="yellow", soft_wrap=True)
    if not verdict.grants:
        return
    console.print(
        f"from {moment(verdict.first_ms)} to {moment(verdict.last_ms)}; {len(verdict.shards)} shards, "
        f"{len(verdict.boots)} clocks, membership versions {', '.join(map(str, sorted(verdict.versions)))}"
    )
    if len(verdict.boots) > 1:
        console.print("slots of different clocks compare as exactly as the wall clocks agreed: see --skew-ms")
    console.print(_windows(proven))
    for early in verdict.early_examples:
        words = f"{early.gap_ms:.3f} ms after another slot, the interval being {early.interval_ms:g} ms"
        console.print(plain(f"too early: {early.kind} {early.name} at {moment(early.slot_ms)}: {words}"))
    if proven.agreement and proven.reading:
        _print_agreement(console, proven)
    for name in condition.torn:
        console.print(plain(f"{name}: its last line was cut off by a kill; read up to there"))


def _windows(proven: Proven) -> Table:
    table = Table(title="The fullest seconds", title_justify="left")
    for name, justify in (("name", "left"), ("slots", "right"), ("allowed", "right"), ("full", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # a str is no Literal
    for name in ("last slot", "limit", "shards"):
        table.add_column(name)
    for window in proven.verdict.worst:
        table.add_row(
            plain(window.name if window.kind == "domain" else f"{window.name} (host)"),
            str(window.slots),
            f"{window.allowed:.3g}",
            f"{100 * window.fullness:.0f} %",
            moment(window.until_ms),
            plain(window.limit),
            plain(", ".join(window.shards)),
            style="red" if window.broken else "",
        )
    return table


def _print_agreement(console: Terminal, proven: Proven) -> None:
    agreement, reading = proven.agreement, proven.reading
    assert agreement and reading
    console.print(
        f"access log: {reading.requests:,} requests of ours in {reading.lines:,} lines; {agreement.paired:,} with "
        f"their grant, {agreement.ungranted:,} without; {agreement.unused:,} grants without a request"
    )
    notes = (
        (agreement.in_tail, "of them just after a ledger that wasn't closed: was there a power cut?"),
        (agreement.outside, "requests before or long after the record: they can't be judged"),
        (reading.unreadable, "lines of no known format"),
        (reading.to_the_second, "requests with whole seconds only: windows aren't judged by them (log $msec)"),
    )
    for count, what in notes:
        if count:
            console.print(f"{count:,} {what}", style="yellow")
    fullness, domain, t_ms, requests, most = agreement.worst
    if fullness:
        words = f"{requests} requests of {most:.3g} allowed, {domain}, the last at {moment(t_ms)}"
        console.print(plain(f"the fullest second as it arrived: {words}"), style="red" if fullness > 1 else "")
    for host, t_ms in agreement.ungranted_examples:
        console.print(plain(f"no grant: {host or '(no host in the log: see --host)'} at {moment(t_ms)}"), style="red")
