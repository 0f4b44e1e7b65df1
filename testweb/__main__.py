"""`python -m testweb`: the sample web in a process of its own, until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from testweb.server import ADDRESS, SampleWeb


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop. Returns the exit code: 0, or 1 when it cannot listen or write its files."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(serve(options.port, options.log, options.ready_file))
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
    return parser


async def serve(port: int, log: Path | None, ready_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM; print the address and the mapping. Raises OSError as SampleWeb.start does."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with SampleWeb(port, log) as web:
        print(f"testweb: http://{ADDRESS}:{web.port}")
        print(f"connect_to = {json.dumps(web.connect_to)}", flush=True)
        if ready_file is not None:
            write_ready(ready_file, web)
        await stopped.wait()


def write_ready(path: Path, web: SampleWeb) -> None:
    """Write the file in one step, so that a reader sees it whole or not at all."""
    facts = {"port": web.port, "connect_to": web.connect_to, "seeds": web.seeds(), "urls": web.urls()}
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)


if __name__ == "__main__":
    sys.exit(main())
