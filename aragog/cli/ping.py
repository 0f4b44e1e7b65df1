"""`aragog ping`: asks a service of ours for an answer. For health checks."""

from __future__ import annotations

from typing import Annotated

import typer

from aragog.cli.command_context import run
from aragog.cli.terminal import say
from thrift_idl.rpc.ping import answer_ms


def ping(
    address: Annotated[str, typer.Argument(help="host:port of a service.")],
    timeout_ms: Annotated[int, typer.Option(help="How long it may take to answer, in ms.")] = 3_000,
) -> None:
    """Ask whether a service answers: exit code 0 if it does. The engines behind it aren't asked."""
    took_ms = run(answer_ms(address, timeout_ms))
    say(f"{address} answers, in {took_ms:.1f} ms")
