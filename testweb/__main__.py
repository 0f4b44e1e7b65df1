"""`python -m testweb`: the sample web, or with --faults servers that misbehave, until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testweb.faults import FaultWeb
from testweb.server import ADDRESS, SampleWeb

_FAULTS = """serve faults instead, each at a URL of its own: slow and stalled servers, resets, wrong lengths, bad
    chunks, floods of headers, redirect mazes, endless bodies, decompression bombs, every form of Retry-After,
    bad TLS (certificates are made by the openssl command). Prints each URL and what its server does; HTTP faults answer
    to any host name, and those of TLS to any host below theirs"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop. Returns the exit code: 0, or 1 when it cannot listen or write its files."""
    options = _parser().parse_args(arguments)
    serving = serve_faults(options.port, options.ready_file) if options.faults else None
    try:
        asyncio.run(serving or serve(options.port, options.log, options.ready_file))
    except OSError as error:
        print(f"testweb: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testweb", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; a free one by default")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append the access log as JSON lines")
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="write address, mapping and seeds (JSON) once it listens"
    )
    parser.add_argument("--faults", action="store_true", help=_FAULTS)
    return parser


async def serve(port: int, log: Path | None, ready_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM; print the address and the mapping. Raises OSError as SampleWeb.start does."""
    async with SampleWeb(port, log) as web:
        print(f"testweb: http://{ADDRESS}:{web.port}")
        print(f"connect_to = {json.dumps(web.connect_to)}", flush=True)
        if ready_file is not None:
            write_ready(ready_file, facts(web))
        await _told_to_stop()


async def serve_faults(port: int, ready_file: Path | None) -> None:
    """Serve faults until SIGINT or SIGTERM; print address, mapping, authority, URLs. Raises OSError: FaultWeb.start."""
    async with FaultWeb(port) as web:
        print(f"testweb: http://{ADDRESS}:{web.port}")
        print(f"connect_to = {json.dumps(web.connect_to)}")
        print(f"authority = {json.dumps(str(web.authority))}")
        print("\n".join(f"{url}  {tells}" for url, tells in web.urls().items()), flush=True)
        if ready_file is not None:
            mapping = {"connect_to": web.connect_to, "authority": str(web.authority), "urls": web.urls()}
            write_ready(ready_file, {"port": web.port} | mapping)
        await _told_to_stop()


async def _told_to_stop() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def facts(web: SampleWeb) -> Mapping[str, Any]:
    """The sample web's facts for the ready file."""
    return {"port": web.port, "connect_to": web.connect_to, "seeds": web.seeds(), "urls": web.urls()}


def write_ready(path: Path, ready: Mapping[str, Any]) -> None:
    """Write the file in one step, so that a reader sees it whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(ready, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)


if __name__ == "__main__":
    sys.exit(main())
