"""The commands by name, each imported when it is needed: a filter in a pipe starts without the crawler.

`aragog --help` needs all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

#: Name -> the place of its function, or of the Typer application of its group.
COMMANDS = {
    "fetch": "aragog.cli.pages:fetch",
    "lookup": "aragog.cli.pages:lookup",
    "links": "aragog.cli.pages:links",
    "explain": "aragog.cli.explain:explain",
    "crawl": "aragog.cli.crawl:app",
    "store": "aragog.cli.store:app",
    "reextract": "aragog.cli.reextract:reextract",
    "queue": "aragog.cli.queue:app",
    "url": "aragog.cli.url:app",
    "robots": "aragog.cli.robots:app",
    "extract": "aragog.cli.extract:extract",
    "address": "aragog.cli.address:app",
    "limits": "aragog.cli.limits:app",
    "politeness": "aragog.cli.politeness:app",
    "worker": "aragog.cli.worker:worker",
    "serve": "aragog.cli.serve:serve",
    "ping": "aragog.cli.ping:ping",
    "doctor": "aragog.cli.doctor:doctor",
    "config": "aragog.cli.config:app",
    "testweb": "aragog.cli.testweb:testweb",
}


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"commands": _Imported()})

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of the table."""
        return list(COMMANDS)


class _Imported(Mapping[str, Any]):
    """Name -> command, made from the definitions in its module."""

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        around = typer.Typer(rich_markup_mode="markdown")
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=name)
        else:
            around.command(name)(found)
        return typer.main.get_group(around).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)
