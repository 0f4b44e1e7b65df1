"""The command line. One module for each group of commands (`commands` names them); this one gives exit codes."""

from __future__ import annotations

import os
import sys

import typer

from aragog.cli.commands import Commands
from aragog.cli.terminal import tell, tell_crashes
from thrift_idl.errors import AragogError, InvalidRequest, InvalidUrl

app = typer.Typer(
    name="aragog",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""A polite web fetching and URL-metadata service.

Everything works in one process with only a data directory (SQLite, files); the same commands work against
Thrift services over Redis, Cassandra and S3 when the configuration names them (`aragog config show`).

Try: `aragog explain URL`, `aragog fetch URL`, then `aragog lookup URL` and `aragog links URL`; or `aragog crawl URL`.

Filters for pipes, without configuration or data directory: `aragog url`, `robots`, `extract`, `address`.

Exit codes: 0 done, 1 something failed, 2 the command or the configuration is wrong.""",
)


@app.callback()
def _aragog() -> None:
    """Its help is the application's; `aragog.cli.commands` has its commands."""


def exit_code(error: AragogError) -> int:
    """2 if the command or configuration is wrong, 1 if an operation failed."""
    return 2 if isinstance(error, (InvalidRequest, InvalidUrl)) else 1


def main() -> None:
    """Entry point of `aragog`."""
    tell_crashes()
    try:
        app()
    except AragogError as error:
        tell(f"{error} [{error.code}]")
        sys.exit(exit_code(error))
    except BrokenPipeError:  # a reader such as head has ended: no error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
