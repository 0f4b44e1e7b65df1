"""`aragog testweb`: serve the sample web, or faults, on loopback."""

from __future__ import annotations

from typing import Annotated

import typer

_FAULTS = """Serve faults instead, each at a URL of its own, and list them: slow and stalled servers, resets, wrong
lengths, bad chunks, floods of headers, redirect mazes, endless bodies, decompression bombs, every form of Retry-After,
bad TLS. HTTP faults answer to any host name."""


def testweb(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 = any free one.")] = 0,
    log: Annotated[str, typer.Option(help="Write an access log (JSON lines) to this file; not of faults.")] = "",
    faults: Annotated[bool, typer.Option("--faults", help=_FAULTS)] = False,
) -> None:
    """Serve the sample web on loopback until stopped; prints the settings that reach it."""
    from testweb.__main__ import main as serve_testweb  # noqa: PLC0415 - the other commands start without it

    arguments = ["--port", str(port)] + (["--log", log] if log else []) + (["--faults"] if faults else [])
    raise typer.Exit(serve_testweb(arguments) or 0)
