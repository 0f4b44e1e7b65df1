"""`aragog config`: the settings in force, each with its source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import orjson
import typer

from aragog.cli.terminal import say, say_json
from aragog.harmless_text import json_text
from aragog.settings import config_file, hidden, load

app = typer.Typer(no_args_is_help=True, help="The configuration: show what is in force.")


@app.callback()
def _group() -> None:
    """Keep `config` a group while it has one command."""


def _toml(value: Any) -> str:
    """A setting's value as TOML; tables inline. JSON's strings, numbers and lists are TOML's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    return json_text(value)


def _lines(values: dict[str, Any], section: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and not section:
            yield f"\n[{key}]"
            yield from _lines(value, key)
        else:
            variable = "_".join(part for part in ("ARAGOG", section, key) if part).upper()
            yield f"{key} = {_toml(value)}".ljust(56) + f"  # {variable}"


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Show every setting in force as TOML, secrets hidden, each with the environment variable that overrides it."""
    values = hidden(msgspec.to_builtins(load()))
    if as_json:
        say_json(values, option=orjson.OPT_INDENT_2)
        return
    path = config_file(os.environ)
    say(f"# {path} ({'read' if path.exists() else 'absent: these are the defaults'})")
    say("\n".join(_lines(values)))
