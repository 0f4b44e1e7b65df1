"""`aragog store`: the store as a whole."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from aragog.assembly.rekeying import rekey_of
from aragog.assembly.storing import store_of
from aragog.cli.command_context import context, run
from aragog.cli.console import Terminal
from aragog.cli.store_bar import StoreBar
from aragog.cli.terminal import say_json
from aragog.export import lines, sorted_lines
from aragog.rekey import RekeyProgress, RekeyReport
from aragog.settings import Settings, load


def rekey(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be moved, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
) -> None:
    """Convert a store, and its crawls, whose URL keys an earlier Aragog made. Nothing is fetched or published again.

    A run that was ended continues where it stopped when it is started again. Every other process that uses the store
    must be stopped, except PinLater.
    """
    report = run(_rekey(load(), dry_run, StoreBar()))
    if as_json:
        say_json(asdict(report))
    else:
        show(report, Terminal(), dry_run=dry_run)


async def _rekey(settings: Settings, dry_run: bool, bar: StoreBar) -> RekeyReport:
    def tell(place: RekeyProgress) -> None:
        bar.tell(place.after, place.report.rows, f"{place.report.moved:,} moved, {place.report.relinked:,} relinked")

    async with rekey_of(settings, tell) as conversion:
        with bar:
            return await (conversion.look() if dry_run else conversion.run())


def show(report: RekeyReport, console: Terminal, *, dry_run: bool) -> None:
    """The report as people read it."""
    if report.from_version == report.to_version:
        console.print(f"The URL keys are of version {report.to_version} already: there is nothing to do")
        return
    would = "would be " if dry_run else ""
    console.print(
        f"URL keys of version {report.from_version} to {report.to_version}: {report.rows:,} rows read,"
        f" {report.moved:,} {would}moved, the links of {report.relinked:,} other pages {would}brought to new keys"
    )
    if not dry_run:
        console.print(
            f"{report.attributes:,} attributes and {report.frontier_entries:,} entries of crawls moved with them;"
            " nothing was fetched or published"
        )


app = typer.Typer(no_args_is_help=True, help="The store as a whole: export it, convert its keys.")
app.command()(rekey)


@app.command()
def export(
    in_order: Annotated[bool, typer.Option("--sorted", help="In the order of the URLs (held in memory).")] = False,
    timing: Annotated[
        bool, typer.Option(help="Without: leave out when and how fast, so that two stores can be compared.")
    ] = True,
) -> None:
    """Write every row of the store to standard output, one JSON object a line."""
    run(_export(load(), in_order, timing))


async def _export(settings: Settings, in_order: bool, timing: bool) -> None:
    out = sys.stdout.buffer
    async with store_of(settings) as store:
        if in_order:
            out.writelines(text + b"\n" for text in await sorted_lines(store, context(), timing))
        else:
            async for _, text in lines(store, context(), timing):
                out.write(text + b"\n")
    out.flush()
