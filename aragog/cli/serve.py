"""`aragog serve`: our services as Thrift servers."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Annotated

import typer
from msgspec import structs

from aragog.cli.command_context import run
from aragog.cli.terminal import say
from aragog.metrics_server import metrics_served
from aragog.settings import Settings, load
from aragog.telemetry_log import log_to_stderr
from runtime.host_port import host_and_port, join
from runtime.memory import collected_seldom, give_back_large_blocks
from thrift_idl.errors import BadConfiguration
from thrift_idl.rpc import RpcServer


class ServedService(StrEnum):
    """The services that can be served."""

    FETCHER = "fetcher"
    RATELIMITER = "ratelimiter"
    URLSTORE = "urlstore"
    PINLATER = "pinlater"
    ALL = "all"


def serve(
    which: Annotated[
        ServedService, typer.Argument(help="A service, or all of them in one process.")
    ] = ServedService.ALL,
    drain_ms: Annotated[
        int, typer.Option(help="How long calls in flight may take to end after SIGTERM, in ms.")
    ] = 5_000,
    shard: Annotated[
        str, typer.Option(help="Serve the rate limiter as this shard of a pool (setting ratelimiter.shard).")
    ] = "",
    membership: Annotated[
        str, typer.Option(help="The file that names the shards of the pool (setting ratelimiter.membership).")
    ] = "",
) -> None:
    """Serve over framed Thrift until SIGTERM or Ctrl-C; says `NAME ready on HOST:PORT` once it accepts calls.

    Addresses are the settings `fetcher.listen`, `ratelimiter.listen`, `urlstore.listen`, `pinlater.listen`; port 0 is
    a free one.
    """
    log_to_stderr()
    give_back_large_blocks()
    run(_serve(_as_shard(load(), shard, membership), which, drain_ms))


def _as_shard(settings: Settings, shard: str, membership: str) -> Settings:
    given = settings.ratelimiter
    named = structs.replace(given, shard=shard or given.shard, membership=membership or given.membership)
    return structs.replace(settings, ratelimiter=named)


async def _serve(settings: Settings, which: ServedService, drain_ms: int) -> None:
    from aragog.assembly.services import serving  # noqa: PLC0415 - all services: the other commands start without them

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    names = (
        [w.value for w in ServedService if w is not ServedService.ALL] if which is ServedService.ALL else [which.value]
    )
    async with AsyncExitStack() as stack:
        servers = []
        async for name, listen, server in serving(settings, names, stack):
            servers.append(server)
            address = await _listen(server, f"{name}.listen", listen)
            say(f"{name} ready on {address}")
        metrics = await stack.enter_async_context(metrics_served(settings))
        if metrics:
            say(f"metrics ready on {metrics}")
        stack.enter_context(collected_seldom())
        await stopped.wait()
        await asyncio.gather(*(server.close(drain_ms) for server in servers))


async def _listen(server: RpcServer, setting: str, listen: str) -> str:
    try:
        host, port = host_and_port(listen, least_port=0)
    except BadConfiguration as error:
        raise BadConfiguration(f"{setting}: {error}") from None
    return join(host, await server.start(host, port))
