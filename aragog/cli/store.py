"""`aragog store`: the store as a whole."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from aragog.assembly.storing import store_of
from aragog.cli.command_context import context, run
from aragog.cli.rekeying import rekey
from aragog.export import lines, sorted_lines
from aragog.settings import Settings, load

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
