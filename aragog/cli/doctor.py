"""`aragog doctor`: the faults of an installation, each with its remedy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from aragog.cli.command_context import run
from aragog.cli.console import Terminal, plain
from aragog.cli.terminal import say_json
from aragog.settings import config_file, load
from thrift_idl.errors import BadConfiguration

_STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object: `healthy`, `findings`.")] = False,
) -> None:
    """Examine this configuration: its files, limits, data directory and lock, services and engines.

    Changes nothing. Exits with 0 if nothing failed (there may be warnings), else with 1.
    """
    from aragog.doctor import Finding, examine  # noqa: PLC0415 - what it examines is needed by nothing else

    try:
        path = config_file(os.environ)
        said = f"{path} ({'read' if path.exists() else 'absent'}): every key is known and good"
        found = [Finding("configuration", "ok", said, path=str(path)), *run(examine(load()))]
    except BadConfiguration as error:
        found = [Finding("configuration", "failed", error.message, "`aragog config show` lists every setting")]
    healthy = all(finding.state != "failed" for finding in found)
    if as_json:
        say_json({"healthy": healthy, "findings": [asdict(finding) for finding in found]})
    else:
        _print([(each.check, each.state, each.said, each.remedy) for each in found])
    if not healthy:
        raise typer.Exit(1)


def _print(found: Sequence[tuple[str, str, str, str]]) -> None:
    console = Terminal()
    for check, state, said, remedy in found:
        word = "OK" if state == "ok" else state.upper()
        console.print(plain(f"{word:<8} {check}: {said}"), style=_STYLES[state], soft_wrap=True)
        if remedy:
            console.print(plain(f"{'':<8} do: {remedy}"), soft_wrap=True)
