"""`aragog testweb`: serve the sample web on loopback."""

from __future__ import annotations

from typing import Annotated

import typer


def testweb(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 = any free one.")] = 0,
    log: Annotated[str, typer.Option(help="Write an access log (JSON lines) to this file.")] = "",
) -> None:
    """Serve the sample web on loopback until stopped; prints the settings that reach it."""
    from testweb.__main__ import main as serve_testweb  # noqa: PLC0415 - the other commands start without it

    arguments = ["--port", str(port)] + (["--log", log] if log else [])
    raise typer.Exit(serve_testweb(arguments) or 0)
