"""`aragog worker`: work on all crawls, image signals and inlinks until told to stop."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from aragog.cli.command_context import run
from aragog.cli.pages import tell_waiting
from aragog.cli.stop_signals import Stopping
from aragog.cli.terminal import say
from aragog.metrics_server import metrics_served
from aragog.settings import Settings, load
from aragog.telemetry_log import log_to_stderr
from runtime.memory import give_back_large_blocks


def worker(
    lock_wait_ms: Annotated[int, typer.Option(help="How long to wait for the data directory's owner, in ms.")] = 0,
) -> None:
    """Work on every running crawl, on image signals and on inlinks until SIGTERM or Ctrl-C, which drain.

    Start as many as you like over distributed services; the embedded assembly has one.
    """
    log_to_stderr()
    give_back_large_blocks()
    run(_work(load(), lock_wait_ms))


async def _work(settings: Settings, lock_wait_ms: int) -> None:
    from aragog.assembly.working import working  # noqa: PLC0415 - all services: the other commands start without them

    stopping = Stopping()
    try:
        async with (
            working(settings, lock_wait_ms=lock_wait_ms, waiting=tell_waiting) as worker,
            metrics_served(settings),
        ):
            say("worker ready")
            stopping.started()
            await worker.run(stopping.stop)
    except asyncio.CancelledError:
        if not stopping.broken_off:
            raise
