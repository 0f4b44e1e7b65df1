"""`aragog config`: what is in force, and where it came from."""

from __future__ import annotations

import os
import re
from typing import Annotated

import msgspec
import orjson
import typer
from rich.console import Console
from rich.table import Table

from aragog.settings import config_file, load

app = typer.Typer(no_args_is_help=True, help="The configuration: show what is in force.")
_SECRET = re.compile(r"(//[^/:@]*:)[^@/]+@")


@app.callback()
def _group() -> None:
    """Keep `config` a group while it has one command."""


def _flat(values: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, dict) and not prefix:
            pairs += _flat(value, f"{key}.")
        else:
            pairs.append((prefix + key, _SECRET.sub(r"\1***@", value if isinstance(value, str) else str(value))))
    return pairs


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Show every setting in force, passwords hidden, with the environment variable that overrides it."""
    pairs = _flat(msgspec.to_builtins(load()))
    if as_json:
        print(orjson.dumps(dict(pairs), option=orjson.OPT_INDENT_2).decode())
        return
    path = config_file(os.environ)
    table = Table(title=f"{path} ({'read' if path.exists() else 'absent: defaults'})", title_justify="left")
    for heading in ("setting", "value", "environment variable"):
        table.add_column(heading, overflow="fold")
    for key, value in pairs:
        table.add_row(key, value, "ARAGOG_" + key.replace(".", "_").upper())
    Console().print(table)
